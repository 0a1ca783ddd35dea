package publish_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"sundog/internal/bucket"
	"sundog/internal/bucket/buckettest"
	"sundog/internal/publish"
)

func TestPublish(t *testing.T) {
	b := buckettest.NewMemory()
	p := newPublisher(b)
	payload := payloadOf("", item("S2A_1", "sentinel-2-l2a", "2023-06-05T23:46:21Z", `"platform":"sentinel-2a","eo:cloud_cover":15.05`), item("LC08?#1", "landsat", "2020-12-04T00:00:00Z", ""))
	out, err := p.Publish(t.Context(), payload)
	if err != nil {
		t.Fatal(err)
	}
	got := "-- payload --\n" + string(out) + "\n" + dump(t, b)
	golden(t, "publish.golden", got)
}

func TestPublishAgain(t *testing.T) {
	b := buckettest.NewMemory()
	c := newClock()
	payload := payloadOf("", item("a", "c", "2023-06-05T23:46:21Z", `"created":"2001-01-01T00:00:00Z"`))
	for n := range 3 {
		doc := mustPublish(t, newPublisherAt(b, c), payload) // each time in another process
		if got, want := property(t, doc, "created"), "2024-05-01T12:00:01.000000Z"; got != want {
			t.Errorf("publication %d: created %q, want that of the first, %q", n+1, got, want)
		}
		if got, want := property(t, doc, "updated"), fmt.Sprintf("2024-05-01T12:00:0%d.000000Z", n+1); got != want {
			t.Errorf("publication %d: updated %q, want %q", n+1, got, want)
		}
	}
	if got, want := b.Writes(), 5; got != want {
		t.Errorf("%d documents were written, want %d: item, collection and root, then the item twice", got, want)
	}
	if got, want := crawl(t, b), []string{"c/2023/6/5/a/a.json"}; !cmp.Equal(got, want) {
		t.Errorf("linked %v, want %v", got, want)
	}
}

func TestMovedItemIsLinkedOnce(t *testing.T) {
	b := buckettest.NewMemory()
	p := newPublisher(b)
	mustPublish(t, p, payloadOf("", item("a", "c", "2023-06-05T00:00:00Z", "")))
	mustPublish(t, p, payloadOf("", item("a", "c", "2023-07-09T00:00:00Z", "")))
	if got, want := crawl(t, b), []string{"c/2023/7/9/a/a.json"}; !cmp.Equal(got, want) {
		t.Errorf("linked %v, want %v", got, want)
	}
}

func TestHandWrittenCollectionIsKept(t *testing.T) {
	b := buckettest.NewMemory()
	mine := `{"type":"Collection","stac_version":"1.0.0","id":"c","title":"Mine","description":"By hand.","license":"CC-BY-4.0",` +
		`"extent":{"spatial":{"bbox":[[-180,-90,180,90]]},"temporal":{"interval":[["2000-01-01T00:00:00Z",null]]}},"providers":[{"name":"ESA"}],` +
		`"links":[{"rel":"license","href":"https://example.com","x":1.0}]}`
	if _, err := b.Put(t.Context(), "c/collection.json", []byte(mine), bucket.PutOptions{}); err != nil {
		t.Fatal(err)
	}
	mustPublish(t, newPublisher(b), payloadOf("", item("a", "c", "2023-06-05T00:00:00Z", "")))
	got, _, err := b.Get(t.Context(), "c/collection.json")
	if err != nil {
		t.Fatal(err)
	}
	before, _, _ := strings.Cut(mine, `"links"`)
	want := before + `"links":[{"rel":"self","href":"https://data.example.com/c/collection.json","type":"application/json"},` +
		`{"rel":"root","href":"../catalog.json","type":"application/json"},{"rel":"parent","href":"../catalog.json","type":"application/json"},` +
		`{"rel":"license","href":"https://example.com","x":1.0},{"rel":"item","href":"./2023/6/5/a/a.json","type":"application/geo+json","title":"a"}]}`
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("collection (-want +got):\n%s", diff)
	}
}

