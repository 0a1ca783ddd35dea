package eventpattern

import (
	"encoding/json"
	"net/netip"
	"strconv"
	"strings"
)

// A leaf is the array of a field: it matches a value when one of its alternatives does.
type leaf struct {
	strings  map[string]bool // exact strings
	tests    []test
	orAbsent bool // {"exists": false}: it also holds when the event has no value there
}

// A test matches a value: a string, a number, true, false or null.
type test interface {
	match(v any) bool
}

// match matches a value or, of an array, any item.
func (l *leaf) match(v any) bool {
	switch v := v.(type) {
	case map[string]any:
		return false
	case []any:
		for _, item := range v {
			if l.match(item) {
				return true
			}
		}
		return false
	case string:
		if l.strings[v] {
			return true
		}
	}
	for _, t := range l.tests {
		if t.match(v) {
			return true
		}
	}
	return false
}

type (
	anyValue         struct{}
	literalEquals    struct{ v any } // true, false, null
	prefix           struct{ folded }
	suffix           struct{ folded }
	equalsIgnoreCase struct{ folded }
	noneOf           struct{ *leaf }
	wildcard         struct{ parts []string } // the texts between the asterisks
	cidr             struct{ netip.Prefix }
	numberEquals     struct {
		number    json.Number
		canonical string
	}
	numberRange struct {
		low, high *bound // nil is open
	}
	bound struct {
		v         float64
		inclusive bool
	}
)

func (anyValue) match(any) bool { return true }

func (t literalEquals) match(v any) bool {
	switch v.(type) {
	case bool, nil:
		return v == t.v
	}
	return false
}

func (t noneOf) match(v any) bool { return !t.leaf.match(v) }

func (t numberEquals) match(v any) bool {
	n, ok := v.(json.Number)
	return ok && (n == t.number || canonicalNumber(n) == t.canonical)
}

func (t numberRange) match(v any) bool {
	n, ok := v.(json.Number)
	if !ok {
		return false
	}
	x, err := n.Float64()
	return err == nil &&
		(t.low == nil || x > t.low.v || x == t.low.v && t.low.inclusive) &&
		(t.high == nil || x < t.high.v || x == t.high.v && t.high.inclusive)
}

// canonicalNumber writes a number so that equal ones are the same text. Whole numbers of 64 bits are exact.
func canonicalNumber(n json.Number) string {
	if i, err := n.Int64(); err == nil {
		return strconv.FormatInt(i, 10)
	}
	x, err := n.Float64()
	if err != nil {
		return n.String()
	}
	if x == float64(int64(x)) && x > -1<<53 && x < 1<<53 {
		return strconv.FormatInt(int64(x), 10)
	}
	return strconv.FormatFloat(x, 'g', -1, 64)
}

// A folded is a text that is compared as it is, or without regard to case.
type folded struct {
	text       string
	ignoreCase bool
}

func newFolded(text string, ignoreCase bool) folded {
	f := folded{text, ignoreCase}
	f.text, _ = f.of(text)
	return f
}

// of returns a value in the form that is compared; ok is false when it is no string.
func (f folded) of(v any) (s string, ok bool) {
	s, ok = v.(string)
	if ok && f.ignoreCase {
		s = foldCase(s)
	}
	return s, ok
}

// foldCase maps strings that differ in case only to the same string. Both steps are needed: some letters share only one of their cases.
func foldCase(s string) string { return strings.ToLower(strings.ToUpper(s)) }

func (t prefix) match(v any) bool {
	s, ok := t.of(v)
	return ok && strings.HasPrefix(s, t.text)
}

func (t suffix) match(v any) bool {
	s, ok := t.of(v)
	return ok && strings.HasSuffix(s, t.text)
}

func (t equalsIgnoreCase) match(v any) bool {
	s, ok := t.of(v)
	return ok && s == t.text
}

// parseWildcard splits the text at its asterisks. A backslash stands before an asterisk or a backslash that means itself.
func parseWildcard(text, at string) (test, error) {
	t := wildcard{}
	var part strings.Builder
	for i := 0; i < len(text); i++ {
		switch {
		case text[i] == '*' && i > 0 && text[i-1] == '*' && part.Len() == 0:
			return nil, &ParseError{at, "a wildcard has no two asterisks in a row"}
		case text[i] == '*':
			t.parts = append(t.parts, part.String())
			part.Reset()
			continue
		case text[i] == '\\':
			i++
			if i == len(text) || text[i] != '*' && text[i] != '\\' {
				return nil, &ParseError{at, `a backslash stands only before * and \`}
			}
		}
		part.WriteByte(text[i])
	}
	t.parts = append(t.parts, part.String())
	return t, nil
}

// match takes each part where it comes first, which is right because what is between them may be anything.
func (t wildcard) match(v any) bool {
	s, ok := v.(string)
	if !ok {
		return false
	}
	if len(t.parts) == 1 {
		return s == t.parts[0]
	}
	last := t.parts[len(t.parts)-1]
	s, ok = strings.CutPrefix(s, t.parts[0])
	if !ok {
		return false
	}
	for _, part := range t.parts[1 : len(t.parts)-1] {
		if _, s, ok = strings.Cut(s, part); !ok {
			return false
		}
	}
	return strings.HasSuffix(s, last)
}

// parseCIDR reads a block of IPv4 or IPv6 addresses, or one address.
func parseCIDR(text, at string) (test, error) {
	if addr, err := netip.ParseAddr(text); err == nil {
		return cidr{netip.PrefixFrom(addr, addr.BitLen())}, nil
	}
	p, err := netip.ParsePrefix(text)
	if err != nil {
		return nil, &ParseError{at, "cidr takes a block of addresses like 10.0.0.0/24"}
	}
	return cidr{p.Masked()}, nil
}

func (t cidr) match(v any) bool {
	s, ok := v.(string)
	if !ok {
		return false
	}
	addr, err := netip.ParseAddr(s)
	return err == nil && t.Contains(addr)
}
