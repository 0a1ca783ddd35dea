package payload

import (
	"encoding/json"

	"github.com/tidwall/gjson"

	"sundog/payload/pytext"
)

// The data types of attributes, as SNS names them.
const (
	AttributeString = "String"
	AttributeNumber = "Number"
)

// Attribute is an attribute of a topic message, by which subscriptions choose.
type Attribute struct {
	Name string
	// Type is AttributeString or AttributeNumber.
	Type string
	// Value is never empty for an attribute that this package makes of an Item.
	Value string
}

// ItemAttributes are the attributes under which an Item is announced: collection, bbox.ll_lon, bbox.ll_lat, bbox.ur_lon,
// bbox.ur_lat, start_datetime, end_datetime, datetime, cloud_cover (the Item's eo:cloud_cover) and status, which is
// "created" when the Item's `created` equals its `updated`, else "updated". They are ten at most, as many as SNS hands on
// to a queue. What an Item lacks, or holds as null or as something else than text or a number, is left out; a box with less
// than four numbers, too.
func ItemAttributes(item json.RawMessage) []Attribute {
	var all []Attribute
	text := func(name string, v gjson.Result) {
		if v.Type == gjson.String && v.Str != "" {
			all = append(all, Attribute{name, AttributeString, v.Str})
		}
	}
	fields := readObject(gjson.ParseBytes(item))
	text("collection", fields.get("collection"))
	all = append(all, boxAttributes(fields.get("bbox"))...)

	properties := readObject(fields.get("properties"))
	moment := properties.get("datetime")
	for _, name := range []string{"start_datetime", "end_datetime"} {
		if v := properties.get(name); v.Exists() {
			text(name, v)
		} else {
			text(name, moment)
		}
	}
	text("datetime", moment)
	if cover, ok := numberText(properties.get("eo:cloud_cover")); ok {
		all = append(all, Attribute{"cloud_cover", AttributeNumber, cover})
	}
	created, updated := properties.get("created"), properties.get("updated")
	if created.Exists() && updated.Exists() {
		status := "updated"
		if sameValue(created, updated) {
			status = "created"
		}
		all = append(all, Attribute{"status", AttributeString, status})
	}
	return all
}

func boxAttributes(box gjson.Result) []Attribute {
	names := []string{"bbox.ll_lon", "bbox.ll_lat", "bbox.ur_lon", "bbox.ur_lat"}
	if !box.IsArray() {
		return nil
	}
	sides := box.Array()
	if len(sides) < len(names) {
		return nil
	}
	all := make([]Attribute, len(names))
	for i, name := range names {
		value, ok := numberText(sides[i])
		if !ok {
			return nil
		}
		all[i] = Attribute{name, AttributeNumber, value}
	}
	return all
}

// numberText is the text of a number, or of text that spells one. What is beyond the range of numbers is none.
func numberText(v gjson.Result) (string, bool) {
	var spelled string
	switch v.Type {
	case gjson.Number:
		spelled = pytext.Number(v.Raw)
	case gjson.String:
		spelled = v.Str
	}
	return spelled, gjson.Valid(spelled) && gjson.Parse(spelled).Type == gjson.Number
}

// sameValue says whether two values are equal in Python, where true is 1.
func sameValue(a, b gjson.Result) bool {
	if x, ok := numeric(a); ok {
		y, ok := numeric(b)
		return ok && pytext.CompareNumbers(x, y) == 0
	}
	switch {
	case a.Type != b.Type:
		return false
	case a.Type == gjson.String:
		return a.Str == b.Str
	case a.IsArray() && b.IsArray():
		x, y := a.Array(), b.Array()
		if len(x) != len(y) {
			return false
		}
		for i := range x {
			if !sameValue(x[i], y[i]) {
				return false
			}
		}
		return true
	case a.IsObject() && b.IsObject():
		x, y := readObject(a), readObject(b)
		if len(x.members) != len(y.members) {
			return false
		}
		for _, m := range x.members {
			if other := y.get(m.name); !other.Exists() || !sameValue(m.value, other) {
				return false
			}
		}
		return true
	}
	return a.Type == gjson.Null
}