func TestCollections(t *testing.T) {
	const matchers = `"collection_matchers":[` +
		`{"type":"jsonpath","pattern":"$[?(@.id =~ 'S2[AB].*')]","collection_name":"sentinel-2"},` +
		`{"type":"jsonpath","pattern":"$[?(@.properties.eo:cloud_cover < 10 & @.properties.gsd >= 30)]","collection_name":"clear"}`
	tests := []struct {
		name    string
		process string
		item    string
		want    string
	}{
		{"first matcher wins", matchers + `],`, item("S2A_1", "old", "2020-01-01T00:00:00Z", `"eo:cloud_cover":1,"gsd":60`), "sentinel-2"},
		{"second matcher", matchers + `],`, item("LC08", "", "2020-01-01T00:00:00Z", `"eo:cloud_cover":9.99,"gsd":30`), "clear"},
		{"none keeps what it has", matchers + `],`, item("LC08", "old", "2020-01-01T00:00:00Z", ""), "old"},
		{"catch-all", matchers + `,{"type":"catch_all","collection_name":"rest"}],`, item("LC08", "old", "2020-01-01T00:00:00Z", ""), "rest"},
		{"no matchers", "", item("LC08", "old", "2020-01-01T00:00:00Z", ""), "old"},
		{"deprecated mapping in its order", `"upload_options":{"collections":{"z":"$[?(@.id =~ '^LC')]","a":"$[?(@.id =~ '.*')]"}},`, item("LC08", "", "2020-01-01T00:00:00Z", ""), "z"},
		{"pattern without brackets", `"upload_options":{"collections":{"z":"$.[?@.id == 'LC08']"}},`, item("LC08", "", "2020-01-01T00:00:00Z", ""), "z"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := buckettest.NewMemory()
			doc := mustPublish(t, newPublisher(b), payloadOf(tt.process, tt.item))
			feature := doc["features"].([]any)[0].(map[string]any)
			if feature["collection"] != tt.want {
				t.Errorf("collection %v, want %s", feature["collection"], tt.want)
			}
			if _, _, err := b.Get(t.Context(), tt.want+"/collection.json"); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestLayout(t *testing.T) {
	const properties = `"eo:cloud_cover":12.50,"landsat:wrs_path":"047","proj:centroid":{"lat":1.5},"tile":"10/S/DG"`
	tests := []struct {
		template, key string
	}{
		{"", "c/2023/6/5/a b/a b.json"},
		{"${collection}/${date}", "c/2023-06-05/a b.json"},
		{"/${landsat:wrs_path}/${eo:cloud_cover}/", "047/12.50/a b.json"},
		{"x/${proj:centroid.lat}/${tile}/${stac_version}", "x/1.5/10/S/DG/1.0.0/a b.json"},
		{"s3://data/${collection}/${id}", "c/a b/a b.json"},
		{"flat", "flat/a b.json"},
	}
	for _, tt := range tests {
		t.Run(tt.template, func(t *testing.T) {
			b := buckettest.NewMemory()
			upload := fmt.Sprintf(`"upload_options":{"path_template":%q},`, tt.template)
			doc := mustPublish(t, newPublisher(b), payloadOf(upload, item("a b", "c", "2023-06-05T23:46:21Z", properties)))
			if got, want := crawl(t, b), []string{tt.key}; !cmp.Equal(got, want) {
				t.Errorf("stored at %v, want %v", got, want)
			}
			if got, want := link(t, doc, "self"), "https://data.example.com/"+strings.ReplaceAll(tt.key, " ", "%20"); got != want {
				t.Errorf("self is %q, want %q", got, want)
			}
		})
	}
}

func TestOptions(t *testing.T) {
	b := &recordingBucket{Memory: buckettest.NewMemory()}
	process := `"upload_options":{"s3_urls":true,"public_assets":["thumbnail"],"headers":{"ContentType":"application/vnd.example"}},` +
		`"collection_options":{"d":{"upload_options":{"path_template":"own/${id}"}}},`
	doc := mustPublish(t, newPublisher(b), payloadOf(process, item("a", "c", "2023-06-05T00:00:00Z", ""), item("a", "d", "2023-06-05T00:00:00Z", "")))
	for rel, want := range map[string]string{
		"self": "s3://data/c/2023/6/5/a/a.json", "canonical": "s3://data/c/2023/6/5/a/a.json",
		"collection": "s3://data/c/collection.json", "parent": "s3://data/c/collection.json", "root": "s3://data/catalog.json",
	} {
		if got := link(t, doc, rel); got != want {
			t.Errorf("%s is %q, want %q", rel, got, want)
		}
	}
	for key, want := range map[string]string{
		"c/2023/6/5/a/a.json": "application/vnd.example", "own/a/a.json": "application/geo+json", "catalog.json": "application/json", "d/collection.json": "application/json",
	} {
		if got := b.contentType(key); got != want {
			t.Errorf("%s has the content type %q, want %q", key, got, want)
		}
	}
}

func TestInvalidInput(t *testing.T) {
	good := item("a", "c", "2023-06-05T00:00:00Z", "")
	template := func(s string) string { return fmt.Sprintf(`"upload_options":{"path_template":%q},`, s) }
	pattern := func(s string) string {
		return fmt.Sprintf(`"collection_matchers":[{"type":"jsonpath","pattern":%q,"collection_name":"x"}],`, s)
	}
	tests := []struct {
		name    string
		payload []byte
		want    string
	}{
		{"not JSON", []byte(`{"type":`), `publish: invalid payload: `},
		{"another document", []byte(`{"foo":1}`), `publish: it is no payload: its features are not a list`},
		{"item", payloadOf("", good, strings.Replace(good, "2023-06-05", "yesterday", 1)), `item "a": properties.datetime: "yesterdayT00:00:00Z" is not an RFC 3339 date and time`},
		{"no collection", payloadOf("", good, item("b", "", "2023-06-05T00:00:00Z", "")), `item "b": collection: it has none and no matcher gives it one; set it, or add a matcher of the type catch_all to process[0].collection_matchers`},
		{"both forms", payloadOf(`"collection_matchers":[{"type":"catch_all","collection_name":"x"}],"upload_options":{"collections":{"a":"$[?(@.id)]"}},`, good), `publish: invalid payload: process[0]: holds both collection_matchers and the deprecated upload_options.collections: keep one`},
		{"matcher type", payloadOf(`"collection_matchers":[{"type":"regex","collection_name":"x"}],`, good), `matcher 1, for the collection "x": its type is "regex", not "jsonpath" or "catch_all"`},
		{"matcher without collection", payloadOf(`"collection_matchers":[{"type":"catch_all"}],`, good), `matcher 1, for the collection "": it names no collection`},
		{"pattern that is no filter", payloadOf(pattern("$.id"), good), `matcher 1, for the collection "x": its pattern "$.id" is not a filter; write $[?(…)]`},
		{"pattern", payloadOf(pattern("$[?(@.id =~ )]"), good), `matcher 1, for the collection "x": its pattern "$[?(@.id =~ )]": filter "(@.id =~ )": at character `},
		{"unknown placeholder", payloadOf(template("${collection}/${nope}"), good), `item "a": upload_options.path_template: ${nope} is neither a member nor a property of the item`},
		{"placeholder of an object", payloadOf(template("${geometry}"), good), `item "a": upload_options.path_template: ${geometry} is {"type":"Point","coordinates":[7.50,47.1, which cannot be part of a path`},
		{"open placeholder", payloadOf(template("${id"), good), `upload_options.path_template "${id": a placeholder is not closed with }`},
		{"path out of the folder", payloadOf(template("../${id}"), good), `item "a": upload_options.path_template "../${id}": invalid object key: it has the segment "..": "../a/a.json"`},
		{"id out of the folder", payloadOf("", item("../../etc/passwd", "c", "2023-06-05T00:00:00Z", "")), `item "../../etc/passwd": upload_options.path_template "${collection}/${year}/${month}/${day}/${id}": invalid object key: it has the segment "..": `},
		{"collection out of the folder", payloadOf(template("x"), item("a", "..", "2023-06-05T00:00:00Z", "")), `item "a": collection "..": invalid object key: it has the segment "..": "../collection.json"`},
		{"another bucket", payloadOf(template("s3://other/${id}"), good), `item "a": upload_options.path_template leads to the bucket "other"; publish stores in "data" only`},
		{"document of the catalog", payloadOf(template("c"), item("collection", "c", "2023-06-05T00:00:00Z", "")), `item "collection": cannot be published under this id: collection.json is a document of the catalog`},
		{"same place twice", payloadOf("", good, good), `items "a" and "a" both go to "c/2023/6/5/a/a.json"; publish them one after the other, or set upload_options.path_template`},
		{"options", payloadOf(`"upload_options":{"s3_urls":"yes"},`, good), `read process[0].upload_options: `},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := buckettest.NewMemory()
			_, err := newPublisher(b).Publish(t.Context(), tt.payload)
			var typed interface{ ErrorType() string }
			if !errors.As(err, &typed) || typed.ErrorType() != "stactask.exceptions.InvalidInput" {
				t.Errorf("%v is not an InvalidInput", err)
			}
			if err == nil || !strings.HasPrefix(err.Error(), tt.want) {
				t.Errorf("got  %v\nwant %s", err, tt.want)
			}
			if b.Writes() > 0 {
				t.Errorf("%d documents were written for input that is wrong", b.Writes())
			}
		})
	}
}

func TestUnreadableDocument(t *testing.T) {
	b := buckettest.NewMemory()
	if _, err := b.Put(t.Context(), "c/collection.json", []byte("<html>"), bucket.PutOptions{}); err != nil {
		t.Fatal(err)
	}
	_, err := newPublisher(b).Publish(t.Context(), payloadOf("", item("a", "c", "2023-06-05T00:00:00Z", "")))
	want := `publish collection "c": update "c/collection.json": what is there cannot be read; repair or delete it: parse JSON: invalid character '<' looking for beginning of value`
	if err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
	if typed := new(publish.InvalidInput); errors.As(err, &typed) {
		t.Error("the payload is not at fault")
	}
}

// TestManyPublishers publishes from several processes at once, far beyond one document, and follows every link.
func TestManyPublishers(t *testing.T) {
	const processes, callers, each = 3, 4, 100
	b := buckettest.NewMemory()
	var wg sync.WaitGroup
	for process := range processes {
		p := newPublisher(b)
		for caller := range callers {
			wg.Go(func() {
				for i := range each {
					// Half of the items are published by every process.
					id := fmt.Sprintf("item-%d-%d", caller, i)
					if i%2 == 0 {
						id = fmt.Sprintf("item-%d-%d-%d", process, caller, i)
					}
					datetime := time.Date(2020, 1, 1+i, 0, 0, 0, 0, time.UTC).Format(time.RFC3339)
					if _, err := p.Publish(t.Context(), payloadOf("", item(id, "c", datetime, ""))); err != nil {
						t.Error(err)
					}
				}
			})
		}
	}
	wg.Wait()
	if got, want := len(crawl(t, b)), callers*each/2*(1+processes); got != want {
		t.Errorf("%d items are linked, want %d", got, want)
	}
}

func TestManyCollections(t *testing.T) {
	const collections = 600
	b := buckettest.NewMemory()
	p := newPublisher(b)
	for i := range collections {
		mustPublish(t, p, payloadOf("", item("a", fmt.Sprintf("collection-%d", i), "2020-01-01T00:00:00Z", "")))
	}
	if got := len(crawl(t, b)); got != collections {
		t.Errorf("%d items are linked, want %d", got, collections)
	}
}

// TestLongLinks has documents fill up by bytes before they do by links.
func TestLongLinks(t *testing.T) {
	b := buckettest.NewMemory()
	p := newPublisher(b)
	const items = 300
	for i := range items {
		id := fmt.Sprint(i, strings.Repeat("?", 900)) // three bytes each in a link
		mustPublish(t, p, payloadOf(`"upload_options":{"path_template":"x"},`, item(id, "c", "2020-01-01T00:00:00Z", "")))
	}
	if got := len(crawl(t, b)); got != items {
		t.Errorf("%d items are linked, want %d", got, items)
	}
}

// TestCostDoesNotGrow counts what publishing one more item reads and writes.
func TestCostDoesNotGrow(t *testing.T) {
	b := &recordingBucket{Memory: buckettest.NewMemory()}
	p := newPublisher(b)
	for i := range 40 {
		var items []string
		for j := range 100 {
			items = append(items, item(fmt.Sprintf("item-%d-%d", i, j), "c", "2020-01-01T00:00:00Z", ""))
		}
		mustPublish(t, p, payloadOf("", items...))
	}
	b.reset()
	mustPublish(t, p, payloadOf("", item("one-more", "c", "2020-01-01T00:00:00Z", "")))
	if b.puts > 2 || b.gets > 5 || b.bytes > 100_000 {
		t.Errorf("one item after 4,000 took %d writes, %d reads and %d bytes; want at most 2, 5 and 100,000", b.puts, b.gets, b.bytes)
	}
}

// TestWaitingChangesJoin lets callers pile up behind a write: the next one carries out all of them.
func TestWaitingChangesJoin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const callers = 50
		b := newGatedBucket("c/collection.json")
		p := newPublisher(b)
		var wg sync.WaitGroup
		for i := range callers {
			wg.Go(func() { mustPublish(t, p, payloadOf("", item(fmt.Sprint(i), "c", "2020-01-01T00:00:00Z", ""))) })
		}
		synctest.Wait() // one is at the gate, the others wait for it
		close(b.gate)
		wg.Wait()
		if got := len(crawl(t, b.Memory)); got != callers {
			t.Errorf("%d items are linked, want %d", got, callers)
		}
		if got := b.putsOf("c/collection.json"); got != 2 {
			t.Errorf("the collection was written %d times for %d callers, want 2", got, callers)
		}
	})
}

