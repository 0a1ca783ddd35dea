package project

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// decoder reads YAML nodes of one file into Go values. It never stops: each method reports what is wrong and leaves the
// destination as it is.
type decoder struct {
	file  string
	diags *Diagnostics
}

func (d *decoder) errorf(n *yaml.Node, hint, format string, args ...any) {
	*d.diags = append(*d.diags, Diagnostic{
		File: d.file, Line: n.Line, Column: n.Column, Reason: fmt.Sprintf(format, args...), Hint: hint,
	})
}

// resolve follows an alias to what it stands for.
func resolve(n *yaml.Node) *yaml.Node {
	for n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	return n
}

// what names a node's type in the words of a user.
func what(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	}
	switch n.ShortTag() {
	case "!!null":
		return "empty"
	case "!!str":
		return "text"
	case "!!int":
		return "a number"
	case "!!float":
		return "a decimal number"
	case "!!bool":
		return "true or false"
	case "!!timestamp":
		return "a date"
	}
	return n.ShortTag()
}

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" }

// entries calls each for the entries of a mapping, in order. An empty value counts as a mapping without entries. Repeated keys
// and keys that are no text are reported and left out.
func (d *decoder) entries(n *yaml.Node, name string, each func(key *yaml.Node, value *yaml.Node)) {
	n = resolve(n)
	if isNull(n) {
		return
	}
	if n.Kind != yaml.MappingNode {
		d.errorf(n, "", "%s must be a mapping, but is %s", name, what(n))
		return
	}
	seen := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := resolve(n.Content[i]), n.Content[i+1]
		if key.ShortTag() == "!!merge" {
			d.errorf(key, "write the fields out", "merge keys are not supported")
			continue
		}
		if key.Kind != yaml.ScalarNode {
			d.errorf(key, "", "a key of %s must be text, but is %s", name, what(key))
			continue
		}
		if line, ok := seen[key.Value]; ok {
			d.errorf(key, "remove one of the two", "%q is already set in %s, on line %d", key.Value, name, line)
			continue
		}
		seen[key.Value] = key.Line
		each(key, value)
	}
}

// fields are the fields that a mapping may have, and how each is read.
type fields map[string]func(value *yaml.Node)

// object reads a mapping with a fixed set of fields, and returns the keys that it found.
func (d *decoder) object(n *yaml.Node, name string, known fields) map[string]*yaml.Node {
	found := map[string]*yaml.Node{}
	d.entries(n, name, func(key, value *yaml.Node) {
		read, ok := known[key.Value]
		if !ok {
			names := slices.Sorted(maps.Keys(known))
			hint := "known fields: " + strings.Join(names, ", ")
			if near := nearest(key.Value, names); near != "" {
				hint = fmt.Sprintf("did you mean %q?", near)
			}
			d.errorf(key, hint, "unknown field %q in %s", key.Value, name)
			return
		}
		found[key.Value] = key
		read(value)
	})
	return found
}

// scalar returns the text of a scalar of one of the tags, or reports what is there instead.
func (d *decoder) scalar(n *yaml.Node, name, want string, tags ...string) (string, bool) {
	n = resolve(n)
	if n.Kind == yaml.ScalarNode && slices.Contains(tags, n.ShortTag()) {
		return n.Value, true
	}
	hint := ""
	if want == "text" && n.Kind == yaml.ScalarNode && !isNull(n) {
		hint = fmt.Sprintf("put it in quotes: %q", n.Value)
	}
	d.errorf(n, hint, "%s must be %s, but is %s", name, want, what(n))
	return "", false
}

// text reads a text that is not empty.
func (d *decoder) text(dst *string, name string) func(*yaml.Node) {
	return func(n *yaml.Node) {
		v, ok := d.scalar(n, name, "text", "!!str")
		if ok && v == "" {
			d.errorf(resolve(n), "", "%s is empty", name)
			return
		}
		if ok {
			*dst = v
		}
	}
}

// oneOf reads one of several words.
func (d *decoder) oneOf(dst *string, name string, words ...string) func(*yaml.Node) {
	return func(n *yaml.Node) {
		v, ok := d.scalar(n, name, "text", "!!str")
		if ok && !slices.Contains(words, v) {
			d.errorf(resolve(n), "one of "+strings.Join(words, ", "), "%s cannot be %q", name, v)
			return
		}
		if ok {
			*dst = v
		}
	}
}

// pattern reads a text that matches; rule says in words what the pattern allows.
func (d *decoder) pattern(dst *string, name string, pattern *regexp.Regexp, rule string) func(*yaml.Node) {
	return func(n *yaml.Node) {
		v, ok := d.scalar(n, name, "text", "!!str")
		if ok && !pattern.MatchString(v) {
			d.errorf(resolve(n), rule, "%s cannot be %q", name, v)
			return
		}
		if ok {
			*dst = v
		}
	}
}

