package pipeline

import (
	"context"

	"sundog/internal/queue"
	"sundog/internal/trace"
	"sundog/payload"
)

// begin begins the span of a task, below that of whoever sent its message.
func (p *Processor) begin(ctx context.Context, t *task) {
	if p.opts.Trace == nil {
		return
	}
	if t.message != nil {
		ctx = trace.With(ctx, t.message.Trace())
	}
	_, t.span = trace.Begin(ctx, p.opts.Trace, trace.Consumer, "process", p.opts.Now())
}

// end ends the spans of tasks.
func (p *Processor) end(tasks []*task) {
	if p.opts.Trace == nil {
		return
	}
	for _, t := range tasks {
		t.span.Set(trace.PayloadID, t.id())
		t.span.Set(trace.Execution, t.execution)
		if t.message != nil {
			t.span.Set(trace.MessageID, t.message.ID)
		}
		t.span.End(p.opts.Now(), t.result.err)
	}
}

// begin begins the span of a completion, below that of its execution.
func (u *Updater) begin(ctx context.Context, m *queue.Message) (context.Context, *trace.Running) {
	if u.opts.Trace == nil {
		return ctx, nil
	}
	ctx, span := trace.Begin(trace.With(ctx, m.Trace()), u.opts.Trace, trace.Consumer, "update-state", u.opts.Now())
	span.Set(trace.MessageID, m.ID)
	return ctx, span
}

// chained begins the trace of a payload that follows: a trace of its own, because chains may be long, with a link to what led to it.
func (u *Updater) chained(ctx context.Context, end *ending, next payload.Successor) trace.Context {
	if u.opts.Trace == nil {
		return trace.Context{}
	}
	s := trace.Span{
		Self: u.opts.Trace.Place(trace.Context{}), Kind: trace.Producer, Name: "chain", Start: end.at, End: u.opts.Now(),
		Attributes: []trace.Attribute{{Key: trace.Workflow, Value: next.Workflow}, {Key: trace.PayloadID, Value: end.PayloadID}},
	}
	if from := trace.From(ctx); !from.IsZero() {
		s.Links = []trace.Context{from}
	}
	end.chained = append(end.chained, s)
	return s.Self
}
