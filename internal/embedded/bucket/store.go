// Package bucket holds the two buckets of the embedded platform (package sundog/internal/bucket says what a bucket promises).
//
// Store, for payloads, lies in the database, so that an object can be a part of a larger transaction. Files, for what is
// published, is a folder of plain files that people and web servers can read.
package bucket

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/cespare/xxhash/v2"

	"sundog/internal/bucket"
	"sundog/internal/embedded/store"
)

// Store is a bucket in the database. It is safe for concurrent use.
type Store struct {
	store *store.Store
	name  string
	now   func() time.Time
	locks store.Locks
}

// NewStore opens a bucket by name; now is the clock, time.Now when nil.
func NewStore(s *store.Store, name string, now func() time.Time) *Store {
	if now == nil {
		now = time.Now
	}
	return &Store{store: s, name: name, now: now}
}

// The value of an object is a header (version, time in nanoseconds, ETag, content type), then the body.
const objectVersion = 1

func (b *Store) key(key string) store.Key {
	return store.NewKey(store.PrefixObject).String(b.name).String(key)
}

// etagOf is the ETag of a body: it says whether two bodies are the same, not who wrote them.
func etagOf(body []byte) string {
	return hex.EncodeToString(binary.BigEndian.AppendUint64(nil, xxhash.Sum64(body))) + fmt.Sprintf("-%x", len(body))
}

func (b *Store) encode(body []byte, etag, contentType string) []byte {
	value := make([]byte, 0, len(body)+len(etag)+len(contentType)+16)
	value = append(value, objectVersion)
	value = binary.AppendVarint(value, b.now().UnixNano())
	for _, text := range []string{etag, contentType} {
		value = binary.AppendUvarint(value, uint64(len(text)))
		value = append(value, text...)
	}
	return append(value, body...)
}

var errCorrupt = errors.New("not an object of this program")

// decode takes a value apart. The body is a part of it.
func decode(value []byte) (o bucket.Object, body []byte, err error) {
	if len(value) == 0 || value[0] != objectVersion {
		return o, nil, errCorrupt
	}
	nanos, n := binary.Varint(value[1:])
	if n <= 0 {
		return o, nil, errCorrupt
	}
	rest := value[1+n:]
	var texts [2]string // ETag, content type
	for i := range texts {
		size, n := binary.Uvarint(rest)
		if n <= 0 || size > uint64(len(rest)-n) {
			return o, nil, errCorrupt
		}
		texts[i], rest = string(rest[n:n+int(size)]), rest[n+int(size):]
	}
	return bucket.Object{ETag: texts[0], Size: int64(len(rest)), Modified: time.Unix(0, nanos).UTC()}, rest, nil
}

// Get returns a body and its ETag, or bucket.ErrNotFound.
func (b *Store) Get(ctx context.Context, key string) ([]byte, string, error) {
	o, body, err := b.read(ctx, "getting", key)
	return body, o.ETag, err
}

// Stat describes an object, or returns bucket.ErrNotFound.
func (b *Store) Stat(ctx context.Context, key string) (bucket.Object, error) {
	o, _, err := b.read(ctx, "looking at", key)
	return o, err
}

func (b *Store) read(ctx context.Context, doing, key string) (o bucket.Object, body []byte, err error) {
	if err := check(ctx, doing, key); err != nil {
		return o, nil, err
	}
	value, err := b.store.Get(b.key(key))
	if errors.Is(err, store.ErrNotFound) {
		err = bucket.ErrNotFound
	}
	if err == nil {
		o, body, err = decode(value)
	}
	if err != nil {
		return o, nil, fmt.Errorf("%s object %q: %w", doing, key, err)
	}
	o.Key = key
	return o, body, nil
}

func check(ctx context.Context, doing, key string) error {
	err := ctx.Err()
	if err == nil {
		err = bucket.ValidKey(key)
	}
	if err != nil {
		return fmt.Errorf("%s object %.100q: %w", doing, key, err)
	}
	return nil
}

// Put stores a body and returns its ETag once it is on disk.
func (b *Store) Put(ctx context.Context, key string, body []byte, opts bucket.PutOptions) (string, error) {
	if err := check(ctx, "putting", key); err != nil {
		return "", err
	}
	if opts.IfMatch != "" || opts.IfNoneMatch {
		unlock, err := b.locks.Lock(ctx, key)
		if err != nil {
			return "", fmt.Errorf("putting object %q: %w", key, err)
		}
		defer unlock()
		o, err := b.Stat(ctx, key)
		if err := condition(o, err, opts); err != nil {
			return "", fmt.Errorf("putting object %q: %w", key, err)
		}
	}
	tx := b.store.Begin()
	etag := etagOf(body)
	tx.Set(b.key(key), b.encode(body, etag, opts.ContentType))
	if err := tx.Commit(context.WithoutCancel(ctx)); err != nil {
		return "", fmt.Errorf("putting object %q: %w", key, err)
	}
	return etag, nil
}