// boolean reads true or false.
func (d *decoder) boolean(dst *bool, name string) func(*yaml.Node) {
	return func(n *yaml.Node) {
		if v, ok := d.scalar(n, name, "true or false", "!!bool"); ok {
			*dst = strings.EqualFold(v, "true")
		}
	}
}

// integer reads a whole number within bounds.
func (d *decoder) integer(dst *int, name string, low, high int) func(*yaml.Node) {
	return func(n *yaml.Node) {
		v, ok := d.scalar(n, name, "a whole number", "!!int")
		if !ok {
			return
		}
		i, err := strconv.ParseInt(v, 10, 64)
		if err != nil || i < int64(low) || i > int64(high) {
			d.errorf(resolve(n), fmt.Sprintf("%d to %d", low, high), "%s cannot be %s", name, v)
			return
		}
		*dst = int(i)
	}
}

// duration reads a duration within bounds: Go's notation, and days in front of it.
func (d *decoder) duration(dst *time.Duration, name string, low, high time.Duration) func(*yaml.Node) {
	return func(n *yaml.Node) {
		n = resolve(n)
		if n.Kind == yaml.ScalarNode && (n.ShortTag() == "!!int" || n.ShortTag() == "!!float") {
			d.errorf(n, fmt.Sprintf("with a unit: %ss", n.Value), "%s must be a duration, but is a number", name)
			return
		}
		v, ok := d.scalar(n, name, "a duration", "!!str")
		if !ok {
			return
		}
		t, err := parseDuration(v)
		if err != nil {
			d.errorf(n, "such as 90s, 2m, 1h30m or 7d", "%s cannot be %q", name, v)
			return
		}
		if t < low || t > high {
			d.errorf(n, fmt.Sprintf("%s to %s", formatDuration(low), formatDuration(high)), "%s cannot be %s", name, v)
			return
		}
		*dst = t
	}
}

// words reads a list of texts with at least one entry. Numbers stand for their text: arguments such as 80 need no quotes.
func (d *decoder) words(dst *[]string, name string) func(*yaml.Node) {
	return func(n *yaml.Node) {
		n = resolve(n)
		if n.Kind != yaml.SequenceNode {
			hint := ""
			if n.Kind == yaml.ScalarNode && !isNull(n) {
				hint = "one entry per word: [" + strings.Join(strings.Fields(n.Value), ", ") + "]"
			}
			d.errorf(n, hint, "%s must be a list of words, but is %s", name, what(n))
			return
		}
		if len(n.Content) == 0 {
			d.errorf(n, "", "%s is empty", name)
			return
		}
		list := make([]string, 0, len(n.Content))
		for _, item := range n.Content {
			if v, ok := d.scalar(item, "an entry of "+name, "text", "!!str", "!!int", "!!float"); ok {
				list = append(list, v)
			}
		}
		if len(list) == len(n.Content) {
			*dst = list
		}
	}
}

// require reports a field that must be there and is not; at is where the object is named.
func (d *decoder) require(at *yaml.Node, name string, found map[string]*yaml.Node, field, hint string) bool {
	if _, ok := found[field]; ok {
		return true
	}
	d.errorf(at, hint, "%s has no %q", name, field)
	return false
}

// parseDuration reads Go's notation with days in front: 90s, 1h30m, 7d, 1d12h.
func parseDuration(text string) (time.Duration, error) {
	days, rest, ok := strings.Cut(text, "d")
	if !ok {
		return time.ParseDuration(text)
	}
	count, err := strconv.ParseUint(days, 10, 16)
	if err != nil {
		return 0, fmt.Errorf("duration %q: days must be a whole number", text)
	}
	t := time.Duration(count) * day
	if rest == "" {
		return t, nil
	}
	more, err := time.ParseDuration(rest)
	if err != nil || more < 0 {
		return 0, fmt.Errorf("duration %q: %q is no duration", text, rest)
	}
	return t + more, nil
}

// formatDuration is time.Duration's text without the zero units at its end.
func formatDuration(t time.Duration) string {
	if t >= day && t%day == 0 {
		return strconv.Itoa(int(t/day)) + "d"
	}
	s := t.String()
	if cut, ok := strings.CutSuffix(s, "m0s"); ok {
		s = cut + "m"
	}
	if cut, ok := strings.CutSuffix(s, "h0m"); ok {
		s = cut + "h"
	}
	return s
}

// nearest returns the name that is at most two edits away from a misspelt one, or "".
func nearest(text string, names []string) string {
	best, distance := "", 3
	for _, name := range names {
		if n := edits(text, name); n < distance && n < len(name) {
			best, distance = name, n
		}
	}
	return best
}

// edits is the Levenshtein distance of two short texts; 3 stands for anything from 3 up when the lengths alone differ so much.
func edits(a, b string) int {
	if len(a)-len(b) > 2 || len(b)-len(a) > 2 {
		return 3
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost = 1 + min(diagonal, row[j], row[j+1])
			}
			diagonal, row[j+1] = row[j+1], cost
		}
	}
	return row[len(b)]
}
