package publish

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"iter"
	"maps"
	"strings"

	"sundog/internal/stac"
)

const (
	// PageLinks is the number of Items or collections that one document links before its links move to pages.
	PageLinks = 256
	// maxPageBytes makes a page move its links earlier when they are long.
	maxPageBytes = MaxDocumentBytes / 4
	// digits are what pages are divided by, one per level.
	digits = "0123456789abcdef"
	// maxDepth is never reached by ids that are not made for it; a page this deep takes what comes.
	maxDepth = 16
)

// entry is something that a tree links.
type entry struct {
	id        string
	key       string
	mediaType string
}

func (e entry) digit(depth int) byte { return digitOf(e.id, depth) }

func digitOf(id string, depth int) byte {
	sum := sha256.Sum256([]byte(id))
	return hex.EncodeToString(sum[:])[depth]
}

// tree is a document with links to any number of entries, and the pages that the links move to. A page is a leaf, which links
// entries, or is divided, and links 16 pages. Entries are never taken out, only moved down, and pages are written before the
// document that leads to them: so pages that were written for a division which then lost against another writer hold
// nothing wrong, and are joined with what is added later.
//
// One thing can go back: when a process is held up while it divides a page, and meanwhile another one divides it and moves an
// Item, the link may lead to the Item's earlier place until it is published again.
type tree struct {
	documents *documents
	top       string // the key of the document
	pages     string // the folder of the pages
	rel       string // the relation of the links: "item" or "child"
	id        string // of the document; ids of pages begin with it
	title     string // what the pages hold
	create    func() *stac.Catalog
	describe  func(doc *stac.Catalog) (changed bool) // keeps what the top says about itself
}

// key of the page whose entries' hashes begin with prefix.
func (t *tree) key(prefix string) string {
	if prefix == "" {
		return t.top
	}
	return t.pages + "/" + strings.Join(strings.Split(prefix, ""), "/") + "/catalog.json"
}

// insert links entries whose hashes begin with prefix.
func (t *tree) insert(ctx context.Context, prefix string, entries []entry) error {
	var divided bool
	err := t.documents.update(ctx, t.key(prefix), change{
		create: func() *stac.Catalog { return t.newPage(prefix) },
		apply: func(doc *stac.Catalog) (changed bool) {
			if prefix == "" {
				changed = t.describe(doc)
			}
			if divided = t.isDivided(doc, prefix); divided {
				return changed
			}
			return t.link(doc, prefix, entries) || changed
		},
		settle: func(ctx context.Context, doc *stac.Catalog) error { return t.divide(ctx, prefix, doc) },
	})
	if err != nil || !divided {
		return err
	}
	for digit, group := range byDigit(entries, len(prefix)) {
		if err := t.insert(ctx, prefix+digit, group); err != nil {
			return err
		}
	}
	return nil
}

// newPage makes the document of a prefix.
func (t *tree) newPage(prefix string) *stac.Catalog {
	if prefix == "" {
		return t.create()
	}
	key := t.key(prefix)
	title := t.title + " " + prefix
	page := stac.NewCatalog(t.id+"-"+prefix, title, title+": those whose id's SHA-256 begins with these digits.")
	page.SetLinks(stac.Links{
		{Rel: "root", Href: relative(key, rootKey), Type: stac.MediaType},
		{Rel: "parent", Href: relative(key, t.key(prefix[:len(prefix)-1])), Type: stac.MediaType},
	})
	return page
}

// isDivided tells whether the document leads to pages.
func (t *tree) isDivided(doc *stac.Catalog, prefix string) bool {
	first := t.pageLink(prefix, digits[:1])
	for _, link := range doc.Links() {
		if link.Rel == first.Rel && link.Href == first.Href {
			return true
		}
	}
	return false
}

func (t *tree) pageLink(prefix, digit string) stac.Link {
	return stac.Link{
		Rel: "child", Href: relative(t.key(prefix), t.key(prefix+digit)), Type: stac.MediaType, Title: t.title + " " + prefix + digit,
	}
}

// link puts entries into a leaf. The title of a link is the id of what it links, by which it is found again.
func (t *tree) link(doc *stac.Catalog, prefix string, entries []entry) (changed bool) {
	links := doc.Links()
	at := make(map[string]int, len(links))
	for i, link := range links {
		if link.Rel == t.rel {
			at[link.Title] = i
		}
	}
	for _, e := range entries {
		link := stac.Link{Rel: t.rel, Href: relative(t.key(prefix), e.key), Type: e.mediaType, Title: e.id}
		i, known := at[e.id]
		switch {
		case !known:
			at[e.id] = len(links)
			links = append(links, link)
		case links[i].Href == link.Href:
			continue
		default:
			links[i] = link
		}
		changed = true
	}
	doc.SetLinks(links)
	return changed
}

// divide moves the links of a leaf that has too many to pages.
func (t *tree) divide(ctx context.Context, prefix string, doc *stac.Catalog) error {
	if t.fits(doc) || t.isDivided(doc, prefix) || len(prefix) >= maxDepth {
		return nil
	}
	var entries []entry
	var kept stac.Links
	for _, link := range doc.Links() {
		key, ok := resolve(t.key(prefix), link.Href)
		if link.Rel != t.rel || link.Title == "" || !ok {
			kept = append(kept, link) // not one of ours
			continue
		}
		entries = append(entries, entry{id: link.Title, key: key, mediaType: link.Type})
	}
	groups := maps.Collect(byDigit(entries, len(prefix)))
	for _, digit := range strings.Split(digits, "") {
		if err := t.insert(ctx, prefix+digit, groups[digit]); err != nil {
			return err
		}
		kept = append(kept, t.pageLink(prefix, digit))
	}
	doc.SetLinks(kept)
	return nil
}

// fits tells whether the links of a document may stay in it.
func (t *tree) fits(doc *stac.Catalog) bool {
	count, bytes := 0, 0
	for _, link := range doc.Links() {
		if link.Rel == t.rel {
			count++
			bytes += len(link.Href) + len(link.Title) + len(`{"rel":"child","href":"","type":"application/geo+json","title":""},`)
		}
	}
	return count <= PageLinks && bytes <= maxPageBytes
}

// byDigit yields entries in groups by the digit of their hashes at a depth.
func byDigit(entries []entry, depth int) iter.Seq2[string, []entry] {
	groups := map[byte][]entry{}
	for _, e := range entries {
		groups[e.digit(depth)] = append(groups[e.digit(depth)], e)
	}
	return func(yield func(string, []entry) bool) {
		for i := range len(digits) {
			if group := groups[digits[i]]; len(group) > 0 && !yield(digits[i:i+1], group) {
				return
			}
		}
	}
}
