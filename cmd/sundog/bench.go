package main

import (
	"context"
	"errors"

	"sundog/internal/cli"
)

func runBench(context.Context, cli.BenchOptions) error { return errors.New("bench: being written") }