// TestCancelledCaller gives up while it carries out a write that others wait for, and while it waits itself.
func TestCancelledCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newGatedBucket("c/collection.json")
		p := newPublisher(b)
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		publish := func(ctx context.Context, id string) *error {
			err := new(error)
			wg.Go(func() { _, *err = p.Publish(ctx, payloadOf("", item(id, "c", "2020-01-01T00:00:00Z", ""))) })
			synctest.Wait()
			return err
		}
		writer := publish(ctx, "writer")
		second := publish(t.Context(), "second")
		waiter := publish(ctx, "waiter")
		cancel()
		synctest.Wait()
		if !errors.Is(*waiter, context.Canceled) {
			t.Errorf("who waits ended with %v, want context.Canceled", *waiter)
		}
		close(b.gate)
		wg.Wait()
		if *second != nil {
			t.Errorf("another caller ended with %v", *second)
		}
		if *writer != nil && !errors.Is(*writer, context.Canceled) {
			t.Errorf("who writes ended with %v", *writer)
		}
		for _, id := range []string{"writer", "second"} {
			if key := fmt.Sprintf("c/2020/1/1/%[1]s/%[1]s.json", id); !slices.Contains(crawl(t, b.Memory), key) {
				t.Errorf("%s is not linked", key)
			}
		}
	})
}

