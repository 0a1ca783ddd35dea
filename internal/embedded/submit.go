package embedded

import (
	"context"

	"sundog/internal/queue"
	"sundog/internal/trace"
)

// Traces reports whether somebody is told of what payloads go through.
func (p *Platform) Traces() bool { return p.opts.Trace != nil }

// Submit puts payloads into the process queue, all or none, and returns the ids of their messages once they are on disk. Each continues the trace
// that ctx belongs to, or begins one.
func (p *Platform) Submit(ctx context.Context, submissions []Submission) ([]string, error) {
	if len(submissions) == 0 {
		return nil, nil
	}
	drafts := make([]queue.Draft, len(submissions))
	var spans []*trace.Running
	for i, s := range submissions {
		drafts[i] = queue.Draft{Body: s.Body, Lane: s.Lane}
		if p.Traces() {
			_, span := trace.Begin(ctx, p.opts.Trace, trace.Producer, "submit", p.opts.Now())
			drafts[i].Attributes = queue.Traced(nil, span.Self())
			spans = append(spans, span)
		}
	}
	ids, err := p.Process.Send(ctx, drafts...)
	for i, span := range spans {
		if err == nil {
			span.Set(trace.MessageID, ids[i])
		}
		span.End(p.opts.Now(), err)
	}
	return ids, err
}
