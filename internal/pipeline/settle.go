package pipeline

import (
	"context"
	"errors"
	"fmt"

	"sundog/internal/audit"
	"sundog/internal/event"
	"sundog/internal/queue"
	"sundog/internal/statedb"
	"sundog/payload"
)

// settle does what the problem of a record asks for.
func (c *Reconciler) settle(ctx context.Context, req *ReconcileRequest, f Finding, r statedb.Record, x Execution) (Settlement, error) {
	var err error
	switch f.Problem {
	case NeverStarted:
		err = c.resubmit(ctx, req, r)
	case Unmarked:
		err = c.replace(ctx, req, r, statedb.Processing, event.StartedProcessing, "the execution runs")
	case Ended:
		// A redrive that the record was told of and that did not come about has left it with a count that no end will have.
		redrives := max(x.Redrives, r.Redrives())
		var applied bool
		applied, err = c.opts.Updater.Handle(ctx, Completion{
			Execution: f.Execution, Status: x.Status, Error: x.Error, Cause: x.Cause, PayloadID: r.ID.String(), Lane: x.Lane, Redrives: redrives,
		})
		if err == nil && !applied {
			return Overtook, nil
		}
	case Vanished:
		err = c.replace(ctx, req, r, statedb.Failed, event.Failed, "the execution is not there any more: it was deleted, or the database is older than it")
	case Unnamed:
		err = c.replace(ctx, req, r, statedb.Failed, event.Failed, "the record was "+string(f.State)+" and named no execution")
	case Foreign:
		err = c.replace(ctx, req, r, statedb.Aborted, event.Aborted, "the execution belongs to another deployment")
	}
	switch {
	case err == nil:
		return Settled, nil
	case errors.Is(err, statedb.ErrChanged), errors.Is(err, statedb.ErrNotFound):
		return Overtook, nil
	}
	return Unknown, fmt.Errorf("settling %s: %w", r.ID, err)
}

// resubmit puts the input of a claim into the process queue, where it is taken up. The claim is stamped anew with the same write, so that
// the next reconciliation waits for another grace before it sends another message.
func (c *Reconciler) resubmit(ctx context.Context, req *ReconcileRequest, r statedb.Record) error {
	_, name := payload.CutExecutionARN(r.LastExecution())
	at := c.opts.Layout.Input(r.ID.String(), name)
	_, err := c.opts.Fetcher.Fetch(ctx, at.String())
	if errors.Is(err, payload.ErrUnresolvable) {
		return c.replace(ctx, req, r, statedb.Failed, event.Failed, "the execution never started, and its input is not there: send the payload again")
	}
	if err != nil {
		return err
	}
	now := c.opts.Now()
	after := r.Clone()
	after.Updated = statedb.FormatTime(now)
	after.StateUpdated = string(statedb.Claimed) + "_" + after.Updated
	return c.opts.StateDB.Replace(ctx, r, &after, statedb.Effects{
		Enqueue: []statedb.Submission{{Queue: c.opts.ProcessQueue, Draft: queue.Draft{Body: payload.Reference(at.String())}}},
		Audit:   []audit.Entry{{At: now, Kind: audit.Reconcile, Actor: req.Actor, Subject: r.ID.String(), Reason: "the execution never started: sent again"}},
	})
}

// replace gives a record another state, with an event and an entry in the audit log.
func (c *Reconciler) replace(ctx context.Context, req *ReconcileRequest, r statedb.Record, to statedb.State, told event.Type, reason string) error {
	now := c.opts.Now()
	after := r.Clone()
	after.Updated = statedb.FormatTime(now)
	after.StateUpdated = string(to) + "_" + after.Updated
	e := event.Event{Type: told, PayloadID: r.ID.String()}
	if to == statedb.Failed {
		after.LastError = &reason
		e = e.WithError(reason)
	}
	if execution := r.LastExecution(); execution != "" {
		_, name := payload.CutExecutionARN(execution)
		e.InputURL = c.opts.Layout.Input(r.ID.String(), name).String()
		e = e.WithExecution(execution)
	}
	effects := statedb.Effects{
		Audit: []audit.Entry{{At: now, Kind: audit.Reconcile, Actor: req.Actor, Subject: r.ID.String(), Reason: reason}},
	}
	c.opts.tell(&effects, now, e)
	return c.opts.StateDB.Replace(ctx, r, &after, effects)
}
