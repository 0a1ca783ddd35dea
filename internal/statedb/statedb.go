// Package statedb is the vocabulary of the state database: the record that is kept of every payload, the states it goes through,
// the transitions between them, and what can be asked. It stores nothing. Package statedbtest holds the suite that every
// implementation passes.
//
// A record is found by the payload's id. Its attributes are those that Cirrus (cirrus-geo 2) writes into DynamoDB, letter for
// letter, so that both can work on the same table.
//
// # Promises of every implementation
//
//   - A transition is one conditional write. Of two that contradict each other, one gets a *ConflictError with the record as it
//     is.
//   - What a transition causes (Effects) is recorded with it, where one write can hold both: they are there after a crash, or neither.
//     Elsewhere, as on AWS, it is carried out beside the write, at least once: package sundog/internal/aws/statedb says in which order, and
//     what a crash between them repeats.
//   - An execution that does not hold a record cannot change it, and a transition that was applied is not applied again. So
//     whoever does not know the outcome of a write repeats it.
//   - Counts are exact.
package statedb

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"sundog/internal/event"
)

// TableName is the name by which a platform shows its state database as a table of DynamoDB.
const TableName = "sundog-state"

// State is a state of a payload, by the name that the table holds.
type State string

// The states.
const (
	// Claimed: an execution's name is reserved; it may not have started yet.
	Claimed State = "CLAIMED"
	// Processing: the execution has started.
	Processing State = "PROCESSING"
	// Succeeded: the execution succeeded.
	Succeeded State = "SUCCEEDED"
	// Failed: the execution failed or timed out, or could not be started for a reason that stays. It runs again when the payload
	// comes again.
	Failed State = "FAILED"
	// Invalid: a task refused its input. It runs again only on demand.
	Invalid State = "INVALID"
	// Aborted: somebody stopped the execution. It runs again when the payload comes again.
	Aborted State = "ABORTED"
	// Completed is what version 1 called Succeeded. Records keep it until they are claimed again.
	Completed State = "COMPLETED"
)

// States returns the states that are written, in the order of a payload's life. Completed is not among them.
func States() []State {
	return []State{Claimed, Processing, Succeeded, Failed, Invalid, Aborted}
}

// ParseState reads the name of a state, Completed included, in capital or small letters.
func ParseState(text string) (State, error) {
	s := State(strings.ToUpper(text))
	if !s.Known() {
		names := make([]string, len(States()))
		for i, known := range States() {
			names[i] = string(known)
		}
		return "", fmt.Errorf("unknown state %q: use one of %s (or %s, which is %s)", text, strings.Join(names, ", "), Completed, Succeeded)
	}
	return s, nil
}

// Known reports whether s is one of the states, Completed included.
func (s State) Known() bool {
	switch s {
	case Claimed, Processing, Succeeded, Failed, Invalid, Aborted, Completed:
		return true
	}
	return false
}

// Current is the state by the name that is written today: Succeeded for Completed, every other as it is.
func (s State) Current() State {
	if s == Completed {
		return Succeeded
	}
	return s
}

// alike are the names of a state in the table.
func (s State) alike() []State {
	if s.Current() == Succeeded {
		return []State{Succeeded, Completed}
	}
	return []State{s}
}

// Open reports whether an execution holds a record in this state: nobody else may claim it.
func (s State) Open() bool { return s == Claimed || s == Processing }

// Errors of a state database. They are wrapped with the payload id.
var (
	// ErrNotFound: no record has this id.
	ErrNotFound = errors.New("no such record")
	// ErrMalformed: the record is there and cannot be read.
	ErrMalformed = errors.New("malformed record")
	// ErrChanged: the record is no longer what it was read as. Nothing was written.
	ErrChanged = errors.New("the record has changed meanwhile")
	// ErrInvalidQuery: a query that is wrong in itself, or a page token that was not given out for it.
	ErrInvalidQuery = errors.New("invalid query")
)

// FormatTime writes an instant as the table holds it: ISO 8601 in UTC with microseconds and "+00:00", the text that events carry
// too. Texts sort as the instants do.
func FormatTime(t time.Time) string { return event.FormatTime(t) }
