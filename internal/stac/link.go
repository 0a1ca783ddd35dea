package stac

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/tidwall/gjson"
)

// MediaType is the media type of STAC documents other than Items.
const MediaType = "application/json"

// GeoJSON is the media type of Items.
const GeoJSON = "application/geo+json"

// Link is a STAC link (item-spec, "Link Object"). Members that it does not name survive in the documents that hold it.
type Link struct {
	Rel   string `json:"rel"`
	Href  string `json:"href"`
	Type  string `json:"type,omitempty"`
	Title string `json:"title,omitempty"`

	raw json.RawMessage // as it was read; nil for a new link
}

// Links are the links of a document, in order.
type Links []Link

// parseLinks reads the member "links"; absent and null are no links.
func parseLinks(raw json.RawMessage) (Links, error) {
	parsed := gjson.ParseBytes(raw)
	if len(raw) == 0 || parsed.Type == gjson.Null {
		return nil, nil
	}
	if !parsed.IsArray() {
		return nil, errors.New("not an array")
	}
	var links Links
	var err error
	parsed.ForEach(func(_, value gjson.Result) bool {
		var link Link
		if link, err = parseLink(value); err != nil {
			err = fmt.Errorf("link %d: %w", len(links), err)
			return false
		}
		links = append(links, link)
		return true
	})
	return links, err
}

func parseLink(value gjson.Result) (Link, error) {
	link := Link{raw: json.RawMessage(value.Raw)}
	if !value.IsObject() {
		return link, errNotObject
	}
	var err error
	value.ForEach(func(name, value gjson.Result) bool {
		var field *string
		switch name.Str {
		case "rel":
			field = &link.Rel
		case "href":
			field = &link.Href
		case "type":
			field = &link.Type
		case "title":
			field = &link.Title
		default:
			return true
		}
		if value.Type != gjson.String && value.Type != gjson.Null {
			err = fmt.Errorf("%s is not a text", name.Str)
		}
		*field = value.Str
		return true
	})
	return link, err
}

// appendJSON appends the links as a JSON array: those that were read as they were.
func (links Links) appendJSON(dst []byte) []byte {
	dst = append(dst, '[')
	for i, link := range links {
		if i > 0 {
			dst = append(dst, ',')
		}
		if link.raw != nil {
			dst = append(dst, link.raw...)
		} else {
			dst = append(dst, marshal(link)...)
		}
	}
	return append(dst, ']')
}

// Find returns the first link with the relation.
func (links Links) Find(rel string) (Link, bool) {
	for _, link := range links {
		if link.Rel == rel {
			return link, true
		}
	}
	return Link{}, false
}

// same tells whether two links say the same to a reader who knows only Link's members.
func (l Link) same(other Link) bool {
	return l.Rel == other.Rel && l.Href == other.Href && l.Type == other.Type && l.Title == other.Title
}

// Replace returns the links with those of the given relations gone and the new ones in front. When what is there says the same
// already, in whatever place, the links are returned as they are and changed is false.
func (links Links) Replace(rels []string, with ...Link) (replaced Links, changed bool) {
	kept := make(Links, 0, len(links)+len(with))
	kept = append(kept, with...)
	var old Links
	for _, link := range links {
		if slices.Contains(rels, link.Rel) {
			old = append(old, link)
		} else {
			kept = append(kept, link)
		}
	}
	if slices.EqualFunc(old, Links(with), Link.same) {
		return links, false
	}
	return kept, true
}
