// Package stac reads and edits STAC Items, Catalogs and Collections of versions 1.0.0 and 1.1.0 without owning them: a document
// is kept as the JSON text it came in, members are looked at where they are needed, and what is not set explicitly goes out byte
// for byte and in the order in which it came.
//
// See https://github.com/radiantearth/stac-spec: item-spec, catalog-spec, collection-spec.
package stac

import (
	"encoding/json"
	"fmt"
	"regexp"
	"time"

	"github.com/tidwall/gjson"
)

// Version is the STAC version of documents that are made here.
const Version = "1.1.0"

// Error says what is wrong with which Item.
type Error struct {
	Item   string // the id, or "" when it has none
	Field  string // the path of the member, such as "properties.datetime"
	Reason string
}

func (e *Error) Error() string {
	if e.Item == "" {
		return fmt.Sprintf("item without id, field %s: %s", e.Field, e.Reason)
	}
	return fmt.Sprintf("item %q: %s: %s", e.Item, e.Field, e.Reason)
}

// Item is a STAC Item (item-spec). It is not safe for concurrent use.
type Item struct {
	id         string
	object     *Object
	properties *Object
	links      Links
}

// ParseItem reads an Item and checks what publishing depends on: type, version, id, properties, date and time, bounding box,
// links and assets. Errors of the Item are *Error. Extensions are not checked.
func ParseItem(raw []byte) (*Item, error) {
	object, err := ParseObject(raw)
	if err != nil {
		return nil, &Error{Field: "(item)", Reason: err.Error()}
	}
	return NewItem(object)
}

// NewItem is ParseItem for an object, which belongs to the Item from then on.
func NewItem(object *Object) (*Item, error) {
	it := &Item{object: object}
	id, ok := it.text("id")
	if !ok || id == "" {
		return nil, &Error{Field: "id", Reason: "missing, or not a text"}
	}
	it.id = id
	if err := it.validate(); err != nil {
		return nil, err
	}
	return it, nil
}

var versions = regexp.MustCompile(`^1\.[01]\.\d+(-[0-9A-Za-z.-]+)?$`)

// validate checks the members in the order of the specification, and reads properties and links.
func (it *Item) validate() error {
	if kind, _ := it.text("type"); kind != "Feature" {
		return it.wrong("type", `has to be "Feature"`)
	}
	if version, _ := it.text("stac_version"); !versions.MatchString(version) {
		return it.wrong("stac_version", fmt.Sprintf("%q is not 1.0 or 1.1", version))
	}
	if raw, ok := it.object.Get("collection"); ok {
		if kind := gjson.ParseBytes(raw).Type; kind != gjson.String && kind != gjson.Null {
			return it.wrong("collection", "not a text")
		}
	}
	raw, _ := it.object.Get("properties")
	properties, err := ReadObject(raw)
	if err != nil {
		return it.wrong("properties", "missing, or not an object")
	}
	it.properties = properties
	if _, _, err := it.Interval(); err != nil {
		return err
	}
	if _, _, err := it.BBox(); err != nil {
		return err
	}
	raw, _ = it.object.Get("links")
	if it.links, err = parseLinks(raw); err != nil {
		return it.wrong("links", err.Error())
	}
	return it.validateAssets()
}

func (it *Item) validateAssets() error {
	raw, ok := it.object.Get("assets")
	if !ok {
		return nil
	}
	assets, err := ReadObject(raw)
	if err != nil {
		return it.wrong("assets", "not an object")
	}
	for _, asset := range assets.members {
		if href := gjson.GetBytes(asset.value, "href"); href.Type != gjson.String || href.Str == "" {
			return it.wrong("assets."+asset.name+".href", "missing, or not a text")
		}
	}
	return nil
}

// ID is the Item's id. It is never empty.
func (it *Item) ID() string { return it.id }

// Collection is the id of the Item's collection, "" when it has none.
func (it *Item) Collection() string {
	collection, _ := it.text("collection")
	return collection
}

