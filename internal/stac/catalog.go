package stac

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/tidwall/gjson"
)

// Catalog is a STAC Catalog or Collection (catalog-spec, collection-spec). Members that it does not touch keep their bytes, so
// what people write into a document by hand stays. It is not safe for concurrent use.
type Catalog struct {
	object *Object
	links  Links
}

// ParseCatalog reads a Catalog or a Collection.
func ParseCatalog(raw []byte) (*Catalog, error) {
	object, err := ParseObject(raw)
	if err != nil {
		return nil, err
	}
	kind, _ := object.Get("type")
	if kind := gjson.ParseBytes(kind).Str; kind != "Catalog" && kind != "Collection" {
		return nil, fmt.Errorf("type is %q, not Catalog or Collection", kind)
	}
	raw, _ = object.Get("links")
	links, err := parseLinks(raw)
	if err != nil {
		return nil, fmt.Errorf("links: %w", err)
	}
	return &Catalog{object, links}, nil
}

// NewCatalog makes a Catalog without links. Title may be empty, the specification wants id and description not to be.
func NewCatalog(id, title, description string) *Catalog {
	return newCatalog("Catalog", id, title, description)
}

// NewCollection makes a Collection without links. Its license is "other": who knows better writes it into the document.
func NewCollection(id, title, description string, extent Extent) *Catalog {
	c := newCatalog("Collection", id, title, description)
	c.object.SetValue("license", "other")
	c.object.SetValue("extent", extent)
	return c
}

func newCatalog(kind, id, title, description string) *Catalog {
	c := &Catalog{object: &Object{}}
	c.object.SetValue("type", kind)
	c.object.SetValue("stac_version", Version)
	c.object.SetValue("id", id)
	if title != "" {
		c.object.SetValue("title", title)
	}
	c.object.SetValue("description", description)
	return c
}

// Links are the document's links.
func (c *Catalog) Links() Links { return c.links }

// SetLinks replaces the document's links. Links that came out of Links keep their bytes.
func (c *Catalog) SetLinks(links Links) { c.links = links }

// AppendJSON appends the document's text.
func (c *Catalog) AppendJSON(dst []byte) []byte {
	c.object.Set("links", c.links.appendJSON(nil))
	return c.object.AppendJSON(dst)
}

// MaxSummaryValues bounds the values that a summary of Include lists; further ones are left out.
const MaxSummaryValues = 32

// Include makes a Collection's extent and summaries cover an Item; changed tells whether they did not already. Summarised are the
// distinct values of constellation, platform and instruments, and the ranges of gsd and eo:cloud_cover. Summaries in other
// forms, such as JSON Schema, are left alone (collection-spec, "Summaries").
func (c *Catalog) Include(item *Item) (changed bool) {
	raw, _ := c.object.Get("extent")
	var extent Extent
	box, placed, _ := item.BBox()       // checked when the Item was read,
	start, end, _ := item.Interval()    // and so was this
	err := json.Unmarshal(raw, &extent) // unreadable or missing: begin anew
	switch {
	case err != nil || len(extent.Spatial.BBox) == 0 || len(extent.Temporal.Interval) == 0:
		extent = NewExtent(box, placed, start, end)
		changed = true
	default:
		changed = extent.Include(box, placed, start, end)
	}
	if changed {
		c.object.SetValue("extent", extent)
	}
	return c.summarise(item) || changed
}

func (c *Catalog) summarise(item *Item) (changed bool) {
	raw, _ := c.object.Get("summaries")
	summaries, err := ReadObject(raw)
	if err != nil {
		summaries = &Object{}
	}
	for _, name := range []string{"constellation", "platform", "instruments"} {
		if raw, ok := item.Property(name); ok {
			changed = summaries.addValues(name, raw) || changed
		}
	}
	for _, name := range []string{"gsd", "eo:cloud_cover"} {
		if raw, ok := item.Property(name); ok {
			changed = summaries.addToRange(name, raw) || changed
		}
	}
	if changed {
		c.object.Set("summaries", summaries.AppendJSON(nil))
	}
	return changed
}

// addValues adds a text, or each text of an array, to the list of distinct values.
func (o *Object) addValues(name string, value json.RawMessage) (changed bool) {
	var values []string
	var one string
	if json.Unmarshal(value, &values) != nil {
		if json.Unmarshal(value, &one) != nil {
			return false
		}
		values = []string{one}
	}
	var known []string
	if raw, ok := o.Get(name); ok && json.Unmarshal(raw, &known) != nil {
		return false
	}
	for _, v := range values {
		if v != "" && !slices.Contains(known, v) && len(known) < MaxSummaryValues {
			known = append(known, v)
			changed = true
		}
	}
	if changed {
		slices.Sort(known)
		o.SetValue(name, known)
	}
	return changed
}

// addToRange widens the range of a numeric property.
func (o *Object) addToRange(name string, value json.RawMessage) (changed bool) {
	var v float64
	if gjson.ParseBytes(value).Type != gjson.Number || json.Unmarshal(value, &v) != nil {
		return false
	}
	known := struct {
		Minimum *float64 `json:"minimum"`
		Maximum *float64 `json:"maximum"`
	}{&v, &v}
	raw, ok := o.Get(name)
	if ok {
		known.Minimum, known.Maximum = nil, nil
		if json.Unmarshal(raw, &known) != nil || known.Minimum == nil || known.Maximum == nil {
			return false
		}
		if *known.Minimum <= v && v <= *known.Maximum {
			return false
		}
		least, most := min(v, *known.Minimum), max(v, *known.Maximum)
		known.Minimum, known.Maximum = &least, &most
	}
	o.SetValue(name, known)
	return true
}
