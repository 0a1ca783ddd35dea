package payload

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/tidwall/gjson"
)

// maxDepth bounds how deep a document may be nested: readers recurse. Python's reader ends at about the same depth.
const maxDepth = 1000

var (
	errNotJSON = errors.New("not valid JSON")
	errTooDeep = errors.New("JSON is nested more than 1,000 deep")
)

// checkJSON says whether raw is one JSON value that the readers of this package can be given.
func checkJSON(raw []byte) error {
	// With so few brackets it cannot be deep, and counting them is fast.
	if bytes.Count(raw, []byte{'{'})+bytes.Count(raw, []byte{'['}) > maxDepth && depth(raw) > maxDepth {
		return errTooDeep
	}
	if !gjson.ValidBytes(raw) {
		return notJSON(raw)
	}
	return nil
}

// notJSON says where a text that is not JSON stops being it.
func notJSON(raw []byte) error {
	var value json.RawMessage
	err := json.Unmarshal(raw, &value)
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		return fmt.Errorf("%w: %w, at byte %d", errNotJSON, err, syntax.Offset)
	}
	return errNotJSON // the readers here are stricter
}

// depth gives how deep brackets are nested, whether or not they match.
func depth(raw []byte) int {
	deepest, now := 0, 0
	inString := false
	for i := 0; i < len(raw); i++ {
		switch c := raw[i]; {
		case inString && c == '\\':
			i++
		case c == '"':
			inString = !inString
		case inString:
		case c == '{' || c == '[':
			now++
			deepest = max(deepest, now)
		case c == '}' || c == ']':
			now--
		}
	}
	return deepest
}

// object is the members of a JSON object in their order. A repeated name stands where it came first, with the value
// that came last.
type object struct {
	members []member
	places  map[string]int // by name, for large objects only
}

type member struct {
	name  string
	value gjson.Result
}

// fewMembers is how many are searched one by one.
const fewMembers = 16

// readObject reads an object. A value that is none has no members.
func readObject(v gjson.Result) *object {
	o := &object{}
	if !v.IsObject() {
		return o
	}
	o.members = make([]member, 0, 8)
	v.ForEach(func(name, value gjson.Result) bool {
		if at := o.index(name.Str); at >= 0 {
			o.members[at].value = value
		} else {
			o.add(member{name.Str, value})
		}
		return true
	})
	return o
}

func (o *object) add(m member) {
	o.members = append(o.members, m)
	switch {
	case o.places != nil:
		o.places[m.name] = len(o.members) - 1
	case len(o.members) > fewMembers:
		o.places = make(map[string]int, 2*len(o.members))
		for i, known := range o.members {
			o.places[known.name] = i
		}
	}
}

// index gives the place of a member; -1 when there is none.
func (o *object) index(name string) int {
	if o.places != nil {
		if at, ok := o.places[name]; ok {
			return at
		}
		return -1
	}
	return slices.IndexFunc(o.members, func(m member) bool { return m.name == name })
}

// get gives the value of a member; one that does not exist when there is none.
func (o *object) get(name string) gjson.Result {
	if at := o.index(name); at >= 0 {
		return o.members[at].value
	}
	return gjson.Result{}
}

// lookup gives the value of one member of an object; one that does not exist when there is none, or v is no object.
func lookup(v gjson.Result, name string) gjson.Result {
	var value gjson.Result
	if v.IsObject() {
		v.ForEach(func(key, member gjson.Result) bool {
			if key.Str == name {
				value = member
			}
			return true
		})
	}
	return value
}
