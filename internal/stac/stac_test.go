package stac_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"sundog/internal/stac"
)

const scene = `{
  "type": "Feature", "stac_version": "1.0.0", "id": "S2A_T10SDG_20181231",
  "x:unkn\u006fwn": {"b": 1.10, "a": [1e400, "\u00fc<&>"]},
  "geometry": {"type": "Point", "coordinates": [-122.50, 37.10]},
  "bbox": [-122.50, 37.10, -122.50, 37.10],
  "properties": {"datetime": "2018-12-31T19:04:11.02Z", "eo:cloud_cover": 3.140, "s2:big": 12345678901234567890},
  "links": [
    {"rel": "license", "href": "https://example.com/?a=1&b=2", "x:hint": null},
    {"rel": "self", "href": "old.json"}
  ],
  "assets": {"B04": {"href": "B04.tif"}}
}`

func TestItemKeepsWhatItDoesNotKnow(t *testing.T) {
	item, err := stac.ParseItem([]byte(scene))
	if err != nil {
		t.Fatal(err)
	}
	item.SetCollection("sentinel-2-l2a")
	item.SetProperty("created", "2024-01-01T00:00:00Z")
	self := stac.Link{Rel: "self", Href: "https://example.com/a?b&c", Type: stac.GeoJSON}
	links, changed := item.Links().Replace([]string{"self"}, self)
	if _, again := links.Replace([]string{"self"}, self); !changed || again {
		t.Errorf("replaced: %v, then again: %v", changed, again)
	}
	item.SetLinks(links)
	want := `{"type":"Feature","stac_version":"1.0.0","id":"S2A_T10SDG_20181231",` +
		`"x:unkn\u006fwn":{"b": 1.10, "a": [1e400, "\u00fc<&>"]},` +
		`"geometry":{"type": "Point", "coordinates": [-122.50, 37.10]},` +
		`"bbox":[-122.50, 37.10, -122.50, 37.10],` +
		`"properties":{"datetime":"2018-12-31T19:04:11.02Z","eo:cloud_cover":3.140,"s2:big":12345678901234567890,"created":"2024-01-01T00:00:00Z"},` +
		`"links":[{"rel":"self","href":"https://example.com/a?b&c","type":"application/geo+json"},` +
		`{"rel": "license", "href": "https://example.com/?a=1&b=2", "x:hint": null}],` +
		`"assets":{"B04": {"href": "B04.tif"}},"collection":"sentinel-2-l2a"}`
	if got := string(item.AppendJSON(nil)); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestItemReads(t *testing.T) {
	item, err := stac.ParseItem([]byte(scene))
	if err != nil {
		t.Fatal(err)
	}
	if box, ok, err := item.BBox(); box != (stac.BBox{-122.5, 37.1, -122.5, 37.1}) || !ok || err != nil {
		t.Errorf("BBox = %v, %v, %v", box, ok, err)
	}
	if got, want := item.Time(), time.Date(2018, 12, 31, 19, 4, 11, 20e6, time.UTC); !got.Equal(want) {
		t.Errorf("Time = %v, want %v", got, want)
	}
	if cover, ok := item.Property("eo:cloud_cover"); !ok || string(cover) != "3.140" {
		t.Errorf("cloud cover = %s, %v", cover, ok)
	}
	if item.Collection() != "" {
		t.Errorf("collection = %q", item.Collection())
	}
}

func TestParseItemErrors(t *testing.T) {
	tests := []struct {
		name     string
		old, new string
		want     string
	}{
		{"not JSON", `"type"`, `type`, `item without id, field (item): parse JSON: invalid character 't' looking for beginning of object key string`},
		{"no id", `"id": "S2A_T10SDG_20181231",`, ``, `item without id, field id: missing, or not a text`},
		{"number as id", `"S2A_T10SDG_20181231"`, `7`, `item without id, field id: missing, or not a text`},
		{"type", `"Feature"`, `"Catalog"`, `item "S2A_T10SDG_20181231": type: has to be "Feature"`},
		{"version", `"1.0.0"`, `"0.9.0"`, `item "S2A_T10SDG_20181231": stac_version: "0.9.0" is not 1.0 or 1.1`},
		{"properties", `"properties": {`, `"properties": null, "p": {`, `item "S2A_T10SDG_20181231": properties: missing, or not an object`},
		{"datetime", `"2018-12-31T19:04:11.02Z"`, `"2018-12-31"`, `item "S2A_T10SDG_20181231": properties.datetime: "2018-12-31" is not an RFC 3339 date and time`},
		{"no time", `"datetime"`, `"date"`, `item "S2A_T10SDG_20181231": properties.datetime: null or missing, and start_datetime and end_datetime are not both there`},
		{
			"interval", `"datetime": "2018-12-31T19:04:11.02Z"`, `"datetime": null, "start_datetime": "2019-01-01T00:00:00Z", "end_datetime": "2018-01-01T00:00:00Z"`,
			`item "S2A_T10SDG_20181231": properties.end_datetime: is before start_datetime`,
		},
		{"no bbox", `"bbox"`, `"box"`, `item "S2A_T10SDG_20181231": bbox: missing, or not an array of numbers; an item with a geometry needs one`},
		{"short bbox", `"bbox": [-122.50, `, `"bbox": [`, `item "S2A_T10SDG_20181231": bbox: has 3 numbers instead of 4 or 6`},
		{"latitude", `-122.50, 37.10],`, `-122.50, 97.10],`, `item "S2A_T10SDG_20181231": bbox: has a latitude outside of -90 to 90 degrees`},
		{"upside down", `"bbox": [-122.50, 37.10`, `"bbox": [-122.50, 38.10`, `item "S2A_T10SDG_20181231": bbox: has its south edge north of its north edge`},
		{"links", `"links": [`, `"links": [7, `, `item "S2A_T10SDG_20181231": links: link 0: not a JSON object`},
		{"asset", `"B04.tif"`, `null`, `item "S2A_T10SDG_20181231": assets.B04.href: missing, or not a text`},
		{"collection", `"assets"`, `"collection": 7, "assets"`, `item "S2A_T10SDG_20181231": collection: not a text`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			raw := strings.Replace(scene, tt.old, tt.new, 1)
			if raw == scene {
				t.Fatalf("the scene does not contain %q", tt.old)
			}
			_, err := stac.ParseItem([]byte(raw))
			var itemError *stac.Error
			if !errors.As(err, &itemError) || err.Error() != tt.want {
				t.Errorf("got  %v\nwant %v", err, tt.want)
			}
		})
	}
}

