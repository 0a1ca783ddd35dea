package itemreader_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"testing"

	"sundog/itemreader"
)

// FuzzReader: whatever an object holds, a reader gives valid JSON of bounded size, ends, and says what is wrong in an Error. The seeds are in
// testdata/fuzz.
func FuzzReader(f *testing.F) {
	f.Add(uint8(4), parquetFile(f, 2), "")
	formats := []itemreader.Format{itemreader.CSV, itemreader.JSON, itemreader.JSONLines, itemreader.Manifest, itemreader.Parquet}
	f.Fuzz(func(t *testing.T, format uint8, text []byte, pointer string) {
		set := itemreader.Dataset{Bucket: "b", Key: "k", Format: formats[int(format)%len(formats)], FirstRow: true, Pointer: pointer, MaxItems: 1000}
		r, err := itemreader.Open(t.Context(), bucket{"k": text, "f": []byte("1,2\n")}, set)
		for err == nil {
			var item itemreader.Item
			if item, err = r.Next(t.Context()); err != nil {
				break
			}
			if !json.Valid(item.Value) || len(item.Value) > itemreader.MaxItemBytes || !bytes.Equal(bytes.TrimSpace(item.Value), item.Value) {
				t.Fatalf("item %q", item.Value)
			}
		}
		if !errors.Is(err, io.EOF) && !errors.As(err, new(*itemreader.Error)) {
			t.Fatalf("%T: %v", err, err)
		}
	})
}
