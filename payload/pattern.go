package payload

import (
	"fmt"
	"regexp"
	"strings"
	"time"
	"unicode"

	"github.com/dlclark/regexp2"

	"sundog/payload/pytext"
)

// backtrackLimit ends a search with a pattern that only the backtracking engine knows; the pattern then counts as not
// found.
const backtrackLimit = 100 * time.Millisecond

// pattern is a regular expression of Python's `re`. It runs on Go's engine, whose time is linear in the text. Only what
// that one does not know, such as looking ahead and referring back, runs on one that backtracks, within a limit of time.
//
// Known differences: `\b` tells ASCII words only, and a `$` in sub() takes a final line break with it.
type pattern struct {
	linear       *regexp.Regexp
	backtracking *regexp2.Regexp // set where linear is nil
}

func compilePattern(text string) (*pattern, error) {
	translated, err := translatePattern(text)
	if err != nil {
		return nil, fmt.Errorf("regular expression %q: %w", text, err)
	}
	linear, err := regexp.Compile(translated)
	if err == nil {
		return &pattern{linear: linear}, nil
	}
	backtracking, fallbackErr := regexp2.Compile(strings.ReplaceAll(text, "(?P<", "(?<"), regexp2.None)
	if fallbackErr != nil {
		return nil, fmt.Errorf("regular expression %q: %w", text, err)
	}
	backtracking.MatchTimeout = backtrackLimit
	return &pattern{backtracking: backtracking}, nil
}

// found says whether the pattern matches somewhere in s.
func (p *pattern) found(s string) bool {
	if p.linear != nil {
		return p.linear.MatchString(s)
	}
	found, err := p.backtracking.MatchString(s)
	return found && err == nil
}

// groupReference is how Python names a group in a replacement: \1 or \g<name>.
var groupReference = regexp.MustCompile(`\\(?:([0-9]+)|g<(\w+)>)`)

// replace puts the replacement, written as for Python's re.sub, in place of each match.
func (p *pattern) replace(s, replacement string) string {
	replacement = groupReference.ReplaceAllString(strings.ReplaceAll(replacement, "$", "$$"), "$${$1$2}")
	if p.linear != nil {
		return p.linear.ReplaceAllString(s, replacement)
	}
	replaced, err := p.backtracking.Replace(s, replacement, -1, -1)
	if err != nil {
		return s
	}
	return replaced
}

// pythonClass gives the characters of \d, \w and \s, which in Python are of all Unicode, as Go writes them within brackets.
func pythonClass(c byte) string {
	switch c {
	case 'd', 'D':
		return `\p{Nd}`
	case 'w', 'W':
		return `\p{L}\p{N}_`
	case 's', 'S':
		return `\s\v\x1c-\x1f\x{85}\p{Z}`
	}
	return ""
}

// translatePattern writes a pattern of Python for Go where both spell the same thing differently.
func translatePattern(text string) (string, error) {
	var out strings.Builder
	inClass := false
	for i := 0; i < len(text); i++ {
		c := text[i]
		switch {
		case c == '\\' && i+1 < len(text):
			i++
			writeEscape(&out, text[i], inClass)
		case inClass && c == '[':
			out.WriteString(`\[`) // Go reads [:alpha:] within a class, Python does not
		case inClass:
			out.WriteByte(c)
			inClass = c != ']'
		case c == '[':
			inClass = true
			out.WriteByte(c)
			// A bracket that closes at once stands for itself.
			if strings.HasPrefix(text[i+1:], "^") {
				i++
				out.WriteByte('^')
			}
			if strings.HasPrefix(text[i+1:], "]") {
				i++
				out.WriteString(`\]`)
			}
		case c == '$':
			out.WriteString(`(?:\n?\z|$)`)
		case strings.HasPrefix(text[i:], "{,"):
			out.WriteString("{0,")
			i++
		case strings.HasPrefix(text[i:], "(?<") && !strings.HasPrefix(text[i:], "(?<=") && !strings.HasPrefix(text[i:], "(?<!"):
			return "", fmt.Errorf("a named group is written (?P<name>…)")
		default:
			out.WriteByte(c)
		}
	}
	return out.String(), nil
}

// writeEscape writes a backslash and what follows it.
func writeEscape(out *strings.Builder, c byte, inClass bool) {
	class := pythonClass(c)
	negated := c < 'a'
	switch {
	case c == 'Z' && !inClass:
		out.WriteString(`\z`)
	case class != "" && !negated && inClass:
		out.WriteString(class)
	case class != "" && !negated:
		out.WriteString("[" + class + "]")
	case class != "" && !inClass:
		out.WriteString("[^" + class + "]")
	default:
		out.WriteByte('\\')
		out.WriteByte(c)
	}
}

// wholeNumber reads text as Python's int() does, and gives the number as JSON writes it.
func wholeNumber(s string) (string, bool) {
	s = strings.TrimFunc(s, func(r rune) bool { return unicode.IsSpace(r) || r >= 0x1c && r <= 0x1f })
	sign := ""
	if rest, negative := strings.CutPrefix(s, "-"); negative {
		s, sign = rest, "-"
	} else {
		s = strings.TrimPrefix(s, "+")
	}
	var digits strings.Builder
	before := '_'
	for _, r := range s {
		switch value, ok := decimal(r); {
		case ok:
			digits.WriteByte('0' + value)
		case r != '_' || before == '_':
			return "", false
		}
		before = r
	}
	if before == '_' || digits.Len() >= pytext.MaxDigits {
		return "", false
	}
	number := strings.TrimLeft(digits.String(), "0")
	if number == "" {
		return "0", true
	}
	return sign + number, true
}

// decimal is the value of a decimal digit of any script.
func decimal(r rune) (byte, bool) {
	if r >= '0' && r <= '9' {
		return byte(r - '0'), true
	}
	if !unicode.Is(unicode.Nd, r) {
		return 0, false
	}
	// Digits stand in runs of ten, each beginning with its zero.
	for _, table := range unicode.Nd.R16 {
		if r >= rune(table.Lo) && r <= rune(table.Hi) {
			return byte((r - rune(table.Lo)) % 10), true
		}
	}
	for _, table := range unicode.Nd.R32 {
		if r >= rune(table.Lo) && r <= rune(table.Hi) {
			return byte((r - rune(table.Lo)) % 10), true
		}
	}
	return 0, false
}
