package bulk_test

import (
	"strings"
	"testing"

	"sundog/eventpattern"
	"sundog/internal/aws/bulk"
)

func TestMeasure(t *testing.T) {
	attribute := func(name, kind, value string) map[string]eventpattern.Attribute {
		return map[string]eventpattern.Attribute{name: {Type: kind, Value: value}}
	}
	for _, tt := range []struct {
		body       string
		attributes map[string]eventpattern.Attribute
		size       int
		err        string
	}{
		{"abc", nil, 3, ""},
		{"ü\t\n\r\U0010FFFF\uFFFD", nil, 2 + 3 + 4 + 3, ""},
		{"a", attribute("eo.cloud_cover", "Number.float", "12.5"), 1 + 14 + 12 + 4, ""},
		{"a", attribute("b", "Binary", "AAEC"), 1 + 1 + 6 + 3, ""},
		{"a", attribute("b", "String.Array", `["x"]`), 1 + 1 + 12 + 5, ""},
		{"", nil, 0, "its body is empty"},
		{"a\x00", nil, 0, "a byte at 1"},
		{"ab\xff", nil, 0, "a byte at 2"},
		{"a\uFFFE", nil, 0, "a byte at 1"},
		{"a", attribute("", "String", "v"), 0, `"" is no name`},
		{"a", attribute("AWS.x", "String", "v"), 0, "is no name"},
		{"a", attribute("a..b", "String", "v"), 0, "is no name"},
		{"a", attribute(strings.Repeat("n", 257), "String", "v"), 0, "is no name"},
		{"a", attribute("n", "Boolean", "v"), 0, "has the type"},
		{"a", attribute("n", "String", ""), 0, "has no value"},
		{"a", attribute("n", "String", "\x01"), 0, "a character"},
		{"a", attribute("n", "Binary", "?"), 0, "not in base64"},
	} {
		size, err := bulk.Measure([]byte(tt.body), tt.attributes)
		if size != tt.size || (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) {
			t.Errorf("%q %v: %d, %v; want %d, %s", tt.body, tt.attributes, size, err, tt.size, tt.err)
		}
	}
}
