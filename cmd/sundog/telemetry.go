package main

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"time"

	"sundog/internal/embedded/telemetry"
	"sundog/internal/problem"
	"sundog/internal/trace"
)

// lastSpans is how long a collector has to take what is left when the program ends.
const lastSpans = 5 * time.Second

// traces gives the recorder that the environment asks for, nil when it asks for none, and what ends it.
func traces(ctx context.Context, service string, logger *slog.Logger) (trace.Recorder, func() error, error) {
	if !telemetry.Wanted(os.Getenv) {
		return nil, func() error { return nil }, nil
	}
	x, err := telemetry.Open(ctx, telemetry.Options{Service: service, Version: version(), Logger: logger})
	if err != nil {
		return nil, nil, problem.Wrap(problem.Invalid, err, "").WithHint("correct the variables that begin with OTEL_, or unset them")
	}
	return x, func() error {
		bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastSpans)
		defer cancel()
		if err := x.Close(bounded); err != nil && !errors.Is(err, context.DeadlineExceeded) {
			return err
		}
		return nil
	}, nil
}
