package publish_test

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sundog/internal/bucket"
	"sundog/internal/bucket/buckettest"
	"sundog/internal/publish"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// clock ticks one second per reading.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: time.Date(2024, 5, 1, 12, 0, 0, 0, time.UTC)} }

func (c *clock) read() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(time.Second)
	return c.now
}

func newPublisher(b publish.Bucket) *publish.Publisher { return newPublisherAt(b, newClock()) }

func newPublisherAt(b publish.Bucket, c *clock) *publish.Publisher {
	return publish.New(publish.Config{
		Bucket: b, BucketName: "data", BaseURL: "https://data.example.com/", Now: c.read,
		Root: publish.Root{ID: "demo", Title: "Demo", Description: "Scenes of the demo."},
	})
}

// item is an Item of a collection at a date; collection and further properties may be empty.
func item(id, collection, datetime, properties string) string {
	if collection != "" {
		collection = fmt.Sprintf(`"collection":%q,`, collection)
	}
	if properties != "" {
		properties = "," + properties
	}
	return fmt.Sprintf(`{"type":"Feature","stac_version":"1.0.0","id":%q,%s"geometry":{"type":"Point","coordinates":[7.50,47.1]},"bbox":[7.50,47.1,7.50,47.1],`+
		`"properties":{"datetime":%q%s},"links":[{"rel":"license","href":"https://example.com/?a=1&b=2"},{"rel":"self","href":"old"}],"assets":{}}`,
		id, collection, datetime, properties)
}

func payloadOf(process string, items ...string) []byte {
	return []byte(`{"type":"FeatureCollection","id":"c/workflow-w/i","features":[` + strings.Join(items, ",") + `],"x:kept":1.50,"process":[{"workflow":"w",` + process + `"tasks":{}}]}`)
}

func mustPublish(t *testing.T, p *publish.Publisher, payload []byte) map[string]any {
	t.Helper()
	out, err := p.Publish(t.Context(), payload)
	if err != nil {
		t.Fatal(err)
	}
	var doc map[string]any
	if err := json.Unmarshal(out, &doc); err != nil {
		t.Fatalf("%v in %s", err, out)
	}
	return doc
}

// fataler is what testing.T and rapid.T have in common.
type fataler interface {
	Helper()
	Fatalf(format string, args ...any)
	Errorf(format string, args ...any)
}

// crawl follows every link from the root and returns the keys of the items it finds, sorted by page. It fails the test on a link to nothing, a
// document that is reached twice or too large, and a page that does not lead back up.
func crawl(t fataler, b *buckettest.Memory) []string {
	t.Helper()
	var items []string
	seen := map[string]bool{}
	var visit func(key string, above []string)
	visit = func(key string, above []string) {
		raw, _, err := b.Get(context.Background(), key)
		if err != nil {
			t.Fatalf("%v leads to nothing: %v", above, err)
		}
		if seen[key] {
			t.Fatalf("%s is linked twice", key)
		}
		seen[key] = true
		var doc struct {
			Type  string
			ID    string
			Links []struct{ Rel, Href string }
		}
		if err := json.Unmarshal(raw, &doc); err != nil {
			t.Fatalf("%s: %v", key, err)
		}
		if doc.Type == "Feature" {
			items = append(items, key)
			return
		}
		down := 0
		for _, l := range doc.Links {
			href, err := url.PathUnescape(l.Href)
			if err != nil {
				t.Fatalf("%s: link %q: %v", key, l.Href, err)
			}
			target := path.Join(path.Dir(key), href)
			switch l.Rel {
			case "item", "child":
				down++
				visit(target, append(slices.Clip(above), key))
			case "parent", "root":
				if !slices.Contains(append(slices.Clip(above), "catalog.json"), target) {
					t.Errorf("%s has the %s %s, and was reached through %v", key, l.Rel, target, above)
				}
			}
		}
		if down > publish.PageLinks || len(raw) > publish.MaxDocumentBytes {
			t.Errorf("%s has %d links and %d bytes", key, down, len(raw))
		}
	}
	if _, _, err := b.Get(context.Background(), "catalog.json"); err == nil {
		visit("catalog.json", nil)
	}
	return items
}

var errDisk = errors.New("disk failed")

// failingBucket fails writes.
type failingBucket struct {
	*buckettest.Memory
	mu     sync.Mutex
	writes int
	fail   map[int]bool
}

func (b *failingBucket) failAt(writes []int) {
	b.writes, b.fail = 0, map[int]bool{}
	for _, n := range writes {
		b.fail[n] = true
	}
}

func (b *failingBucket) Put(ctx context.Context, key string, body []byte, opts bucket.PutOptions) (string, error) {
	b.mu.Lock()
	n := b.writes
	b.writes++
	b.mu.Unlock()
	if b.fail[n] {
		return "", errDisk
	}
	return b.Memory.Put(ctx, key, body, opts)
}

// recordingBucket counts what is done with it.
type recordingBucket struct {
	*buckettest.Memory
	mu                sync.Mutex
	puts, gets, bytes int
	types             map[string]string
	perKey            map[string]int
}

func (b *recordingBucket) reset() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.puts, b.gets, b.bytes = 0, 0, 0
}

func (b *recordingBucket) contentType(key string) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.types[key]
}

func (b *recordingBucket) putsOf(key string) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.perKey[key]
}

func (b *recordingBucket) Put(ctx context.Context, key string, body []byte, opts bucket.PutOptions) (string, error) {
	b.mu.Lock()
	if b.types == nil {
		b.types, b.perKey = map[string]string{}, map[string]int{}
	}
	b.puts++
	b.bytes += len(body)
	b.types[key] = opts.ContentType
	b.perKey[key]++
	b.mu.Unlock()
	return b.Memory.Put(ctx, key, body, opts)
}

func (b *recordingBucket) Get(ctx context.Context, key string) ([]byte, string, error) {
	body, etag, err := b.Memory.Get(ctx, key)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.gets++
	b.bytes += len(body)
	return body, etag, err
}

// gatedBucket holds the writes of a key until the gate is closed.
type gatedBucket struct {
	recordingBucket
	key  string
	gate chan struct{}
}

func newGatedBucket(key string) *gatedBucket {
	return &gatedBucket{recordingBucket: recordingBucket{Memory: buckettest.NewMemory()}, key: key, gate: make(chan struct{})}
}

func (b *gatedBucket) Put(ctx context.Context, key string, body []byte, opts bucket.PutOptions) (string, error) {
	if key == b.key {
		<-b.gate
	}
	return b.recordingBucket.Put(ctx, key, body, opts)
}

func property(t *testing.T, doc map[string]any, name string) string {
	t.Helper()
	feature := doc["features"].([]any)[0].(map[string]any)
	value, _ := feature["properties"].(map[string]any)[name].(string)
	return value
}

func link(t *testing.T, doc map[string]any, rel string) string {
	t.Helper()
	feature := doc["features"].([]any)[0].(map[string]any)
	for _, l := range feature["links"].([]any) {
		if l := l.(map[string]any); l["rel"] == rel {
			return l["href"].(string)
		}
	}
	t.Errorf("no link %q", rel)
	return ""
}

// dump is everything in a bucket, as text.
func dump(t *testing.T, b *buckettest.Memory) string {
	t.Helper()
	objects, err := b.List(t.Context(), "", "", 0)
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	for _, o := range objects {
		body, _, err := b.Get(t.Context(), o.Key)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&text, "-- %s --\n%s\n", o.Key, body)
	}
	return text.String()
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", file, diff)
	}
}
