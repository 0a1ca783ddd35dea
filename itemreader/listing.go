package itemreader

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// listing are the objects of a bucket (s3:listObjectsV2), each described in an object.
type listing struct {
	objects               Objects
	bucket, prefix, after string
	page                  []Object
	end                   bool
}

// fill gets a page when the last is used up. After the last object the page stays empty.
func (l *listing) fill(ctx context.Context) error {
	if len(l.page) > 0 || l.end {
		return nil
	}
	var err error
	if l.page, err = l.objects.List(ctx, l.bucket, l.prefix, l.after); err != nil {
		return missing(err)
	}
	if l.end = len(l.page) == 0; !l.end {
		l.after = l.page[len(l.page)-1].Key
	}
	return nil
}

func (l *listing) object(ctx context.Context) (Object, error) {
	if err := l.fill(ctx); err != nil {
		return Object{}, err
	}
	if l.end {
		return Object{}, io.EOF
	}
	o := l.page[0]
	l.page = l.page[1:]
	return o, nil
}

func (l *listing) next(ctx context.Context) (Item, error) {
	o, err := l.object(ctx)
	if err != nil {
		return Item{}, err
	}
	text, err := json.Marshal(struct {
		Etag         string
		Key          string
		LastModified int64 // seconds
		Size         int64
		StorageClass string
	}{o.ETag, o.Key, o.Modified.Unix(), o.Size, "STANDARD"})
	if err != nil {
		return Item{}, fmt.Errorf("describing the object %s: %w", o.Key, err)
	}
	return Item{Value: text, Source: "S3://" + l.bucket}, nil
}

// names gives the objects to a chain.
func (l *listing) names(ctx context.Context) (bucket, key string, err error) {
	o, err := l.object(ctx)
	return l.bucket, o.Key, err
}

func (l *listing) close() error { return nil }

// A chain reads objects one after the other, each when the one before is through.
type chain struct {
	names func(ctx context.Context) (bucket, key string, err error)
	open  func(ctx context.Context, bucket, key string) (source, error)
	at    source // nil: between two
	also  io.Closer
}

func (c *chain) next(ctx context.Context) (Item, error) {
	for {
		if c.at == nil {
			bucket, key, err := c.names(ctx)
			if err != nil {
				return Item{}, err
			}
			if c.at, err = c.open(ctx, bucket, key); err != nil {
				return Item{}, missing(err)
			}
		}
		item, err := c.at.next(ctx)
		if !errors.Is(err, io.EOF) {
			return item, err
		}
		err = c.at.close()
		if c.at = nil; err != nil {
			return Item{}, fmt.Errorf("closing an object of the dataset: %w", err)
		}
	}
}

func (c *chain) close() error {
	var errs []error
	if c.at != nil {
		errs = append(errs, c.at.close())
	}
	if c.also != nil {
		errs = append(errs, c.also.Close())
	}
	return errors.Join(errs...)
}
