package function

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
)

// builtin calls a Go function in the goroutine of its caller.
type builtin struct {
	spec *Spec
	gate *gate
}

var errTimedOut = errors.New("function: the call timed out")

func (b *builtin) run(ctx context.Context, c *call) (outcome, error) {
	if err := b.gate.enter(ctx, c); err != nil {
		return outcome{}, err
	}
	defer b.gate.leave()
	inner, cancel := context.WithTimeoutCause(context.WithValue(ctx, callKey{}, c), b.spec.Timeout, errTimedOut)
	defer cancel()
	payload, err := b.call(inner, c)
	switch {
	case err == nil && len(payload) > b.spec.MaxResponse:
		return tooLarge(b.spec.MaxResponse), nil
	case err == nil && len(payload) == 0:
		return outcome{payload: []byte("null")}, nil
	case err == nil:
		return outcome{payload: payload}, nil
	case ctx.Err() != nil:
		return outcome{}, fmt.Errorf("function: %s was given up: %w", b.spec.Name, context.Cause(ctx))
	case inner.Err() != nil && errors.Is(err, context.DeadlineExceeded), errors.Is(err, errTimedOut):
		return timedOut(c.id, b.spec.Timeout), nil
	}
	errorType := "Error"
	var typed interface{ ErrorType() string }
	if errors.As(err, &typed) {
		errorType = typed.ErrorType()
	}
	out := report(errorType, err.Error())
	out.note = "" // the function has its say in the error; a log of its own costs more than the call
	return out, nil
}

func (b *builtin) call(ctx context.Context, c *call) (payload []byte, err error) {
	defer func() {
		if r := recover(); r != nil {
			_, _ = fmt.Fprintf(&c.log, "panic: %v\n\n%s", r, debug.Stack())
			err = panicked{r}
		}
	}()
	return b.spec.Builtin(ctx, c.payload)
}

// panicked is the failure of a built-in function that panicked.
type panicked struct{ value any }

func (p panicked) Error() string     { return fmt.Sprintf("panic: %v", p.value) }
func (p panicked) ErrorType() string { return "Runtime.Panic" }

func (b *builtin) load() (running, waiting, processes int) {
	running, waiting = b.gate.load()
	return running, waiting, 0
}

func (b *builtin) close() {}