// TestFailingBucket fails writes at random, tries again until all is published, and follows every link after each try.
func TestFailingBucket(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		b := &failingBucket{Memory: buckettest.NewMemory()}
		published := map[string]bool{}
		for range rapid.IntRange(1, 6).Draw(rt, "payloads") {
			var items []string
			batch := map[string]bool{}
			for _, n := range rapid.SliceOfNDistinct(rapid.IntRange(0, 900), 1, 300, rapid.ID[int]).Draw(rt, "items") {
				collection := fmt.Sprintf("c%d", n%2)
				items = append(items, item(fmt.Sprint(n), collection, "2020-01-01T00:00:00Z", ""))
				batch[fmt.Sprintf("%s/2020/1/1/%d/%d.json", collection, n, n)] = true
			}
			b.failAt(rapid.SliceOfN(rapid.IntRange(0, 400), 0, 4).Draw(rt, "fail at"))
			for {
				_, err := newPublisher(b).Publish(context.Background(), payloadOf("", items...))
				linked := map[string]bool{}
				for _, key := range crawl(rt, b.Memory) {
					if !published[key] && !batch[key] || linked[key] {
						rt.Fatalf("%s is linked, and was not published or twice", key)
					}
					linked[key] = true
				}
				for key := range published {
					if !linked[key] {
						rt.Fatalf("%s was published and is not linked", key)
					}
				}
				if err == nil {
					for key := range batch {
						if !linked[key] {
							rt.Fatalf("%s is not linked", key)
						}
						published[key] = true
					}
					break
				}
				if !errors.Is(err, errDisk) {
					rt.Fatal(err)
				}
			}
		}
	})
}

