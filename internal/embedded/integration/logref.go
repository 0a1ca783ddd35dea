package integration

import (
	"fmt"
	"strings"

	"github.com/tidwall/gjson"

	"sundog/asl"
)

// LogReference says where the log of a task is. Its JSON has the members that Cirrus's command line gives an event of a history as
// logMetadata, and beside them stream.
type LogReference struct {
	// LogGroup is /aws/lambda/<function> or /aws/batch/job, as on AWS.
	LogGroup string `json:"LogGroup"`
	// RequestID names the call of a function.
	RequestID string `json:"lambdaRequestId,omitempty"`
	// JobStream is the log stream that AWS Batch would name: that of the last attempt, of the first one while nobody knows of a last.
	JobStream string `json:"logStreamName,omitempty"`
	// Start and End bound when a function can have logged, in milliseconds since 1970: from when its call was scheduled to when it had ended.
	Start int64 `json:"StartTimeUnixMs,omitempty"`
	End   int64 `json:"EndTimeUnixMs,omitempty"`
	// Stream is the log's name on this server (package logs).
	Stream string `json:"stream,omitempty"`
}

// LogOf returns where the log of the task is that an event of an execution's history schedules or ends, nil when the event does neither or
// the task keeps no log: only functions and jobs do. before gives an earlier event of the history by its number. It is an error when the
// task has a log, but nothing tells which: histories of this server always do.
func LogOf(execution string, ev asl.HistoryEvent, before func(id int64) (asl.HistoryEvent, bool)) (*LogReference, error) {
	began := strings.HasSuffix(ev.Type, "Scheduled")
	if !began && !endsTask(ev.Type) {
		return nil, nil
	}
	kind, _ := strings.CutPrefix(ev.Details.ResourceType, "aws-sdk:")
	if strings.HasPrefix(ev.Type, "LambdaFunction") {
		kind = "lambda"
	}
	if kind != "lambda" && kind != "batch" || began && ev.Details.Task == 0 {
		return nil, nil
	}
	scheduled, ok := ev, true
	for ok && !strings.HasSuffix(scheduled.Type, "Scheduled") {
		scheduled, ok = before(scheduled.Previous)
	}
	if !ok {
		return nil, nil
	}
	ref := &LogReference{}
	if kind == "lambda" {
		ref.ofFunction(execution, scheduled, ev)
	} else {
		ref.ofJob(execution, scheduled, ev)
	}
	if ref.Stream == "" {
		return nil, fmt.Errorf("event %d, %s: nothing in it tells whose log it is", ev.ID, ev.Type)
	}
	return ref, nil
}

func endsTask(eventType string) bool {
	what, isTask := strings.CutPrefix(eventType, "Task")
	if !isTask {
		what, isTask = strings.CutPrefix(eventType, "LambdaFunction")
	}
	return isTask && (what == "Succeeded" || what == "Failed" || what == "TimedOut")
}

// said is what an event knows of its task, and a scheduled one of its parameters: its document or its cause.
func said(ev asl.HistoryEvent) gjson.Result {
	switch {
	case ev.Details.Output != nil:
		return gjson.ParseBytes(ev.Details.Output.Bytes())
	case ev.Details.Parameters != nil:
		return gjson.ParseBytes(ev.Details.Parameters.Bytes())
	}
	return gjson.Parse(ev.Details.Cause)
}

func (r *LogReference) ofFunction(execution string, scheduled, ev asl.HistoryEvent) {
	name := scheduled.Details.Resource
	if scheduled.Details.ResourceType != "" {
		name = said(scheduled).Get("FunctionName").String()
	}
	if _, rest, ok := strings.Cut(name, ":function:"); ok {
		name = rest
	}
	name, _, _ = strings.Cut(name, ":") // a version or alias
	if r.RequestID = said(ev).Get("SdkResponseMetadata.RequestId").String(); r.RequestID == "" {
		r.RequestID = said(ev).Get("requestId").String()
	}
	if task := scheduled.Details.Task; task != 0 {
		r.RequestID = derivedIDOf(execution, task, "request")
	}
	if r.RequestID == "" || name == "" {
		return
	}
	r.LogGroup, r.Stream = "/aws/lambda/"+name, "function/"+name+"/"+r.RequestID
	r.Start = scheduled.At.UnixMilli()
	if ev.ID != scheduled.ID {
		r.End = ev.At.UnixMilli()
	}
}

func (r *LogReference) ofJob(execution string, scheduled, ev asl.HistoryEvent) {
	r.LogGroup = "/aws/batch/job"
	r.JobStream = said(ev).Get("Container.LogStreamName").String()
	if task := scheduled.Details.Task; r.JobStream == "" && task != 0 {
		name := either(said(scheduled), "JobDefinition", "jobDefinition").String()
		if _, rest, ok := strings.Cut(name, ":job-definition/"); ok {
			name = rest
		}
		name, _, _ = strings.Cut(name, ":") // a revision
		r.JobStream = "job/" + name + "/" + derivedIDOf(execution, task, "job") + "/1"
	}
	r.Stream = r.JobStream
}
