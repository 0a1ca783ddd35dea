package asl_test

import (
	"os"
	"testing"

	"sundog/asl"
	"sundog/asl/asltest"
	"sundog/asl/asltest/recording"
)

// TestConformance plays the executions in the folder SUNDOG_ASL_CASES and compares them with what AWS did: once as they are, and once
// storing and reading back the execution after every step.
func TestConformance(t *testing.T) {
	folder := os.Getenv("SUNDOG_ASL_CASES")
	if folder == "" {
		t.Skip("SUNDOG_ASL_CASES names no folder with conformance cases")
	}
	cases, err := recording.Executions(folder)
	if err != nil {
		t.Fatal(err)
	}
	var tally recording.Tally
	for _, c := range cases {
		if c.Uses("distributed_map") {
			tally.NotRun(c, "distributed Map is not built")
			continue
		}
		tally.Passed(c, t.Run(c.Title(), func(t *testing.T) {
			for _, stored := range []bool{false, true} {
				if playRecorded(t, c, stored); t.Failed() {
					t.Fatalf("stored after every step: %v", stored)
				}
			}
		}))
	}
	t.Log(tally.String())
}

// playRecorded plays a case and compares the outcome.
func playRecorded(t *testing.T, c *recording.Case, stored bool) {
	t.Helper()
	machine, err := c.Parse()
	if err != nil {
		t.Fatal(err)
	}
	m := c.Matcher()
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
	if stored {
		memory := asltest.NewMemory()
		player.Step = func(x *asl.Execution, e *asl.Effects) (*asl.Execution, error) {
			memory.Save(x)
			if e.End != nil {
				return x, nil
			}
			return memory.Load(machine)
		}
	}
	played, err := player.Play(asl.Raw(c.Input))
	if err != nil {
		t.Fatal(err)
	}
	end := played.End
	outcome := recording.Outcome{Status: end.Status, Output: end.Output, Error: end.Error, Cause: end.Cause, History: played.History}
	for _, difference := range append(c.Differences(m, outcome), services.Unanswered()...) {
		t.Error(difference)
	}
}
