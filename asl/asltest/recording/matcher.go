package recording

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"sundog/asl"
)

// A Matcher compares values with recorded ones, in which placeholders stand for what differs from run to run. It is for one execution, and
// not for concurrent use.
type Matcher struct {
	wildcards map[string]bool
	tokens    []string
	// bound are the texts that numbered tokens were found to stand for: they stand for the same one wherever they are.
	bound map[string]string
	// ignored is a member of objects that AWS did not have yet, or empty.
	ignored string
	// runFirst says that the exit of a distributed Map state follows the success of its run in the recording.
	runFirst bool
}

// NewMatcher returns a matcher. Wildcards are texts that stand for any value but null and the empty text; tokens are parts of texts that stand for any text that
// is not empty, and for the same one throughout when they end with a number.
func NewMatcher(wildcards, tokens []string) *Matcher {
	m := &Matcher{wildcards: map[string]bool{}, tokens: tokens, bound: map[string]string{}}
	for _, w := range wildcards {
		m.wildcards[w] = true
	}
	return m
}

// Differ says where the value got differs from the recorded one, or "". At names the value in what it says.
func (m *Matcher) Differ(at string, want, got any) string {
	before := maps.Clone(m.bound)
	difference := m.differ(at, want, got)
	if difference != "" {
		m.bound = before
	}
	return difference
}

func (m *Matcher) differ(at string, want, got any) string {
	same := false
	switch w := want.(type) {
	case string:
		same = m.sameText(w, got)
		if text, ok := got.(string); ok && !same {
			same = isCause(at) && m.sameDocument(w, text) || strings.HasSuffix(at, "_text") && m.sameJSON(w, text)
		}
	case json.Number:
		g, ok := got.(json.Number)
		same = ok && sameNumber(w, g)
	case []any:
		if g, ok := got.([]any); ok {
			return m.lists(at, w, g)
		}
	case map[string]any:
		if g, ok := got.(map[string]any); ok {
			return m.objects(at, w, g)
		}
	default:
		same = want == got
	}
	if same {
		return ""
	}
	return fmt.Sprintf("%s: got %s, want %s", at, Short(got), Short(want))
}

func (m *Matcher) lists(at string, want, got []any) string {
	if len(want) != len(got) {
		return fmt.Sprintf("%s: got %d elements, want %d: %s, want %s", at, len(got), len(want), Short(got), Short(want))
	}
	for i := range want {
		if d := m.differ(fmt.Sprintf("%s[%d]", at, i), want[i], got[i]); d != "" {
			return d
		}
	}
	return ""
}

func (m *Matcher) objects(at string, want, got map[string]any) string {
	for name := range got {
		if _, there := want[name]; !there && (name != m.ignored || m.ignored == "") {
			return fmt.Sprintf("%s.%s: %s is too much", at, name, Short(got[name]))
		}
	}
	for name := range want {
		value, there := got[name]
		if !there {
			return fmt.Sprintf("%s.%s is missing, want %s", at, name, Short(want[name]))
		}
		if d := m.differ(at+"."+name, want[name], value); d != "" {
			return d
		}
	}
	return ""
}

// sameNumber compares numbers as AWS does not keep their texts: 1 is 1.0. Whole numbers are the same to the last digit.
func sameNumber(want, got json.Number) bool {
	if want == got {
		return true
	}
	whole := func(n json.Number) bool { return !strings.ContainsAny(string(n), ".eE") }
	a, errA := want.Float64()
	b, errB := got.Float64()
	return errA == nil && errB == nil && a == b && (!whole(want) || !whole(got))
}

// sameText compares a recorded text, which may be a placeholder or have some.
func (m *Matcher) sameText(want string, got any) bool {
	text, isText := got.(string)
	if isText && text == want {
		return true
	}
	if m.wildcards[want] {
		return got != nil && (!isText || text != "")
	}
	if isText {
		return m.sameTokens(want, text)
	}
	return got != nil && slices.Contains(m.tokens, want) && !numbered.MatchString(want) // a time in seconds
}

// sameTokens compares a recorded text that may have tokens, and binds those with a number.
func (m *Matcher) sameTokens(want, got string) bool {
	pattern, found := regexp.QuoteMeta(want), []string{}
	for _, token := range m.tokens {
		quoted := regexp.QuoteMeta(token)
		for strings.Contains(pattern, quoted) {
			if text, ok := m.bound[token]; ok {
				pattern = strings.ReplaceAll(pattern, quoted, regexp.QuoteMeta(text))
				continue
			}
			pattern = strings.Replace(pattern, quoted, fmt.Sprintf("(?P<t%d>(?s:.+))", len(found)), 1)
			found = append(found, token)
		}
	}
	re, err := regexp.Compile("^(?:" + pattern + ")$")
	if err != nil {
		return false
	}
	groups := re.FindStringSubmatch(got)
	if groups == nil {
		return false
	}
	for i, token := range found {
		if !numbered.MatchString(token) {
			continue
		}
		text := groups[re.SubexpIndex(fmt.Sprintf("t%d", i))]
		if before, ok := m.bound[token]; ok && before != text {
			return false
		}
		m.bound[token] = text
	}
	return true
}

// numbered are the tokens that were given by what they stand for.
var numbered = regexp.MustCompile(`(:[0-9]+|[0-9]+idx)>$`)

// isCause says whether a value is the cause of an error: of an event, an execution, or in what a Catch made of it.
func isCause(at string) bool {
	return strings.EqualFold(at[strings.LastIndexByte(at, '.')+1:], "cause")
}

// sameJSON compares the texts of documents.
func (m *Matcher) sameJSON(want, got string) bool {
	if slices.ContainsFunc(m.tokens, func(token string) bool { return strings.Contains(want, token) }) {
		return json.Valid([]byte(want)) && json.Valid([]byte(got)) && m.differ("", value([]byte(want)), value([]byte(got))) == ""
	}
	return canonical(want) == canonical(got)
}

// canonical is a JSON text without the space between its tokens, which is the author's, and with members in order: AWS has no order of the
// columns of a CSV file. Numbers keep their texts.
func canonical(text string) string {
	var v any
	if Decode([]byte(text), &v) != nil {
		return text
	}
	ordered, err := json.Marshal(v)
	if err != nil {
		return text
	}
	return string(ordered)
}

// sameDocument compares texts that are JSON by what they say: a recorded cause was parsed, and its own text is lost.
func (m *Matcher) sameDocument(want, got string) bool {
	if !strings.HasPrefix(want, "{") || !json.Valid([]byte(want)) || !json.Valid([]byte(got)) {
		return false
	}
	return m.differ("", value([]byte(want)), value([]byte(got))) == ""
}

func value(text []byte) any { return asl.Raw(text).Get() }

// Short is the beginning of a value as JSON.
func Short(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(text[:min(len(text), 700)])
}
