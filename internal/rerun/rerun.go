// Package rerun is the vocabulary of jobs that run payloads again in bulk: what is asked for, how far a job is, and what could not be run again.
// It stores nothing.
package rerun

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"sundog/internal/statedb"
	"sundog/payload"
)

// Mode is where the execution of a payload begins again.
type Mode string

// The modes.
const (
	// FromStart: a new execution of the stored input, from the first state of the workflow as it is now.
	FromStart Mode = "start"
	// FromFailed: the last execution goes on from its unsuccessful states (redrive).
	FromFailed Mode = "failed"
)

// Bounds of a job.
const (
	MaxRate     = 10_000 // records a second
	MaxPatch    = 64 << 10
	MaxFailures = 10_000 // that are kept of one job; the others are only counted
)

// Request asks for a job.
type Request struct {
	// Filter says which records. Order and page are the job's own: those that changed last come first, and what changes after the job was
	// made is not its business.
	Filter Filter `json:"filter"`
	Mode   Mode   `json:"mode"`
	// Patch changes the input: an object is a JSON merge patch (RFC 7396), a list one of operations (JSON Patch, RFC 6902); nil is none. With
	// FromStart only.
	Patch json.RawMessage `json:"patch,omitempty"`
	// Lane is that of the process queue; its first when empty. With FromStart only.
	Lane string `json:"lane,omitempty"`
	// Rate bounds the records that are run again in a second, 0 to MaxRate; 0 is no bound but that of the lane.
	Rate float64 `json:"rate,omitempty"`
	// Limit bounds the records in all; 0 is no bound.
	Limit int64 `json:"limit,omitempty"`
	// Who asks, and why. For the audit log.
	Actor  string `json:"actor,omitempty"`
	Reason string `json:"reason,omitempty"`
}

// Filter says which records.
type Filter struct {
	CollectionsWorkflow string        `json:"collections_workflow,omitempty"`
	Workflow            string        `json:"workflow,omitempty"`
	State               statedb.State `json:"state,omitempty"`
	Since               time.Time     `json:"since,omitzero"`
	Until               time.Time     `json:"until,omitzero"`
	ErrorPrefix         string        `json:"error_prefix,omitempty"`
	ItemPrefix          string        `json:"item_prefix,omitempty"`
}

// Query is the filter as a question to the state database.
func (f Filter) Query() statedb.Query {
	return statedb.Query{
		Partition: f.CollectionsWorkflow, Workflow: f.Workflow, State: f.State, Since: f.Since, Until: f.Until,
		ErrorPrefix: f.ErrorPrefix, ItemPrefix: f.ItemPrefix,
	}
}

// Errors of jobs.
var (
	// ErrInvalid is wrapped by the errors of Check.
	ErrInvalid = errors.New("invalid rerun")
	// ErrNotFound: there is no such job.
	ErrNotFound = errors.New("no such job")
	// ErrConflict: the job is not in a state in which this can be done.
	ErrConflict = errors.New("it cannot be done with the job as it is")
	// ErrInvalidToken: a page token that was not given out by these jobs.
	ErrInvalidToken = errors.New("invalid page token")
)

// Check returns an error that says what is wrong with the request.
func (r *Request) Check() error {
	if r.Mode == "" {
		r.Mode = FromStart
	}
	switch {
	case r.Mode != FromStart && r.Mode != FromFailed:
		return fmt.Errorf("%w: unknown mode %q: use start or failed", ErrInvalid, r.Mode)
	case r.Filter.State.Open():
		return fmt.Errorf("%w: records in %s are being worked on", ErrInvalid, r.Filter.State)
	case r.Mode == FromFailed && (len(r.Patch) > 0 || r.Lane != ""):
		return fmt.Errorf("%w: an execution that goes on keeps its input and its lane: leave patch and lane out, or run from the start", ErrInvalid)
	case r.Mode == FromFailed && (r.Filter.State == statedb.Succeeded || r.Filter.State == statedb.Completed):
		return fmt.Errorf("%w: an execution that succeeded has no failed state to go on from", ErrInvalid)
	case r.Rate < 0 || r.Rate > MaxRate:
		return fmt.Errorf("%w: rate %g is not within 0 to %d", ErrInvalid, r.Rate, MaxRate)
	case r.Limit < 0:
		return fmt.Errorf("%w: limit %d is negative", ErrInvalid, r.Limit)
	}
	if len(r.Patch) > 0 {
		if err := checkPatch(r.Patch); err != nil {
			return fmt.Errorf("%w: %w", ErrInvalid, err)
		}
	}
	if _, err := r.Filter.Query().Plan(); err != nil {
		return fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	return nil
}

// State is how far a job is.
type State string

// The states of a job.
const (
	Pending   State = "PENDING" // waits for the jobs before it
	Running   State = "RUNNING"
	Paused    State = "PAUSED"
	Cancelled State = "CANCELLED"
	Done      State = "DONE"
)

// Ended says whether nothing more happens to a job in this state.
func (s State) Ended() bool { return s == Cancelled || s == Done }

// Job is a job and what came of it so far.
type Job struct {
	ID      string    `json:"id"`
	Request Request   `json:"request"`
	State   State     `json:"state"`
	Created time.Time `json:"created"`
	Updated time.Time `json:"updated"`
	// Expected is how many records there were for the job when it was made; when that is not Exact there were at least so many. Of records
	// that have run since it meets none.
	Expected int64 `json:"expected"`
	Exact    bool  `json:"exact"`
	// Seen are the records that were looked at. Each of them was sent again, skipped because it is being worked on or has run since, or
	// failed: it could not be run again, for a reason that is listed.
	Seen    int64 `json:"seen"`
	Sent    int64 `json:"sent"`
	Skipped int64 `json:"skipped"`
	Failed  int64 `json:"failed"`
	// Cursor is where the job goes on.
	Cursor string `json:"cursor,omitempty"`
}

// Failure is a record that could not be run again.
type Failure struct {
	PayloadID string `json:"payload_id"`
	Reason    string `json:"reason"`
}

// Preview says what a job would do.
type Preview struct {
	// Records is how many records match; when it is not Exact there are at least so many.
	Records int64
	Exact   bool
	// Oldest and Newest are the times of the last transitions of the records, as the state database has them; empty when there are none.
	Oldest, Newest string
	// Sample are some of them, the newest first.
	Sample []payload.ID
	// Errors are the most frequent errors.
	Errors []statedb.ErrorGroup
}

// ErrUnusable is wrapped by the errors of Input.
var ErrUnusable = errors.New("the stored input cannot be run again")

// Input is the payload with which a record is run again: patched, and marked so that process runs it whatever its record's state.
func Input(stored, patch []byte) ([]byte, error) {
	doc, err := apply(stored, patch)
	if err == nil {
		doc, err = replaced(doc)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnusable, err)
	}
	return doc, nil
}
