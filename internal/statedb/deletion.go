package statedb

import (
	"errors"
	"fmt"

	"sundog/internal/audit"
	"sundog/payload"
)

// ErrHeld is the error of a record that an execution holds.
var ErrHeld = errors.New("an execution holds the record")

// Deletion says who deletes a record, and why.
type Deletion struct {
	Actor, Reason string
	// Held deletes the record even though an execution holds it. When that ends, there will be a record again.
	Held bool
}

// Check returns an error that says why the record must not be deleted so: it wraps audit.ErrNoReason or ErrHeld.
func (d Deletion) Check(r *Record) error {
	switch {
	case d.Reason == "":
		return audit.ErrNoReason
	case r.State().Open() && !d.Held:
		return fmt.Errorf("%w (%s): stop it first", ErrHeld, r.LastExecution())
	}
	return nil
}

// Stored are the keys of the inputs and outputs of all executions of the record, in the payload bucket. Not every one has to be there.
func (r *Record) Stored(layout payload.Layout) []string {
	id := r.ID.String()
	keys := make([]string, 0, 2*len(r.Executions))
	for _, arn := range r.Executions {
		_, name := payload.CutExecutionARN(arn)
		keys = append(keys, layout.Input(id, name).Key, layout.Output(id, name).Key)
	}
	return keys
}
