package telemetry

import (
	"context"
	"crypto/rand"

	otel "go.opentelemetry.io/otel/trace"

	"sundog/internal/trace"
)

// ids gives spans the ids that they were promised when they began, which the SDK learns only once they have ended.
type ids struct{}

type promised struct{}

func withIDs(ctx context.Context, c trace.Context) context.Context {
	return context.WithValue(ctx, promised{}, c)
}

// NewIDs implements the SDK's IDGenerator for the first span of a trace.
func (ids) NewIDs(ctx context.Context) (otel.TraceID, otel.SpanID) {
	if c, ok := ctx.Value(promised{}).(trace.Context); ok {
		return c.Trace, c.Span
	}
	var t otel.TraceID
	_, _ = rand.Read(t[:]) // never fails
	return t, newSpanID()
}

// NewSpanID implements the SDK's IDGenerator for the others.
func (ids) NewSpanID(ctx context.Context, _ otel.TraceID) otel.SpanID {
	if c, ok := ctx.Value(promised{}).(trace.Context); ok {
		return c.Span
	}
	return newSpanID()
}

func newSpanID() (s [8]byte) {
	_, _ = rand.Read(s[:]) // never fails
	return s
}
