package trigger

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"sundog/jsonpath"
)

// Template makes an input of an event: a JSON value with placeholders as in the input transformers of EventBridge, but with the path itself instead of
// a name for it (EventBridge User Guide, "Amazon EventBridge input transformation").
//
// A text that is <$.path> and nothing else becomes the value there, of whatever type, or null when the event has none. Within a longer text a
// placeholder becomes the text of the value: JSON unless it is a text itself, nothing when there is none. <$> is the event itself; names of
// members and everything else stay as they are. A backslash before < keeps it.
type Template struct{ root part }

// TemplateError says where a template is wrong.
type TemplateError struct {
	Location string // a JSON pointer (RFC 6901) into the template, "" for the whole
	Reason   string
}

func (e *TemplateError) Error() string {
	if e.Location == "" {
		return "input template: " + e.Reason
	}
	return fmt.Sprintf("input template at %s: %s", e.Location, e.Reason)
}

const (
	maxTemplate      = 8 << 10 // bytes, as in EventBridge
	maxTemplateDepth = 100
)

// A part of a template gives a value for an event.
type part interface {
	apply(event any) (any, error)
}

type (
	constant struct{ value any }
	selected struct{ path *jsonpath.Path }
	composed struct {
		texts []string // one more than paths
		paths []*jsonpath.Path
	}
	object map[string]part
	array  []part
)

// ParseTemplate reads a template. An error is a *TemplateError.
func ParseTemplate(text []byte) (*Template, error) {
	if len(text) > maxTemplate {
		return nil, &TemplateError{"", fmt.Sprintf("it has %d bytes, more than %d", len(text), maxTemplate)}
	}
	doc, err := decode(text)
	if err != nil {
		return nil, &TemplateError{"", err.Error()}
	}
	root, err := parsePart(doc, "", 0)
	if err != nil {
		return nil, err
	}
	return &Template{root}, nil
}

func parsePart(v any, at string, depth int) (part, error) {
	if depth > maxTemplateDepth {
		return nil, &TemplateError{at, fmt.Sprintf("it is more than %d levels deep", maxTemplateDepth)}
	}
	switch v := v.(type) {
	case map[string]any:
		members := object{}
		for _, name := range slices.Sorted(maps.Keys(v)) {
			p, err := parsePart(v[name], at+"/"+strings.NewReplacer("~", "~0", "/", "~1").Replace(name), depth+1)
			if err != nil {
				return nil, err
			}
			members[name] = p
		}
		return members, nil
	case []any:
		items := make(array, len(v))
		for i, item := range v {
			p, err := parsePart(item, fmt.Sprintf("%s/%d", at, i), depth+1)
			if err != nil {
				return nil, err
			}
			items[i] = p
		}
		return items, nil
	case string:
		return parseText(v, at)
	}
	return constant{v}, nil
}

// parseText reads a text with placeholders.
func parseText(text, at string) (part, error) {
	var c composed
	var before strings.Builder
	for text != "" {
		switch {
		case strings.HasPrefix(text, `\<`):
			before.WriteByte('<')
			text = text[2:]
		case strings.HasPrefix(text, "<$"):
			path, rest, err := parsePlaceholder(text)
			if err != nil {
				return nil, &TemplateError{at, fmt.Sprintf("placeholder %.80q: %v", text, err)}
			}
			c.texts = append(c.texts, before.String())
			c.paths = append(c.paths, path)
			before.Reset()
			text = rest
		default:
			before.WriteByte(text[0])
			text = text[1:]
		}
	}
	c.texts = append(c.texts, before.String())
	switch {
	case len(c.paths) == 0:
		return constant{c.texts[0]}, nil
	case len(c.paths) == 1 && c.texts[0] == "" && c.texts[1] == "":
		return selected{c.paths[0]}, nil
	}
	return c, nil
}

// parsePlaceholder reads a placeholder at the beginning of a text. A path may have > in it, in a filter, so the first one that ends a path counts.
func parsePlaceholder(text string) (path *jsonpath.Path, rest string, err error) {
	end := strings.IndexByte(text, '>')
	if end < 0 {
		return nil, "", errors.New("it does not end in >")
	}
	first := error(nil)
	for {
		if path, err = jsonpath.Parse(text[1:end]); err == nil {
			return path, text[end+1:], nil
		}
		if first == nil {
			first = err
		}
		next := strings.IndexByte(text[end+1:], '>')
		if next < 0 {
			return nil, "", first
		}
		end += next + 1
	}
}

// Apply makes the input of an event, which is in Go's form. The error says which path could not be followed: it selects too much.
func (t *Template) Apply(event any) ([]byte, error) {
	v, err := t.root.apply(event)
	if err != nil {
		return nil, err
	}
	return encode(v)
}

func (c constant) apply(any) (any, error) { return c.value, nil }

func (s selected) apply(event any) (any, error) { return get(s.path, event) }

func get(path *jsonpath.Path, event any) (any, error) {
	v, ok, err := path.Get(event)
	if err != nil {
		return nil, fmt.Errorf("input template: following %s: %w", path, err)
	}
	if !ok {
		return nil, nil
	}
	return v, nil
}

func (c composed) apply(event any) (any, error) {
	var b strings.Builder
	for i, path := range c.paths {
		b.WriteString(c.texts[i])
		v, err := get(path, event)
		if err != nil {
			return nil, err
		}
		switch v := v.(type) {
		case nil:
		case string:
			b.WriteString(v)
		default:
			text, err := encode(v)
			if err != nil {
				return nil, err
			}
			b.Write(text)
		}
	}
	b.WriteString(c.texts[len(c.paths)])
	return b.String(), nil
}

func (o object) apply(event any) (any, error) {
	out := make(map[string]any, len(o))
	for name, p := range o {
		v, err := p.apply(event)
		if err != nil {
			return nil, err
		}
		out[name] = v
	}
	return out, nil
}

func (a array) apply(event any) (any, error) {
	out := make([]any, len(a))
	for i, p := range a {
		v, err := p.apply(event)
		if err != nil {
			return nil, err
		}
		out[i] = v
	}
	return out, nil
}

// decode reads one JSON value; numbers keep their text.
func decode(text []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, fmt.Errorf("it is not JSON: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("it is not JSON: there is more after the value")
	}
	return v, nil
}

// encode writes a JSON value without escaping what only HTML needs escaped.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, fmt.Errorf("writing an input: %w", err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}
