package statedb

import (
	"regexp"
	"strings"
	"unicode/utf8"
)

// maxShape bounds what is looked at of an error, in bytes: what comes later is a trace.
const maxShape = 300

// varying is what differs from one error to the next of the same kind. An earlier form goes before a later one.
var varying = regexp.MustCompile(`(?i)` + strings.Join([]string{
	`([a-z][a-z0-9+.-]*://[^\s"'<>)\]}]+)`,
	`(arn:[a-z-]+:[^\s"'<>)\]}]+)`,
	`(\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?(?:Z|[+-]\d{2}:?\d{2})?)?)`,
	`([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})`,
	`((?:~|\.{1,2})?(?:/[\w.@%+=~-]+)+/?)`,
	`(-?\d+(?:\.\d+)?(?:e[+-]?\d+)?\b)`,
	`(\w[\w.-]*\w|\w)`,
}, "|"))

// stands are what the forms of varying are replaced by.
var stands = [...]string{"<url>", "<arn>", "<time>", "<uuid>", "<path>", "<n>", ""}

// ErrorShape cuts an error as `last_error` holds it into its type, empty when it names none, and the shape of its message: the first
// line with numbers, ids, hashes, paths, addresses and times replaced by what they are. Errors that differ in nothing else have the
// same shape.
func ErrorShape(text string) (kind, shape string) {
	if name, message, found := strings.Cut(text, ": "); found && errorName.MatchString(name) {
		kind, text = name, message
	}
	text = strings.TrimSpace(text)
	if end := strings.IndexAny(text, "\r\n"); end >= 0 {
		text = text[:end]
	}
	if len(text) > maxShape {
		text = text[:maxShape]
		for len(text) > 0 && !utf8.ValidString(text[max(0, len(text)-utf8.UTFMax):]) {
			text = text[:len(text)-1]
		}
	}
	var out strings.Builder
	end := 0
	for _, m := range varying.FindAllStringSubmatchIndex(text, -1) {
		out.WriteString(text[end:m[0]])
		found := text[m[0]:m[1]]
		for form, stand := range stands {
			if m[2+2*form] < 0 {
				continue
			}
			if stand == "" {
				stand = standForWord(found)
			}
			out.WriteString(stand)
			break
		}
		end = m[1]
	}
	out.WriteString(text[end:])
	return kind, out.String()
}

// errorName is what States Language and Python programs give as an error's name.
var errorName = regexp.MustCompile(`^[A-Za-z_][\w.]{0,120}$`)

// standForWord replaces a word that is a name of something: it has digits, or is long and hexadecimal.
func standForWord(word string) string {
	digits, hex := false, len(word) >= 8
	for _, c := range word {
		isDigit := c >= '0' && c <= '9'
		digits = digits || isDigit
		hex = hex && (isDigit || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F')
	}
	switch {
	case digits && hex:
		return "<hash>"
	case digits:
		return "<id>"
	}
	return word
}