func TestItemWithoutAPlace(t *testing.T) {
	raw := `{"type":"Feature","stac_version":"1.1.0","id":"a","geometry":null,"properties":{"datetime":null,"start_datetime":"2020-01-01T01:00:00+01:00","end_datetime":"2020-02-01T00:00:00Z"},"assets":{}}`
	item, err := stac.ParseItem([]byte(raw))
	if err != nil {
		t.Fatal(err)
	}
	if _, ok, err := item.BBox(); ok || err != nil {
		t.Errorf("BBox of a null geometry: ok %v, %v", ok, err)
	}
	if got := item.Time().Format(time.RFC3339); got != "2020-01-01T00:00:00Z" {
		t.Errorf("Time = %s", got)
	}
	if got := string(item.AppendJSON(nil)); got != raw {
		t.Errorf("untouched item\n got %s\nwant %s", got, raw)
	}
}

// TestRealItems reads real scenes, which are compared as values, and byte for byte once they are compact.
func TestRealItems(t *testing.T) {
	dir := os.Getenv("SUNDOG_STAC_ITEMS")
	if dir == "" {
		t.Skip("set SUNDOG_STAC_ITEMS to a folder of STAC Items, one folder per collection, to run this test")
	}
	files, err := filepath.Glob(filepath.Join(dir, "*", "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no items in %s: %v", dir, err)
	}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var compact bytes.Buffer
		if err := json.Compact(&compact, raw); err != nil {
			t.Fatal(err)
		}
		item, err := stac.ParseItem(compact.Bytes())
		if err != nil {
			t.Errorf("%s: %v", file, err)
			continue
		}
		if got := item.AppendJSON(nil); !bytes.Equal(got, compact.Bytes()) {
			t.Errorf("%s: changed without an edit", file)
		}
		if want := filepath.Base(filepath.Dir(file)); item.Collection() != want {
			t.Errorf("%s: collection %q", file, item.Collection())
		}
	}
}

