package template

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"

	"go.yaml.in/yaml/v3"
)

// object is a mapping whose fields keep their order.
type object []field

type field struct {
	name  string
	value any // a string, int, bool, object, []any, or json.Number
}

func (o *object) add(name string, value any) { *o = append(*o, field{name, value}) }

func (o object) has(name string) bool {
	for _, f := range o {
		if f.name == name {
			return true
		}
	}
	return false
}

// Functions of CloudFormation ("Intrinsic function reference").
func ref(name string) object          { return object{{"Ref", name}} }
func getAtt(id, attribute string) any { return object{{"Fn::GetAtt", []any{id, attribute}}} }
func sub(text string) object          { return object{{"Fn::Sub", text}} }

// either is a value that depends on a condition.
func either(condition string, then, otherwise any) object {
	return object{{"Fn::If", []any{condition, then, otherwise}}}
}

// MarshalJSON keeps the order.
func (o object) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, f := range o {
		if i > 0 {
			b.WriteByte(',')
		}
		value, err := encode(f.value)
		if err != nil {
			return nil, fmt.Errorf("writing %s: %w", f.name, err)
		}
		fmt.Fprintf(&b, "%s:%s", strconv.Quote(f.name), value)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// encode is json.Marshal that leaves <, > and & as they are.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSpace(b.Bytes()), nil
}

// MarshalYAML keeps the order. Texts of several lines are literal blocks.
func (o object) MarshalYAML() (any, error) { return node(o) }

func node(v any) (*yaml.Node, error) {
	switch v := v.(type) {
	case object:
		n := &yaml.Node{Kind: yaml.MappingNode}
		for _, f := range v {
			value, err := node(f.value)
			if err != nil {
				return nil, err
			}
			key := &yaml.Node{}
			key.SetString(f.name)
			n.Content = append(n.Content, key, value)
		}
		return n, nil
	case []any:
		n := &yaml.Node{Kind: yaml.SequenceNode}
		for _, item := range v {
			value, err := node(item)
			if err != nil {
				return nil, err
			}
			n.Content = append(n.Content, value)
		}
		return n, nil
	case json.Number:
		return &yaml.Node{Kind: yaml.ScalarNode, Value: v.String()}, nil
	default:
		n := &yaml.Node{}
		if err := n.Encode(v); err != nil {
			return nil, fmt.Errorf("writing %v: %w", v, err)
		}
		return n, nil
	}
}

// decodeOrdered reads a JSON value. Objects keep the order of their members, numbers their text.
func decodeOrdered(dec *json.Decoder) (any, error) {
	token, err := dec.Token()
	if err != nil {
		return nil, err
	}
	delim, ok := token.(json.Delim)
	if !ok {
		return token, nil
	}
	o, list := object{}, []any{}
	for dec.More() {
		var key any
		if delim == '{' {
			if key, err = dec.Token(); err != nil {
				return nil, err
			}
		}
		value, err := decodeOrdered(dec)
		if err != nil {
			return nil, err
		}
		if delim == '{' {
			o.add(key.(string), value)
		} else {
			list = append(list, value)
		}
	}
	if _, err := dec.Token(); err != nil {
		return nil, err
	}
	if delim == '{' {
		return o, nil
	}
	return list, nil
}
