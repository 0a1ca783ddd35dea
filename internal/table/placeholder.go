package table

import (
	"slices"
	"strings"
)

// NamedText is a placeholder with the attribute's name that it stands for: "#n".
type NamedText struct{ Name, Text string }

// NamedRaw is a placeholder with the value that it stands for: ":v".
type NamedRaw struct {
	Name string
	Raw  Raw
}

// Placeholders are what the expressions of one request may refer to. They note what is referred to, and are used by one goroutine.
type Placeholders struct {
	names  []NamedText
	values []namedValue
	unused map[string]bool
}

type namedValue struct {
	name  string
	value Value
}

// NewPlaceholders checks ExpressionAttributeNames and ExpressionAttributeValues. nil means that the request has none; one that is there must not
// be empty.
func NewPlaceholders(names []NamedText, values []NamedRaw) (*Placeholders, error) {
	p := &Placeholders{names: names, unused: map[string]bool{}}
	if names != nil && len(names) == 0 {
		return nil, Invalid("ExpressionAttributeNames must not be empty")
	}
	for _, n := range names {
		if !placeholder(n.Name, '#') {
			return nil, Invalid("ExpressionAttributeNames contains invalid key: Syntax error; key: \"%s\"", n.Name)
		}
		p.unused[n.Name] = true
	}
	if values != nil && len(values) == 0 {
		return nil, Invalid("ExpressionAttributeValues must not be empty")
	}
	for _, v := range values {
		if !placeholder(v.Name, ':') {
			return nil, Invalid("ExpressionAttributeValues contains invalid key: Syntax error; key: \"%s\"", v.Name)
		}
		p.unused[v.Name] = true
	}
	for _, v := range values {
		if problem := v.Raw.Problem(); problem != "" {
			return nil, Invalid("ExpressionAttributeValues contains invalid value: %s for key %s", problem, v.Name)
		}
		p.values = append(p.values, namedValue{v.Name, v.Raw.value})
	}
	return p, nil
}

// placeholder reports whether a text is a sign and letters, digits and '_', at least one.
func placeholder(text string, sign byte) bool {
	if len(text) < 2 || text[0] != sign {
		return false
	}
	for i := 1; i < len(text); i++ {
		if !wordByte(text[i]) {
			return false
		}
	}
	return true
}

func wordByte(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

func (p *Placeholders) name(placeholder string) (string, bool) {
	i := slices.IndexFunc(p.names, func(n NamedText) bool { return n.Name == placeholder })
	if i < 0 || p.names[i].Text == "" {
		return "", false
	}
	delete(p.unused, placeholder)
	return p.names[i].Text, true
}

func (p *Placeholders) value(placeholder string) (Value, bool) {
	i := slices.IndexFunc(p.values, func(v namedValue) bool { return v.name == placeholder })
	if i < 0 {
		return Value{}, false
	}
	delete(p.unused, placeholder)
	return p.values[i].value, true
}

// Unused returns the error for placeholders that no expression has referred to, which DynamoDB refuses. Call it after the parsing.
func (p *Placeholders) Unused() error {
	var names, values []string
	for _, n := range p.names {
		if p.unused[n.Name] {
			names = append(names, n.Name)
		}
	}
	for _, v := range p.values {
		if p.unused[v.name] {
			values = append(values, v.name)
		}
	}
	if len(names) > 0 {
		return Invalid("Value provided in ExpressionAttributeNames unused in expressions: keys: {%s}", strings.Join(names, ", "))
	}
	if len(values) > 0 {
		return Invalid("Value provided in ExpressionAttributeValues unused in expressions: keys: {%s}", strings.Join(values, ", "))
	}
	return nil
}
