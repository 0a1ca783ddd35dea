// Package statedbtest holds the suite that every implementation of the state database passes.
package statedbtest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sundog/internal/audit"
	"sundog/internal/queue"
	"sundog/internal/statedb"
	"sundog/payload"
)

// DB is what the suite asks of an implementation.
type DB interface {
	Get(ctx context.Context, id payload.ID) (statedb.Record, error)
	GetMany(ctx context.Context, ids []payload.ID) ([]statedb.Found, error)
	Apply(ctx context.Context, t statedb.Transition, effects statedb.Effects) (statedb.Record, error)
	Emit(ctx context.Context, effects statedb.Effects) error
	Put(ctx context.Context, r statedb.Record) error
	PutMany(ctx context.Context, records []statedb.Record, over statedb.Overwrite) ([]statedb.Brought, error)
	Replace(ctx context.Context, before statedb.Record, after *statedb.Record, effects statedb.Effects) error
	Delete(ctx context.Context, id payload.ID, effects statedb.Effects) error
	Query(ctx context.Context, q statedb.Query) (statedb.Page, error)
	Counts(ctx context.Context, partition string) ([]statedb.Count, error)
	WorkflowCounts(ctx context.Context, workflow string) ([]statedb.WorkflowCount, error)
}

// Subject is an empty database under test.
type Subject struct {
	DB DB
	// Effects returns all effects that were recorded so far, in the order of their transitions.
	Effects func() []statedb.Effects
}

// Run runs the suite. Open is called for each test.
func Run(t *testing.T, open func(t *testing.T) Subject) {
	tests := map[string]func(*testing.T, Subject){
		"life of a record":              testLife,
		"conflicts change nothing":      testConflicts,
		"effects go with transitions":   testEffects,
		"one of many claims wins":       testOneClaim,
		"attributes of others are kept": testForeignAttributes,
		"many at once":                  testGetMany,
		"pages":                         testPages,
		"a moving record and pages":     testMovingPages,
		"queries that are wrong":        testWrongQueries,
		"queries of any kind":           testQueries,
		"counts":                        testCounts,
		"delete":                        testDelete,
		"replace":                       testReplace,
		"bring in":                      testPutMany,
		"bring in at the same time":     testPutManyAtOnce,
		"ids that look alike":           testLookalikes,
		"model":                         testModel,
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) { test(t, open(t)) })
	}
}

var epoch = time.Date(2026, 3, 1, 12, 0, 0, 1000, time.UTC)

func at(seconds int) time.Time { return epoch.Add(time.Duration(seconds) * time.Second) }

func item(n int) payload.ID {
	return payload.ID{Collections: "c1", Workflow: "wf", ItemIDs: fmt.Sprintf("i%03d", n)}
}

func arn(name string) string { return "arn:aws:states:us-east-1:000000000000:execution:wf:" + name }

func must(t *testing.T, s Subject, transitions ...statedb.Transition) statedb.Record {
	t.Helper()
	var r statedb.Record
	for _, tr := range transitions {
		var err error
		if r, err = s.DB.Apply(t.Context(), tr, statedb.Effects{}); err != nil {
			t.Fatal(err)
		}
	}
	return r
}

