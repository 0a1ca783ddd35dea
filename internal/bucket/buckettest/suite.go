// Package buckettest holds the conformance suite of buckets and a bucket in memory that passes it.
package buckettest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"sundog/internal/bucket"
)

// Bucket is everything that the suite asks of an implementation. Consumers declare the part that they use.
type Bucket interface {
	// Get returns the body and its ETag. ErrNotFound when there is none.
	Get(ctx context.Context, key string) (body []byte, etag string, err error)
	// Put stores the body and returns its ETag. ErrPreconditionFailed, or ErrNotFound with IfMatch, when a condition does not
	// hold.
	Put(ctx context.Context, key string, body []byte, opts bucket.PutOptions) (etag string, err error)
	// Delete removes the object; a key without one is not an error.
	Delete(ctx context.Context, key string) error
	// Stat describes the object. ErrNotFound when there is none.
	Stat(ctx context.Context, key string) (bucket.Object, error)
	// List returns up to limit objects (MaxListed when limit is not positive or larger) whose keys begin with prefix and come
	// after the key after, in the order of the keys' bytes.
	List(ctx context.Context, prefix, after string, limit int) ([]bucket.Object, error)
}

// Run runs the suite; open returns an empty bucket each time.
func Run(t *testing.T, open func(t *testing.T) Bucket) {
	t.Helper()
	for _, tt := range []struct {
		name string
		run  func(t *testing.T, b Bucket)
	}{
		{"read back", testReadBack},
		{"keys taken whole", testKeys},
		{"keys refused", testRefusedKeys},
		{"conditions", testConditions},
		{"compare and swap", testCompareAndSwap},
		{"one creator", testOneCreator},
		{"delete", testDelete},
		{"list", testList},
		{"large body", testLargeBody},
		{"object and folder", testObjectAndFolder},
		{"cancelled", testCancelled},
	} {
		t.Run(tt.name, func(t *testing.T) { tt.run(t, open(t)) })
	}
}

func testReadBack(t *testing.T, b Bucket) {
	ctx := t.Context()
	if _, _, err := b.Get(ctx, "a/b.json"); !errors.Is(err, bucket.ErrNotFound) {
		t.Fatalf("Get of an absent key: %v, want ErrNotFound", err)
	}
	if _, err := b.Stat(ctx, "a/b.json"); !errors.Is(err, bucket.ErrNotFound) {
		t.Fatalf("Stat of an absent key: %v, want ErrNotFound", err)
	}
	bodies := []string{`{"v":1}`, `{"v":22}`, ``}
	etags := make([]string, 0, len(bodies))
	for _, body := range bodies {
		etag := put(t, b, "a/b.json", body, bucket.PutOptions{ContentType: "application/json"})
		got, gotTag, err := b.Get(ctx, "a/b.json")
		if err != nil || string(got) != body || gotTag != etag {
			t.Fatalf("Get = %q, %q, %v; want %q, %q", got, gotTag, err, body, etag)
		}
		if etag == "" || slices.Contains(etags, etag) {
			t.Errorf("ETag %q of %q is empty or that of another body %q", etag, body, etags)
		}
		etags = append(etags, etag)
		o, err := b.Stat(ctx, "a/b.json")
		if err != nil || o.Key != "a/b.json" || o.ETag != etag || o.Size != int64(len(body)) || o.Modified.IsZero() {
			t.Errorf("Stat = %+v, %v; want size %d and ETag %q", o, err, len(body), etag)
		}
	}
}

func testKeys(t *testing.T, b Bucket) {
	keys := []string{
		"a?b.json", "a#b.json", "a%2Fb.json", "a b+c&d.json", "a:b=c/d@e.json", "ü/日本/😀.json", "..a/b..", "x/...", "A.json",
		"deep/" + strings.Repeat("folder/", 40) + "leaf",
		strings.Repeat(strings.Repeat("k", 199)+"/", 5) + strings.Repeat("k", 24), // MaxKeyBytes
	}
	for i, key := range keys {
		put(t, b, key, fmt.Sprint(i), bucket.PutOptions{})
	}
	for i, key := range keys {
		if body, _, err := b.Get(t.Context(), key); err != nil || string(body) != fmt.Sprint(i) {
			t.Errorf("Get(%q) = %q, %v; want %d", key, body, err, i)
		}
	}
	listed := make([]string, 0, len(keys))
	for _, o := range list(t, b, "", "", 0) {
		listed = append(listed, o.Key)
	}
	slices.Sort(keys)
	if !slices.Equal(listed, keys) {
		t.Errorf("listed %q, want %q", listed, keys)
	}
}

