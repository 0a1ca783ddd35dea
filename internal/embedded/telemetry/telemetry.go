// Package telemetry sends spans to an OpenTelemetry collector: OTLP over HTTP, in batches. It is the only place that knows OpenTelemetry.
//
// # Configuration
//
// It is that of every OpenTelemetry program (OpenTelemetry Specification, "Environment Variable Specification"): with
// OTEL_EXPORTER_OTLP_ENDPOINT or OTEL_EXPORTER_OTLP_TRACES_ENDPOINT it is on. Names, headers, certificates, time-outs, samplers and the sizes of
// batches are read from there as well.
//
// # Promises
//
//   - Nobody waits for the collector: a bounded number of spans is kept for it (OTEL_BSP_MAX_QUEUE_SIZE, 2048 when unset), and what is beyond that is lost.
//   - What ended before Close is sent, as far as the collector takes it in time.
//   - No state of the process is changed: there is no global provider, and failures go to the logger.
package telemetry

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	otel "go.opentelemetry.io/otel/trace"

	"sundog/internal/trace"
)

// Exporter is a trace.Recorder that sends what it is told to a collector. It is safe for concurrent use.
type Exporter struct {
	provider *sdk.TracerProvider
	tracer   otel.Tracer
}

// Options of an exporter.
type Options struct {
	// Service is the name under which spans are shown, unless the environment gives one.
	Service string
	Version string
	Logger  *slog.Logger
}

// Wanted reports whether an environment asks for traces.
func Wanted(getenv func(string) string) bool {
	endpoint := getenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") + getenv("OTEL_EXPORTER_OTLP_ENDPOINT")
	return endpoint != "" && getenv("OTEL_SDK_DISABLED") != "true" && getenv("OTEL_TRACES_EXPORTER") != "none"
}

// Open makes an exporter as the process's environment says. It does not connect: a collector that is not there is told of in the log. Close it.
func Open(ctx context.Context, opts Options) (*Exporter, error) {
	client, err := otlptracehttp.New(ctx)
	if err != nil {
		return nil, fmt.Errorf("sending traces, as OTEL_EXPORTER_OTLP_ENDPOINT asks for: %w", err)
	}
	if opts.Logger == nil {
		opts.Logger = slog.New(slog.DiscardHandler)
	}
	names, err := resource.New(ctx, resource.WithTelemetrySDK(), resource.WithHost(), resource.WithAttributes(
		attribute.String("service.name", opts.Service), attribute.String("service.version", opts.Version),
	), resource.WithFromEnv())
	if err != nil {
		return nil, fmt.Errorf("reading OTEL_RESOURCE_ATTRIBUTES: %w", err)
	}
	provider := sdk.NewTracerProvider(
		sdk.WithResource(names), sdk.WithIDGenerator(ids{}), sdk.WithBatcher(logged{SpanExporter: client, logger: opts.Logger}),
	)
	return &Exporter{provider: provider, tracer: provider.Tracer("sundog")}, nil
}

// Close sends what has ended and waits for the collector until ctx ends.
func (x *Exporter) Close(ctx context.Context) error {
	if err := x.provider.Shutdown(ctx); err != nil {
		return fmt.Errorf("sending the last traces: %w", err)
	}
	return nil
}

// logged puts failures into the log, where the SDK would call a handler that the whole process shares.
type logged struct {
	sdk.SpanExporter
	logger *slog.Logger
}

func (l logged) ExportSpans(ctx context.Context, spans []sdk.ReadOnlySpan) error {
	if err := l.SpanExporter.ExportSpans(ctx, spans); err != nil {
		l.logger.Warn("traces could not be sent, and are lost", "spans", len(spans), "error", err)
	}
	return nil
}

// Place implements trace.Recorder. Whether a new trace is recorded is up to the sampler of the environment (OTEL_TRACES_SAMPLER).
func (x *Exporter) Place(parent trace.Context) trace.Context {
	if !parent.IsZero() {
		parent.Span = newSpanID()
		return parent
	}
	_, probe := x.tracer.Start(context.Background(), "") // never ends, so it is never told of: it asks the sampler
	c := probe.SpanContext()
	return trace.Context{Trace: c.TraceID(), Span: c.SpanID(), Flags: byte(c.TraceFlags()) & trace.Sampled}
}

// Record implements trace.Recorder.
func (x *Exporter) Record(s trace.Span) {
	ctx := withIDs(context.Background(), s.Self)
	if !s.Parent.IsZero() {
		ctx = otel.ContextWithRemoteSpanContext(ctx, spanContext(s.Parent))
	}
	links := make([]otel.Link, len(s.Links))
	for i, l := range s.Links {
		links[i].SpanContext = spanContext(l)
	}
	_, span := x.tracer.Start(ctx, s.Name,
		otel.WithTimestamp(s.Start), otel.WithSpanKind(kinds(s.Kind)), otel.WithAttributes(attributes(s.Attributes)...), otel.WithLinks(links...))
	if s.Error != "" {
		span.SetStatus(codes.Error, s.Error)
	}
	span.End(otel.WithTimestamp(later(s.Start, s.End)))
}

// later keeps a clock that was set back from giving a span a negative length.
func later(start, end time.Time) time.Time {
	if end.Before(start) {
		return start
	}
	return end
}

func spanContext(c trace.Context) otel.SpanContext {
	return otel.NewSpanContext(otel.SpanContextConfig{TraceID: c.Trace, SpanID: c.Span, TraceFlags: otel.TraceFlags(c.Flags), Remote: true})
}

func kinds(k trace.Kind) otel.SpanKind {
	switch k {
	case trace.Server:
		return otel.SpanKindServer
	case trace.Client:
		return otel.SpanKindClient
	case trace.Producer:
		return otel.SpanKindProducer
	case trace.Consumer:
		return otel.SpanKindConsumer
	}
	return otel.SpanKindInternal
}

func attributes(all []trace.Attribute) []attribute.KeyValue {
	out := make([]attribute.KeyValue, len(all))
	for i, a := range all {
		out[i] = attribute.String(a.Key, a.Value)
	}
	return out
}
