package asl

import (
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// HistoryEvent is one event of an execution's history, as GetExecutionHistory gives it. Type is AWS's name of the event, and the
// fields that AWS keeps in the event's details structure lie flat in Details.
type HistoryEvent struct {
	ID       int64
	Previous int64 // 0: none
	Type     string
	At       time.Time
	Details  Details
}

// Details are the details of a history event. Which of them a type carries is AWS's rule (API reference, HistoryEvent).
type Details struct {
	Task              TaskID            // *Scheduled: the attempt that it schedules; AWS's form does not show it
	Name              string            // state, map iteration
	Input             *Document         // *StateEntered, ExecutionStarted, LambdaFunctionScheduled, ActivityScheduled
	Output            *Document         // *StateExited, *Succeeded, TaskSubmitted, ExecutionSucceeded
	Parameters        *Document         // TaskScheduled
	Resource          string            // Task*, LambdaFunctionScheduled, ActivityScheduled
	ResourceType      string            // TaskScheduled and its successors
	Region            string            // TaskScheduled
	TimeoutSeconds    int64             // 0: none
	HeartbeatSeconds  int64             // 0: none
	Credentials       *Document         // evaluated Credentials: an object with RoleArn
	Error             string            // *Failed, *TimedOut, ExecutionAborted
	Cause             string            //
	HasError          bool              // whether AWS writes error at all
	HasCause          bool              //
	Index             int64             // MapIteration*
	Length            int64             // MapStateStarted
	RoleARN           string            // ExecutionStarted
	VersionARN        string            // ExecutionStarted: of the state machine version, when the execution was started by one; who gives
	AliasARN          string            // the history out puts them in, for they are not part of it
	RedriveCount      int64             // ExecutionRedriven
	WorkerName        string            // ActivityStarted
	MapRunARN         string            // MapRunStarted
	State             string            // EvaluationFailed
	Location          string            // EvaluationFailed
	AssignedVariables map[string]string // *StateExited, JSON texts by name
}

// AppendAWS appends the event in the JSON form of GetExecutionHistory. Without data, inputs, outputs and parameters are left out
// (the request's includeExecutionData).
func (e *HistoryEvent) AppendAWS(dst []byte, data bool) []byte {
	dst = append(dst, `{"timestamp":`...)
	dst = strconv.AppendFloat(dst, float64(e.At.UnixMilli())/1000, 'f', -1, 64)
	dst = append(appendString(append(dst, `,"type":`...), e.Type), `,"id":`...)
	dst = strconv.AppendInt(dst, e.ID, 10)
	dst = strconv.AppendInt(append(dst, `,"previousEventId":`...), e.Previous, 10)
	if name := e.detailsName(); name != "" {
		dst = append(append(append(dst, `,"`...), name...), `":{`...)
		w := detailsWriter{dst: dst, data: data}
		w.details(e)
		dst = w.dst
		dst = append(dst, '}')
	}
	return append(dst, '}')
}

// MarshalJSON implements json.Marshaler with AppendAWS, data included.
func (e HistoryEvent) MarshalJSON() ([]byte, error) { return e.AppendAWS(nil, true), nil }

// detailsName is the name of the structure that holds the details, "" for events without any.
func (e *HistoryEvent) detailsName() string {
	switch {
	case strings.HasSuffix(e.Type, "StateEntered"):
		return "stateEnteredEventDetails"
	case strings.HasSuffix(e.Type, "StateExited"):
		return "stateExitedEventDetails"
	}
	switch e.Type {
	case "LambdaFunctionStarted", "ParallelStateStarted", "ParallelStateSucceeded", "MapStateSucceeded", "MapRunSucceeded", "MapRunAborted",
		"TaskStateAborted", "WaitStateAborted", "MapStateAborted", "ParallelStateAborted", "MapStateFailed", "ParallelStateFailed":
		return ""
	}
	first, size := utf8.DecodeRuneInString(e.Type)
	return string(unicode.ToLower(first)) + e.Type[size:] + "EventDetails"
}

// detailsWriter writes members of an object.
type detailsWriter struct {
	dst   []byte
	data  bool
	comma bool
}

func (w *detailsWriter) details(e *HistoryEvent) {
	d := &e.Details
	w.text("resourceType", d.ResourceType)
	w.text("resource", d.Resource)
	w.text("region", d.Region)
	w.text("name", d.Name)
	w.text("workerName", d.WorkerName)
	w.text("mapRunArn", d.MapRunARN)
	w.text("state", d.State)
	w.text("location", d.Location)
	w.document("input", d.Input, "inputDetails")
	w.document("output", d.Output, "outputDetails")
	w.document("parameters", d.Parameters, "")
	w.seconds("timeoutInSeconds", d.TimeoutSeconds)
	w.seconds("heartbeatInSeconds", d.HeartbeatSeconds)
	if d.Credentials != nil {
		if role, ok := d.Credentials.member("RoleArn"); ok {
			w.name("taskCredentials")
			w.dst = append(append(append(w.dst, `{"roleArn":`...), role.Bytes()...), '}')
		}
	}
	if strings.HasPrefix(e.Type, "MapIteration") {
		w.name("index")
		w.dst = strconv.AppendInt(w.dst, d.Index, 10)
	}
	if e.Type == "MapStateStarted" {
		w.name("length")
		w.dst = strconv.AppendInt(w.dst, d.Length, 10)
	}
	w.text("roleArn", d.RoleARN)
	w.text("stateMachineVersionArn", d.VersionARN)
	w.text("stateMachineAliasArn", d.AliasARN)
	if e.Type == "ExecutionRedriven" {
		w.name("redriveCount")
		w.dst = strconv.AppendInt(w.dst, d.RedriveCount, 10)
	}
	if d.HasError {
		w.name("error")
		w.dst = appendString(w.dst, d.Error)
	}
	if d.HasCause {
		w.name("cause")
		w.dst = appendString(w.dst, d.Cause)
	}
	if len(d.AssignedVariables) > 0 && w.data {
		w.name("assignedVariables")
		for i, name := range sortedKeys(d.AssignedVariables) {
			w.dst = append(w.dst, "{,"[min(i, 1)])
			w.dst = append(appendString(w.dst, name), ':')
			w.dst = appendString(w.dst, d.AssignedVariables[name])
		}
		w.dst = append(w.dst, `},"assignedVariablesDetails":{"truncated":false}`...)
	}
}

func (w *detailsWriter) name(name string) {
	if w.comma {
		w.dst = append(w.dst, ',')
	}
	w.comma = true
	w.dst = append(append(append(w.dst, '"'), name...), `":`...)
}

func (w *detailsWriter) text(name, value string) {
	if value != "" {
		w.name(name)
		w.dst = appendString(w.dst, value)
	}
}

func (w *detailsWriter) seconds(name string, n int64) {
	if n != 0 {
		w.name(name)
		w.dst = strconv.AppendInt(w.dst, n, 10)
	}
}

// document writes a document as a string, and beside it that it is complete, which it always is here.
func (w *detailsWriter) document(name string, d *Document, details string) {
	if d == nil || !w.data {
		return
	}
	w.name(name)
	w.dst = appendString(w.dst, string(d.Bytes()))
	if details != "" {
		w.name(details)
		w.dst = append(w.dst, `{"truncated":false}`...)
	}
}
