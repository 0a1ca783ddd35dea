package operations

import (
	"context"
	"errors"

	"sundog/internal/audit"
	"sundog/internal/bucket"
	"sundog/internal/pipeline"
	"sundog/internal/problem"
	"sundog/internal/queue"
	"sundog/internal/rerun"
	"sundog/internal/statedb"
	"sundog/payload"
)

// kinds says what the errors of the domain are to a caller.
var kinds = []struct {
	err  error
	kind problem.Kind
}{
	{statedb.ErrNotFound, problem.NotFound},
	{statedb.ErrInvalidQuery, problem.Invalid},
	{statedb.ErrSource, problem.Invalid},
	{statedb.ErrChanged, problem.Conflict},
	{statedb.ErrHeld, problem.Conflict},
	{pipeline.ErrNoExecution, problem.NotFound},
	{audit.ErrNoReason, problem.Invalid},
	{audit.ErrInvalidQuery, problem.Invalid},
	{audit.ErrInvalidEntry, problem.Invalid},
	{rerun.ErrInvalid, problem.Invalid},
	{rerun.ErrNotFound, problem.NotFound},
	{rerun.ErrConflict, problem.Conflict},
	{rerun.ErrInvalidToken, problem.Invalid},
	{queue.ErrNoQueue, problem.NotFound},
	{queue.ErrNoDeadLetter, problem.NotFound},
	{queue.ErrUnknownLane, problem.Invalid},
	{queue.ErrInvalidMessage, problem.Invalid},
	{queue.ErrTooLarge, problem.TooLarge},
	{queue.ErrClosed, problem.Unavailable},
	{bucket.ErrNotFound, problem.NotFound},
	{bucket.ErrInvalidKey, problem.Invalid},
	{context.Canceled, problem.Unavailable},
}

// Classify gives an error of the domain its kind. One that has a kind, or is not known here, stays as it is.
func Classify(err error) error {
	if known, ok := errors.AsType[*problem.Error](err); ok && known != nil {
		return err
	}
	if invalid, ok := errors.AsType[*payload.InvalidError](err); ok && invalid != nil {
		return problem.Wrap(problem.Invalid, err, "")
	}
	for _, k := range kinds {
		if errors.Is(err, k.err) {
			return problem.Wrap(k.kind, err, "")
		}
	}
	return err
}
