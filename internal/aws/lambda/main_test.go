package lambda_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"sundog/internal/aws/lambda"
	"sundog/internal/embedded/function"
)

// The test binary is also the function under test: with AWS_LAMBDA_RUNTIME_API set it serves the handler that _HANDLER names.
func TestMain(m *testing.M) {
	if os.Getenv("AWS_LAMBDA_RUNTIME_API") == "" {
		os.Exit(m.Run())
	}
	lambda.Serve(context.Background(), lambda.ServeOptions{Open: openTest, Logger: slog.New(slog.NewJSONHandler(os.Stderr, nil))})
}

// tried is an error with a name of its own.
type tried struct{ error }

func (tried) ErrorType() string { return "cirrus.lib.errors.InvalidInput" }

// openTest makes the functions that tests ask for.
func openTest(context.Context) (lambda.Func, error) {
	switch os.Getenv("_HANDLER") {
	case "broken":
		return nil, errors.New("CIRRUS_STATE_DB is not set")
	case "panics":
		panic("while it was made")
	}
	return func(ctx context.Context, event []byte) ([]byte, error) {
		var e struct{ Do, File string }
		if err := json.Unmarshal(event, &e); err != nil {
			return nil, err
		}
		switch e.Do {
		case "echo":
			return event, nil
		case "nothing":
			return nil, nil
		case "fail":
			return nil, fmt.Errorf("reading a payload: %w", tried{errors.New("no features")})
		case "panic":
			return event[len(event)+1:], nil
		case "deadline":
			<-ctx.Done()
			return nil, ctx.Err()
		case "large":
			return []byte(`"` + strings.Repeat("x", function.DefaultMaxResponse) + `"`), nil
		case "pid":
			return []byte(strconv.Itoa(os.Getpid())), nil
		case "wait": // until the file is there; says that it has begun by removing another
			if err := os.Remove(e.File + ".begun"); err != nil {
				return nil, err
			}
			for {
				if _, err := os.Stat(e.File); err == nil {
					return []byte(`"finished"`), nil
				}
				timer := time.NewTimer(5 * time.Millisecond)
				select {
				case <-timer.C:
				case <-ctx.Done():
					return nil, ctx.Err()
				}
			}
		}
		return nil, errors.New("unknown event")
	}, nil
}

// lambdaHost serves the Runtime API to processes of this binary.
func lambdaHost(t *testing.T, opts function.Options, specs ...function.Spec) *function.Host {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for i := range specs {
		specs[i].Kind = function.Lambda
		if specs[i].Command == nil {
			specs[i].Command = []string{self}
		}
	}
	h, err := function.NewHost(specs, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 30*time.Second)
		defer cancel()
		if err := h.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	return h
}

// logTo shows what functions write when the test fails.
type logTo struct{ t *testing.T }

func (l logTo) Writer(string) io.WriteCloser { return l }

func (l logTo) Write(p []byte) (int, error) {
	l.t.Logf("%s", p)
	return len(p), nil
}

func (l logTo) Close() error { return nil }
