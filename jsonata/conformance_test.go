package jsonata_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sundog/jsonata"
)

// A suiteCase is a case of the official test suite of JSONata.
type suiteCase struct {
	Expr      string
	ExprFile  string `json:"expr-file"`
	Data      json.RawMessage
	Dataset   *string
	Bindings  map[string]json.RawMessage
	Result    json.RawMessage
	Undefined bool `json:"undefinedResult"`
	Unordered bool
	Code      string
	Error     struct{ Code string }
}

// setAside says why a case is not run.
func setAside(c suiteCase) string {
	if c.ExprFile != "" && c.Expr == "" {
		return "its expression is in a file that is not in the folder"
	}
	if strings.Contains(c.Expr, "$eval") {
		return "Step Functions has no $eval"
	}
	return ""
}

// known returns why a case is answered in another way than by the reference implementation, "" when it is not known to be. All of it is in
// the library.
func known(id string) string {
	switch id {
	case "function-contains/case007.json#0":
		return "$contains refuses an undefined pattern instead of returning undefined"
	case "function-decodeUrlComponent/case002.json#0":
		return "the code of a malformed escape is D3137 and not D3140"
	case "function-formatNumber/issue786.json#0", "function-formatNumber/issue786.json#1",
		"function-formatNumber/issue786.json#2", "function-formatNumber/issue786.json#3":
		return "a picture without a digit is reported with the first code that applies, another than in the reference"
	case "joins/library-joins.json#12":
		return "grouping nothing is undefined instead of an empty object"
	case "parent-operator/errors.json#0":
		return "a parent operator without a parent is found when it is evaluated, and not at all with null as the data"
	case "wildcards/case010.json#1", "wildcards/case010.json#2":
		return "a wildcard on functions is not undefined"
	}
	return ""
}

// TestConformance runs the official test suite of JSONata in the folder that SUNDOG_JSONATA_CASES names, and lists the differences that are
// left. It fails when there is one that is not known.
func TestConformance(t *testing.T) {
	dir := os.Getenv("SUNDOG_JSONATA_CASES")
	if dir == "" {
		t.Skip("SUNDOG_JSONATA_CASES is not set to the folder of the JSONata test suite")
	}
	files, err := filepath.Glob(filepath.Join(dir, "groups", "*", "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	type tally struct{ passed, aside, known, failed int }
	groups := map[string]*tally{}
	var total tally
	var order, differences []string
	for _, file := range files {
		group := filepath.Base(filepath.Dir(file))
		if groups[group] == nil {
			groups[group] = &tally{}
			order = append(order, group)
		}
		for i, c := range readCases(t, file) {
			id := fmt.Sprintf("%s/%s#%d", group, filepath.Base(file), i)
			if setAside(c) != "" {
				groups[group].aside++
				total.aside++
			} else if wrong := c.run(t, dir); wrong == "" {
				groups[group].passed++
				total.passed++
			} else if why := known(id); why != "" {
				groups[group].known++
				total.known++
				t.Logf("known difference %s: %s", id, why)
			} else {
				groups[group].failed++
				total.failed++
				differences = append(differences, id+": "+wrong)
			}
		}
	}
	for _, group := range order {
		g := groups[group]
		t.Logf("%-40s passed %3d  set aside %2d  known %2d  failed %2d", group, g.passed, g.aside, g.known, g.failed)
	}
	t.Logf("%d passed, %d set aside, %d known differences, %d failed", total.passed, total.aside, total.known, total.failed)
	for _, d := range differences {
		t.Error(d)
	}
	if total.passed == 0 {
		t.Error("no case was run")
	}
}

func readCases(t *testing.T, file string) []suiteCase {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var cases []suiteCase
	if text[0] != '[' {
		text = slices.Concat([]byte("["), text, []byte("]"))
	}
	if err := json.Unmarshal(text, &cases); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	for i, c := range cases {
		if c.ExprFile == "" {
			continue
		}
		expr, err := os.ReadFile(filepath.Join(filepath.Dir(file), c.ExprFile))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
		cases[i].Expr = string(expr)
	}
	return cases
}

// run says what is wrong with a case.
func (c suiteCase) run(t *testing.T, dir string) string {
	t.Helper()
	options := jsonata.Options{Now: time.Now(), Random: func() uint64 { return 4 }}
	if c.Dataset != nil {
		data, err := os.ReadFile(filepath.Join(dir, "datasets", *c.Dataset+".json"))
		if err != nil {
			t.Fatal(err)
		}
		options.Data = json.RawMessage(data)
	} else if len(c.Data) > 0 {
		options.Data = c.Data
	}
	bindings := map[string]any{}
	for name, v := range c.Bindings {
		bindings[name] = v
	}
	got, err := evaluate(c.Expr, bindings, options)
	code := c.Code + c.Error.Code
	if code != "" {
		if failure, ok := errors.AsType[*jsonata.Error](err); !ok || failure.Code != code {
			return fmt.Sprintf("%s = %.100s, %v, want error %s", c.Expr, got, err, code)
		}
		return ""
	}
	if c.Undefined || errors.Is(err, jsonata.ErrUndefined) {
		if !c.Undefined || !errors.Is(err, jsonata.ErrUndefined) {
			return fmt.Sprintf("%s = %.100s, %v, want undefined: %t", c.Expr, got, err, c.Undefined)
		}
		return ""
	}
	if err != nil {
		return fmt.Sprintf("%s: %v", c.Expr, err)
	}
	if diff := cmp.Diff(floats(t, c.Result, c.Unordered), floats(t, got, c.Unordered)); diff != "" {
		return fmt.Sprintf("%s (-want +got):\n%s", c.Expr, diff)
	}
	return ""
}

func evaluate(expr string, bindings map[string]any, o jsonata.Options) (json.RawMessage, error) {
	e, err := jsonata.Compile(expr)
	if err != nil {
		return nil, err
	}
	return e.EvalText(context.Background(), bindings, o)
}

// floats parses JSON with numbers as JavaScript has them.
func floats(t *testing.T, text json.RawMessage, unordered bool) any {
	t.Helper()
	var v any
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	if items, ok := v.([]any); ok && unordered {
		slices.SortFunc(items, func(a, b any) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
	}
	return v
}