func testLife(t *testing.T, s Subject) {
	id, text := item(1), "E: why"
	if _, err := s.DB.Get(t.Context(), id); !errors.Is(err, statedb.ErrNotFound) {
		t.Fatalf("before anything: %v", err)
	}
	stamp := func(state string, n int) string { return state + "_" + statedb.FormatTime(at(n)) }
	one, two := statedb.FormatTime(at(1)), statedb.FormatTime(at(4))
	for i, step := range []struct {
		statedb.Transition
		want statedb.Record
	}{
		{statedb.Claim(id, arn("a"), at(1)), statedb.Record{StateUpdated: stamp("CLAIMED", 1), ClaimedAt: one, Executions: []string{arn("a")}}},
		{statedb.Start(id, arn("a"), at(2)), statedb.Record{StateUpdated: stamp("PROCESSING", 2), ClaimedAt: one, Executions: []string{arn("a")}}},
		{statedb.Fail(id, arn("a"), at(3), text), statedb.Record{StateUpdated: stamp("FAILED", 3), ClaimedAt: one, Executions: []string{arn("a")}, LastError: &text}},
		{statedb.Claim(id, arn("b"), at(4)), statedb.Record{StateUpdated: stamp("CLAIMED", 4), ClaimedAt: two, Executions: []string{arn("a"), arn("b")}}},
		{statedb.Succeed(id, arn("b"), at(5), []string{"s3://x/y"}), statedb.Record{StateUpdated: stamp("SUCCEEDED", 5), ClaimedAt: two, Executions: []string{arn("a"), arn("b")}, Outputs: []string{"s3://x/y"}}},
		{statedb.Claim(id, arn("c"), at(6)), statedb.Record{StateUpdated: stamp("CLAIMED", 6), ClaimedAt: statedb.FormatTime(at(6)), Executions: []string{arn("a"), arn("b"), arn("c")}}},
		{statedb.Refuse(id, arn("c"), at(7), ""), statedb.Record{StateUpdated: stamp("INVALID", 7), ClaimedAt: statedb.FormatTime(at(6)), Executions: []string{arn("a"), arn("b"), arn("c")}, LastError: new(string)}},
		{statedb.Redrive(id, arn("c"), at(8), 1), statedb.Record{StateUpdated: stamp("PROCESSING", 8), ClaimedAt: statedb.FormatTime(at(6)), Executions: []string{arn("a"), arn("b"), arn("c")}, Extra: map[string]json.RawMessage{"redrives": json.RawMessage("1")}}},
		{
			statedb.Transition{ID: id, To: statedb.Aborted, Execution: arn("c"), At: at(9), Redrives: 1},
			statedb.Record{StateUpdated: stamp("ABORTED", 9), ClaimedAt: statedb.FormatTime(at(6)), Executions: []string{arn("a"), arn("b"), arn("c")}, Extra: map[string]json.RawMessage{"redrives": json.RawMessage("1")}},
		},
		{ // redriven where the record was not told
			statedb.Transition{ID: id, To: statedb.Failed, Execution: arn("c"), At: at(10), Error: text, Redrives: 2},
			statedb.Record{StateUpdated: stamp("FAILED", 10), ClaimedAt: statedb.FormatTime(at(6)), Executions: []string{arn("a"), arn("b"), arn("c")}, LastError: &text, Extra: map[string]json.RawMessage{"redrives": json.RawMessage("2")}},
		},
		{
			statedb.Transition{ID: id, To: statedb.Succeeded, Execution: arn("c"), At: at(11), Redrives: 3},
			statedb.Record{StateUpdated: stamp("SUCCEEDED", 11), ClaimedAt: statedb.FormatTime(at(6)), Executions: []string{arn("a"), arn("b"), arn("c")}, Extra: map[string]json.RawMessage{"redrives": json.RawMessage("3")}},
		},
		{statedb.Claim(id, arn("d"), at(12)), statedb.Record{StateUpdated: stamp("CLAIMED", 12), ClaimedAt: statedb.FormatTime(at(12)), Executions: []string{arn("a"), arn("b"), arn("c"), arn("d")}}},
	} {
		step.want.ID, step.want.Created, step.want.Updated = id, one, statedb.FormatTime(at(i+1))
		applied := must(t, s, step.Transition)
		if diff := cmp.Diff(step.want, applied); diff != "" {
			t.Fatalf("step %d (-want +returned)\n%s", i+1, diff)
		}
		read, err := s.DB.Get(t.Context(), id)
		if diff := cmp.Diff(step.want, read); err != nil || diff != "" {
			t.Fatalf("step %d: %v (-want +read)\n%s", i+1, err, diff)
		}
	}
}

