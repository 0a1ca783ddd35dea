package jsonpath_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sundog/jsonpath"
)

// TestPathsOfDefinitions parses every path of the state machine definitions that AWS or their authors hold to be valid.
// SUNDOG_ASL_CASES names the folder of the cases.
func TestPathsOfDefinitions(t *testing.T) {
	dir := os.Getenv("SUNDOG_ASL_CASES")
	if dir == "" {
		t.Skip("SUNDOG_ASL_CASES is not set to the folder of the ASL cases")
	}
	text, err := os.ReadFile(filepath.Join(dir, "definitions.json"))
	if err != nil {
		t.Fatal(err)
	}
	paths := 0
	for _, c := range parseJSON(t, string(text)).([]any) {
		definition := c.(map[string]any)
		if definition["valid"] != true {
			continue
		}
		eachPath("", definition["definition"], func(field, path string) {
			paths++
			_, _, rest, err := jsonpath.Split(path)
			if err == nil {
				_, err = jsonpath.Parse(rest)
			}
			if err == nil && field == "ResultPath" {
				_, err = jsonpath.ParseReference(path)
			}
			if err != nil {
				t.Errorf("%s, field %s: %v", definition["name"], field, err)
			}
		})
	}
	t.Logf("%d paths", paths)
	if paths == 0 {
		t.Error("no path was found")
	}
}

func eachPath(field string, v any, yield func(field, path string)) {
	switch v := v.(type) {
	case map[string]any:
		for name, member := range v {
			eachPath(name, member, yield)
		}
	case []any:
		for _, item := range v {
			eachPath(field, item, yield)
		}
	case string:
		if strings.HasPrefix(v, "$") && (strings.HasSuffix(field, "Path") || strings.HasSuffix(field, ".$") || field == "Variable") {
			yield(field, v)
		}
	}
}
