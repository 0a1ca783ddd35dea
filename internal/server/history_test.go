package server_test

import (
	"bytes"
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"sundog/internal/api"
	"sundog/internal/cli"
	"sundog/internal/client"
)

// talks calls a function both ways, a function that fails, one that hangs, and a job that fails in both attempts; each writes to its log.
const talks = `{"StartAt":"A","States":{
	"A":{"Type":"Task","Resource":"arn:aws:lambda:us-east-1:000000000000:function:talks","Next":"B"},
	"B":{"Type":"Task","Resource":"arn:aws:states:::lambda:invoke","Parameters":{"FunctionName":"talks","Payload":{}},"Next":"C"},
	"C":{"Type":"Task","Resource":"arn:aws:states:::lambda:invoke","Parameters":{"FunctionName":"arn:aws:lambda:us-east-1:000000000000:function:fails:$LATEST"},
		"Catch":[{"ErrorEquals":["States.ALL"],"Next":"D"}],"End":true},
	"D":{"Type":"Task","Resource":"arn:aws:lambda:us-east-1:000000000000:function:hangs","TimeoutSeconds":1,
		"Catch":[{"ErrorEquals":["States.Timeout"],"Next":"E"}],"End":true},
	"E":{"Type":"Task","Resource":"arn:aws:states:::batch:submitJob.sync","Parameters":{"JobName":"j","JobQueue":"q","JobDefinition":"tile"},
		"Catch":[{"ErrorEquals":["States.ALL"],"Next":"F"}],"End":true},
	"F":{"Type":"Pass","End":true}}}`

// TestLogsOfExecution finds the lines of all tasks of an execution, from its events one by one and all together.
func TestLogsOfExecution(t *testing.T) {
	r := start(t, "")
	e, err := r.StartExecution(t.Context(), api.StartExecution{Workflow: "talks", Name: "n"})
	if err != nil {
		t.Fatal(err)
	}
	r.waitExecution(e.ARN, "SUCCEEDED")

	streams := map[string]string{} // by the number of the event
	for _, reverse := range []bool{false, true} {
		for after, more := int64(0), true; more; {
			page, err := r.History(t.Context(), e.ARN, after, 3, client.HistoryOrder{Reverse: reverse, Logs: true})
			if err != nil {
				t.Fatal(err)
			}
			for _, text := range page.Events {
				found := logMetadata(t, text)
				id := regexp.MustCompile(`"id":\d+,`).FindString(string(text))
				if before, ok := streams[id]; ok && before != found.Stream {
					t.Errorf("%s: stream %q, and %q in the other order", text, found.Stream, before)
				}
				streams[id] = found.Stream
				if isEnd := regexp.MustCompile(`"type":"[A-Za-z]+(Succeeded|Failed|TimedOut)"`).Match(text); isEnd && !bytes.Contains(text, []byte("ExecutionSucceeded")) && found.LogGroup == "" {
					t.Errorf("nothing says where the log is: %s", text)
				}
			}
			after, more = page.Next, page.Next != 0
		}
	}
	read := map[string]bool{}
	var texts []string
	for _, stream := range streams {
		if stream == "" || read[stream] {
			continue
		}
		read[stream] = true
		log, err := r.Log(t.Context(), stream, 0, 100)
		if err != nil {
			t.Errorf("%s: %v", stream, err)
		}
		for _, line := range log.Lines {
			texts = append(texts, line.Text)
		}
	}
	if len(read) != 6 { // five tasks, and the second attempt of the job
		t.Errorf("streams %v", read)
	}

	out := r.sundog("logs", "--execution", e.ARN)
	var all []string
	for line := range strings.Lines(out) {
		var l struct{ Stream, Text string }
		if err := json.Unmarshal([]byte(line), &l); err != nil || !read[l.Stream] {
			t.Errorf("%s: %v", line, err)
		}
		all = append(all, l.Text)
	}
	lines := []string{"first", "second", "first", "second", "failing"}
	if len(all) < 8 || !slices.Equal(all[:5], lines) || all[5] == "" || !slices.Contains(all, "hanging") || all[len(all)-1] != "tiling" || all[len(all)-2] != "tiling" {
		t.Errorf("lines %q", all)
	}
	slices.Sort(texts)
	slices.Sort(all)
	if !slices.Equal(texts, all) {
		t.Errorf("from the events %q, all together %q", texts, all)
	}
	if got := r.sundog("logs", "--execution", e.ARN, "--limit", "2", "--output", "table"); !regexp.MustCompile(
		`^\[20[-0-9]+ [:.0-9]+\+00:00\] function/talks  first\n\[.*\] function/talks  second\n$`).MatchString(got) {
		t.Errorf("a table shows %q", got)
	}
	if got := r.sundog("history", e.ARN, "--with-log-metadata", "--output", "table"); !strings.Contains(got, "LOG") || strings.Count(got, "  function/hangs/") != 2 {
		t.Errorf("a table shows %s", got)
	}
	if got := r.sundog("get-execution-events", e.ARN); strings.Contains(got, "logMetadata") {
		t.Errorf("nobody asked for logs: %s", got)
	}
}

type metadata struct{ LogGroup, Stream string }

// logMetadata is what an event says of its log.
func logMetadata(t *testing.T, event json.RawMessage) metadata {
	t.Helper()
	var members map[string]json.RawMessage
	if err := json.Unmarshal(event, &members); err != nil {
		t.Fatal(err)
	}
	for name, text := range members {
		var details struct{ LogMetadata metadata }
		if strings.HasSuffix(name, "EventDetails") && json.Unmarshal(text, &details) == nil && details.LogMetadata.LogGroup != "" {
			return details.LogMetadata
		}
	}
	return metadata{}
}

// waitExecution waits until an execution has a status.
func (r *running) waitExecution(arn, status string) {
	r.t.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; <-time.After(5 * time.Millisecond) {
		e, err := r.Execution(r.t.Context(), arn)
		if err == nil && e.Status == status {
			return
		}
		if time.Now().After(deadline) {
			r.t.Fatalf("%s is %s (%v), not %s", arn, e.Status, err, status)
		}
	}
}

// sundog runs the command line against the server, and returns what it prints.
func (r *running) sundog(args ...string) string {
	r.t.Helper()
	var out, failures bytes.Buffer
	code := cli.Run(r.t.Context(), append([]string{"--server", r.Server()}, args...), cli.Streams{In: strings.NewReader(""), Out: &out, Err: &failures},
		cli.Deps{Getenv: func(string) string { return "" }})
	if code != 0 {
		r.t.Fatalf("sundog %v ends with %d: %s", args, code, &failures)
	}
	return out.String()
}
