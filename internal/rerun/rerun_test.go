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
			`{"a":{"c":[1,2],"d":{"f":2}},"big":12345678901234567890.10,"process":[{"workflow":"w","replace":true}],"x":[null]}`,
		},
		{`{"a":1,"process":[{"workflow":"w"}]}`, `{"a":{"b":1}}`, `{"a":{"b":1},"process":[{"workflow":"w","replace":true}]}`},
	} {
		got, err := rerun.Input([]byte(c.stored), []byte(c.patch))
		if err != nil || string(got) != c.want {
			t.Errorf("%s with %s gives %s, %v\nwant %s", c.stored, c.patch, got, err, c.want)
		}
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
		{rerun.Request{Patch: []byte(`[1]`)}, "no JSON object"},
		{rerun.Request{Rate: -1}, "rate -1"},
		{rerun.Request{Limit: -1}, "limit -1"},
	} {
		err := c.request.Check()
		if c.want == "" && err != nil || c.want != "" && (!errors.Is(err, rerun.ErrInvalid) || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%+v gives %v, want %q", c.request, err, c.want)
		}
	}
}
