package itemreader_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/parquet-go/parquet-go"

	"sundog/itemreader"
)

// bucket is one bucket named b.
type bucket map[string][]byte

type body struct{ *bytes.Reader }

func (body) Close() error { return nil }

func (b bucket) Open(_ context.Context, name, key string) (itemreader.Body, error) {
	text, ok := b[key]
	switch {
	case name != "b":
		return nil, fmt.Errorf("opening %s: %w", name, itemreader.ErrNoBucket)
	case !ok:
		return nil, fmt.Errorf("opening %s: %w", key, itemreader.ErrNoObject)
	}
	return body{bytes.NewReader(text)}, nil
}

func (b bucket) List(_ context.Context, name, prefix, after string) ([]itemreader.Object, error) {
	if name != "b" {
		return nil, itemreader.ErrNoBucket
	}
	var page []itemreader.Object
	for key, text := range b {
		if strings.HasPrefix(key, prefix) && key > after {
			page = append(page, itemreader.Object{Key: key, ETag: "e", Size: int64(len(text)), Modified: time.Unix(1700000000, 0)})
		}
	}
	slices.SortFunc(page, func(a, b itemreader.Object) int { return strings.Compare(a.Key, b.Key) })
	return page[:min(len(page), 2)], nil // small pages
}

func packed(text string) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = w.Write([]byte(text))
	_ = w.Close()
	return b.Bytes()
}

type row struct {
	N int64    `parquet:"n"`
	S string   `parquet:"s"`
	O *float64 `parquet:"o,optional"`
	L []int32  `parquet:"l"`
}

