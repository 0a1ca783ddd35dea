package awsjson

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// Checks gathers the constraints of the API's model that a request breaks. Fields are named as in the model, with dots.
type Checks struct{ broken []string }

func (c *Checks) add(value, field, constraint string, args ...any) {
	c.broken = append(c.broken, fmt.Sprintf("Value %s at '%s' failed to satisfy constraint: Member must %s", value, field, fmt.Sprintf(constraint, args...)))
}

// Present wants a member to be there.
func (c *Checks) Present(field string, there bool) bool {
	if !there {
		c.add("null", field, "not be null")
	}
	return there
}

// Length wants a text of a number of characters. Nil is a member that is not there.
func (c *Checks) Length(field string, value *string, low, high int) {
	if value == nil {
		return
	}
	switch n := utf8.RuneCountInString(*value); {
	case n < low:
		c.add(quoted(*value), field, "have length greater than or equal to %d", low)
	case n > high:
		c.add(quoted(*value), field, "have length less than or equal to %d", high)
	}
}

// Required wants a text that is there and of a number of characters.
func (c *Checks) Required(field string, value *string, low, high int) {
	if c.Present(field, value != nil) {
		c.Length(field, value, low, high)
	}
}

// Count wants a list of a number of elements.
func (c *Checks) Count(field string, n, low, high int) {
	switch {
	case n < low:
		c.add("'[]'", field, "have length greater than or equal to %d", low)
	case n > high:
		c.add(fmt.Sprintf("'[%d elements]'", n), field, "have length less than or equal to %d", high)
	}
}

// Range wants a whole number between bounds. Nil is a member that is not there.
func (c *Checks) Range(field string, value *int, low, high int) {
	switch {
	case value == nil:
	case *value < low:
		c.add(fmt.Sprintf("'%d'", *value), field, "have value greater than or equal to %d", low)
	case *value > high:
		c.add(fmt.Sprintf("'%d'", *value), field, "have value less than or equal to %d", high)
	}
}

// OneOf wants one of some values. Nil is a member that is not there.
func (c *Checks) OneOf(field string, value *string, values ...string) {
	if value != nil && !slices.Contains(values, *value) {
		c.add(quoted(*value), field, "satisfy enum value set: [%s]", strings.Join(values, ", "))
	}
}

// Matches wants a text of a form, which is given in the words of the model. Nil is a member that is not there.
func (c *Checks) Matches(field string, value *string, form *regexp.Regexp, pattern string) {
	if value != nil && !form.MatchString(*value) {
		c.add(quoted(*value), field, "satisfy regular expression pattern: %s", pattern)
	}
}

// Err is nil when every constraint is kept, else a ValidationException in AWS's words.
func (c *Checks) Err() error {
	switch len(c.broken) {
	case 0:
		return nil
	case 1:
		return Validation("1 validation error detected: %s", c.broken[0])
	}
	return Validation("%d validation errors detected: %s", len(c.broken), strings.Join(c.broken, "; "))
}

// maxQuoted bounds the part of a value that an error repeats, in bytes.
const maxQuoted = 256

func quoted(value string) string {
	if len(value) > maxQuoted {
		value = strings.ToValidUTF8(value[:maxQuoted], "") + "…"
	}
	return "'" + value + "'"
}
