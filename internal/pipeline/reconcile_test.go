package pipeline_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"sundog/internal/audit"
	"sundog/internal/pipeline"
	"sundog/internal/statedb"
	"sundog/payload"
)

// fates say what has become of executions, by ARN. What they do not name does not exist.
type fates map[string]error

var (
	errRuns  = errors.New("runs")
	errEnded = errors.New("ended")
)

func (f fates) Look(_ context.Context, arn string) (pipeline.Execution, error) {
	switch err := f[arn]; {
	case err == nil:
		return pipeline.Execution{}, fmt.Errorf("%w: %s", pipeline.ErrNoExecution, arn)
	case errors.Is(err, errRuns):
		return pipeline.Execution{Status: "RUNNING"}, nil
	case errors.Is(err, errEnded):
		return pipeline.Execution{Status: "FAILED", Error: "E", Cause: "why"}, nil
	default:
		return pipeline.Execution{}, err
	}
}

func (p *platform) reconciler(f fates, now func() time.Time) *pipeline.Reconciler {
	return pipeline.NewReconciler(pipeline.ReconcilerOptions{
		Config: pipeline.Config{
			MachineBase: base, Layout: payload.Layout{Bucket: "payloads", Root: "cirrus"}, ProcessQueue: "process", EventTopic: "events", PublishTopic: "items",
		},
		StateDB: p.db, Executions: f, Updater: p.updater, Fetcher: p, Now: now,
	})
}

// TestReconcile has a record for each problem, and one of which nothing is wrong.
func TestReconcile(t *testing.T) {
	ids := map[string]string{}
	for _, name := range []string{"lost", "inputless", "unmarked", "ended", "gone", "unnamed", "foreign", "dark", "fine", "done"} {
		ids[name] = "c1/workflow-wf/" + name
	}
	fates := fates{
		arn("wf", "unmarked"): errRuns, arn("wf", "ended"): errEnded, arn("wf", "fine"): errRuns,
		arn("wf", "foreign"): pipeline.ErrForeign, arn("wf", "dark"): errors.New("no answer"),
	}
	open := func(t *testing.T) *platform {
		p := openPlatform(t, memory(), newExecutor())
		for name, state := range map[string]statedb.State{
			"lost": statedb.Claimed, "inputless": statedb.Claimed, "unmarked": statedb.Claimed, "ended": statedb.Processing,
			"gone": statedb.Processing, "foreign": statedb.Processing, "dark": statedb.Processing, "fine": statedb.Processing, "done": statedb.Failed,
		} {
			p.seed(ids[name], state, arn("wf", "before"), arn("wf", name))
		}
		p.seed(ids["unnamed"], statedb.Processing)
		p.put("cirrus/executions/"+ids["lost"]+"/lost/input.json", body("lost", "wf"))
		return p
	}
	for _, tt := range []struct {
		name string
		req  pipeline.ReconcileRequest
		// what is found, and in what state the records are afterwards
		found  []string
		states map[string]statedb.State
		events int
	}{
		{
			"dry run",
			pipeline.ReconcileRequest{DryRun: true, Foreign: true},
			[]string{
				"dark: unreachable, unknown", "ended: ended, found", "foreign: foreign, found", "gone: vanished, found", "inputless: never-started, found",
				"lost: never-started, found", "unmarked: unmarked, found", "unnamed: unnamed, found",
			},
			nil, 0,
		},
		{
			"settle",
			pipeline.ReconcileRequest{},
			[]string{
				"dark: unreachable, unknown", "ended: ended, settled", "foreign: foreign, left", "gone: vanished, settled", "inputless: never-started, settled",
				"lost: never-started, settled", "unmarked: unmarked, settled", "unnamed: unnamed, settled",
			},
			map[string]statedb.State{"ended": statedb.Failed, "gone": statedb.Failed, "inputless": statedb.Failed, "unmarked": statedb.Processing, "unnamed": statedb.Failed},
			5,
		},
		{
			"those of others too",
			pipeline.ReconcileRequest{Foreign: true, Query: statedb.Query{ItemPrefix: "f"}},
			[]string{"foreign: foreign, settled"},
			map[string]statedb.State{"foreign": statedb.Aborted},
			1,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := open(t)
			report, err := p.reconciler(fates, nil).Reconcile(t.Context(), tt.req)
			if err != nil {
				t.Fatal(err)
			}
			var found []string
			for _, f := range report.Findings {
				found = append(found, fmt.Sprintf("%s: %s, %s", f.ID.ItemIDs, f.Problem, f.Settlement))
				if (f.Err != nil) != (f.Settlement == pipeline.Unknown) || report.Counts[f.Problem][f.Settlement] == 0 {
					t.Errorf("%+v, counts %v", f, report.Counts)
				}
			}
			if slices.Sort(found); !slices.Equal(found, tt.found) || report.Running != 1 || report.Records != int64(len(found))+1 {
				t.Errorf("found %q, %d records, %d running", found, report.Records, report.Running)
			}
			for name, id := range ids {
				before := map[string]statedb.State{
					"lost": statedb.Claimed, "inputless": statedb.Claimed, "unmarked": statedb.Claimed, "done": statedb.Failed,
				}[name]
				if before == "" {
					before = statedb.Processing
				}
				if want, changed := tt.states[name]; changed {
					before = want
				}
				if r := p.record(id); r.State() != before || r.Check() != nil || r.State() == statedb.Failed && name != "done" && r.LastError == nil {
					t.Errorf("%s: %+v, want %s", name, r, before)
				}
			}
			if events := p.events(); len(events) != tt.events {
				t.Errorf("events %v", events)
			}
			messages := p.drain("process")
			if settled := tt.name == "settle"; settled != (len(messages) == 1) || settled && !strings.Contains(messages[0], "/lost/input.json") {
				t.Errorf("messages %v", messages)
			}
		})
	}
}

