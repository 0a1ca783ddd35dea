package config

import (
	"context"
	"fmt"

	"github.com/aws/smithy-go/middleware"
)

// keepCause has a request whose context ended between two attempts say what the last attempt ended with, beside that the context ended. The SDK says the
// second alone, and so a table that throttles would look like one that is slow.
func keepCause(stack *middleware.Stack) error {
	if _, retried := stack.Finalize.Get("Retry"); !retried {
		return nil // a request that is only signed
	}
	if err := stack.Initialize.Add(middleware.InitializeMiddlewareFunc("KeepCause", tellCause), middleware.Before); err != nil {
		return err
	}
	return stack.Finalize.Insert(middleware.FinalizeMiddlewareFunc("NoteAttempt", noteAttempt), "Retry", middleware.After)
}

// attempt is what the last attempt of a request ended with.
type attempt struct{ err error }

type attemptKey struct{}

func tellCause(ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler) (middleware.InitializeOutput, middleware.Metadata, error) {
	var last attempt
	out, metadata, err := next.HandleInitialize(middleware.WithStackValue(ctx, attemptKey{}, &last), in)
	if err != nil && ctx.Err() != nil && last.err != nil {
		err = fmt.Errorf("%w; before that: %w", err, last.err)
	}
	return out, metadata, err
}

func noteAttempt(ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler) (middleware.FinalizeOutput, middleware.Metadata, error) {
	out, metadata, err := next.HandleFinalize(ctx, in)
	if last, ok := middleware.GetStackValue(ctx, attemptKey{}).(*attempt); ok && ctx.Err() == nil {
		last.err = err
	}
	return out, metadata, err
}
