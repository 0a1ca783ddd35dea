package embedded

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"sundog/asl/maprun"
	domainbucket "sundog/internal/bucket"
	"sundog/internal/embedded/bucket"
	"sundog/itemreader"
)

// objects are the buckets of this platform as map runs read and write them: payloads and data.
type objects struct {
	payloads *bucket.Store
	catalog  *bucket.Files
}

// A listed bucket is what both kinds of buckets can do.
type listed interface {
	List(ctx context.Context, prefix, after string, limit int) ([]domainbucket.Object, error)
	Put(ctx context.Context, key string, body []byte, opts domainbucket.PutOptions) (string, error)
}

func (o objects) bucket(name string) (listed, error) {
	switch name {
	case PayloadBucket:
		return o.payloads, nil
	case DataBucket:
		return o.catalog, nil
	}
	return nil, fmt.Errorf("%w: %q; there are %s and %s", itemreader.ErrNoBucket, name, PayloadBucket, DataBucket)
}

// Open implements itemreader.Objects. What lies in the data bucket is read piece by piece, a payload is small enough to be held.
func (o objects) Open(ctx context.Context, name, key string) (itemreader.Body, error) {
	if _, err := o.bucket(name); err != nil {
		return nil, err
	}
	if name == DataBucket {
		file, err := o.catalog.Open(ctx, key)
		if err != nil {
			return nil, noObject(err)
		}
		return file, nil
	}
	text, _, err := o.payloads.Get(ctx, key)
	if err != nil {
		return nil, noObject(err)
	}
	return held{bytes.NewReader(text)}, nil
}

// held is an object in memory.
type held struct{ *bytes.Reader }

func (held) Close() error { return nil }

// noObject marks the errors of keys that lead to nothing.
func noObject(err error) error {
	if errors.Is(err, domainbucket.ErrNotFound) || errors.Is(err, domainbucket.ErrInvalidKey) {
		return fmt.Errorf("%w (%w)", itemreader.ErrNoObject, err)
	}
	return err
}

// List implements itemreader.Objects.
func (o objects) List(ctx context.Context, name, prefix, after string) ([]itemreader.Object, error) {
	b, err := o.bucket(name)
	if err != nil {
		return nil, err
	}
	found, err := b.List(ctx, prefix, after, domainbucket.MaxListed)
	if err != nil {
		return nil, err
	}
	page := make([]itemreader.Object, len(found))
	for i, one := range found {
		page[i] = itemreader.Object{Key: one.Key, ETag: `"` + one.ETag + `"`, Size: one.Size, Modified: one.Modified}
	}
	return page, nil
}

// Put implements maprun.Objects.
func (o objects) Put(ctx context.Context, name, key string, body []byte) error {
	b, err := o.bucket(name)
	if err != nil {
		return err
	}
	_, err = b.Put(ctx, key, body, domainbucket.PutOptions{ContentType: "application/json"})
	if errors.Is(err, domainbucket.ErrInvalidKey) || errors.Is(err, domainbucket.ErrKeyConflict) {
		return fmt.Errorf("%w: %w", maprun.ErrRefused, err)
	}
	return err
}