// TestReconcileWaits makes sure that what is under way is left alone, and that a lost claim is sent again once in a grace.
func TestReconcileWaits(t *testing.T) {
	p := openPlatform(t, memory(), newExecutor())
	id := "c1/workflow-wf/i1"
	p.seed(id, statedb.Claimed, arn("wf", "x"))
	p.put("cirrus/executions/"+id+"/x/input.json", body("i1", "wf"))
	now, err := statedb.ParseTime(p.record(id).Updated)
	if err != nil {
		t.Fatal(err)
	}
	c := p.reconciler(fates{}, func() time.Time { return now })
	for _, step := range []struct {
		after time.Duration
		sent  int
	}{{time.Minute, 0}, {pipeline.ReconcileGrace, 1}, {time.Minute, 0}, {pipeline.ReconcileGrace, 1}} {
		now = now.Add(step.after)
		if _, err := c.Reconcile(t.Context(), pipeline.ReconcileRequest{}); err != nil {
			t.Fatal(err)
		}
		if sent := p.drain("process"); len(sent) != step.sent {
			t.Errorf("%s later: %v, want %d", step.after, sent, step.sent)
		}
	}
	if got, want := p.record(id).ClaimedAt, ""; got != want {
		t.Errorf("claimed at %q", got)
	}
	if len(p.audited) != 2 || p.audited[0].Kind != audit.Reconcile || p.audited[0].Subject != id || p.audited[0].Actor != "reconciler" {
		t.Errorf("audited %+v", p.audited)
	}
}

// TestResubmitted follows a lost claim until its execution runs, under the name that was claimed.
func TestResubmitted(t *testing.T) {
	p := openPlatform(t, memory(), newExecutor())
	p.executor.fail = errors.New("not now")
	if o := p.handle(body("i1", "wf"))[0]; o.Verdict != pipeline.Retry {
		t.Fatalf("%+v", o)
	}
	claimed := p.record(first)
	p.executor.fail = nil
	later := func() time.Time { return time.Now().Add(time.Hour) }
	if _, err := p.reconciler(fates{}, later).Reconcile(t.Context(), pipeline.ReconcileRequest{}); err != nil {
		t.Fatal(err)
	}
	messages := p.drain("process")
	if len(messages) != 1 {
		t.Fatalf("messages %v", messages)
	}
	if o := p.handle(messages[0])[0]; o.Started != 1 {
		t.Errorf("%+v", o)
	}
	if r := p.record(first); r.State() != statedb.Processing || !slices.Equal(r.Executions, claimed.Executions) || !slices.Equal(p.executor.executions(), claimed.Executions) {
		t.Errorf("record %+v, executions %v", r, p.executor.executions())
	}
}
