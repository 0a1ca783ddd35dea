package payload

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Errors of Expand.
var (
	// ErrUnknownVariable marks a variable that has neither a value nor a default.
	ErrUnknownVariable = errors.New("unknown variable")
	// ErrPlaceholder marks a dollar sign that begins no placeholder; a dollar sign itself is written `$$`.
	ErrPlaceholder = errors.New("invalid placeholder")
)

// Expand fills in a payload template: `$name`, `${name}` and `${name?default}` become the variable's value, `$$` a dollar
// sign. A default reaches to the next closing brace. Names are letters, digits and underscores, and do not begin with a
// digit. What cannot be filled in stays as it is when keepUnknown is true; else it is an error that wraps
// ErrUnknownVariable or ErrPlaceholder and says in which line and column it stands, counted from 1.
func Expand(template string, variables map[string]string, keepUnknown bool) (string, error) {
	var out strings.Builder
	for rest := template; ; {
		before, after, found := strings.Cut(rest, "$")
		out.WriteString(before)
		if !found {
			return out.String(), nil
		}
		at := len(template) - len(after) - len("$")
		place := readPlaceholder(after)
		original := "$" + after[:place.length]
		value, known := variables[place.name]
		rest = after[place.length:]
		switch {
		case place.escaped:
			out.WriteByte('$')
		case place.name != "" && known:
			out.WriteString(value)
		case place.name != "" && place.hasDefault:
			out.WriteString(place.fallback)
		case keepUnknown:
			out.WriteString(original)
		case place.name != "":
			return "", fmt.Errorf("template %s: %w %q: give it a value, or a default as in ${%s?default}", position(template, at), ErrUnknownVariable, place.name, place.name)
		default:
			return "", fmt.Errorf("template %s: %w %q: write $name, ${name} or ${name?default}, and $$ for a dollar sign", position(template, at), ErrPlaceholder, excerpt(template[at:]))
		}
	}
}

// placeholder is what follows a dollar sign; the zero one is none.
type placeholder struct {
	length     int // in bytes
	name       string
	hasDefault bool
	fallback   string
	escaped    bool
}

func readPlaceholder(s string) placeholder {
	if strings.HasPrefix(s, "$") {
		return placeholder{length: 1, escaped: true}
	}
	braced, inBraces := strings.CutPrefix(s, "{")
	name := leadingName(braced)
	if name == "" {
		return placeholder{}
	}
	if !inBraces {
		return placeholder{length: len(name), name: name}
	}
	rest := braced[len(name):]
	end := strings.IndexByte(rest, '}')
	length := len("{") + len(name) + end + len("}")
	switch {
	case end < 0:
		return placeholder{}
	case end == 0:
		return placeholder{length: length, name: name}
	case rest[0] == '?':
		return placeholder{length: length, name: name, hasDefault: true, fallback: rest[1:end]}
	}
	return placeholder{}
}

// leadingName is the variable's name that s begins with.
func leadingName(s string) string {
	for i, r := range s {
		if !isNameRune(r) && (i == 0 || r < '0' || r > '9') {
			return s[:i]
		}
	}
	return s
}

// isNameRune also knows the letters outside of ASCII that Python's [a-z], regardless of case, matches.
func isNameRune(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r == '_' || strings.ContainsRune("\u0130\u0131\u017f\u212a", r)
}

// excerpt is the first word of a text, for a message; never more than 20 characters.
func excerpt(text string) string {
	for i, n := 0, 0; i < len(text); n++ {
		r, size := utf8.DecodeRuneInString(text[i:])
		if n == 20 || unicode.IsSpace(r) {
			return text[:i]
		}
		i += size
	}
	return text
}

func position(text string, at int) string {
	before := text[:at]
	line := strings.Count(before, "\n") + 1
	column := utf8.RuneCountInString(before[strings.LastIndexByte(before, '\n')+1:]) + 1
	return fmt.Sprintf("line %d, column %d", line, column)
}
