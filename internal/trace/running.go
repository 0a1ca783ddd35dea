package trace

import (
	"context"
	"time"
)

// Running is a span that has not ended. It belongs to one goroutine. Every method of nil does nothing.
type Running struct {
	recorder Recorder
	span     Span
}

// Begin begins a span below what ctx belongs to, and returns a context that belongs to it. It is nil without a recorder.
func Begin(ctx context.Context, r Recorder, kind Kind, name string, at time.Time) (context.Context, *Running) {
	if r == nil {
		return ctx, nil
	}
	s := &Running{recorder: r, span: Span{Parent: From(ctx), Kind: kind, Name: name, Start: at}}
	s.span.Self = r.Place(s.span.Parent)
	return With(ctx, s.span.Self), s
}

// Set adds an attribute, unless its value is empty.
func (s *Running) Set(key, value string) {
	if s != nil && value != "" {
		s.span.Attributes = append(s.span.Attributes, Attribute{key, value})
	}
}

// Self is the span's place.
func (s *Running) Self() Context {
	if s == nil {
		return Context{}
	}
	return s.span.Self
}

// End tells of the span: it has succeeded, or failed with an error.
func (s *Running) End(at time.Time, err error) {
	if s == nil {
		return
	}
	s.span.End = at
	if err != nil {
		s.span.Error = err.Error()
	}
	Tell(s.recorder, s.span)
}

// Tell tells a recorder, which may be nil, of a span, if its trace is sampled.
func Tell(r Recorder, s Span) {
	if r != nil && s.Self.Flags&Sampled != 0 {
		r.Record(s)
	}
}
