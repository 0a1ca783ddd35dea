package buckettest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"sundog/internal/bucket"
)

// Memory is a bucket in memory, for tests of the consumers. It is safe for concurrent use.
type Memory struct {
	mu      sync.Mutex
	objects map[string]memoryObject
	writes  int
}

type memoryObject struct {
	body     []byte
	etag     string
	modified time.Time
}

// NewMemory returns an empty bucket.
func NewMemory() *Memory {
	return &Memory{objects: map[string]memoryObject{}}
}

// Writes is the number of Puts that have succeeded, for tests that count what an operation costs.
func (m *Memory) Writes() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.writes
}

// Get returns a copy of the body and its ETag.
func (m *Memory) Get(ctx context.Context, key string) (body []byte, etag string, err error) {
	if err := m.check(ctx, "get", key); err != nil {
		return nil, "", err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	o, ok := m.objects[key]
	if !ok {
		return nil, "", fmt.Errorf("get %q: %w", key, bucket.ErrNotFound)
	}
	return slices.Clone(o.body), o.etag, nil
}

// Put stores a copy of the body.
func (m *Memory) Put(ctx context.Context, key string, body []byte, opts bucket.PutOptions) (etag string, err error) {
	if err := m.check(ctx, "put", key); err != nil {
		return "", err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	old, exists := m.objects[key]
	switch {
	case opts.IfNoneMatch && exists:
		return "", fmt.Errorf("put %q: %w", key, bucket.ErrPreconditionFailed)
	case opts.IfMatch != "" && !exists:
		return "", fmt.Errorf("put %q: %w", key, bucket.ErrNotFound)
	case opts.IfMatch != "" && opts.IfMatch != old.etag:
		return "", fmt.Errorf("put %q: %w", key, bucket.ErrPreconditionFailed)
	}
	sum := sha256.Sum256(body)
	o := memoryObject{body: slices.Clone(body), etag: `"` + hex.EncodeToString(sum[:8]) + `"`, modified: time.Now()}
	m.objects[key] = o
	m.writes++
	return o.etag, nil
}

// Delete removes an object; a key without one is not an error.
func (m *Memory) Delete(ctx context.Context, key string) error {
	if err := m.check(ctx, "delete", key); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.objects, key)
	return nil
}

// Stat describes an object.
func (m *Memory) Stat(ctx context.Context, key string) (bucket.Object, error) {
	if err := m.check(ctx, "stat", key); err != nil {
		return bucket.Object{}, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	o, ok := m.objects[key]
	if !ok {
		return bucket.Object{}, fmt.Errorf("stat %q: %w", key, bucket.ErrNotFound)
	}
	return o.describe(key), nil
}

// List returns the objects whose keys begin with prefix and come after the key after, in the order of the keys' bytes.
func (m *Memory) List(ctx context.Context, prefix, after string, limit int) ([]bucket.Object, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	var keys []string
	for key := range m.objects {
		if strings.HasPrefix(key, prefix) && key > after {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	if limit <= 0 || limit > bucket.MaxListed {
		limit = bucket.MaxListed
	}
	page := make([]bucket.Object, 0, min(limit, len(keys)))
	for _, key := range keys[:min(limit, len(keys))] {
		page = append(page, m.objects[key].describe(key))
	}
	return page, nil
}

func (m *Memory) check(ctx context.Context, op, key string) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("%s %q: %w", op, key, err)
	}
	if err := bucket.ValidKey(key); err != nil {
		return fmt.Errorf("%s: %w", op, err)
	}
	return nil
}

func (o memoryObject) describe(key string) bucket.Object {
	return bucket.Object{Key: key, ETag: o.etag, Size: int64(len(o.body)), Modified: o.modified}
}