func testRefusedKeys(t *testing.T, b Bucket) {
	ctx := t.Context()
	for _, key := range []string{"", "..", "../a", "a/../../b", "/etc/passwd", "a//b", "a/", "./a", "a\x00b", strings.Repeat("k", bucket.MaxKeyBytes+1)} {
		if _, err := b.Put(ctx, key, []byte("x"), bucket.PutOptions{}); !errors.Is(err, bucket.ErrInvalidKey) {
			t.Errorf("Put(%.40q): %v, want ErrInvalidKey", key, err)
		}
		if _, _, err := b.Get(ctx, key); !errors.Is(err, bucket.ErrInvalidKey) {
			t.Errorf("Get(%.40q): %v, want ErrInvalidKey", key, err)
		}
		if err := b.Delete(ctx, key); !errors.Is(err, bucket.ErrInvalidKey) {
			t.Errorf("Delete(%.40q): %v, want ErrInvalidKey", key, err)
		}
	}
}

func testConditions(t *testing.T, b Bucket) {
	ctx := t.Context()
	if _, err := b.Put(ctx, "k", []byte("0"), bucket.PutOptions{IfMatch: `"none"`}); !errors.Is(err, bucket.ErrNotFound) {
		t.Errorf("IfMatch without an object: %v, want ErrNotFound", err)
	}
	first := put(t, b, "k", "1", bucket.PutOptions{IfNoneMatch: true})
	if _, err := b.Put(ctx, "k", []byte("2"), bucket.PutOptions{IfNoneMatch: true}); !errors.Is(err, bucket.ErrPreconditionFailed) {
		t.Errorf("IfNoneMatch on an object: %v, want ErrPreconditionFailed", err)
	}
	second := put(t, b, "k", "2", bucket.PutOptions{IfMatch: first})
	if _, err := b.Put(ctx, "k", []byte("3"), bucket.PutOptions{IfMatch: first}); !errors.Is(err, bucket.ErrPreconditionFailed) {
		t.Errorf("IfMatch with an old ETag: %v, want ErrPreconditionFailed", err)
	}
	if body, etag, err := b.Get(ctx, "k"); err != nil || string(body) != "2" || etag != second {
		t.Errorf("after refused writes Get = %q, %q, %v; want \"2\", %q", body, etag, err, second)
	}
}

// testCompareAndSwap lets many writers add to one object: no addition may be lost.
func testCompareAndSwap(t *testing.T, b Bucket) {
	const writers, additions = 8, 10
	put(t, b, "sum", "", bucket.PutOptions{})
	var wg sync.WaitGroup
	for range writers {
		wg.Go(func() {
			for done := 0; done < additions; {
				body, etag, err := b.Get(t.Context(), "sum")
				if err != nil {
					t.Errorf("get: %v", err)
					return
				}
				_, err = b.Put(t.Context(), "sum", append(body, 'x'), bucket.PutOptions{IfMatch: etag})
				switch {
				case err == nil:
					done++
				case !errors.Is(err, bucket.ErrPreconditionFailed):
					t.Errorf("put: %v", err)
					return
				}
			}
		})
	}
	wg.Wait()
	if body, _, err := b.Get(t.Context(), "sum"); err != nil || len(body) != writers*additions {
		t.Errorf("%d additions arrived, %v; want %d", len(body), err, writers*additions)
	}
}

func testOneCreator(t *testing.T, b Bucket) {
	const writers = 8
	created := make([]bool, writers)
	var wg sync.WaitGroup
	for i := range writers {
		wg.Go(func() {
			_, err := b.Put(t.Context(), "new", []byte(fmt.Sprint(i)), bucket.PutOptions{IfNoneMatch: true})
			if err != nil && !errors.Is(err, bucket.ErrPreconditionFailed) {
				t.Errorf("put: %v", err)
			}
			created[i] = err == nil
		})
	}
	wg.Wait()
	body, _, err := b.Get(t.Context(), "new")
	if err != nil {
		t.Fatal(err)
	}
	for i, won := range created {
		if won != (string(body) == fmt.Sprint(i)) {
			t.Errorf("writer %d was told %v, and the object is %q", i, won, body)
		}
	}
}

