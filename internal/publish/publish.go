// Package publish is the built-in function "publish": it gives the Items of a payload their collections, stores them in the data
// bucket as a static STAC catalog, links them, and returns the payload with the Items as they were stored.
//
// # The catalog
//
//	catalog.json                            the root, with a child link to each collection
//	<collection>/collection.json            extent and summaries cover every published Item
//	<path>/<id>.json                        an Item; path comes from upload_options.path_template
//	<collection>/items/3/a/catalog.json     pages, once a collection has too many Items for one document
//	collections/3/a/catalog.json            the same, once there are too many collections
//
// A document links at most PageLinks others. When it is full, its links move to 16 pages by the next hexadecimal digit of the
// SHA-256 of their ids, and so on down. So no file is large, publishing rewrites one page and reads the few above it however
// many Items there are, writers seldom meet in one page, and an id is linked once even when its Item moves. Pages by date would
// be nicer to browse, but a day can have more Items than fit, and an Item whose date is corrected would be linked twice.
//
// # Promises
//
//   - Any number of calls, in any number of processes, may publish at the same time: every change of a shared document is a
//     compare-and-swap that is repeated when it loses. Within a process, changes of one document that wait join in one write.
//   - A link never points to something that is not there: Items are written before pages, pages before what leads to them.
//   - Publishing again gives the same catalog, except for the Item's "updated".
//   - A call that fails half-way leaves what it has stored; the next try completes it. What is wrong with the input is found
//     before anything is stored.
package publish

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"sundog/internal/bucket"
	"sundog/internal/stac"
)

// Bucket is what publishing needs of the data bucket. Package bucket says what it promises.
type Bucket interface {
	// Get returns the body and its ETag; bucket.ErrNotFound when there is none.
	Get(ctx context.Context, key string) (body []byte, etag string, err error)
	// Put stores the body; bucket.ErrPreconditionFailed or bucket.ErrNotFound when a condition does not hold.
	Put(ctx context.Context, key string, body []byte, opts bucket.PutOptions) (etag string, err error)
}

// Config is what a Publisher is made of.
type Config struct {
	// Bucket is the data bucket.
	Bucket Bucket
	// BucketName is the bucket's name in "s3://" URLs: of path templates, and of links where upload_options.s3_urls is set.
	BucketName string
	// BaseURL is where readers find the bucket, without a slash at its end: "https://data.example.com", "file:///srv/catalog".
	BaseURL string
	// Root describes the catalog as a whole.
	Root Root
	// Now is the clock; time.Now when nil.
	Now func() time.Time
}

// Root describes the root catalog. It is written when the catalog is begun; afterwards the document is its own truth.
type Root struct {
	ID          string // "catalog" when empty
	Title       string
	Description string // made from the title or id when empty
}

// InvalidInput is the error of a payload that cannot be published, now or later: a workflow that ends with it leaves the payload
// INVALID.
type InvalidInput struct {
	Reason error
}

func (e *InvalidInput) Error() string { return e.Reason.Error() }

// Unwrap returns the reason.
func (e *InvalidInput) Unwrap() error { return e.Reason }

// ErrorType is the name under which Cirrus knows the error.
func (*InvalidInput) ErrorType() string { return "stactask.exceptions.InvalidInput" }

// maxParallelItems bounds the Items of one payload that are stored at a time.
const maxParallelItems = 8

// Publisher publishes into one catalog. It is safe for concurrent use.
type Publisher struct {
	bucket  Bucket
	name    string
	baseURL string
	now     func() time.Time
	catalog *catalog
}

// New returns a publisher.
func New(c Config) *Publisher {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Root.ID == "" {
		c.Root.ID = "catalog"
	}
	if c.Root.Description == "" {
		c.Root.Description = "Items published to " + c.Root.ID + "."
	}
	baseURL := strings.TrimRight(c.BaseURL, "/")
	return &Publisher{
		bucket: c.Bucket, name: c.BucketName, baseURL: baseURL, now: c.Now,
		catalog: newCatalog(c.Bucket, c.Root, baseURL),
	}
}

// placed is an Item with the place where it goes.
type placed struct {
	item        *stac.Item
	key         string
	contentType string
	s3URLs      bool
	body        []byte // as it was stored
}

