package main

import (
	"context"
	"os"
	"slices"

	"sundog/internal/aws"
	"sundog/internal/aws/config"
	"sundog/internal/aws/lambda"
	"sundog/internal/aws/worker"
	"sundog/internal/cli"
	"sundog/internal/problem"
)

// runWorker does the work of functions until ctx ends.
func runWorker(ctx context.Context, opts cli.WorkerOptions) error {
	handlers, err := lambda.Workable(opts.Roles)
	if err != nil {
		return err
	}
	var required []string
	for _, h := range handlers {
		required = append(required, h.Required...)
		if h.Polled != "" && !slices.Contains(required, h.Polled) {
			required = append(required, h.Polled)
		}
	}
	e, err := aws.ReadEnvironment(os.Getenv, required...)
	if err != nil {
		return err
	}
	c, err := config.Load(ctx, config.Options{Profile: opts.Profile, Region: opts.Region})
	if err != nil {
		return err
	}
	logger := newLogger(opts.Err, opts.Quiet)
	platform := aws.Open(aws.Options{Config: c, Environment: e, Logger: logger})
	defer platform.Close()
	work := worker.Options{MaxInFlight: opts.InFlight, Logger: logger}
	for _, h := range handlers {
		if err := lambda.AddWork(&work, h, platform); err != nil {
			return problem.Wrap(problem.Invalid, err, "preparing the role %s", h.Name)
		}
	}
	var queues []string
	for _, h := range handlers {
		if h.Polled != "" {
			queues = append(queues, os.Getenv(h.Polled))
		}
	}
	if err := platform.Ready(ctx, queues...); err != nil {
		return err
	}
	logger.Info("working", "roles", opts.Roles, "region", c.Region)
	return worker.Run(ctx, work)
}