func TestUnion(t *testing.T) {
	tests := []struct {
		name    string
		a, b, u stac.BBox
	}{
		{"beside", stac.BBox{0, 0, 1, 1}, stac.BBox{2, -1, 3, 0}, stac.BBox{0, -1, 3, 1}},
		{"inside", stac.BBox{0, 0, 10, 10}, stac.BBox{2, 2, 3, 3}, stac.BBox{0, 0, 10, 10}},
		{"around", stac.BBox{2, 2, 3, 3}, stac.BBox{0, 0, 10, 10}, stac.BBox{0, 0, 10, 10}},
		{"overlap", stac.BBox{0, 0, 2, 1}, stac.BBox{1, 0, 3, 1}, stac.BBox{0, 0, 3, 1}},
		{"both sides of the antimeridian", stac.BBox{178, 0, 179, 1}, stac.BBox{-179, 0, -178, 1}, stac.BBox{178, 0, -178, 1}},
		{"across the antimeridian", stac.BBox{179, 0, -179, 1}, stac.BBox{177, 0, 178, 1}, stac.BBox{177, 0, -179, 1}},
		{"across twice", stac.BBox{179, 0, -179, 1}, stac.BBox{178, 0, -178, 1}, stac.BBox{178, 0, -178, 1}},
		{"round the earth", stac.BBox{-170, 0, 100, 1}, stac.BBox{90, 0, -160, 1}, stac.BBox{-180, 0, 180, 1}},
		{"the world", stac.World, stac.BBox{179, 0, -179, 1}, stac.World},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.a.Union(tt.b); got != tt.u {
				t.Errorf("%v ∪ %v = %v, want %v", tt.a, tt.b, got, tt.u)
			}
		})
	}
}

func TestUnionCovers(t *testing.T) {
	degrees := func(limit float64) *rapid.Generator[float64] {
		return rapid.Map(rapid.IntRange(-int(limit*100), int(limit*100)), func(n int) float64 { return float64(n) / 100 })
	}
	boxes := rapid.Custom(func(t *rapid.T) stac.BBox {
		south, north := degrees(90).Draw(t, "south"), degrees(90).Draw(t, "north")
		return stac.BBox{degrees(180).Draw(t, "west"), min(south, north), degrees(180).Draw(t, "east"), max(south, north)}
	})
	rapid.Check(t, func(t *rapid.T) {
		a, b := boxes.Draw(t, "a"), boxes.Draw(t, "b")
		u := a.Union(b)
		for _, box := range []stac.BBox{a, b} {
			if again := u.Union(box); again != u {
				t.Fatalf("%v ∪ %v = %v, which does not cover %v: %v", a, b, u, box, again)
			}
			middle := box[0] + math.Mod(box[2]-box[0]+360, 360)/2
			if !contains(u, middle, (box[1]+box[3])/2) {
				t.Fatalf("%v ∪ %v = %v does not contain the middle of %v", a, b, u, box)
			}
		}
	})
}

func contains(box stac.BBox, longitude, latitude float64) bool {
	width := math.Mod(box[2]-box[0]+360, 360)
	if box[2]-box[0] >= 360 {
		width = 360
	}
	return math.Mod(longitude-box[0]+720, 360) <= width+1e-6 && box[1] <= latitude && latitude <= box[3]
}

