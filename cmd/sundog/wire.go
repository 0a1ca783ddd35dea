package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"time"

	"golang.org/x/sync/errgroup"

	"sundog/internal/aws/config"
	"sundog/internal/cli"
	"sundog/internal/embedded"
	"sundog/internal/embedded/store"
	"sundog/internal/problem"
	"sundog/internal/project"
	"sundog/internal/server"
)

// wire gives the command line the parts of the program that are not its own.
func wire() cli.Deps {
	return cli.Deps{
		OpenAWS: openAWS, ListAWS: listAWS, Serve: serve, Worker: runWorker, Demo: demo, Bench: runBench, BenchSchedules: benchSchedules,
	}
}

// serve runs a server until ctx ends.
func serve(ctx context.Context, opts cli.ServeOptions) error {
	logger := newLogger(opts.Err, opts.Quiet)
	p, err := load(ctx, opts.Project, project.Options{}, opts.Err)
	if err != nil {
		return err
	}
	err = host(ctx, p, opts.Data, server.Options{Listen: opts.Listen, Token: opts.Token, Version: version(), Logger: logger}, func(_ context.Context, s *server.Server, _ *embedded.Platform) error {
		logger.Info("serving", "project", p.Name, "url", s.URL(), "data", opts.Data)
		return nil
	})
	switch {
	case err == nil:
		logger.Info("stopped", "project", p.Name)
	case errors.Is(err, store.ErrFailed):
		err = problem.Wrap(problem.Internal, err, "serving %s", p.Name).WithHint("what was acknowledged is safe; mend the disk, or make room on it, and start again")
	}
	return err
}

// host opens a platform and a server, calls started, and works until ctx ends or started fails.
func host(ctx context.Context, p *project.Project, data string, opts server.Options, started func(context.Context, *server.Server, *embedded.Platform) error) (err error) {
	recorder, endTraces, err := traces(ctx, p.Name, opts.Logger)
	if err != nil {
		return err
	}
	defer func() {
		if endErr := endTraces(); err == nil {
			err = endErr
		}
	}()
	platform, err := embedded.Open(ctx, p, embedded.Options{Data: data, Logger: opts.Logger, Trace: recorder})
	if err != nil {
		return openFailed(err, data)
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

// openFailed says what it means that a platform cannot be opened: mostly that its data directory is not what it should be.
func openFailed(err error, data string) error {
	unusable, isPath := errors.AsType[*fs.PathError](err)
	switch {
	case errors.Is(err, store.ErrInUse):
		return problem.Wrap(problem.Conflict, err, "").WithHint("stop that process, or choose another directory with --data")
	case isPath:
		return problem.Wrap(problem.Invalid, unusable, "the data directory %s cannot be used", data).
			WithHint("--data wants a directory, or the name of a new one, that this user may write to")
	}
	return err
}

// load reads a project and builds its functions.
func load(ctx context.Context, dir string, opts project.Options, progress io.Writer) (*project.Project, error) {
	p, diagnostics := project.Load(dir, opts)
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
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: level, ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			a.Value = slog.StringValue(a.Value.Time().UTC().Format(time.RFC3339Nano))
		}
		return config.LogAttr(groups, a)
	}}))
}
