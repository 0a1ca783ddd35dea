package main

import (
	"context"
	"os"
	"runtime/debug"
	"strconv"

	"sundog/internal/aws/lambda"
	"sundog/internal/problem"
)

// runFunction is the program as a function on AWS Lambda, and returns its exit code.
func runFunction(ctx context.Context) int {
	tuneFunction()
	if err := lambda.Main(ctx, os.Getenv, os.Stderr); err != nil {
		return problem.ExitCode(err)
	}
	return problem.ExitOK
}

// tuneFunction keeps the program within the memory of its function, which Lambda ends when it is exceeded. GOMEMLIMIT in the environment has its
// way.
func tuneFunction() {
	mb, err := strconv.ParseInt(os.Getenv("AWS_LAMBDA_FUNCTION_MEMORY_SIZE"), 10, 64)
	if err == nil && os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(mb << 20 / 4 * 3)
	}
}
