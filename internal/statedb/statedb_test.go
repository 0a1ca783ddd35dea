package statedb_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sundog/internal/statedb"
	"sundog/payload"
)

func TestRecordJSON(t *testing.T) {
	text := "E: why"
	for name, tt := range map[string]struct {
		json string
		want statedb.Record
	}{
		"least": {
			`{"collections_workflow":"c1_wf","itemids":"i1"}`,
			statedb.Record{ID: payload.ID{Collections: "c1", Workflow: "wf", ItemIDs: "i1"}},
		},
		"everything": {
			`{"claimed_at":"t2","collections_workflow":"a_b/c_wf","created":"t1","executions":["arn:1","arn:2"],"itemids":"i/j",` +
				`"last_error":"E: why","outputs":["s3://x"],"state_updated":"FAILED_t3","ttl":12345678901234567890,"updated":"t3"}`,
			statedb.Record{
				ID: payload.ID{Collections: "a_b/c", Workflow: "wf", ItemIDs: "i/j"}, StateUpdated: "FAILED_t3", Created: "t1", Updated: "t3",
				ClaimedAt: "t2", Executions: []string{"arn:1", "arn:2"}, LastError: &text, Outputs: []string{"s3://x"},
				Extra: map[string]json.RawMessage{"ttl": json.RawMessage("12345678901234567890")},
			},
		},
		"empty is not missing": {
			`{"collections_workflow":"c1_wf","executions":[],"itemids":"i1","last_error":"","outputs":[]}`,
			statedb.Record{
				ID: payload.ID{Collections: "c1", Workflow: "wf", ItemIDs: "i1"}, Executions: []string{}, LastError: new(string), Outputs: []string{},
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			var got statedb.Record
			if err := json.Unmarshal([]byte(tt.json), &got); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("read (-want +got)\n%s", diff)
			}
			back, err := json.Marshal(got)
			if err != nil || string(back) != tt.json {
				t.Errorf("written %s, %v\nwant    %s", back, err, tt.json)
			}
		})
	}
}

func TestMalformedRecords(t *testing.T) {
	for name, text := range map[string]string{
		"no partition key":   `{"itemids":"i1"}`,
		"no sort key":        `{"collections_workflow":"c1_wf"}`,
		"no underscore":      `{"collections_workflow":"c1","itemids":"i1"}`,
		"executions a text":  `{"collections_workflow":"c1_wf","itemids":"i1","executions":"arn"}`,
		"executions null":    `{"collections_workflow":"c1_wf","itemids":"i1","executions":null}`,
		"last_error a list":  `{"collections_workflow":"c1_wf","itemids":"i1","last_error":[]}`,
		"partition a number": `{"collections_workflow":5,"itemids":"i1"}`,
	} {
		var r statedb.Record
		if err := json.Unmarshal([]byte(text), &r); !errors.Is(err, statedb.ErrMalformed) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, r := range map[string]statedb.Record{
		"no state":     {Created: "t", Updated: "t"},
		"no time":      {StateUpdated: "FAILED", Created: "t", Updated: "t"},
		"too much":     {StateUpdated: "FAILED_a_b", Created: "t", Updated: "t"},
		"no creation":  {StateUpdated: "FAILED_t", Updated: "t"},
		"never update": {StateUpdated: "FAILED_t", Created: "t"},
	} {
		if err := r.Check(); !errors.Is(err, statedb.ErrMalformed) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestCloneSharesNothing(t *testing.T) {
	text := "why"
	r := statedb.Record{Executions: []string{"a"}, Outputs: []string{"b"}, LastError: &text, Extra: map[string]json.RawMessage{"x": json.RawMessage("1")}}
	c := r.Clone()
	if diff := cmp.Diff(r, c); diff != "" {
		t.Fatalf("(-original +clone)\n%s", diff)
	}
	c.Executions[0], c.Outputs[0], *c.LastError, c.Extra["x"][0] = "z", "z", "z", '2'
	c.Extra["y"] = nil
	if r.Executions[0] != "a" || r.Outputs[0] != "b" || text != "why" || string(r.Extra["x"]) != "1" || len(r.Extra) != 1 {
		t.Errorf("the original changed: %+v", r)
	}
}

func TestTimesSortAsInstants(t *testing.T) {
	at := time.Date(2026, 2, 28, 23, 59, 59, 999_998_000, time.FixedZone("", -3600))
	last := ""
	for range 5 {
		text := statedb.FormatTime(at)
		if text <= last {
			t.Errorf("%s comes after %s", text, last)
		}
		back, err := statedb.ParseTime(text)
		if err != nil || !back.Equal(at) {
			t.Errorf("%s read as %s, %v", text, back, err)
		}
		last, at = text, at.Add(time.Microsecond)
	}
}

func TestParseState(t *testing.T) {
	for _, s := range append(statedb.States(), statedb.Completed) {
		for _, text := range []string{string(s), strings.ToLower(string(s))} {
			if got, err := statedb.ParseState(text); got != s || err != nil {
				t.Errorf("%s: %s, %v", text, got, err)
			}
		}
	}
	if _, err := statedb.ParseState("success"); err == nil || !strings.Contains(err.Error(), `"success"`) || !strings.Contains(err.Error(), "SUCCEEDED, FAILED") {
		t.Errorf("an unknown state: %v", err)
	}
}

func FuzzRecord(f *testing.F) {
	f.Add([]byte(`{"collections_workflow":"c1_wf","itemids":"i1","state_updated":"FAILED_t","executions":["a"],"ttl":5}`))
	f.Add([]byte(`{"collections_workflow":"_","itemids":"","outputs":[],"last_error":null}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		var r, again statedb.Record
		if json.Unmarshal(text, &r) != nil {
			return
		}
		back, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(back, &again); err != nil || !cmp.Equal(r.ID, again.ID) || r.StateUpdated != again.StateUpdated || !cmp.Equal(r.Executions, again.Executions) {
			t.Errorf("%s was written as %s: %v", text, back, err)
		}
	})
}

func FuzzPageToken(f *testing.F) {
	q := statedb.Query{Partition: "c1_wf"}
	plan, err := q.Plan()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(plan.Token(statedb.Position{Sort: "2026-01-01", ItemIDs: "a/b"}))
	f.Add("i001")
	f.Fuzz(func(t *testing.T, token string) {
		q := statedb.Query{Partition: "c1_wf", After: token}
		plan, err := q.Plan()
		switch {
		case err != nil && !errors.Is(err, statedb.ErrInvalidQuery):
			t.Error(err)
		case err == nil && token != "":
			q.After = plan.Token(*plan.After)
			again, err := q.Plan()
			if err != nil || *again.After != *plan.After {
				t.Errorf("%q leads to %+v, its own token to %+v, %v", token, plan.After, again.After, err)
			}
		}
	})
}
