package table_test

import (
	"strings"
	"testing"
)

func TestSizes(t *testing.T) {
	for text, want := range map[string]int{
		`{}`: 0, `{"name": {"S": "text"}}`: 8, `{"ä": {"S": "ö"}}`: 4, `{"a": {"B": "AQID"}}`: 4, `{"a": {"BOOL": false}}`: 2, `{"a": {"NULL": true}}`: 2, `{"a": {"N": "0"}}`: 2, `{"a": {"N": "12"}}`: 3,
		`{"a": {"N": "1234"}}`: 4, `{"a": {"N": "123"}}`: 4, `{"a": {"N": "-12"}}`: 4, `{"a": {"SS": ["a", "bc"]}}`: 4, `{"a": {"NS": ["1", "2"]}}`: 5, `{"a": {"L": []}}`: 4, `{"a": {"L": [{"S": "x"}, {"S": "y"}]}}`: 8,
		`{"a": {"M": {}}}`: 4, `{"a": {"M": {"k": {"S": "v"}}}}`: 7, `{"a": {"S": "` + strings.Repeat("x", 1000) + `"}, "b": {"S": ""}}`: 1002,
	} {
		if got := parse(t, text).Size(); got != want {
			t.Errorf("%.60s has %d bytes, want %d", text, got, want)
		}
	}
}
