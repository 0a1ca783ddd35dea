package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"time"

	"golang.org/x/sync/errgroup"

	"sundog/internal/cli"
	"sundog/internal/embedded"
	"sundog/internal/project"
	"sundog/internal/server"
)

// wire gives the command line the parts of the program that are not its own.
func wire() cli.Deps {
	return cli.Deps{Serve: serve, Demo: demo, Bench: runBench}
}

// serve runs a server until ctx ends.
func serve(ctx context.Context, opts cli.ServeOptions) error {
	logger := newLogger(opts.Err, opts.Quiet)
	p, err := load(ctx, opts.Project, opts.Err)
	if err != nil {
		return err
	}
	return host(ctx, p, opts.Data, server.Options{Listen: opts.Listen, Token: opts.Token, Version: version(), Logger: logger}, func(_ context.Context, s *server.Server, _ *embedded.Platform) error {
		logger.Info("serving", "project", p.Name, "url", s.URL(), "data", opts.Data)
		return nil
	})
}

// host opens a platform and a server, calls started, and works until ctx ends or started fails.
func host(ctx context.Context, p *project.Project, data string, opts server.Options, started func(context.Context, *server.Server, *embedded.Platform) error) (err error) {
	platform, err := embedded.Open(ctx, p, embedded.Options{Data: data, Logger: opts.Logger})
	if err != nil {
		return err
	}
	defer func() {
		if closeErr := platform.Close(context.WithoutCancel(ctx)); err == nil {
			err = closeErr
		}
	}()
	s, err := server.Listen(ctx, platform, opts)
	if err != nil {
		return err
	}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return platform.Run(ctx) })
	g.Go(func() error { return s.Serve(ctx) })
	g.Go(func() error { return started(ctx, s, platform) })
	return g.Wait()
}

// load reads a project and builds its functions.
func load(ctx context.Context, dir string, progress io.Writer) (*project.Project, error) {
	p, diagnostics := project.Load(dir, project.Options{})
	for _, d := range diagnostics {
		if d.Severity != project.Error {
			fmt.Fprintln(progress, d)
		}
	}
	if err := diagnostics.Err(); err != nil {
		return nil, err
	}
	return p, p.Build(ctx, func(step project.BuildStep) {
		if step.Done {
			fmt.Fprintf(progress, "Built function %s in %.1f s\n", step.Function, step.Took.Seconds())
		}
	})
}

// newLogger writes structured lines of text.
func newLogger(w io.Writer, quiet bool) *slog.Logger {
	level := slog.LevelInfo
	if quiet {
		level = slog.LevelWarn
	}
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: level, ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			a.Value = slog.StringValue(a.Value.Time().UTC().Format(time.RFC3339Nano))
		}
		return a
	}}))
}
