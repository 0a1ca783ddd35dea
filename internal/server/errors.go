package server

import (
	"errors"

	"sundog/internal/access"
	"sundog/internal/embedded"
	tokens "sundog/internal/embedded/access"
	"sundog/internal/embedded/engine"
	"sundog/internal/embedded/feed"
	"sundog/internal/embedded/logs"
	"sundog/internal/embedded/machine"
	"sundog/internal/embedded/store"
	"sundog/internal/embedded/trigger"
	"sundog/internal/operations"
	"sundog/internal/problem"
	"sundog/internal/schedule"
	"sundog/internal/table"
)

// kinds says what the errors of the platform are to a caller, beside those of the domain (package operations). What is not listed is an
// Internal error.
var kinds = []struct {
	err  error
	kind problem.Kind
}{
	{engine.ErrNotFound, problem.NotFound},
	{engine.ErrNoMachine, problem.NotFound},
	{machine.ErrNoVersion, problem.NotFound},
	{machine.ErrNoAlias, problem.NotFound},
	{machine.ErrInvalidARN, problem.Invalid},
	{machine.ErrDeleting, problem.Conflict},
	{engine.ErrExists, problem.Conflict},
	{engine.ErrEnded, problem.Conflict},
	{engine.ErrInvalidName, problem.Invalid},
	{engine.ErrInvalidInput, problem.Invalid},
	{engine.ErrInvalidToken, problem.Invalid},
	{engine.ErrInvalidClientToken, problem.Invalid},
	{engine.ErrNotRedrivable, problem.Conflict},
	{engine.ErrStopping, problem.Unavailable},
	{embedded.ErrBackupExists, problem.Conflict},
	{embedded.ErrBackupInside, problem.Invalid},
	{trigger.ErrNotFound, problem.NotFound},
	{trigger.ErrNoReplay, problem.Conflict},
	{logs.ErrNotFound, problem.NotFound},
	{feed.ErrGone, problem.NotFound},
	{access.ErrInvalid, problem.Invalid},
	{tokens.ErrExists, problem.Conflict},
	{tokens.ErrNotFound, problem.NotFound},
	{tokens.ErrTooMany, problem.Limit},
	{schedule.ErrNotFound, problem.NotFound},
	{schedule.ErrNoDeadLetter, problem.NotFound},
	{schedule.ErrInvalid, problem.Invalid},
	{schedule.ErrProcessed, problem.Conflict},
	{schedule.ErrClosed, problem.Unavailable},
	{store.ErrClosed, problem.Unavailable},
}

// classify gives an error of the platform its kind.
func classify(err error) error {
	if known, ok := errors.AsType[*problem.Error](err); ok && known != nil {
		return err
	}
	if refused, ok := errors.AsType[*table.Error](err); ok && refused != nil {
		return problem.Wrap(tableKind(refused.Code), err, "")
	}
	for _, k := range kinds {
		if errors.Is(err, k.err) {
			return problem.Wrap(k.kind, err, "")
		}
	}
	return operations.Classify(err)
}

// tableKind is what the refusal of a table is to a caller.
func tableKind(code string) problem.Kind {
	switch code {
	case table.NotFound:
		return problem.NotFound
	case table.ConditionFailed, table.InUse, table.TransactionCanceled:
		return problem.Conflict
	case table.AccessDenied:
		return problem.Forbidden
	case table.LimitExceeded:
		return problem.Limit
	}
	return problem.Invalid
}