func TestRealItems(t *testing.T) {
	dir := os.Getenv("SUNDOG_STAC_ITEMS")
	if dir == "" {
		t.Skip("set SUNDOG_STAC_ITEMS to a folder of STAC Items, one folder per collection, to run this test")
	}
	files, err := filepath.Glob(filepath.Join(dir, "*", "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no items in %s: %v", dir, err)
	}
	b := buckettest.NewMemory()
	p := newPublisher(b)
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		mustPublish(t, p, payloadOf("", string(raw)))
	}
	if got := len(crawl(t, b)); got != len(files) {
		t.Errorf("%d items are linked, want %d", got, len(files))
	}
}

func FuzzPublish(f *testing.F) {
	f.Add(payloadOf("", item("a", "c", "2020-01-01T00:00:00Z", `"platform":"p"`)))
	f.Add(payloadOf(`"upload_options":{"path_template":"${date}/${eo:cloud_cover}","s3_urls":true},`, item("../a?#%", "c", "2020-01-01T00:00:00Z", `"eo:cloud_cover":1e3`)))
	f.Add(payloadOf(`"collection_matchers":[{"type":"jsonpath","pattern":"$[?(@.id =~ '^a')]","collection_name":"x/y"}],`, item("a", "", "2020-01-01T00:00:00Z", "")))
	f.Add(payloadOf(`"collection_options":{"c":{"upload_options":{"path_template":"s3://data/"}}},`, item("a/b", "c", "2020-01-01T00:00:00Z", "")))
	f.Fuzz(func(t *testing.T, raw []byte) {
		b := buckettest.NewMemory()
		out, err := newPublisher(b).Publish(t.Context(), raw)
		if err != nil {
			if b.Writes() > 0 {
				t.Errorf("%d documents were written, then %v", b.Writes(), err)
			}
			return
		}
		if !json.Valid(out) {
			t.Errorf("the result is not JSON: %q", out)
		}
		crawl(t, b)
	})
}

func BenchmarkPublish(b *testing.B) {
	p := newPublisher(buckettest.NewMemory())
	n := 0
	for b.Loop() {
		n++
		if _, err := p.Publish(b.Context(), payloadOf("", item(fmt.Sprint("item-", n), "c", "2020-01-01T00:00:00Z", `"text":"`+strings.Repeat("x", 30<<10)+`"`))); err != nil {
			b.Fatal(err)
		}
	}
}
