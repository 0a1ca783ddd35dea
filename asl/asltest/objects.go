package asltest

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"sundog/itemreader"
)

// maxListed is how many objects one List gives.
const maxListed = 1000

// Objects are buckets in memory: what map runs read from and write to. The zero value has none. It is not safe for concurrent use.
type Objects struct {
	buckets map[string]map[string]StoredObject
}

// A StoredObject is an object in a bucket.
type StoredObject struct {
	Body     []byte
	ETag     string
	Modified time.Time
}

// Make makes a bucket, if there is none of the name.
func (o *Objects) Make(bucket string) {
	if o.buckets == nil {
		o.buckets = map[string]map[string]StoredObject{}
	}
	if o.buckets[bucket] == nil {
		o.buckets[bucket] = map[string]StoredObject{}
	}
}

// Add puts an object into a bucket, which is made when it is missing.
func (o *Objects) Add(bucket, key string, object StoredObject) {
	o.Make(bucket)
	o.buckets[bucket][key] = object
}

// Get returns the body of an object, nil when there is none.
func (o *Objects) Get(bucket, key string) []byte { return o.buckets[bucket][key].Body }

// Keys returns the keys of a bucket, in order.
func (o *Objects) Keys(bucket string) []string { return slices.Sorted(maps.Keys(o.buckets[bucket])) }

func (o *Objects) bucket(name string) (map[string]StoredObject, error) {
	if bucket := o.buckets[name]; bucket != nil {
		return bucket, nil
	}
	return nil, fmt.Errorf("bucket %s: %w", name, itemreader.ErrNoBucket)
}

// Open implements itemreader.Objects.
func (o *Objects) Open(_ context.Context, name, key string) (itemreader.Body, error) {
	bucket, err := o.bucket(name)
	if err != nil {
		return nil, err
	}
	object, ok := bucket[key]
	if !ok {
		return nil, fmt.Errorf("object %s: %w", key, itemreader.ErrNoObject)
	}
	return body{bytes.NewReader(object.Body)}, nil
}

type body struct{ *bytes.Reader }

func (body) Close() error { return nil }

// List implements itemreader.Objects.
func (o *Objects) List(_ context.Context, name, prefix, after string) ([]itemreader.Object, error) {
	bucket, err := o.bucket(name)
	if err != nil {
		return nil, err
	}
	var page []itemreader.Object
	for _, key := range slices.Sorted(maps.Keys(bucket)) {
		if strings.HasPrefix(key, prefix) && key > after && len(page) < maxListed {
			object := bucket[key]
			page = append(page, itemreader.Object{Key: key, ETag: object.ETag, Size: int64(len(object.Body)), Modified: object.Modified})
		}
	}
	return page, nil
}

// Put implements maprun.Objects.
func (o *Objects) Put(_ context.Context, name, key string, text []byte) error {
	bucket, err := o.bucket(name)
	if err != nil {
		return err
	}
	bucket[key] = StoredObject{Body: bytes.Clone(text), ETag: fmt.Sprintf("%x", len(text))}
	return nil
}
