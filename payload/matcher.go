package payload

import "github.com/tidwall/gjson"

// The types of matchers.
const (
	// MatchJSONPath gives the collection to Items that its pattern finds something in.
	MatchJSONPath = "jsonpath"
	// MatchAll gives the collection to every Item.
	MatchAll = "catch_all"
)

// Matcher assigns a collection to Items: the first matcher of a payload that applies to an Item wins.
type Matcher struct {
	// Type is MatchJSONPath or MatchAll in a sound payload.
	Type string
	// Pattern is a JSONPath such as `$[?(@.id =~ 'S2[AB].*')]`; empty for MatchAll.
	Pattern string
	// Collection is the name of the collection.
	Collection string
}

// Matchers are the `collection_matchers` of process[0] in their order, or, when it has none, those that the deprecated
// mapping `upload_options.collections` (collection to pattern) amounts to. That a payload does not hold both was checked
// when it was read; the types and patterns were not.
func (p *Payload) Matchers() []Matcher {
	all, err := matchers(p.current)
	if err != nil {
		return nil // cannot be: the payload was read
	}
	return all
}

func matchers(definition *object) ([]Matcher, error) {
	mapping := lookup(definition.get("upload_options"), "collections")
	if mapping.Exists() && !mapping.IsObject() {
		return nil, invalid("process[0].upload_options.collections", "expected an object, found %s", kind(mapping))
	}
	list := definition.get("collection_matchers")
	if list.Exists() && !list.IsArray() {
		return nil, invalid("process[0].collection_matchers", "expected an array, found %s", kind(list))
	}
	mapped := readObject(mapping).members
	listed := list.Array()
	if len(mapped) > 0 && len(listed) > 0 {
		return nil, invalid("process[0]", "holds both collection_matchers and the deprecated upload_options.collections: keep one")
	}
	all := make([]Matcher, 0, len(mapped)+len(listed))
	for _, m := range mapped {
		all = append(all, Matcher{Type: MatchJSONPath, Pattern: m.value.String(), Collection: m.name})
	}
	for _, v := range listed {
		if !v.IsObject() {
			return nil, invalid("process[0].collection_matchers", "expected objects, found %s", kind(v))
		}
		m := readObject(v)
		all = append(all, Matcher{Type: textOf(m.get("type")), Pattern: textOf(m.get("pattern")), Collection: textOf(m.get("collection_name"))})
	}
	return all, nil
}

// textOf is a text value; empty when it is none.
func textOf(v gjson.Result) string {
	if v.Type == gjson.String {
		return v.Str
	}
	return ""
}