// SetCollection sets the id of the Item's collection.
func (it *Item) SetCollection(id string) {
	if it.Collection() != id {
		it.object.SetValue("collection", id)
	}
}

// Property returns the JSON text of a member of properties.
func (it *Item) Property(name string) (json.RawMessage, bool) {
	return it.properties.Get(name)
}

// SetProperty sets a member of properties to the JSON of the value.
func (it *Item) SetProperty(name string, value any) {
	it.properties.SetValue(name, value)
}

// Member returns the JSON text of a member of the Item itself.
func (it *Item) Member(name string) (json.RawMessage, bool) {
	return it.object.Get(name)
}

// Links are the Item's links.
func (it *Item) Links() Links { return it.links }

// SetLinks replaces the Item's links. Links that came out of Links keep their bytes.
func (it *Item) SetLinks(links Links) { it.links = links }

// AppendJSON appends the Item's text.
func (it *Item) AppendJSON(dst []byte) []byte {
	it.object.Set("properties", it.properties.AppendJSON(nil))
	if _, had := it.object.Get("links"); had || len(it.links) > 0 {
		it.object.Set("links", it.links.appendJSON(nil))
	}
	return it.object.AppendJSON(dst)
}

// Interval is the time that the Item covers: start_datetime and end_datetime where it has them, else datetime twice (item-spec,
// "datetime"). Every Item has one or the other.
func (it *Item) Interval() (start, end time.Time, err error) {
	datetime, err := it.timestamp("datetime")
	if err != nil {
		return start, end, err
	}
	if start, err = it.timestamp("start_datetime"); err != nil {
		return start, end, err
	}
	if end, err = it.timestamp("end_datetime"); err != nil {
		return start, end, err
	}
	if start.IsZero() || end.IsZero() {
		if datetime.IsZero() {
			return start, end, it.wrong("properties.datetime", "null or missing, and start_datetime and end_datetime are not both there")
		}
		return datetime, datetime, nil
	}
	if end.Before(start) {
		return start, end, it.wrong("properties.end_datetime", "is before start_datetime")
	}
	return start, end, nil
}

// Time is the Item's datetime, or the start of its interval when that is null.
func (it *Item) Time() time.Time {
	if datetime, err := it.timestamp("datetime"); err == nil && !datetime.IsZero() {
		return datetime
	}
	start, _, _ := it.Interval() // parsed once already, when the Item was read
	return start
}

// timestamp reads an RFC 3339 property; the zero time stands for null and missing.
func (it *Item) timestamp(name string) (time.Time, error) {
	raw, ok := it.properties.Get(name)
	value := gjson.ParseBytes(raw)
	if !ok || value.Type == gjson.Null {
		return time.Time{}, nil
	}
	at, err := time.Parse(time.RFC3339, value.Str)
	if value.Type != gjson.String || err != nil {
		return time.Time{}, it.wrong("properties."+name, fmt.Sprintf("%.60s is not an RFC 3339 date and time", raw))
	}
	return at.UTC(), nil
}

// BBox is the Item's bounding box in degrees; ok is false for an Item without a place (its geometry is null). A box of three
// dimensions is given in two.
func (it *Item) BBox() (box BBox, ok bool, err error) {
	raw, _ := it.object.Get("geometry")
	if gjson.ParseBytes(raw).Type == gjson.Null {
		return BBox{}, false, nil
	}
	raw, _ = it.object.Get("bbox")
	var numbers []float64
	if err := json.Unmarshal(raw, &numbers); err != nil {
		return BBox{}, false, it.wrong("bbox", "missing, or not an array of numbers; an item with a geometry needs one")
	}
	box, err = newBBox(numbers)
	if err != nil {
		return BBox{}, false, it.wrong("bbox", err.Error())
	}
	return box, true, nil
}

func (it *Item) text(name string) (string, bool) {
	raw, _ := it.object.Get(name)
	value := gjson.ParseBytes(raw)
	return value.Str, value.Type == gjson.String
}

func (it *Item) wrong(field, reason string) error {
	return &Error{Item: it.id, Field: field, Reason: reason}
}
