package main

import (
	"context"
	"os"
	"runtime/debug"
	"strconv"

	"sundog/internal/aws/lambda"
)

// runFunction is the program as a function on AWS Lambda. It never returns.
func runFunction() {
	tuneFunction()
	lambda.Main(context.Background(), os.Getenv, os.Stderr)
}

// garbage is the percentage by which a function's heap grows before it is collected: it is small, so that collecting it costs next to nothing,
// while memory is what a function is paid by.
const garbage = 50

// tuneFunction keeps the program within the memory of its function, which Lambda ends when it is exceeded. GOGC and GOMEMLIMIT in the environment
// have their way.
func tuneFunction() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(garbage)
	}
	mb, err := strconv.ParseInt(os.Getenv("AWS_LAMBDA_FUNCTION_MEMORY_SIZE"), 10, 64)
	if err == nil && os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(mb << 20 / 4 * 3)
	}
}