func FuzzParseItem(f *testing.F) {
	f.Add([]byte(scene))
	f.Add([]byte(`{"id":"a","type":"Feature","stac_version":"1.1.0","properties":{"datetime":"2020-01-01T00:00:00Z"},"links":[{}],"links":[]}`))
	f.Add([]byte(`{"a":1,"a":2,"id":"\u0000"}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		item, err := stac.ParseItem(raw)
		if err != nil {
			return
		}
		once := item.AppendJSON(nil)
		again, err := stac.ParseItem(once)
		if err != nil {
			t.Fatalf("cannot read what was written: %v\n%s", err, once)
		}
		if twice := again.AppendJSON(nil); !bytes.Equal(once, twice) {
			t.Fatalf("writing is not stable:\n%s\n%s", once, twice)
		}
	})
}

func BenchmarkItem(b *testing.B) {
	raw := []byte(strings.Replace(scene, `"B04.tif"`, `"`+strings.Repeat("x", 30<<10)+`"`, 1))
	b.SetBytes(int64(len(raw)))
	for b.Loop() {
		item, err := stac.ParseItem(raw)
		if err != nil {
			b.Fatal(err)
		}
		item.SetProperty("updated", "2024-01-01T00:00:00Z")
		item.AppendJSON(nil)
	}
}

func TestCollectionIncludes(t *testing.T) {
	first := parse(t, `{"type":"Feature","stac_version":"1.0.0","id":"a","geometry":{"type":"Point","coordinates":[178,1]},"bbox":[178,1,-2,178,1,9],
		"properties":{"datetime":"2020-01-02T00:00:00Z","platform":"sentinel-2a","instruments":["msi"],"eo:cloud_cover":12.5,"gsd":10}}`)
	second := parse(t, `{"type":"Feature","stac_version":"1.0.0","id":"b","geometry":{"type":"Point","coordinates":[-179,-3]},"bbox":[-179,-3,-179,-3],
		"properties":{"datetime":null,"start_datetime":"2019-01-01T00:00:00Z","end_datetime":"2021-01-01T00:00:00Z","platform":"sentinel-2b","instruments":["msi"],"eo:cloud_cover":null,"gsd":60}}`)

	start, end, _ := first.Interval()
	box, placed, _ := first.BBox()
	collection := stac.NewCollection("c", "", "Scenes.", stac.NewExtent(box, placed, start, end))
	if !collection.Include(first) || collection.Include(first) {
		t.Error("an item changes the summaries the first time, and only then")
	}
	if !collection.Include(second) || collection.Include(second) || collection.Include(first) {
		t.Error("another item changes the extent the first time, and only then")
	}
	want := `{"type":"Collection","stac_version":"1.1.0","id":"c","description":"Scenes.","license":"other",` +
		`"extent":{"spatial":{"bbox":[[178,-3,-179,1]]},"temporal":{"interval":[["2019-01-01T00:00:00Z","2021-01-01T00:00:00Z"]]}},` +
		`"summaries":{"platform":["sentinel-2a","sentinel-2b"],"instruments":["msi"],"gsd":{"minimum":10,"maximum":60},"eo:cloud_cover":{"minimum":12.5,"maximum":12.5}},"links":[]}`
	if got := string(collection.AppendJSON(nil)); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestCollectionKeepsWhatPeopleWrote(t *testing.T) {
	raw := `{"type":"Collection","stac_version":"1.0.0","id":"c","title":"Sc\u00e8nes","license":"CC-BY-4.0",` +
		`"extent":{"spatial":{"bbox":[[-180,-90,180,90]]},"temporal":{"interval":[[null,null]]}},` +
		`"summaries":{"platform":{"type":"string"},"gsd":[10]},"links":[{"rel":"license","href":"x","y":1.0}],"x:mine":1.50}`
	collection, err := stac.ParseCatalog([]byte(raw))
	if err != nil {
		t.Fatal(err)
	}
	item := parse(t, `{"type":"Feature","stac_version":"1.0.0","id":"a","geometry":{},"bbox":[1,1,2,2],"properties":{"datetime":"2020-01-02T00:00:00Z","platform":"p","gsd":20}}`)
	if collection.Include(item) {
		t.Error("the item was covered and changed something")
	}
	if got := string(collection.AppendJSON(nil)); got != raw {
		t.Errorf("got\n%s\nwant\n%s", got, raw)
	}
}

func TestParseCatalogErrors(t *testing.T) {
	for raw, want := range map[string]string{
		`[]`:                            "not a JSON object",
		`{"type":"Feature"}`:            `type is "Feature", not Catalog or Collection`,
		`{"type":"Catalog","links":{}}`: "links: not an array",
		`{"type":"Catalog","links":[{},{"rel":1}]}`: "links: link 1: rel is not a text",
	} {
		if _, err := stac.ParseCatalog([]byte(raw)); err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", raw, err, want)
		}
	}
}

func parse(t *testing.T, raw string) *stac.Item {
	t.Helper()
	item, err := stac.ParseItem([]byte(raw))
	if err != nil {
		t.Fatal(err)
	}
	return item
}
