package publish

import (
	"context"
	"sync"

	"sundog/internal/stac"
)

const rootKey = "catalog.json"

// maxRemembered bounds the collections that are known to be linked from the root.
const maxRemembered = 4096

func collectionKey(id string) string { return id + "/collection.json" }

// catalog keeps the documents around the Items: root, collections, and the pages below them.
type catalog struct {
	documents *documents
	root      Root
	baseURL   string

	mu     sync.Mutex
	linked map[string]bool // collections that the root is known to link
}

func newCatalog(b Bucket, root Root, baseURL string) *catalog {
	return &catalog{documents: newDocuments(b), root: root, baseURL: baseURL, linked: map[string]bool{}}
}

// add brings Items that are stored into their collection, and the collection into the root.
func (c *catalog) add(ctx context.Context, collection string, items []placed) error {
	key := collectionKey(collection)
	entries := make([]entry, len(items))
	for i, it := range items {
		entries[i] = entry{id: it.item.ID(), key: it.key, mediaType: stac.GeoJSON}
	}
	members := &tree{
		documents: c.documents, top: key, pages: collection + "/items",
		rel: "item", id: collection, title: "Items of " + collection,
		create: func() *stac.Catalog { return newCollection(collection, items) },
		describe: func(doc *stac.Catalog) (changed bool) {
			for _, it := range items {
				changed = doc.Include(it.item) || changed
			}
			return c.navigate(doc, key, rootKey) || changed
		},
	}
	if err := members.insert(ctx, "", entries); err != nil {
		return err
	}
	if c.isLinked(collection) {
		return nil
	}
	collections := &tree{
		documents: c.documents, top: rootKey, pages: "collections",
		rel: "child", id: c.root.ID, title: "Collections",
		create:   func() *stac.Catalog { return stac.NewCatalog(c.root.ID, c.root.Title, c.root.Description) },
		describe: func(doc *stac.Catalog) bool { return c.navigate(doc, rootKey, "") },
	}
	if err := collections.insert(ctx, "", []entry{{id: collection, key: key, mediaType: stac.MediaType}}); err != nil {
		return err
	}
	c.remember(collection)
	return nil
}

// newCollection begins a collection with the extent of its first Items.
func newCollection(id string, items []placed) *stac.Catalog {
	box, ok, _ := items[0].item.BBox() // checked when the Item was read,
	start, end, _ := items[0].item.Interval()
	return stac.NewCollection(id, "", "Items of "+id+".", stac.NewExtent(box, ok, start, end))
}

// navigate sets a document's own address and its links upwards. Those are relative, so that the catalog can be copied elsewhere.
func (c *catalog) navigate(doc *stac.Catalog, key, parent string) (changed bool) {
	up := []stac.Link{
		{Rel: "self", Href: c.baseURL + "/" + escapePath(key), Type: stac.MediaType},
		{Rel: "root", Href: relative(key, rootKey), Type: stac.MediaType},
	}
	if parent != "" {
		up = append(up, stac.Link{Rel: "parent", Href: relative(key, parent), Type: stac.MediaType})
	}
	links, changed := doc.Links().Replace([]string{"self", "root", "parent"}, up...)
	doc.SetLinks(links)
	return changed
}

func (c *catalog) isLinked(collection string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.linked[collection]
}

func (c *catalog) remember(collection string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.linked) >= maxRemembered {
		clear(c.linked) // they are looked up once more
	}
	c.linked[collection] = true
}
