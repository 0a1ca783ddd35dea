package jsonpath_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sundog/jsonpath"
)

// item returns a STAC Item of some 30 KB: the largest of SUNDOG_STAC_ITEMS, or one that is made up.
func item(b *testing.B) any {
	b.Helper()
	var largest string
	files, err := filepath.Glob(filepath.Join(os.Getenv("SUNDOG_STAC_ITEMS"), "*", "*.json"))
	if err != nil {
		b.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			b.Fatal(err)
		}
		if len(text) > len(largest) {
			largest = string(text)
		}
	}
	if largest == "" {
		assets := make([]string, 60)
		for i := range assets {
			assets[i] = fmt.Sprintf(`"band-%d": {"href": "s3://bucket/%s", "roles": ["data"], "eo:bands": [{"name": "B%d"}]}`, i, strings.Repeat("x", 400), i)
		}
		largest = `{"properties": {"eo:cloud_cover": 12.5}, "links": [{"rel": "self"}], "assets": {` + strings.Join(assets, ",") + `}}`
	}
	return parseJSON(b, largest)
}

func BenchmarkGet(b *testing.B) {
	doc := map[string]any{"features": []any{item(b)}, "process": []any{map[string]any{"workflow": "w"}}}
	for _, path := range []string{
		`$.process[0].workflow`,
		`$.features[0].properties['eo:cloud_cover']`,
		`$.features[?(@.properties['eo:cloud_cover'] < 101)].id`,
		`$.features[*].assets.*.href`,
		`$..href`,
	} {
		p, err := jsonpath.Parse(path)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(path, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, ok, err := p.Get(doc); err != nil || !ok {
					b.Fatal(ok, err)
				}
			}
		})
	}
}

func BenchmarkParse(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := jsonpath.Parse(`$.features[?(@.properties['eo:cloud_cover'] < 20)].id`); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSet(b *testing.B) {
	doc := map[string]any{"features": []any{item(b)}}
	ref, err := jsonpath.ParseReference(`$.features[0].properties.done`)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ref.Set(doc, true); err != nil {
			b.Fatal(err)
		}
	}
}
