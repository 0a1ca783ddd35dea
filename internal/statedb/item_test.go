package statedb_test

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sundog/internal/statedb"
)

// TestItems reads items, compares them with the same record in plain JSON, and writes them back.
func TestItems(t *testing.T) {
	for name, tt := range map[string]struct{ item, plain string }{
		"least": {
			`{"collections_workflow":{"S":"c1_wf"},"itemids":{"S":"i1"}}`,
			`{"collections_workflow":"c1_wf","itemids":"i1"}`,
		},
		"all that is known": {
			`{"collections_workflow":{"S":"a_b/c_wf"},"itemids":{"S":"i/j"},"state_updated":{"S":"COMPLETED_t3"},"created":{"S":"t1"},` +
				`"updated":{"S":"t3"},"claimed_at":{"S":"t2"},"executions":{"L":[{"S":"arn:1"},{"S":"arn:2"}]},"last_error":{"S":"E: \"<ä>\""},"outputs":{"L":[]}}`,
			`{"collections_workflow":"a_b/c_wf","itemids":"i/j","state_updated":"COMPLETED_t3","created":"t1","updated":"t3","claimed_at":"t2",` +
				`"executions":["arn:1","arn:2"],"last_error":"E: \"<ä>\"","outputs":[]}`,
		},
		"attributes of others": {
			`{"collections_workflow":{"S":"c_w"},"itemids":{"S":"i"},"bin":{"B":"eA=="},"deep":{"M":{"a":{"L":[{"N":"1"},{"SS":["x"]}]}}},` +
				`"flag":{"BOOL":false},"huge":{"N":"12345678901234567890.5"},"looks":{"M":{"SS":{"S":"x"}}},"maps":{"M":{"M":{"M":{}}}},"none":{"NULL":true},` +
				`"odd":{"N":"+1"},"set":{"NS":["1","2"]},"ttl":{"N":"1700000000"}}`,
			`{"collections_workflow":"c_w","itemids":"i","bin":{"B":"eA=="},"deep":{"a":[1,{"SS":["x"]}]},"flag":false,"huge":12345678901234567890.5,` +
				`"looks":{"M":{"SS":{"S":"x"}}},"maps":{"M":{"M":{"M":{}}}},"none":null,"odd":{"N":"+1"},"set":{"NS":["1","2"]},"ttl":1700000000}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			var read, plain statedb.Record
			for _, text := range []string{tt.item, `{"Item":` + tt.item + `}`} {
				if err := read.UnmarshalItem([]byte(text)); err != nil {
					t.Fatal(err)
				}
				if err := json.Unmarshal([]byte(tt.plain), &plain); err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(plain, read); diff != "" {
					t.Errorf("(-plain +item)\n%s", diff)
				}
			}
			if diff := cmp.Diff(members(t, tt.item), members(t, string(read.MarshalItem()))); diff != "" {
				t.Errorf("written back (-want +got)\n%s", diff)
			}
		})
	}
}

func members(t *testing.T, text string) map[string]any {
	t.Helper()
	var all map[string]any
	if err := json.Unmarshal([]byte(text), &all); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	return all
}

func TestMalformedItems(t *testing.T) {
	with := func(more string) string {
		return `{"collections_workflow":{"S":"c_w"},"itemids":{"S":"i"},` + more + `}`
	}
	for name, text := range map[string]string{
		"not JSON":              `{`,
		"a list":                `[]`,
		"plain JSON":            `{"collections_workflow":"c_w","itemids":"i"}`,
		"no sort key":           `{"collections_workflow":{"S":"c_w"}}`,
		"no underscore":         `{"collections_workflow":{"S":"c"},"itemids":{"S":"i"}}`,
		"a key that is no text": `{"collections_workflow":{"N":"5"},"itemids":{"S":"i"}}`,
		"a time that is none":   with(`"updated":{"N":"5"}`),
		"a list of numbers":     with(`"executions":{"L":[{"N":"5"}]}`),
		"two types":             with(`"x":{"S":"a","N":"5"}`),
		"no type":               with(`"x":{}`),
		"unknown type":          with(`"x":{"Q":"a"}`),
		"too deep":              with(`"x":` + strings.Repeat(`{"L":[`, 40) + `{"S":"x"}` + strings.Repeat(`]}`, 40)),
	} {
		var r statedb.Record
		if err := r.UnmarshalItem([]byte(text)); !errors.Is(err, statedb.ErrMalformed) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzItem(f *testing.F) {
	seeds, err := filepath.Glob(filepath.Join("testdata", "items", "*.json"))
	if err != nil || len(seeds) == 0 {
		f.Fatalf("no seeds: %v", err)
	}
	for _, name := range seeds {
		text, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var r, again statedb.Record
		if r.UnmarshalItem(text) != nil {
			return
		}
		written := r.MarshalItem()
		if err := again.UnmarshalItem(written); err != nil {
			t.Fatalf("%s was written as %s: %v", text, written, err)
		}
		if twice := again.MarshalItem(); string(twice) != string(written) {
			t.Errorf("written as %s, then as %s", written, twice)
		}
	})
}
