// Package taskstream starts workflows by the changes of a table, for a function that Lambda invokes with the records of the table's stream.
//
// # Promises
//
//   - A record starts one execution for each trigger that wants it, however often the record comes: the name of the execution follows from the
//     trigger and the record (trigger.ExecutionName), and Step Functions takes a name once in 90 days. A stream keeps its records for one.
//   - The records of one item are handled in their order; after one that fails those of the same item wait for it.
//   - What was not done is named by sequence number, so that Lambda sends it again (AWS Lambda Developer Guide, Configuring partial batch response
//     with DynamoDB and Lambda). It begins again at the lowest; what was done after that changes nothing the second time.
//   - What can never be done is told in the same manner: how often it is tried, and where it goes then, is said by the event source mapping.
package taskstream

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/sync/errgroup"

	"sundog/internal/pipeline"
	"sundog/internal/problem"
	"sundog/internal/trigger"
)

// starts is how many items are worked on at a time.
const starts = 10

// Executor starts executions, as a pipeline.Executor does.
type Executor interface {
	Start(ctx context.Context, req pipeline.StartRequest) error
}

// Options of a stream.
type Options struct {
	Triggers []*trigger.Trigger
	Executor Executor
	// BaseWorkflowARN is the beginning of a state machine's ARN, up to the workflow's name. What comes after its last colon is also what the names
	// of the deployment's tables begin with.
	BaseWorkflowARN string
}

// Stream starts workflows. It is safe for concurrent use.
type Stream struct{ opts Options }

// New makes a Stream.
func New(opts Options) *Stream { return &Stream{opts} }

// Failure is a record that is not done.
type Failure struct {
	Sequence string // its number in the stream
	Err      error
}

// record is what is looked at of a stream's record (DynamoDB Streams API Reference, Record, with Lambda's eventSourceARN).
type record struct {
	EventID        string `json:"eventID"`
	EventSource    string `json:"eventSource"`
	EventSourceARN string `json:"eventSourceARN"`
	DynamoDB       struct {
		Keys           json.RawMessage `json:"Keys"`
		SequenceNumber string          `json:"SequenceNumber"`
	} `json:"dynamodb"`
	body json.RawMessage
}

// Handle starts what the records of an event want, and returns those that are not done, in their order. With an error nothing was done: the event is
// not one of a stream. It is of kind problem.Invalid.
func (s *Stream) Handle(ctx context.Context, event []byte) ([]Failure, error) {
	records, err := read(event)
	if err != nil {
		return nil, problem.Wrap(problem.Invalid, err, "reading an event of a table's stream").
			WithHint("the function is for an event source mapping of a DynamoDB stream")
	}
	byItem := map[string][]int{}
	var items []string
	for i, r := range records {
		item := r.EventSourceARN + " " + string(r.DynamoDB.Keys)
		if byItem[item] == nil {
			items = append(items, item)
		}
		byItem[item] = append(byItem[item], i)
	}
	failures := make([]error, len(records))
	var g errgroup.Group
	g.SetLimit(starts)
	for _, item := range items {
		g.Go(func() error {
			var waits error
			for _, i := range byItem[item] {
				if waits == nil {
					waits = s.start(ctx, &records[i])
				}
				failures[i] = waits
			}
			return nil
		})
	}
	_ = g.Wait()
	var failed []Failure
	for i, err := range failures {
		if err != nil {
			failed = append(failed, Failure{records[i].DynamoDB.SequenceNumber, err})
		}
	}
	return failed, nil
}

// start starts the executions that a record wants.
func (s *Stream) start(ctx context.Context, r *record) error {
	table, watched := r.table(), false
	for _, t := range s.opts.Triggers {
		if !s.watches(t, table) {
			continue
		}
		watched = true
		input, wanted, err := t.Input(trigger.Event{ID: r.EventID, Body: r.body})
		if err == nil && wanted {
			err = s.opts.Executor.Start(ctx, pipeline.StartRequest{
				MachineARN: s.opts.BaseWorkflowARN + t.Target.Name, Name: trigger.ExecutionName(t.Name, r.EventID, 0), Input: input,
			})
		}
		if err != nil && !errors.Is(err, pipeline.ErrAlreadyExists) {
			return fmt.Errorf("trigger %s, change %s of table %s: %w", t.Name, r.DynamoDB.SequenceNumber, table, err)
		}
	}
	if !watched {
		return fmt.Errorf("change %s of table %s: no trigger watches that table", r.DynamoDB.SequenceNumber, table)
	}
	return nil
}

// watches reports whether a trigger is for the changes of a table.
func (s *Stream) watches(t *trigger.Trigger, table string) bool {
	prefix := s.opts.BaseWorkflowARN[strings.LastIndexByte(s.opts.BaseWorkflowARN, ':')+1:]
	return t.Source.Name == "" || t.Source.Name == table || prefix+t.Source.Name == table
}

// table is the name of the table that the record is of: arn:aws:dynamodb:REGION:ACCOUNT:table/NAME/stream/LABEL.
func (r *record) table() string {
	_, name, _ := strings.Cut(r.EventSourceARN, ":table/")
	name, _, _ = strings.Cut(name, "/")
	return name
}

// read reads the records of an event.
func read(event []byte) ([]record, error) {
	var e struct {
		Records []json.RawMessage `json:"Records"`
	}
	if err := json.Unmarshal(event, &e); err != nil || e.Records == nil {
		return nil, errors.New("it is no object with a list of Records")
	}
	records := make([]record, len(e.Records))
	for i, body := range e.Records {
		r := &records[i]
		if err := json.Unmarshal(body, r); err != nil {
			return nil, fmt.Errorf("record %d is of another shape", i)
		}
		if r.EventSource != "aws:dynamodb" || r.EventID == "" || r.DynamoDB.SequenceNumber == "" {
			return nil, fmt.Errorf("record %d has the source %q; it is to be aws:dynamodb, with an eventID and a dynamodb.SequenceNumber", i, r.EventSource)
		}
		r.body = body
	}
	return records, nil
}
