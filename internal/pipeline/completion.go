package pipeline

import (
	"encoding/json"
	"fmt"

	"sundog/payload"
)

// Completion says that an execution ended.
type Completion struct {
	Execution string // ARN
	Status    string // as Step Functions names it
	// Input and Output are JSON. When they are not known here they are asked of the executor.
	Input, Output           []byte
	InputKnown, OutputKnown bool
	Error, Cause            string
	// PayloadID and Lane are those of the StartRequest, empty when they are not known here.
	PayloadID, Lane string
	// Redrives is how often the execution was redriven before it ended. An end from before a later redrive changes nothing.
	Redrives int64
}

// The form of a completion in a queue: EventBridge's "Step Functions Execution Status Change", with the payload's id and lane
// beside what AWS puts there.
type completionEvent struct {
	DetailType string            `json:"detail-type,omitempty"`
	Source     string            `json:"source,omitempty"`
	Detail     *completionDetail `json:"detail"`
}

type completionDetail struct {
	ExecutionARN  string   `json:"executionArn"`
	Status        string   `json:"status"`
	Input         *string  `json:"input"`
	InputDetails  *details `json:"inputDetails"`
	Output        *string  `json:"output"`
	OutputDetails *details `json:"outputDetails"`
	Error         *string  `json:"error"`
	Cause         *string  `json:"cause"`
	PayloadID     string   `json:"payloadId,omitempty"`
	Lane          string   `json:"lane,omitempty"`
	RedriveCount  int64    `json:"redriveCount"`
}

type details struct {
	Included bool `json:"included"`
}

// ParseCompletion reads the event "Step Functions Execution Status Change" of EventBridge. It fails when the event is not one of an
// execution that ended; the error is permanent.
func ParseCompletion(event []byte) (Completion, error) {
	var e completionEvent
	if err := json.Unmarshal(event, &e); err != nil {
		return Completion{}, fmt.Errorf("reading a completion: %w", err)
	}
	d := e.Detail
	if d == nil || d.ExecutionARN == "" {
		return Completion{}, fmt.Errorf("reading a completion: detail.executionArn is missing")
	}
	if outcome, _ := payload.Judge(d.Status, "", ""); outcome == 0 {
		return Completion{}, fmt.Errorf("reading the completion of %s: status %q is not that of an execution that ended", d.ExecutionARN, d.Status)
	}
	c := Completion{
		Execution: d.ExecutionARN, Status: d.Status, Error: value(d.Error), Cause: value(d.Cause), PayloadID: d.PayloadID, Lane: d.Lane,
		Redrives: d.RedriveCount,
	}
	c.Input, c.InputKnown = document(d.Input, d.InputDetails)
	c.Output, c.OutputKnown = document(d.Output, d.OutputDetails)
	return c, nil
}

func document(text *string, d *details) ([]byte, bool) {
	if d == nil || !d.Included {
		return nil, false
	}
	if value(text) == "" {
		return nil, true
	}
	return []byte(*text), true
}

func value(text *string) string {
	if text == nil {
		return ""
	}
	return *text
}

func optional(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

// Event writes the completion in the form that ParseCompletion reads.
func (c Completion) Event() []byte {
	d := &completionDetail{
		ExecutionARN: c.Execution, Status: c.Status, PayloadID: c.PayloadID, Lane: c.Lane,
		Input: optional(string(c.Input)), InputDetails: &details{c.InputKnown},
		Output: optional(string(c.Output)), OutputDetails: &details{c.OutputKnown},
		Error: optional(c.Error), Cause: optional(c.Cause), RedriveCount: c.Redrives,
	}
	text, err := json.Marshal(completionEvent{DetailType: "Step Functions Execution Status Change", Source: "aws.states", Detail: d})
	if err != nil {
		panic(fmt.Sprintf("pipeline: writing a completion: %v", err)) // texts and booleans always marshal
	}
	return text
}