func testConflicts(t *testing.T, s Subject) {
	id := item(1)
	ends := func(name string) []statedb.Transition {
		return []statedb.Transition{
			statedb.Succeed(id, arn(name), at(9), nil), statedb.Fail(id, arn(name), at(9), "x"),
			statedb.Refuse(id, arn(name), at(9), "x"), statedb.Abort(id, arn(name), at(9)),
		}
	}
	for _, stage := range []struct {
		name string
		make []statedb.Transition
		bad  []statedb.Transition
	}{
		{"no record", nil, []statedb.Transition{statedb.Start(id, arn("a"), at(9)), statedb.Redrive(id, arn("a"), at(9), 1)}},
		{"claimed", []statedb.Transition{statedb.Claim(id, arn("a"), at(1))}, append(ends("z"),
			statedb.Claim(id, arn("a"), at(9)), statedb.Claim(id, arn("z"), at(9)), statedb.Start(id, arn("z"), at(9)))},
		{"processing", []statedb.Transition{statedb.Start(id, arn("a"), at(2))}, append(ends("z"),
			statedb.Claim(id, arn("z"), at(9)), statedb.Start(id, arn("a"), at(9)))},
		{"failed", []statedb.Transition{statedb.Fail(id, arn("a"), at(3), "x")}, append(ends("a"),
			statedb.Claim(id, arn("a"), at(9)), statedb.Start(id, arn("a"), at(9)))},
		{"redriven", []statedb.Transition{statedb.Redrive(id, arn("a"), at(4), 1)}, append(append(ends("a"), ends("z")...), // the ends from before
			statedb.Start(id, arn("a"), at(9)), statedb.Redrive(id, arn("a"), at(9), 1), statedb.Redrive(id, arn("z"), at(9), 2))},
		{"failed again", []statedb.Transition{{ID: id, To: statedb.Failed, Execution: arn("a"), At: at(5), Redrives: 1}}, ends("a")},
		{"claimed again", []statedb.Transition{statedb.Claim(id, arn("b"), at(6))}, append(ends("a"), statedb.Start(id, arn("a"), at(9)),
			statedb.Redrive(id, arn("a"), at(9), 2))},
		{"succeeded", []statedb.Transition{statedb.Succeed(id, arn("b"), at(7), nil)}, []statedb.Transition{statedb.Redrive(id, arn("b"), at(9), 1)}},
	} {
		must(t, s, stage.make...)
		before, errBefore := s.DB.Get(t.Context(), id)
		for _, bad := range stage.bad {
			_, err := s.DB.Apply(t.Context(), bad, effects("never"))
			seen, conflict := statedb.Conflict(err)
			if !conflict {
				t.Errorf("%s: %s by %s: %v, want a conflict", stage.name, bad.To, bad.Execution, err)
				continue
			}
			if errBefore == nil && (seen == nil || !cmp.Equal(before, *seen)) || errBefore != nil && seen != nil {
				t.Errorf("%s: %s by %s: the conflict shows %+v, want %+v", stage.name, bad.To, bad.Execution, seen, before)
			}
		}
		after, errAfter := s.DB.Get(t.Context(), id)
		if !cmp.Equal(before, after) || (errBefore == nil) != (errAfter == nil) {
			t.Errorf("%s: the record changed:\n%s", stage.name, cmp.Diff(before, after))
		}
	}
	if got := s.Effects(); len(got) != 0 {
		t.Errorf("conflicts left effects: %+v", got)
	}
}

func effects(name string) statedb.Effects {
	return statedb.Effects{
		Publish: []statedb.Publication{{Topic: "t", Body: []byte(name), Attributes: []payload.Attribute{{Name: "a", Type: payload.AttributeString, Value: "v"}}}},
		Enqueue: []statedb.Submission{{Queue: "q", Draft: queue.Draft{Lane: "bulk", Body: []byte("{}")}}},
		Store:   []statedb.Object{{Key: "k/" + name, Body: []byte(name)}},
		Audit:   []audit.Entry{{At: epoch, Kind: audit.Delete, Actor: "ann", Subject: name}},
	}
}

func testEffects(t *testing.T, s Subject) {
	id := item(1)
	want := []statedb.Effects{effects("claim"), effects("start"), effects("end"), effects("none")}
	for i, tr := range []statedb.Transition{statedb.Claim(id, arn("a"), at(1)), statedb.Start(id, arn("a"), at(2)), statedb.Succeed(id, arn("a"), at(3), nil)} {
		if _, err := s.DB.Apply(t.Context(), tr, want[i]); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.DB.Emit(t.Context(), want[3]); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, s.Effects()); diff != "" {
		t.Errorf("effects (-want +got)\n%s", diff)
	}
}