// Publish is the built-in function: payload in, payload with the published Items out. The error is an *InvalidInput when the
// payload is at fault.
func (p *Publisher) Publish(ctx context.Context, payload []byte) ([]byte, error) {
	req, err := parseRequest(payload)
	if err != nil {
		return nil, &InvalidInput{Reason: err}
	}
	items, err := p.place(req)
	if err != nil {
		return nil, &InvalidInput{Reason: err}
	}
	now := p.now()
	store, storeCtx := errgroup.WithContext(ctx)
	store.SetLimit(maxParallelItems)
	for i := range items {
		store.Go(func() error { return p.store(storeCtx, &items[i], now) })
	}
	if err := store.Wait(); err != nil {
		return nil, err
	}
	for collection, members := range byCollection(items) {
		if err := p.catalog.add(ctx, collection, members); err != nil {
			return nil, fmt.Errorf("publish collection %q: %w", collection, err)
		}
	}
	return req.render(items)
}

// place decides where each Item goes, and finds everything that is wrong with the input.
func (p *Publisher) place(req *request) ([]placed, error) {
	items := make([]placed, 0, len(req.items))
	taken := map[string]string{}
	for i, item := range req.items {
		if err := req.assign(item, req.payload.Items()[i]); err != nil {
			return nil, err
		}
		opts, err := req.uploadOptions(item.Collection())
		if err != nil {
			return nil, err
		}
		key, err := p.itemKey(item, opts.PathTemplate)
		if err != nil {
			return nil, err
		}
		if other, ok := taken[key]; ok {
			return nil, fmt.Errorf("items %q and %q both go to %q; publish them one after the other, or set upload_options.path_template", other, item.ID(), key)
		}
		taken[key] = item.ID()
		items = append(items, placed{item: item, key: key, contentType: opts.contentType(), s3URLs: opts.S3URLs})
	}
	return items, nil
}

// timestamp is the form of "created" and "updated".
const timestamp = "2006-01-02T15:04:05.000000Z"

// store writes an Item. An Item that was published before keeps its "created".
func (p *Publisher) store(ctx context.Context, it *placed, now time.Time) error {
	updated := now.UTC().Format(timestamp)
	links, _ := it.item.Links().Replace([]string{"self", "canonical", "root", "parent", "collection"}, p.links(it)...)
	it.item.SetLinks(links)
	for range maxAttempts {
		created := updated
		old, etag, err := p.bucket.Get(ctx, it.key)
		opts := bucket.PutOptions{ContentType: it.contentType}
		switch {
		case err == nil:
			opts.IfMatch = etag
			if before := createdBefore(old); before != "" {
				created = before
			}
		case errors.Is(err, bucket.ErrNotFound):
			opts.IfNoneMatch = true
		default:
			return fmt.Errorf("publish item %q: read its earlier version: %w", it.item.ID(), err)
		}
		it.item.SetProperty("created", created)
		it.item.SetProperty("updated", updated)
		it.body = it.item.AppendJSON(nil)
		if _, err = p.bucket.Put(ctx, it.key, it.body, opts); err == nil {
			return nil
		}
		if !lostRace(err) {
			return fmt.Errorf("publish item %q: %w", it.item.ID(), err)
		}
	}
	return fmt.Errorf("publish item %q: %w", it.item.ID(), errContended)
}

// createdBefore is the "created" of an Item that was stored, "" when it has none that makes sense.
func createdBefore(raw []byte) string {
	var old struct {
		Properties struct {
			Created time.Time `json:"created"`
		} `json:"properties"`
	}
	if json.Unmarshal(raw, &old) != nil || old.Properties.Created.IsZero() {
		return ""
	}
	return old.Properties.Created.UTC().Format(timestamp)
}

// links are an Item's links into the catalog. They are absolute, since Items travel on topics without the catalog around them.
// The parent is the collection, which is above every page that may link the Item now or later.
func (p *Publisher) links(it *placed) []stac.Link {
	collection := p.url(collectionKey(it.item.Collection()), it.s3URLs)
	return []stac.Link{
		{Rel: "self", Href: p.url(it.key, it.s3URLs), Type: stac.GeoJSON},
		{Rel: "canonical", Href: p.url(it.key, it.s3URLs), Type: stac.GeoJSON},
		{Rel: "root", Href: p.url(rootKey, it.s3URLs), Type: stac.MediaType},
		{Rel: "parent", Href: collection, Type: stac.MediaType},
		{Rel: "collection", Href: collection, Type: stac.MediaType},
	}
}

func (p *Publisher) url(key string, s3 bool) string {
	if s3 {
		return "s3://" + p.name + "/" + key
	}
	return p.baseURL + "/" + escapePath(key)
}

// byCollection yields the Items in the order of their collections' ids.
func byCollection(items []placed) iter.Seq2[string, []placed] {
	groups := map[string][]placed{}
	for _, it := range items {
		groups[it.item.Collection()] = append(groups[it.item.Collection()], it)
	}
	return func(yield func(string, []placed) bool) {
		for _, id := range slices.Sorted(maps.Keys(groups)) {
			if !yield(id, groups[id]) {
				return
			}
		}
	}
}
