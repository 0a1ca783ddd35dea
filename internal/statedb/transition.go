package statedb

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"sundog/payload"
)

// Transition is a change of a record's state. Its rules are in Apply, for every implementation alike.
type Transition struct {
	ID payload.ID
	To State
	// Execution is the ARN of the execution that claims the record, or that holds it.
	Execution string
	// At is the time of the transition. The record, and the events about it, carry this one time.
	At time.Time
	// Error becomes last_error, for Failed and Invalid.
	Error string
	// Outputs are URLs, for Succeeded. Nil: the attribute stays as it is.
	Outputs []string
	// Redrives is how often the execution was redriven: to Processing with this redrive, or before the end.
	Redrives int64
}

// Claim reserves a record for an execution that is about to start.
func Claim(id payload.ID, execution string, at time.Time) Transition {
	return Transition{ID: id, To: Claimed, Execution: execution, At: at}
}

// Start says that the execution which claimed the record has started.
func Start(id payload.ID, execution string, at time.Time) Transition {
	return Transition{ID: id, To: Processing, Execution: execution, At: at}
}

// Redrive says that an execution which ended without success goes on, for the n-th time.
func Redrive(id payload.ID, execution string, at time.Time, n int64) Transition {
	return Transition{ID: id, To: Processing, Execution: execution, At: at, Redrives: n}
}

// Succeed says that the execution which holds the record succeeded.
func Succeed(id payload.ID, execution string, at time.Time, outputs []string) Transition {
	return Transition{ID: id, To: Succeeded, Execution: execution, At: at, Outputs: outputs}
}

// Fail says that the execution which holds the record failed.
func Fail(id payload.ID, execution string, at time.Time, reason string) Transition {
	return Transition{ID: id, To: Failed, Execution: execution, At: at, Error: reason}
}

// Refuse says that the execution which holds the record found its input invalid.
func Refuse(id payload.ID, execution string, at time.Time, reason string) Transition {
	return Transition{ID: id, To: Invalid, Execution: execution, At: at, Error: reason}
}

// Abort says that the execution which holds the record was stopped.
func Abort(id payload.ID, execution string, at time.Time) Transition {
	return Transition{ID: id, To: Aborted, Execution: execution, At: at}
}

// ConflictError says that a transition does not fit the record. Nothing was written.
type ConflictError struct {
	Transition Transition
	// Record is the record as it is, or nil when there is none.
	Record *Record
}

// Error says what was found.
func (e *ConflictError) Error() string {
	what := fmt.Sprintf("setting %s to %s for %s: ", e.Transition.ID, e.Transition.To, e.Transition.Execution)
	if e.Record == nil {
		return what + "there is no record"
	}
	return what + fmt.Sprintf("the record is %s and its last execution is %q", e.Record.State(), e.Record.LastExecution())
}

// Conflict returns the record that stood in the way of a transition, and whether err is a *ConflictError. The record is nil when
// there is none.
func Conflict(err error) (*Record, bool) {
	var c *ConflictError
	if !errors.As(err, &c) {
		return nil, false
	}
	return c.Record, true
}

// Apply returns the record as the transition leaves it; before is nil when there is none, and stays as it is. It returns a
// *ConflictError when the transition does not fit:
//
//   - to Claimed: unless an execution holds the record, or the execution was one of the record's before. The second rule is
//     what keeps a claim that was decided on an old reading from running a payload a second time: names are derived from the
//     executions before, so such a claim carries a name that is there already.
//   - to Processing: from Claimed, by the execution that holds the record. By a redrive: from Failed, Invalid and Aborted, by the last
//     execution; from Claimed and Processing too, when its end has not been heard of. The count of redrives grows.
//   - to an end: from Claimed or Processing, by the execution that holds the record; or when there is no record, as after
//     somebody deleted it, or when the execution was started by hand. An end that comes late, after the execution was redriven, has a
//     lower count of redrives than the record and does not fit. One with a higher count is that of a redrive that nobody told the record of,
//     such as one at the console of AWS: where that redrive would have fitted, its end does.
//
// Other errors wrap ErrMalformed: the id cannot be a key.
func (t Transition) Apply(before *Record) (Record, error) {
	if err := checkID(t.ID); err != nil {
		return Record{}, err
	}
	conflict := &ConflictError{Transition: t, Record: before}
	at := FormatTime(t.At)
	after := Record{ID: t.ID, Created: at}
	if before != nil {
		after = before.Clone()
		if after.Created == "" {
			after.Created = at
		}
	}
	after.Updated = at
	after.StateUpdated = string(t.To) + "_" + at
	switch t.To {
	case Claimed:
		if before != nil && (before.State().Open() || slices.Contains(before.Executions, t.Execution)) {
			return Record{}, conflict
		}
		after.ClaimedAt = at
		after.Executions = append(after.Executions, t.Execution)
		after.LastError, after.Outputs = nil, nil
		after.setRedrives(0)
	case Processing:
		if t.Redrives > 0 {
			if before == nil || !before.redrivable(t) {
				return Record{}, conflict
			}
			after.LastError = nil
			after.setRedrives(t.Redrives)
			break
		}
		if before == nil || before.State() != Claimed || !before.HeldBy(t.Execution) {
			return Record{}, conflict
		}
	case Succeeded, Failed, Invalid, Aborted:
		switch {
		case before == nil || before.HeldBy(t.Execution) && before.Redrives() == t.Redrives:
		case before.redrivable(t):
			after.LastError = nil
			after.setRedrives(t.Redrives)
		default:
			return Record{}, conflict
		}
		if t.To == Failed || t.To == Invalid {
			after.LastError = &t.Error
		}
		if t.Outputs != nil {
			after.Outputs = slices.Clone(t.Outputs)
		}
	default:
		return Record{}, fmt.Errorf("statedb: no transition leads to state %q", t.To)
	}
	return after, nil
}

// redrivable says whether the redrive fits the record.
func (r Record) redrivable(t Transition) bool {
	switch r.State() {
	case Claimed, Processing, Failed, Invalid, Aborted:
		return t.Execution != "" && r.LastExecution() == t.Execution && r.Redrives() < t.Redrives
	}
	return false
}
