package asl_test

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"testing"

	"sundog/asl"
	"sundog/asl/asltest"
	"sundog/asl/asltest/recording"
)

// TestConformance plays the executions in the folder SUNDOG_ASL_CASES and compares them with what AWS did: once as they are, and once
// storing and reading back the execution after every step.
func TestConformance(t *testing.T) {
	var tally recording.Tally
	for _, c := range recorded(t) {
		tally.Passed(c, t.Run(c.Title(), func(t *testing.T) {
			for _, stored := range []bool{false, true} {
				m, services, got := playRecorded(t, c, stored)
				for _, difference := range append(c.Differences(m, got), services.Unanswered()...) {
					t.Error(difference)
				}
				if t.Failed() {
					t.Fatalf("stored after every step: %v", stored)
				}
			}
		}))
	}
	t.Log(tally.String())
}

// recorded are the cases in the folder SUNDOG_ASL_CASES.
func recorded(t *testing.T) []*recording.Case {
	t.Helper()
	folder := os.Getenv("SUNDOG_ASL_CASES")
	if folder == "" {
		t.Skip("SUNDOG_ASL_CASES names no folder with conformance cases")
	}
	cases, err := recording.Executions(folder)
	if err != nil {
		t.Fatal(err)
	}
	return cases
}

// TestConformanceSeesEveryChange spoils the outcome of each execution in many ways, and looks whether each of them is noticed.
func TestConformanceSeesEveryChange(t *testing.T) {
	changes := 0
	for _, c := range recorded(t) {
		_, _, right := playRecorded(t, c, false)
		for what, wrong := range spoiled(c, right) {
			changes++
			if len(c.Differences(c.Matcher(c.Identity().RoleARN), wrong)) == 0 {
				t.Errorf("%s: nobody noticed that %s", c.Title(), what)
			}
		}
	}
	t.Logf("%d changes", changes)
}

// spoiled are outcomes that are wrong in one point, by what is wrong.
func spoiled(c *recording.Case, right recording.Outcome) map[string]recording.Outcome {
	all := map[string]recording.Outcome{}
	spoil := func(what string, change func(*recording.Outcome)) {
		wrong := right
		change(&wrong)
		all[what] = wrong
	}
	spoil("the status is another", func(o *recording.Outcome) { o.Status = "ANOTHER" })
	spoil("the output is another", func(o *recording.Outcome) { o.Output = asl.Raw([]byte(`{"another":"output"}`)) })
	spoil("the error is another", func(o *recording.Outcome) { o.Error += "x" })
	spoil("the cause is another", func(o *recording.Outcome) { o.Cause = "another" })
	if c.Expected.Events == nil {
		return all
	}
	for i, event := range right.History {
		replace := func(what string, events ...asl.HistoryEvent) {
			spoil(fmt.Sprintf("event %d %s", i+1, what), func(o *recording.Outcome) {
				o.History = slices.Concat(right.History[:i], events, right.History[i+1:])
			})
		}
		replace("is missing")
		replace("is there twice", event, event)
		for j, wrong := range spoiledEvents(event) {
			replace(fmt.Sprintf("is another (%d)", j), wrong)
		}
	}
	return all
}

// spoiledEvents are events that differ from one in one point.
func spoiledEvents(right asl.HistoryEvent) []asl.HistoryEvent {
	var all []asl.HistoryEvent
	for _, spoil := range []func(*asl.HistoryEvent){
		func(e *asl.HistoryEvent) { e.Type += "x" },
		func(e *asl.HistoryEvent) { e.Details.Name += "x" },
		func(e *asl.HistoryEvent) { e.Details.Resource += "x" },
		func(e *asl.HistoryEvent) { e.Details.Error, e.Details.HasError = e.Details.Error+"x", true },
		func(e *asl.HistoryEvent) { e.Details.Cause, e.Details.HasCause = e.Details.Cause+"x", true },
		func(e *asl.HistoryEvent) { e.Details.TimeoutSeconds += 7 },
		func(e *asl.HistoryEvent) { e.Details.AssignedVariables = map[string]string{"another": "1"} },
		func(e *asl.HistoryEvent) { e.Details.Input = asl.Raw([]byte(`{"another":"input"}`)) },
		func(e *asl.HistoryEvent) { e.Details.Output = asl.Raw([]byte(`{"another":"output"}`)) },
	} {
		wrong := right
		spoil(&wrong)
		if !bytes.Equal(wrong.AppendAWS(nil, true), right.AppendAWS(nil, true)) { // not every event has every detail
			all = append(all, wrong)
		}
	}
	return all
}

// playRecorded plays a case.
func playRecorded(t *testing.T, c *recording.Case, stored bool) (*recording.Matcher, *recording.Services, recording.Outcome) {
	t.Helper()
	machine, err := c.Parse()
	if err != nil {
		t.Fatal(err)
	}
	m := c.Matcher(c.Identity().RoleARN)
	services := c.Services(m)
	player := &asltest.Player{
		Machine: machine, Begin: recording.Begin(), Seed: 1, Identity: c.Identity(),
		Work: func(task asl.Task) asltest.Answer {
			a, err := services.Answer(task)
			if err != nil {
				t.Error(err)
				return asltest.Answer{Started: true, Failed: true, Error: "NoMock"}
			}
			return a
		},
	}
	if c.Stopped() {
		player.Calls = []asltest.Call{{Event: asl.StopRequested{}}}
	}
	if player.Objects, err = c.Objects(); err != nil {
		t.Fatal(err)
	}
	if stored {
		player.Step, player.ChildStep = storing(machine), storing
	}
	played, err := player.Play(asl.Raw(c.Input))
	if err != nil {
		t.Fatal(err)
	}
	end := played.End
	return m, services, recording.Outcome{Status: end.Status, Output: end.Output, Error: end.Error, Cause: end.Cause, History: played.History}
}

// storing stores an execution after every step and reads it back.
func storing(machine *asl.Machine) func(*asl.Execution, *asl.Effects) (*asl.Execution, error) {
	memory := asltest.NewMemory()
	return func(x *asl.Execution, e *asl.Effects) (*asl.Execution, error) {
		memory.Save(x)
		if e.End != nil {
			return x, nil
		}
		return memory.Load(machine)
	}
}