func parquetFile(t testing.TB, n int) []byte {
	var b bytes.Buffer
	w := parquet.NewGenericWriter[row](&b)
	for i := range n {
		half := float64(i) / 2
		if _, err := w.Write([]row{{N: int64(i), S: fmt.Sprint("<", i, ">"), O: &half, L: []int32{1, int32(i)}}}); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// all reads the items of a dataset: key=value when an item has a key.
func all(r *itemreader.Reader) (items []string, source string, err error) {
	for {
		item, err := r.Next(context.Background())
		if errors.Is(err, io.EOF) {
			if _, again := r.Next(context.Background()); !errors.Is(again, io.EOF) {
				return items, source, fmt.Errorf("after the end there is %w", again)
			}
			return items, source, r.Close()
		}
		if err != nil {
			return items, source, errors.Join(err, r.Close())
		}
		text := string(item.Value)
		if item.Member {
			text = item.Key + "=" + text
		}
		items, source = append(items, text), item.Source
	}
}

func TestDatasets(t *testing.T) {
	type set = itemreader.Dataset
	given := []string{"x", "y"}
	objects := bucket{
		"a.csv": []byte("x,y\n1,2\n\"q\"\"\n,\",4,5\n6\n"), "p.csv": []byte("\xef\xbb\xbfx|y\n1|2\n"), "dup.csv": []byte("x,x\n1,2\n"), "empty": nil,
		"z.csv.gz": packed("1,2\n"), "array.json": []byte(` [1, {"a": [2]}, "]"] `), "object.json": []byte(`{"k":1,"l":{"m":2}}`), "scalar.json": []byte(`"x"`),
		"deep.json": []byte(`{"skip":[{"data":[9]}],"data":{"a/b":[7,8],"list":[[1],[2,3]]}}`), "cut.json": []byte(`[1,2`), "comma.json": []byte(`[1 2]`),
		"a.jsonl": []byte("{\"a\":1}\r\n\n 2 \n[3]"), "bad.jsonl": []byte("1\n{]\n"), "q.parquet": parquetFile(t, 3), "no.parquet": []byte("PAR1 is not enough PAR1"),
		"inventory/manifest.json": []byte(`{"destinationBucket":"arn:aws:s3:::b","fileFormat":"CSV","fileSchema":"Bucket, Key, Size","files":[{"key":"inventory/1"},{"key":"inventory/2"}]}`),
		"inventory/1":             packed("\"b\",\"one\",\"1\"\n"), "inventory/2": []byte("b,two,2\n"), "orc.json": []byte(`{"fileFormat":"ORC"}`),
		"athena.csv": []byte("s3://b/lines/1\ns3://b/lines/2\n"), "lines/1": []byte("1\n2\n"), "lines/2": []byte("3\n"), "athena.bad": []byte("b/lines/1\n"),
	}
	for name, c := range map[string]struct {
		set    set
		want   []string
		source string
		err    string
	}{
		"csv with a header":            {set: set{Key: "a.csv", Format: "CSV", FirstRow: true}, want: []string{`{"x":"1","y":"2"}`, `{"x":"q\"\n,","y":"4"}`, `{"x":"6","y":""}`}, source: "S3://b/a.csv"},
		"csv with given headers":       {set: set{Key: "a.csv", Format: "CSV", Headers: given, MaxItems: 1}, want: []string{`{"x":"x","y":"y"}`}},
		"csv with pipes and a mark":    {set: set{Key: "p.csv", Format: "CSV", FirstRow: true, Delimiter: "PIPE"}, want: []string{`{"x":"1","y":"2"}`}},
		"packed csv":                   {set: set{Key: "z.csv.gz", Format: "CSV", Headers: given}, want: []string{`{"x":"1","y":"2"}`}},
		"duplicate headers":            {set: set{Key: "a.csv", Format: "CSV", Headers: []string{"x", "x"}}, err: "CSV headers cannot contain duplicates."},
		"duplicate headers in the row": {set: set{Key: "dup.csv", Format: "CSV", FirstRow: true}, err: "CSV headers cannot contain duplicates."},
		"csv without a header":         {set: set{Key: "empty", Format: "CSV", FirstRow: true}, err: "The CSV file is empty: there is no row with headers."},
		"empty csv":                    {set: set{Key: "empty", Format: "CSV", Headers: given}},
		"json array":                   {set: set{Key: "array.json", Format: "JSON"}, want: []string{`1`, `{"a": [2]}`, `"]"`}, source: "S3://b/array.json"},
		"json object":                  {set: set{Key: "object.json", Format: "JSON"}, want: []string{`k=1`, `l={"m":2}`}},
		"pointer with an escape":       {set: set{Key: "deep.json", Format: "JSON", Pointer: "/data/a~1b"}, want: []string{`7`, `8`}},
		"pointer into an array":        {set: set{Key: "deep.json", Format: "JSON", Pointer: "/data/list/1"}, want: []string{`2`, `3`}},
		"pointer to nothing":           {set: set{Key: "deep.json", Format: "JSON", Pointer: "/data/none"}, err: "ItemsPointer '/data/none' points to nothing in the JSON file."},
		"scalar":                       {set: set{Key: "scalar.json", Format: "JSON"}, err: "Attempting to map over non-iterable node."},
		"cut off json":                 {set: set{Key: "cut.json", Format: "JSON"}, want: []string{"1", "2"}, err: "The file is not valid JSON: unexpected EOF"},
		"json without a comma":         {set: set{Key: "comma.json", Format: "JSON"}, want: []string{"1"}, err: "The file is not valid JSON: expected comma after array element"},
		"json lines":                   {set: set{Key: "a.jsonl", Format: "JSONL"}, want: []string{`{"a":1}`, `2`, `[3]`}},
		"bad json lines":               {set: set{Key: "bad.jsonl", Format: "JSONL"}, want: []string{`1`}, err: "Line 2 of the file is not valid JSON."},
		"parquet": {
			set:  set{Key: "q.parquet", Format: "PARQUET", MaxItems: 2},
			want: []string{`{"l":[1,0],"n":0,"o":0,"s":"<0>"}`, `{"l":[1,1],"n":1,"o":0.5,"s":"<1>"}`},
		},
		"list": {
			set:    set{List: true, Prefix: "lines/", Format: "CSV"},
			want:   []string{`{"Etag":"e","Key":"lines/1","LastModified":1700000000,"Size":4,"StorageClass":"STANDARD"}`, `{"Etag":"e","Key":"lines/2","LastModified":1700000000,"Size":2,"StorageClass":"STANDARD"}`},
			source: "S3://b",
		},
		"list of nothing":     {set: set{List: true, Prefix: "none/"}},
		"listed items":        {set: set{List: true, Prefix: "lines/", Flatten: true, Format: "JSONL"}, want: []string{"1", "2", "3"}, source: "S3://b/lines/2"},
		"inventory":           {set: set{Key: "inventory/manifest.json", Format: "MANIFEST"}, want: []string{`{"Bucket":"b","Key":"one","Size":"1"}`, `{"Bucket":"b","Key":"two","Size":"2"}`}, source: "S3://b/inventory/2"},
		"inventory of ORC":    {set: set{Key: "orc.json", Manifest: "S3_INVENTORY"}, err: "The inventory's file format ORC cannot be read; CSV and Parquet can."},
		"query":               {set: set{Key: "athena.csv", Manifest: "ATHENA_DATA", Format: "JSONL"}, want: []string{"1", "2", "3"}},
		"query of no uris":    {set: set{Key: "athena.bad", Manifest: "ATHENA_DATA", Format: "JSONL"}, err: `The manifest names "b/lines/1", which is not the URI of an object.`},
		"negative bound":      {set: set{Key: "a.jsonl", Format: "JSONL", MaxItems: -1}, err: "field MaxItems must be positive"},
		"bound out of reach":  {set: set{Key: "a.jsonl", Format: "JSONL", MaxItems: 1 << 60}, want: []string{`{"a":1}`, `2`, `[3]`}},
		"object not there":    {set: set{Key: "none"}, err: "The specified key does not exist."},
		"bucket not there":    {set: set{Bucket: "other", List: true}, err: "The specified bucket does not exist"},
		"version":             {set: set{Key: "a.jsonl", Format: "JSONL", VersionID: "1"}, err: "The specified version does not exist: objects have no versions here, so VersionId must be left out."},
		"delimiter not known": {set: set{Key: "a.csv", Format: "CSV", Headers: given, Delimiter: "DOT"}, err: "CSVDelimiter DOT is not known."},
	} {
		t.Run(name, func(t *testing.T) {
			if c.set.Bucket == "" {
				c.set.Bucket = "b"
			}
			r, err := itemreader.Open(t.Context(), objects, c.set)
			var items []string
			var source string
			if err == nil {
				items, source, err = all(r)
			}
			var wrong *itemreader.Error
			if c.err == "" && err != nil || c.err != "" && (!errors.As(err, &wrong) || wrong.Cause != c.err) {
				t.Fatalf("error %v, want %q", err, c.err)
			}
			if !slices.Equal(items, c.want) || c.source != "" && source != c.source {
				t.Errorf("%q from %s, want %q", items, source, c.want)
			}
		})
	}
	if _, err := itemreader.Open(t.Context(), objects, set{Bucket: "b", Key: "no.parquet", Format: "PARQUET"}); !errors.As(err, new(*itemreader.Error)) {
		t.Errorf("a damaged Parquet file gives %v", err)
	}
}

// A reader that skips goes on where another one stopped.
func TestSkip(t *testing.T) {
	objects := bucket{"q": parquetFile(t, 50), "l": []byte(strings.Repeat("1\n", 10) + "2\n"), "lines/1": []byte("1\n2\n"), "lines/2": []byte("3\n4")}
	for _, set := range []itemreader.Dataset{
		{Bucket: "b", Key: "q", Format: "PARQUET", MaxItems: 40},
		{Bucket: "b", Key: "l", Format: "JSONL"},
		{Bucket: "b", List: true},
		{Bucket: "b", List: true, Prefix: "lines/", Flatten: true, Format: "JSONL"},
	} {
		whole, err := itemreader.Open(t.Context(), objects, set)
		if err != nil {
			t.Fatal(err)
		}
		want, _, err := all(whole)
		if err != nil {
			t.Fatal(err)
		}
		for n := range len(want) + 2 {
			r, err := itemreader.Open(t.Context(), objects, set)
			if err != nil {
				t.Fatal(err)
			}
			if err := r.Skip(t.Context(), int64(n)); err != nil {
				t.Fatal(err)
			}
			got, _, err := all(r)
			if err != nil || !slices.Equal(got, want[min(n, len(want)):]) {
				t.Errorf("%+v after %d: %q, %v", set, n, got, err)
			}
		}
	}
}

// endless is an object of one item that never ends.
type endless struct{ read int64 }

func (e *endless) ReadAt(p []byte, _ int64) (int, error) {
	for i := range p {
		p[i] = '"'
	}
	if e.read == 0 {
		p[0] = '['
	}
	if e.read < 10 {
		copy(p[1:], `"`+strings.Repeat("x", len(p)-2))
	} else {
		copy(p, strings.Repeat("x", len(p)))
	}
	e.read += int64(len(p))
	return len(p), nil
}

func (e *endless) Close() error { return nil }
func (e *endless) Size() int64  { return 1 << 40 }

type oneObject struct{ itemreader.Body }

func (o oneObject) Open(context.Context, string, string) (itemreader.Body, error) { return o.Body, nil }

func (oneObject) List(context.Context, string, string, string) ([]itemreader.Object, error) {
	return nil, nil
}

// An item that is too large is not read to its end.
func TestItemsAreBounded(t *testing.T) {
	for _, set := range []itemreader.Dataset{{Format: "JSON"}, {Format: "JSONL"}, {Format: "CSV", Headers: []string{"a"}}} {
		object := &endless{}
		r, err := itemreader.Open(t.Context(), oneObject{object}, set)
		if err == nil {
			_, err = r.Next(t.Context())
		}
		if !errors.As(err, new(*itemreader.Error)) || object.read > 8<<20 {
			t.Errorf("%s: %v after %d bytes", set.Format, err, object.read)
		}
	}
}

func TestOf(t *testing.T) {
	r, err := itemreader.Of([]byte(`{"a":1}`))
	if err != nil {
		t.Fatal(err)
	}
	if items, source, err := all(r); err != nil || len(items) != 1 || items[0] != "a=1" || source != "STATE_DATA" {
		t.Errorf("%q %s %v", items, source, err)
	}
	if _, err := itemreader.Of([]byte(`1`)); err == nil {
		t.Error("a number was read")
	}
}
