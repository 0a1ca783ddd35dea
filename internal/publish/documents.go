package publish

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"sundog/internal/bucket"
	"sundog/internal/stac"
)

const (
	// maxAttempts bounds the tries of one compare-and-swap. Each try that loses means that another writer has won.
	maxAttempts = 64
	// writeTimeout bounds a write that others wait for. It does not end with the caller that happens to carry it out.
	writeTimeout = 30 * time.Second
	// MaxDocumentBytes bounds every document of the catalog.
	MaxDocumentBytes = 1 << 20
)

var errContended = errors.New("other writers changed it again and again; try again")

// lostRace tells whether a conditional write failed because of another writer.
func lostRace(err error) bool {
	return errors.Is(err, bucket.ErrPreconditionFailed) || errors.Is(err, bucket.ErrNotFound)
}

// documents are the shared documents of the catalog. Changes of a document that is being written gather, and the next write
// carries all of them out: so the number of callers that can change one document at a time is not limited by the time that a
// write takes.
type documents struct {
	bucket Bucket

	mu        sync.Mutex
	gathering map[string]*batch // by key: changes that can still be joined
	writing   map[string]*batch // by key: changes that are being written
}

// change is what one caller wants of a document. Its functions may be called several times, each time with the document as it is
// then, and by another goroutine, but never at the same time and never after update has returned nil.
type change struct {
	// create makes the document when there is none.
	create func() *stac.Catalog
	// apply changes the document and tells whether it did.
	apply func(doc *stac.Catalog) (changed bool)
	// settle runs before a changed document is written, after all changes were applied.
	settle func(ctx context.Context, doc *stac.Catalog) error
}

type batch struct {
	changes []change
	done    chan struct{}
	err     error // valid once done is closed
}

func newDocuments(b Bucket) *documents {
	return &documents{bucket: b, gathering: map[string]*batch{}, writing: map[string]*batch{}}
}

// update applies a change to the document at key. When it returns nil, the change is in the bucket.
func (d *documents) update(ctx context.Context, key string, c change) error {
	d.mu.Lock()
	if b, ok := d.gathering[key]; ok {
		b.changes = append(b.changes, c)
		d.mu.Unlock()
		select {
		case <-b.done:
			return b.err
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	b := &batch{changes: []change{c}, done: make(chan struct{}), err: fmt.Errorf("update %q: the write was abandoned", key)}
	d.gathering[key] = b
	before := d.writing[key]
	d.mu.Unlock()
	defer close(b.done)

	if before != nil {
		<-before.done // ends within writeTimeout
	}
	d.mu.Lock()
	delete(d.gathering, key)
	d.writing[key] = b
	d.mu.Unlock()
	defer func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		if d.writing[key] == b {
			delete(d.writing, key)
		}
	}()

	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), writeTimeout)
	defer cancel()
	b.err = d.write(ctx, key, b.changes)
	return b.err
}

// write carries changes out in one compare-and-swap.
func (d *documents) write(ctx context.Context, key string, changes []change) error {
	for range maxAttempts {
		doc, opts, err := d.read(ctx, key, changes[0].create)
		if err != nil {
			return err
		}
		changed := opts.IfNoneMatch
		for _, c := range changes {
			changed = c.apply(doc) || changed
		}
		if !changed {
			return nil
		}
		if err := changes[0].settle(ctx, doc); err != nil {
			return err
		}
		body := doc.AppendJSON(nil)
		if len(body) > MaxDocumentBytes {
			return fmt.Errorf("update %q: it would have %d bytes, the limit is %d; take out what was added by hand", key, len(body), MaxDocumentBytes)
		}
		if _, err = d.bucket.Put(ctx, key, body, opts); err == nil {
			return nil
		}
		if !lostRace(err) {
			return fmt.Errorf("update %q: %w", key, err)
		}
	}
	return fmt.Errorf("update %q: %w", key, errContended)
}

// read returns the document, a new one when there is none, with the condition under which it may be written.
func (d *documents) read(ctx context.Context, key string, create func() *stac.Catalog) (*stac.Catalog, bucket.PutOptions, error) {
	opts := bucket.PutOptions{ContentType: stac.MediaType}
	raw, etag, err := d.bucket.Get(ctx, key)
	if errors.Is(err, bucket.ErrNotFound) {
		opts.IfNoneMatch = true
		return create(), opts, nil
	}
	if err != nil {
		return nil, opts, fmt.Errorf("update %q: %w", key, err)
	}
	doc, err := stac.ParseCatalog(raw)
	if err != nil {
		return nil, opts, fmt.Errorf("update %q: what is there cannot be read; repair or delete it: %w", key, err)
	}
	opts.IfMatch = etag
	return doc, opts, nil
}
