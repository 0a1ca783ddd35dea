// Package pipeline is the way of a payload: process takes payloads out of the queue, claims their records and starts their
// executions; update-state applies the ends of executions to the records, publishes Items and sends the payloads that follow.
//
// # Promises
//
//   - A payload runs once for each time that it is due, however often its message is delivered: the name of an execution is
//     derived from the payload's id and the executions before, the claim is one conditional write, and an executor starts a name
//     once.
//   - Whatever may pass leaves the record as it is and brings the message back. Whatever stays ends in a dead letter that says why,
//     and never harms another payload.
//   - What a transition causes is recorded with it (statedb.Effects), or, where the platform cannot do that, carried out at least once
//     (Config.Beside). A completion counts only for the execution that holds the record; a repeated or late one changes nothing.
//
// The package knows no storage and no transport: it declares what it needs.
package pipeline

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"sundog/internal/convoy"
	"sundog/internal/event"
	"sundog/internal/statedb"
	"sundog/payload"
)

// StateDB is what the pipeline needs of the state database. Package statedb says what each method promises.
type StateDB interface {
	GetMany(ctx context.Context, ids []payload.ID) ([]statedb.Found, error)
	Apply(ctx context.Context, t statedb.Transition, effects statedb.Effects) (statedb.Record, error)
	Emit(ctx context.Context, effects statedb.Effects) error
}

// Executor starts executions.
type Executor interface {
	// Start starts an execution. It returns an error that wraps ErrAlreadyExists when the name is taken, with the same input or
	// another, and a *RefusedError when the execution can never be started. Other errors may pass.
	Start(ctx context.Context, req StartRequest) error
	// Describe returns an execution with its input and output. It returns an error that wraps ErrNoExecution when there is none.
	Describe(ctx context.Context, arn string) (Execution, error)
	// Inline reports whether a payload can be the input of an execution as it is. Otherwise a reference takes its place.
	Inline(p *payload.Payload) bool
}

// StartRequest asks for an execution.
type StartRequest struct {
	MachineARN string
	Name       string
	Input      []byte
	PayloadID  string
	// Lane is the lane of the queue that the payload came through. Payloads that follow on it take the same one.
	Lane string
}

// Execution is what an executor knows about an execution.
type Execution struct {
	Status string // as Step Functions names it
	// Input and Output are JSON; Output is nil when there is none.
	Input, Output []byte
	Error, Cause  string
	// PayloadID and Lane are those of the StartRequest, or empty when the executor does not keep them.
	PayloadID, Lane string
	// Redrives is how often it was redriven.
	Redrives int64
}

// Errors of an executor.
var (
	// ErrAlreadyExists: the name was used for an execution of this state machine.
	ErrAlreadyExists = errors.New("execution already exists")
	// ErrNoExecution: there is no execution with this ARN.
	ErrNoExecution = errors.New("no such execution")
)

// RefusedError says that an execution can never be started as it was asked for: there is no such state machine, or it takes no
// such input.
type RefusedError struct{ Err error }

// Error is the text of the cause, which becomes the record's last_error.
func (e *RefusedError) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *RefusedError) Unwrap() error { return e.Err }

// Config names the parts of a deployment.
type Config struct {
	// MachineBase is the beginning of a state machine's ARN, up to the workflow's name (CIRRUS_BASE_WORKFLOW_ARN). A Processor needs it. An
	// Updater that has it leaves the executions of other deployments alone.
	MachineBase string
	// Layout says where objects lie in the payload bucket.
	Layout payload.Layout
	// ProcessQueue is the queue that chained payloads go to. An Updater needs it.
	ProcessQueue string
	// EventTopic and PublishTopic are where workflow events and Items are published; nowhere when empty.
	EventTopic, PublishTopic string
	// MaxMessage bounds a chained payload in the queue, in bytes; a longer one is stored, and a reference to it sent.
	// DefaultMaxMessage when zero.
	MaxMessage int
	// OneLane says that the process queue has no lanes, so that an execution need not be asked for its own before a payload follows it.
	OneLane bool
	// Beside says that the platform carries out what a claim causes after its write, not with it, so that a crash may lose it. Then who takes up
	// a claim with a message that was received before tells of the claim again.
	Beside bool
}

// together makes those who work on a batch known to each other, where the platform makes requests of what they cause.
func (c *Config) together(ctx context.Context) context.Context {
	if !c.Beside {
		return ctx
	}
	return convoy.With(ctx, convoy.New())
}

// check returns an error that names what is missing. What only one direction of the way needs is given beside what both need.
func (c *Config) check(db StateDB, executor Executor, fetcher payload.Fetcher, name, value string) error {
	for name, missing := range map[string]bool{
		"a state database":   db == nil,
		"an executor":        executor == nil,
		"a fetcher":          fetcher == nil,
		"the payload bucket": c.Layout.Bucket == "",
		name:                 value == "",
	} {
		if missing {
			return fmt.Errorf("pipeline: %s is not configured", name)
		}
	}
	return nil
}

// DefaultMaxMessage is what SQS and the embedded queues take, less room for attributes.
const DefaultMaxMessage = 1<<20 - 16<<10

// tell adds an event to effects. Its time is that of the transition, or of the decision: record and event carry the same one.
func (c *Config) tell(effects *statedb.Effects, at time.Time, e event.Event) {
	if c.EventTopic == "" {
		return
	}
	e.Time = event.FormatTime(at)
	body := e.Message()
	if e.Error != nil && len(body)+len(*e.Error) > maxEvent { // a character of it may take 12 bytes in the body
		e = e.WithError(strings.ToValidUTF8((*e.Error)[:min(len(*e.Error), maxEvent/16)], "") + "…")
		body = e.Message()
	}
	effects.Publish = append(effects.Publish, statedb.Publication{Topic: c.EventTopic, Body: []byte(body), Attributes: told(e.Attributes())})
}

// maxEvent bounds an event with its error, in bytes: topics take 256 KiB.
const maxEvent = 192 << 10

// told makes attributes that topics take: those without a value are left out, and characters that no queue takes (package topic), such as the
// colours of a program's last words, are replaced. The body has them all.
func told(attributes []payload.Attribute) []payload.Attribute {
	kept := attributes[:0]
	for _, a := range attributes {
		if a.Value == "" {
			continue
		}
		a.Value = strings.Map(func(c rune) rune {
			if c < ' ' && c != '\t' && c != '\n' && c != '\r' || c == 0xFFFE || c == 0xFFFF {
				return utf8.RuneError
			}
			return c
		}, a.Value)
		kept = append(kept, a)
	}
	return kept
}
