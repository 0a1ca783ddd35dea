package telemetry_test

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"sundog/internal/embedded/telemetry"
	"sundog/internal/embedded/telemetry/telemetrytest"
	"sundog/internal/trace"
)

func open(t *testing.T, opts telemetry.Options) *telemetry.Exporter {
	t.Helper()
	x, err := telemetry.Open(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

var began = time.Unix(1_700_000_000, 0)

// TestExported makes sure that spans arrive with the places that they were given when they began.
func TestExported(t *testing.T) {
	c := telemetrytest.New(t)
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", c.URL)
	x := open(t, telemetry.Options{Service: "test", Version: "1"})
	first := x.Place(trace.Context{})
	second := x.Place(first)
	elsewhere := x.Place(trace.Context{})
	x.Record(trace.Span{
		Self: second, Parent: first, Kind: trace.Consumer, Name: "second", Start: began, End: began.Add(time.Second), Error: "full",
		Attributes: []trace.Attribute{{Key: trace.PayloadID, Value: "c/workflow-w/i"}}, Links: []trace.Context{elsewhere},
	})
	x.Record(trace.Span{Self: first, Kind: trace.Producer, Name: "first", Start: began, End: began.Add(-time.Second)}) // the clock was set back
	if err := x.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	got := c.Spans()
	if len(got) != 2 {
		t.Fatalf("spans: %+v", got)
	}
	s, f := got[0], got[1]
	if text := first.String(); !strings.Contains(text, f.Trace+"-"+f.Self) || f.Parent != "" || f.Service != "test" || f.EndNanos != f.StartNanos {
		t.Errorf("first, at %s: %+v", text, f)
	}
	if s.Trace != f.Trace || s.Parent != f.Self || s.Error != "full" || s.Kind != "SPAN_KIND_CONSUMER" || s.Attributes[trace.PayloadID] != "c/workflow-w/i" ||
		s.EndNanos-s.StartNanos != uint64(time.Second) || len(s.Links) != 1 || !strings.Contains(elsewhere.String(), strings.ReplaceAll(s.Links[0], " ", "-")) {
		t.Errorf("second: %+v", s)
	}
}

// TestSampler makes sure that the environment's sampler decides over new traces, and whoever began one over what continues it.
func TestSampler(t *testing.T) {
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", telemetrytest.New(t).URL)
	t.Setenv("OTEL_TRACES_SAMPLER", "parentbased_always_off")
	x := open(t, telemetry.Options{})
	defer func() { _ = x.Close(context.WithoutCancel(t.Context())) }()
	if c := x.Place(trace.Context{}); c.IsZero() || c.Flags != 0 {
		t.Errorf("a new trace is at %s", c)
	}
	parent, err := trace.Parse("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
	if err != nil {
		t.Fatal(err)
	}
	if c := x.Place(parent); c.Flags != trace.Sampled || c.Trace != parent.Trace || c.Span == parent.Span {
		t.Errorf("a continued trace is at %s", c)
	}
}

// TestRefused makes sure that a collector that takes nothing is told of in the log, and harms nobody.
func TestRefused(t *testing.T) {
	c := telemetrytest.New(t)
	c.Refuse()
	t.Setenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", c.URL+"/v1/traces")
	var log bytes.Buffer
	x := open(t, telemetry.Options{Logger: slog.New(slog.NewTextHandler(&log, nil))})
	x.Record(trace.Span{Self: x.Place(trace.Context{}), Name: "lost", Start: began, End: began})
	if err := x.Close(t.Context()); err != nil {
		t.Error(err)
	}
	if !strings.Contains(log.String(), "traces could not be sent") || !strings.Contains(log.String(), "spans=1") {
		t.Errorf("log: %s", log.String())
	}
}

func TestWanted(t *testing.T) {
	for _, tt := range []struct {
		env  map[string]string
		want bool
	}{
		{nil, false},
		{map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c"}, true},
		{map[string]string{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://c"}, true},
		{map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c", "OTEL_SDK_DISABLED": "true"}, false},
		{map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c", "OTEL_TRACES_EXPORTER": "none"}, false},
	} {
		if got := telemetry.Wanted(func(name string) string { return tt.env[name] }); got != tt.want {
			t.Errorf("%v: %v", tt.env, got)
		}
	}
}
