package statedb

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"unicode/utf8"

	"github.com/tidwall/gjson"

	"sundog/payload"
)

// MarshalItem writes a record as a DynamoDB item: attribute values with their types, as in {"itemids": {"S": "i1"}}. Extra attributes
// that came from an item are written as they were; others get the type of their JSON value.
func (r Record) MarshalItem() []byte {
	var out bytes.Buffer
	out.WriteByte('{')
	text := func(name, value string) {
		if value != "" {
			attribute(&out, name, func() { typed(&out, "S", func() { quote(&out, value) }) })
		}
	}
	list := func(name string, values []string) {
		if values == nil {
			return
		}
		attribute(&out, name, func() {
			typed(&out, "L", func() {
				out.WriteByte('[')
				for i, v := range values {
					if i > 0 {
						out.WriteByte(',')
					}
					typed(&out, "S", func() { quote(&out, v) })
				}
				out.WriteByte(']')
			})
		})
	}
	text("collections_workflow", r.ID.PartitionKey())
	text("itemids", r.ID.ItemIDs)
	text("state_updated", r.StateUpdated)
	text("created", r.Created)
	text("updated", r.Updated)
	text("claimed_at", r.ClaimedAt)
	list("executions", r.Executions)
	if r.LastError != nil {
		attribute(&out, "last_error", func() { typed(&out, "S", func() { quote(&out, *r.LastError) }) })
	}
	list("outputs", r.Outputs)
	for _, name := range slices.Sorted(maps.Keys(r.Extra)) {
		attribute(&out, name, func() { attributeValue(&out, gjson.ParseBytes(r.Extra[name])) })
	}
	out.WriteByte('}')
	return out.Bytes()
}

// UnmarshalItem reads a record from a DynamoDB item, alone or within {"Item": …} as exports to S3 have it. The error wraps
// ErrMalformed.
func (r *Record) UnmarshalItem(text []byte) error {
	if !gjson.ValidBytes(text) || !utf8.Valid(text) {
		return fmt.Errorf("%w: not JSON in UTF-8", ErrMalformed)
	}
	root := gjson.ParseBytes(text)
	if inner := root.Get("Item"); inner.IsObject() && !root.Get("collections_workflow").Exists() {
		root = inner
	}
	if !root.IsObject() {
		return fmt.Errorf("%w: an item is a JSON object", ErrMalformed)
	}
	var read Record
	var partition, itemIDs *string
	var err error
	root.ForEach(func(key, value gjson.Result) bool {
		switch name := key.String(); name {
		case "collections_workflow":
			partition, err = textOf(name, value)
		case "itemids":
			itemIDs, err = textOf(name, value)
		case "last_error":
			read.LastError, err = textOf(name, value)
		case "executions":
			read.Executions, err = listOf(name, value)
		case "outputs":
			read.Outputs, err = listOf(name, value)
		case "state_updated", "created", "updated", "claimed_at":
			var text *string
			if text, err = textOf(name, value); err == nil && text != nil {
				*read.timed(name) = *text
			}
		default:
			err = read.extra(name, value)
		}
		return err == nil
	})
	if err != nil {
		return err
	}
	if partition == nil || itemIDs == nil || *itemIDs == "" {
		return fmt.Errorf("%w: it lacks collections_workflow or itemids", ErrMalformed)
	}
	if read.ID, err = payload.IDFromKey(*partition, *itemIDs); err != nil {
		return fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	*r = read
	return nil
}

// timed is the field of an attribute that is a text with a time in it.
func (r *Record) timed(name string) *string {
	switch name {
	case "created":
		return &r.Created
	case "updated":
		return &r.Updated
	case "claimed_at":
		return &r.ClaimedAt
	}
	return &r.StateUpdated
}

func (r *Record) extra(name string, value gjson.Result) error {
	plain, err := plainOf(name, value, 0)
	if err != nil {
		return err
	}
	if r.Extra == nil {
		r.Extra = map[string]json.RawMessage{}
	}
	r.Extra[name] = plain
	return nil
}