func testDelete(t *testing.T, b Bucket) {
	put(t, b, "a/b", "1", bucket.PutOptions{})
	for range 2 {
		if err := b.Delete(t.Context(), "a/b"); err != nil {
			t.Fatalf("Delete: %v", err)
		}
	}
	if _, _, err := b.Get(t.Context(), "a/b"); !errors.Is(err, bucket.ErrNotFound) {
		t.Errorf("Get after Delete: %v, want ErrNotFound", err)
	}
	if left := list(t, b, "", "", 0); len(left) != 0 {
		t.Errorf("listed after Delete: %v", left)
	}
	put(t, b, "a/b", "2", bucket.PutOptions{IfNoneMatch: true})
}

func testList(t *testing.T, b Bucket) {
	keys := []string{"a", "b-x", "b/1", "b/2", "b/2.json", "b/2x/1", "b/3", "b0", "bé", "c/1"}
	for _, key := range keys {
		put(t, b, key, "body of "+key, bucket.PutOptions{})
	}
	for _, tt := range []struct {
		prefix, after string
		limit         int
		want          []string
	}{
		{"", "", 0, keys},
		{"b/", "", 0, []string{"b/1", "b/2", "b/2.json", "b/2x/1", "b/3"}},
		{"b/2", "", 0, []string{"b/2", "b/2.json", "b/2x/1"}},
		{"b", "b/2x/1", 2, []string{"b/3", "b0"}},
		{"b/", "b/1", 2, []string{"b/2", "b/2.json"}},
		{"b/", "b/3", 5, nil},
		{"", "bé", 5, []string{"c/1"}},
		{"zz", "", 5, nil},
	} {
		var got []string
		for _, o := range list(t, b, tt.prefix, tt.after, tt.limit) {
			got = append(got, o.Key)
			if stat, err := b.Stat(t.Context(), o.Key); err != nil || stat != o {
				t.Errorf("listed %+v, Stat says %+v, %v", o, stat, err)
			}
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("List(%q, %q, %d) = %q, want %q", tt.prefix, tt.after, tt.limit, got, tt.want)
		}
	}
}

func testLargeBody(t *testing.T, b Bucket) {
	body := bytes.Repeat([]byte("sundog! "), 5<<17) // 5 MiB
	put(t, b, "large", string(body), bucket.PutOptions{})
	if got, _, err := b.Get(t.Context(), "large"); err != nil || !bytes.Equal(got, body) {
		t.Errorf("read %d bytes back, %v; want %d", len(got), err, len(body))
	}
	put(t, b, "large", "small again", bucket.PutOptions{})
	if got, _, err := b.Get(t.Context(), "large"); err != nil || string(got) != "small again" {
		t.Errorf("read %d bytes back, %v, after the object became small", len(got), err)
	}
}

func testObjectAndFolder(t *testing.T, b Bucket) {
	put(t, b, "a", "object", bucket.PutOptions{})
	_, err := b.Put(t.Context(), "a/b", []byte("inside"), bucket.PutOptions{})
	if err != nil && !errors.Is(err, bucket.ErrKeyConflict) {
		t.Errorf(`Put("a/b") beside "a": %v, want nil or ErrKeyConflict`, err)
	}
	if body, _, err := b.Get(t.Context(), "a"); err != nil || string(body) != "object" {
		t.Errorf(`Get("a") = %q, %v`, body, err)
	}
	body, _, getErr := b.Get(t.Context(), "a/b")
	if err == nil && string(body) != "inside" || err != nil && !errors.Is(getErr, bucket.ErrNotFound) {
		t.Errorf(`Put("a/b") gave %v, then Get gave %q, %v`, err, body, getErr)
	}
}

func testCancelled(t *testing.T, b Bucket) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := b.Put(ctx, "k", []byte("x"), bucket.PutOptions{}); !errors.Is(err, context.Canceled) {
		t.Errorf("Put with a cancelled context: %v, want context.Canceled", err)
	}
	if _, _, err := b.Get(t.Context(), "k"); !errors.Is(err, bucket.ErrNotFound) {
		t.Errorf("a cancelled Put left an object: %v", err)
	}
}

func put(t *testing.T, b Bucket, key, body string, opts bucket.PutOptions) (etag string) {
	t.Helper()
	etag, err := b.Put(t.Context(), key, []byte(body), opts)
	if err != nil {
		t.Fatalf("Put(%.60q): %v", key, err)
	}
	return etag
}

func list(t *testing.T, b Bucket, prefix, after string, limit int) []bucket.Object {
	t.Helper()
	page, err := b.List(t.Context(), prefix, after, limit)
	if err != nil {
		t.Fatalf("List(%q, %q, %d): %v", prefix, after, limit, err)
	}
	return page
}
