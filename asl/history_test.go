package asl_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"sundog/asl"
	"sundog/asl/asltest"
)

// TestHistoryGolden compares the history of an execution in AWS's form with testdata/history.golden. To accept a change, run with
// SUNDOG_UPDATE_GOLDEN=1 and read the difference.
func TestHistoryGolden(t *testing.T) {
	m := mustParse(t, `{"StartAt":"P","States":{
		"P":{"Type":"Pass","Assign":{"who":"me"},"Next":"T"},
		"T":{"Type":"Task","Resource":"arn:aws:states:::sqs:sendMessage.waitForTaskToken","TimeoutSeconds":60,"HeartbeatSeconds":30,
			"Parameters":{"MessageBody.$":"$"},"Credentials":{"RoleArn":"arn:role:other"},"ResultPath":null,"Next":"M"},
		"M":{"Type":"Map","ItemsPath":"$.items","MaxConcurrency":1,"Catch":[{"ErrorEquals":["States.ALL"],"Next":"E"}],"Next":"E","ItemProcessor":{"StartAt":"L","States":{
			"L":{"Type":"Task","Resource":"arn:aws:lambda:us-east-1:000000000000:function:f","End":true}}}},
		"E":{"Type":"Fail","Error":"Done","CausePath":"$.Cause"}}}`)
	p := asltest.Player{
		Machine: m, Begin: start(), Identity: asl.Identity{Name: "n", RoleARN: "arn:role", Region: "us-east-1"},
		Work: func(task asl.Task) asltest.Answer {
			a := asltest.Answer{Started: true, Output: task.Parameters}
			if task.State == "T" {
				a.Submitted = asl.Raw([]byte(`{"MessageId":"1"}`))
			} else if task.Parameters.Get() != "a" {
				a.Failed, a.Error, a.Cause = true, "Oops", "<it> \"broke\""
			}
			return a
		},
	}
	played, err := p.Play(asl.Raw([]byte(`{"items":["a","b"]}`)))
	if err != nil {
		t.Fatal(err)
	}
	var got []byte
	for _, withData := range []bool{true, false} {
		for i := range played.History {
			got = append(played.History[i].AppendAWS(got, withData), '\n')
		}
		got = append(got, '\n')
	}
	golden := filepath.Join("testdata", "history.golden")
	if os.Getenv("SUNDOG_UPDATE_GOLDEN") != "" {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(golden, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}