// condition compares what is there (as Stat found it) with what a Put wants to be there.
func condition(o bucket.Object, err error, opts bucket.PutOptions) error {
	switch {
	case err != nil && !errors.Is(err, bucket.ErrNotFound):
		return err
	case opts.IfNoneMatch && err == nil:
		return bucket.ErrPreconditionFailed
	case opts.IfMatch != "" && err != nil:
		return bucket.ErrNotFound
	case opts.IfMatch != "" && opts.IfMatch != o.ETag:
		return bucket.ErrPreconditionFailed
	}
	return nil
}

// PutTx makes an unconditional Put a part of a transaction. The key must be valid (bucket.ValidKey).
func (b *Store) PutTx(tx *store.Tx, key string, body []byte, contentType string) error {
	if err := bucket.ValidKey(key); err != nil {
		return fmt.Errorf("putting object %.100q: %w", key, err)
	}
	tx.Set(b.key(key), b.encode(body, etagOf(body), contentType))
	return nil
}

// DeleteTx makes the removal of an object, which need not be there, a part of a transaction.
func (b *Store) DeleteTx(tx *store.Tx, key string) { tx.Delete(b.key(key)) }

// Delete removes an object; one that is not there is no error.
func (b *Store) Delete(ctx context.Context, key string) error {
	if err := check(ctx, "deleting", key); err != nil {
		return err
	}
	unlock, err := b.locks.Lock(ctx, key)
	if err != nil {
		return fmt.Errorf("deleting object %q: %w", key, err)
	}
	defer unlock()
	tx := b.store.Begin()
	tx.Delete(b.key(key))
	if err := tx.Commit(context.WithoutCancel(ctx)); err != nil {
		return fmt.Errorf("deleting object %q: %w", key, err)
	}
	return nil
}

// List returns up to limit objects (bucket.MaxListed when limit is 0 or more than that) whose keys begin with prefix and come after after, in the order of keys.
func (b *Store) List(ctx context.Context, prefix, after string, limit int) ([]bucket.Object, error) {
	if limit <= 0 || limit > bucket.MaxListed {
		limit = bucket.MaxListed
	}
	var found []bucket.Object
	for o, err := range b.scan(ctx, prefix, after) {
		if err != nil {
			return nil, fmt.Errorf("listing objects of %q: %w", prefix, err)
		}
		if found = append(found, o); len(found) == limit {
			break
		}
	}
	return found, nil
}

// scan yields the objects of a prefix after a key.
func (b *Store) scan(ctx context.Context, prefix, after string) func(yield func(bucket.Object, error) bool) {
	r := store.NewKey(store.PrefixObject).String(b.name).Partial(prefix).Range()
	if after >= prefix && after != "" {
		r.Low = b.key(after).End()
	}
	return func(yield func(bucket.Object, error) bool) {
		for entry, err := range b.store.Scan(r) {
			if err == nil {
				err = ctx.Err()
			}
			var o bucket.Object
			if err == nil {
				fields := store.Split(entry.Key)
				_ = fields.String() // the bucket
				key := fields.String()
				if o, _, err = decode(entry.Value); err == nil {
					err = fields.Err()
				}
				o.Key = key
			}
			if !yield(o, err) || err != nil {
				return
			}
		}
	}
}

// expireStep bounds the objects that one transaction of Expire removes.
const expireStep = 500

// Expire removes the objects of a prefix that were written before a time, a few at a time, and returns how many.
func (b *Store) Expire(ctx context.Context, prefix string, before time.Time) (int, error) {
	removed, after := 0, ""
	for {
		tx, n := b.store.Begin(), 0
		for o, err := range b.scan(ctx, prefix, after) {
			if err != nil {
				return removed, fmt.Errorf("expiring objects of %q: %w", prefix, err)
			}
			after = o.Key
			if o.Modified.Before(before) {
				tx.Delete(b.key(o.Key))
				if n++; n == expireStep {
					break
				}
			}
		}
		if n == 0 {
			return removed, nil
		}
		if err := tx.Commit(ctx); err != nil {
			return removed, fmt.Errorf("expiring objects of %q: %w", prefix, err)
		}
		if removed += n; n < expireStep {
			return removed, nil
		}
	}
}