func testOneClaim(t *testing.T, s Subject) {
	const claimants = 16
	var wg sync.WaitGroup
	var mu sync.Mutex
	var winners []string
	for i := range claimants {
		wg.Go(func() {
			name := arn(fmt.Sprint(i))
			_, err := s.DB.Apply(t.Context(), statedb.Claim(item(1), name, at(i)), statedb.Effects{})
			if err == nil {
				mu.Lock()
				winners = append(winners, name)
				mu.Unlock()
			} else if _, conflict := statedb.Conflict(err); !conflict {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	r, err := s.DB.Get(t.Context(), item(1))
	if err != nil || len(winners) != 1 || !slices.Equal(r.Executions, winners) {
		t.Errorf("winners %v, record %+v, %v", winners, r, err)
	}
}

func testForeignAttributes(t *testing.T, s Subject) {
	text := `{"collections_workflow":"c1_wf","itemids":"i001","state_updated":"COMPLETED_2020-01-01","created":"2020-01-01","updated":"2020-01-01",` +
		`"ttl":1700000000,"nested":{"a":[1,null]},"last_error":"","executions":[],"outputs":[]}`
	var r statedb.Record
	if err := json.Unmarshal([]byte(text), &r); err != nil {
		t.Fatal(err)
	}
	if err := s.DB.Put(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	read, err := s.DB.Get(t.Context(), r.ID)
	if diff := cmp.Diff(r, read); err != nil || diff != "" {
		t.Fatalf("%v (-put +read)\n%s", err, diff)
	}
	if read.State() != statedb.Completed {
		t.Errorf("state %s", read.State())
	}
	claimed := must(t, s, statedb.Claim(r.ID, arn("a"), at(1)))
	if string(claimed.Extra["ttl"]) != "1700000000" || string(claimed.Extra["nested"]) != `{"a":[1,null]}` || claimed.Created != "2020-01-01" {
		t.Errorf("after a claim: %+v", claimed)
	}
}

func testGetMany(t *testing.T, s Subject) {
	const n = 250 // more than DynamoDB reads at once
	ids := make([]payload.ID, n)
	for i := range ids {
		ids[i] = item(i)
		if i%3 == 0 {
			must(t, s, statedb.Claim(ids[i], arn(fmt.Sprint(i)), at(i)))
		}
	}
	found, err := s.DB.GetMany(t.Context(), ids)
	if err != nil || len(found) != n {
		t.Fatalf("%d records, %v", len(found), err)
	}
	for i, f := range found {
		if i%3 == 0 && (f.Err != nil || f.Record.LastExecution() != arn(fmt.Sprint(i))) || i%3 != 0 && !errors.Is(f.Err, statedb.ErrNotFound) {
			t.Fatalf("%s: %+v", ids[i], f)
		}
	}
	if none, err := s.DB.GetMany(t.Context(), nil); err != nil || len(none) != 0 {
		t.Errorf("nothing: %v, %v", none, err)
	}
}

func testCounts(t *testing.T, s Subject) {
	for i := range 6 {
		must(t, s, statedb.Claim(item(i), arn(fmt.Sprint(i)), at(i)))
	}
	for i := range 3 {
		must(t, s, statedb.Start(item(i), arn(fmt.Sprint(i)), at(i)))
	}
	must(t, s, statedb.Fail(item(0), arn("0"), at(9), "x"))
	other := payload.ID{Collections: "a/b", Workflow: "wf", ItemIDs: "i"}
	must(t, s, statedb.Claim(other, arn("o"), at(9)))
	if err := s.DB.Put(t.Context(), statedb.Record{ID: item(5), StateUpdated: "ABORTED_x", Updated: "x", Created: "x"}); err != nil {
		t.Fatal(err)
	}
	want := []statedb.Count{
		{Partition: "a/b_wf", State: statedb.Claimed, Records: 1},
		{Partition: "c1_wf", State: statedb.Aborted, Records: 1},
		{Partition: "c1_wf", State: statedb.Claimed, Records: 2},
		{Partition: "c1_wf", State: statedb.Failed, Records: 1},
		{Partition: "c1_wf", State: statedb.Processing, Records: 2},
	}
	all, err := s.DB.Counts(t.Context(), "")
	if diff := cmp.Diff(want, all); err != nil || diff != "" {
		t.Errorf("%v (-want +got)\n%s", err, diff)
	}
	some, err := s.DB.Counts(t.Context(), "c1_wf")
	if diff := cmp.Diff(want[1:], some); err != nil || diff != "" {
		t.Errorf("of one workflow: %v (-want +got)\n%s", err, diff)
	}
	wantWorkflow := []statedb.WorkflowCount{
		{Workflow: "wf", State: statedb.Aborted, Records: 1},
		{Workflow: "wf", State: statedb.Claimed, Records: 3},
		{Workflow: "wf", State: statedb.Failed, Records: 1},
		{Workflow: "wf", State: statedb.Processing, Records: 2},
	}
	for _, workflow := range []string{"", "wf"} {
		got, err := s.DB.WorkflowCounts(t.Context(), workflow)
		if diff := cmp.Diff(wantWorkflow, got); err != nil || diff != "" {
			t.Errorf("by workflow: %v (-want +got)\n%s", err, diff)
		}
	}
	if none, err := s.DB.WorkflowCounts(t.Context(), "w"); err != nil || len(none) != 0 {
		t.Errorf("of a workflow that is not there: %v, %v", none, err)
	}
}

func testDelete(t *testing.T, s Subject) {
	if err := s.DB.Delete(t.Context(), item(1), effects("never")); !errors.Is(err, statedb.ErrNotFound) {
		t.Errorf("nothing there: %v", err)
	}
	must(t, s, statedb.Claim(item(1), arn("a"), at(1)))
	if err := s.DB.Delete(t.Context(), item(1), effects("deleted")); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]statedb.Effects{effects("deleted")}, s.Effects()); diff != "" {
		t.Errorf("effects (-want +got)\n%s", diff)
	}
	if _, err := s.DB.Get(t.Context(), item(1)); !errors.Is(err, statedb.ErrNotFound) {
		t.Errorf("after the deletion: %v", err)
	}
	for _, index := range []statedb.Index{statedb.ByUpdated, statedb.ByStateUpdated, statedb.ByItemIDs} {
		if page, err := s.DB.Query(t.Context(), statedb.Query{Partition: "c1_wf", Index: index}); err != nil || len(page.Records) != 0 {
			t.Errorf("%s lists %v, %v", index, page.Records, err)
		}
	}
	if counts, err := s.DB.Counts(t.Context(), ""); err != nil || len(counts) != 0 {
		t.Errorf("counts %v, %v", counts, err)
	}
	must(t, s, statedb.Fail(item(1), arn("a"), at(2), "late")) // a result of a deleted payload is not lost
}

func testLookalikes(t *testing.T, s Subject) {
	ids := []payload.ID{
		{Collections: "a", Workflow: "b", ItemIDs: "c/d"},
		{Collections: "a", Workflow: "b", ItemIDs: "c"},
		{Collections: "a_b", Workflow: "c", ItemIDs: "d"},
		{Collections: "a", Workflow: "b-c", ItemIDs: "d"},
		{Collections: "a/workflow-b", Workflow: "c", ItemIDs: "d"},
		{Collections: "a\x00", Workflow: "b", ItemIDs: "c"},
		{Collections: "ä", Workflow: "b", ItemIDs: "c\x00d"},
	}
	for i, id := range ids {
		must(t, s, statedb.Claim(id, arn(fmt.Sprint(i)), at(i)))
	}
	for i, id := range ids {
		r, err := s.DB.Get(t.Context(), id)
		if err != nil || r.ID != id || r.LastExecution() != arn(fmt.Sprint(i)) {
			t.Errorf("%q: %+v, %v", id, r, err)
		}
	}
	for _, bad := range []payload.ID{{}, {Collections: "a", Workflow: "b_c", ItemIDs: "d"}, {Collections: "a", Workflow: "b"}} {
		if _, err := s.DB.Apply(t.Context(), statedb.Claim(bad, arn("x"), at(1)), statedb.Effects{}); !errors.Is(err, statedb.ErrMalformed) {
			t.Errorf("%q was taken: %v", bad, err)
		}
	}
}
