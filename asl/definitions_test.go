package asl_test

import (
	"encoding/json"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"sundog/asl"
	"sundog/asl/asltest/recording"
)

// TestDefinitions parses the definitions in the folder SUNDOG_ASL_CASES, of which it is known whether they are valid: because AWS said so,
// or published them, or because a linter says so. A linter may have rules that AWS has not: differences from it are shown and counted, but
// no failures.
func TestDefinitions(t *testing.T) {
	folder := os.Getenv("SUNDOG_ASL_CASES")
	if folder == "" {
		t.Skip("SUNDOG_ASL_CASES names no folder with conformance cases")
	}
	var cases []struct {
		Name       string
		Valid      bool
		Reason     string
		Truth      string
		Type       string
		Definition json.RawMessage
		Text       string `json:"definition_text"`
	}
	readJSON(t, filepath.Join(folder, "definitions.json"), &cases)
	type count struct{ right, wrong int }
	counts := map[string]*count{}
	for _, c := range cases {
		n := counts[c.Truth]
		if n == nil {
			n = &count{}
			counts[c.Truth] = n
		}
		t.Run(c.Truth+"/"+c.Name, func(t *testing.T) {
			definition := []byte(c.Definition)
			if c.Text != "" {
				definition = []byte(c.Text)
			}
			parse := asl.Parse
			if c.Type == "EXPRESS" {
				parse = asl.ParseExpress
			}
			_, err := parse(definition)
			if c.Valid == (err == nil) {
				n.right++
				return
			}
			n.wrong++
			report := t.Errorf
			if c.Truth == "linter" {
				report = t.Skipf
			}
			report("valid=%v (%s), but the verdict is: %v\n%s", c.Valid, c.Reason, err, definition)
		})
	}
	for _, truth := range slices.Sorted(maps.Keys(counts)) {
		t.Logf("%-20s %4d right %4d wrong", truth, counts[truth].right, counts[truth].wrong)
	}
}

// TestValidation compares diagnostics with AWS's, to the letter.
func TestValidation(t *testing.T) {
	folder := os.Getenv("SUNDOG_ASL_CASES")
	if folder == "" {
		t.Skip("SUNDOG_ASL_CASES names no folder with conformance cases")
	}
	type diagnostic struct{ Code, Location, Message, Severity string }
	var cases []struct {
		Name   string
		Kind   string
		Params struct {
			Definition json.RawMessage
			Type       string
		}
		Expected struct {
			Diagnostics []diagnostic
			Message     string
			Value       string `json:"exception_value"`
		}
	}
	readJSON(t, filepath.Join(folder, "definition_validation.json"), &cases)
	for _, c := range cases {
		t.Run(c.Name, func(t *testing.T) {
			definition := []byte(c.Params.Definition)
			var text string
			if json.Unmarshal(definition, &text) == nil {
				definition = []byte(text)
			}
			parse := asl.Parse
			if c.Params.Type == "EXPRESS" {
				parse = asl.ParseExpress
			}
			_, err := parse(definition)
			var problems asl.Diagnostics
			errors.As(err, &problems)
			if c.Kind == "refused_definition" {
				got := strings.ReplaceAll(problems.Refusal(), "arn:aws:", "arn:<partition>:")
				if want := c.Expected.Message + c.Expected.Value; err == nil || !strings.HasSuffix(want, got) {
					t.Errorf("got  %s\nwant %s", got, want)
				}
				return
			}
			var got []diagnostic
			for _, d := range problems {
				got = append(got, diagnostic{Code: d.Code, Location: d.Location, Message: d.Message, Severity: d.Severity})
			}
			if d := cmp.Diff(c.Expected.Diagnostics, got, cmpopts.EquateEmpty()); d != "" {
				t.Error(d)
			}
		})
	}
}

func readJSON(t *testing.T, file string, into any) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err == nil {
		err = recording.Decode(text, into)
	}
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
}
