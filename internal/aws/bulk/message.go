package bulk

import (
	"encoding/base64"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"

	"sundog/eventpattern"
)

// MaxAttributes is how many attributes a message of SQS has at most (Amazon SQS Developer Guide, Amazon SQS message metadata). One of SNS may have
// more, but then it does not reach queues that get it raw.
const MaxAttributes = 10

var (
	attributeName = regexp.MustCompile(`^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$`)
	attributeType = regexp.MustCompile(`^(String|Number|Binary)(\.[A-Za-z0-9_.-]+)?$`)
)

// Measure returns the size of a message as SQS and SNS count it, in bytes: that of its body and of the names, types and values of its attributes. It
// returns an error that says why for a message that neither of them takes.
func Measure(body []byte, attributes map[string]eventpattern.Attribute) (size int, err error) {
	if len(body) == 0 {
		return 0, fmt.Errorf("its body is empty")
	}
	if i := badText(string(body)); i >= 0 {
		return 0, fmt.Errorf("its body has a byte at %d that is not of a character that XML has", i)
	}
	size = len(body)
	for name, a := range attributes {
		lower := strings.ToLower(name)
		switch {
		case len(name) > 256 || !attributeName.MatchString(name) || strings.HasPrefix(lower, "aws.") || strings.HasPrefix(lower, "amazon."):
			return 0, fmt.Errorf("%.300q is no name of an attribute", name)
		case len(a.Type) > 256 || !attributeType.MatchString(a.Type):
			return 0, fmt.Errorf("the attribute %s has the type %.300q; there are String, Number and Binary", name, a.Type)
		case a.Value == "":
			return 0, fmt.Errorf("the attribute %s has no value", name)
		}
		value := len(a.Value)
		if isBinary(a.Type) {
			binary, err := base64.StdEncoding.DecodeString(a.Value)
			if err != nil {
				return 0, fmt.Errorf("the attribute %s is binary and not in base64: %w", name, err)
			}
			value = len(binary)
		} else if badText(a.Value) >= 0 {
			return 0, fmt.Errorf("the attribute %s has a character that XML has not", name)
		}
		size += len(name) + len(a.Type) + value
	}
	return size, nil
}

// Value is the value of an attribute that was measured as the services want it: text, or the bytes that stand in base64 in an eventpattern.Attribute.
func Value(a eventpattern.Attribute) (text *string, binary []byte) {
	if !isBinary(a.Type) {
		return &a.Value, nil
	}
	binary, _ = base64.StdEncoding.DecodeString(a.Value)
	return nil, binary
}

func isBinary(attributeType string) bool { return strings.HasPrefix(attributeType, "Binary") }

// badText returns where a text has something else than the characters that SQS and SNS take (Amazon SQS API Reference, SendMessage), or -1.
func badText(text string) int {
	for i, c := range text {
		switch {
		case c == utf8.RuneError && !strings.HasPrefix(text[i:], string(utf8.RuneError)):
			return i
		case c == '\t', c == '\n', c == '\r', c >= 0x20 && c < 0xFFFE, c >= 0x10000:
		default:
			return i
		}
	}
	return -1
}
