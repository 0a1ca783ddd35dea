package rerun_test

import (
	"errors"
	"strings"
	"testing"

	"sundog/internal/rerun"
	"sundog/internal/statedb"
)

func TestInput(t *testing.T) {
	for _, c := range []struct{ stored, patch, want string }{
		{`{"id":"a","process":[{"workflow":"w"}]}`, ``, `{"id":"a","process":[{"workflow":"w","replace":true}]}`},
		{`{"id":"a","process":{"workflow":"w"}}`, ``, `{"id":"a","process":{"workflow":"w","replace":true}}`},
		{
			`{"big":12345678901234567890.10,"a":{"b":1,"c":[1,2]},"process":[{"workflow":"w"}]}`, `{"a":{"b":null,"d":{"e":null,"f":2}},"x":[null]}`,
			`{"big":12345678901234567890.10,"a":{"c":[1,2],"d":{"f":2}},"process":[{"workflow":"w","replace":true}],"x":[null]}`,
		},
		{`{"a":1,"process":[{"workflow":"w"}]}`, `{"a":{"b":1}}`, `{"a":{"b":1},"process":[{"workflow":"w","replace":true}]}`},
	} {
		got, err := rerun.Input([]byte(c.stored), []byte(c.patch))
		if err != nil || string(got) != c.want {
			t.Errorf("%s with %s gives %s, %v\nwant %s", c.stored, c.patch, got, err, c.want)
		}
	}
}

// TestOperations reaches into lists, which a merge patch cannot.
func TestOperations(t *testing.T) {
	stored := `{"n":12345678901234567890.10,"process":[{"workflow":"w","tasks":{"t":{"retries":1}}}]}`
	got, err := rerun.Input([]byte(stored), []byte(`[{"op":"replace","path":"/process/0/tasks/t/retries","value":5.0}]`))
	want := `{"n":12345678901234567890.10,"process":[{"workflow":"w","tasks":{"t":{"retries":5.0}},"replace":true}]}`
	if err != nil || string(got) != want {
		t.Errorf("%s, %v; want %s", got, err, want)
	}
	if got, err = rerun.Input([]byte(stored), []byte(`[{"op":"remove","path":"/process/1"}]`)); err == nil {
		t.Errorf("removing what is not there gives %s", got)
	}
}

func TestCheck(t *testing.T) {
	for _, c := range []struct {
		request rerun.Request
		want    string // in the error; empty: none
	}{
		{rerun.Request{}, ""},
		{rerun.Request{Mode: rerun.FromFailed, Filter: rerun.Filter{State: statedb.Failed}}, ""},
		{rerun.Request{Mode: "middle"}, `unknown mode "middle"`},
		{rerun.Request{Filter: rerun.Filter{State: statedb.Processing}}, "being worked on"},
		{rerun.Request{Filter: rerun.Filter{State: "LOST"}}, `unknown state "LOST"`},
		{rerun.Request{Filter: rerun.Filter{Workflow: "a", CollectionsWorkflow: "b_c"}}, "names both"},
		{rerun.Request{Mode: rerun.FromFailed, Patch: []byte(`{}`)}, "leave patch and lane out"},
		{rerun.Request{Mode: rerun.FromFailed, Filter: rerun.Filter{State: statedb.Succeeded}}, "no failed state"},
		{rerun.Request{Patch: []byte(`[1]`)}, "no list of operations"},
		{rerun.Request{Patch: []byte(`[{"op":"jump","path":"/a"}]`)}, "unsupported operation"},
		{rerun.Request{Patch: []byte(`[{"op":"remove"}]`)}, "no list of operations"},
		{rerun.Request{Patch: []byte(`"a"`)}, "neither an object"},
		{rerun.Request{Rate: -1}, "rate -1"},
		{rerun.Request{Limit: -1}, "limit -1"},
	} {
		err := c.request.Check()
		if c.want == "" && err != nil || c.want != "" && (!errors.Is(err, rerun.ErrInvalid) || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%+v gives %v, want %q", c.request, err, c.want)
		}
	}
}
