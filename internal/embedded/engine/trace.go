package engine

import (
	"context"
	"errors"

	"sundog/asl"
	"sundog/internal/embedded/store"
	"sundog/internal/trace"
)

// place gives an execution its place in a trace: below what ctx belongs to, or at the beginning of one.
func (e *Engine) place(d *Description, parent trace.Context) {
	if e.opts.Trace != nil {
		d.Trace, d.TraceParent = e.opts.Trace.Place(parent), parent
	}
}

// tellEnd tells of an execution once its end is on disk.
func (e *Engine) tellEnd(tx *store.Tx, d Description) {
	if e.opts.Trace == nil || d.Trace.IsZero() {
		return
	}
	s := trace.Span{Self: d.Trace, Parent: d.TraceParent, Name: "execution " + d.Machine, Start: d.Start, End: d.Stop, Attributes: []trace.Attribute{
		{Key: trace.Execution, Value: d.ARN}, {Key: trace.Workflow, Value: d.Machine},
	}}
	if d.RedriveCount > 0 {
		s.Start = d.RedriveDate
	}
	if d.PayloadID != "" {
		s.Attributes = append(s.Attributes, trace.Attribute{Key: trace.PayloadID, Value: d.PayloadID})
	}
	if d.Status != asl.Succeeded {
		if s.Error = d.Error; s.Error == "" {
			s.Error = string(d.Status)
		}
	}
	tx.OnCommit(func() { trace.Tell(e.opts.Trace, s) })
}

// traced carries a task out, and tells of it. Of a task whose result comes by another way the span ends with its beginning.
func (e *Engine) traced(ctx context.Context, task Task) (*asl.Document, error) {
	place := task.Execution.Trace
	if e.opts.Trace == nil || place.IsZero() {
		return e.guard(ctx, task)
	}
	ctx, span := trace.Begin(trace.With(ctx, place), e.opts.Trace, trace.Client, "task "+task.State, task.Begun)
	span.Set(trace.State, task.State)
	span.Set(trace.Resource, task.Resource)
	span.Set(trace.Execution, task.Execution.ARN)
	output, err := e.guard(ctx, task)
	if errors.Is(err, ErrSuspended) {
		span.End(e.opts.Now(), nil)
	} else {
		span.End(e.opts.Now(), err)
	}
	return output, err
}
