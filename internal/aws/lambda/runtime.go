package lambda

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"time"
)

// Func handles an event. What it returns is JSON; nothing is null. An error with a method ErrorType() string names the type under which a
// workflow's Retry and Catch know it.
type Func func(ctx context.Context, event []byte) ([]byte, error)

// RuntimeOptions are what Serve works with.
type RuntimeOptions struct {
	// API is the address of the Runtime API, host:port (AWS_LAMBDA_RUNTIME_API).
	API string
	// Open makes the function. It is called once, before the first event is asked for. When it fails the error is told to Lambda, and to
	// whoever invoked the function.
	Open func(ctx context.Context) (Func, error)
	// Logger is told of events that failed; discarded when nil.
	Logger *slog.Logger
}

// Bounds of the conversation with the Runtime API.
const (
	maxEvent = 16 << 20 // Lambda has none over 6 MiB
	// An invocation's context ends this much before the invocation would be killed, or a tenth of its time if that is less, so that what was
	// done can still be told.
	deadlineMargin = time.Second
)

// Serve takes events from the AWS Lambda Runtime API, version 2018-06-01 ("Using the Lambda runtime API for custom runtimes", AWS Lambda
// Developer Guide), one after the other, until ctx ends; it then finishes the event that it works on and returns nil. The context of an
// event ends shortly before its deadline. A function that panics has failed with the panic's text, and Serve returns, because nobody knows
// what state it left: Lambda starts a new process.
//
// Beside aws-lambda-go's loop this one tells why a function could not be made, which that one leaves to the log, and ends in an orderly way.
func Serve(ctx context.Context, opts RuntimeOptions) error {
	if opts.Logger == nil {
		opts.Logger = slog.New(slog.DiscardHandler)
	}
	r := &runtime{
		base: "http://" + opts.API + "/2018-06-01/runtime/", logger: opts.Logger,
		client: &http.Client{Transport: &http.Transport{}}, // neither proxies nor timeouts: the next event may be hours away
	}
	defer r.client.CloseIdleConnections()
	f, err := open(ctx, opts.Open)
	if err != nil {
		return errors.Join(err, r.report(context.WithoutCancel(ctx), "init/error", err))
	}
	for {
		e, err := r.next(ctx)
		switch {
		case err != nil && ctx.Err() != nil:
			return nil
		case err != nil:
			return err
		}
		if err := r.handle(context.WithoutCancel(ctx), f, e); err != nil {
			return err
		}
	}
}

// open makes the function; a panic is an error.
func open(ctx context.Context, f func(context.Context) (Func, error)) (made Func, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = newPanicError(p)
		}
	}()
	return f(ctx)
}

// runtime is the conversation with the Runtime API.
type runtime struct {
	base   string
	client *http.Client
	logger *slog.Logger
}

// invocation is an event with what Lambda says about it.
type invocation struct {
	id       string
	deadline time.Time
	event    []byte
}

// next waits for an event.
func (r *runtime) next(ctx context.Context) (invocation, error) {
	const doing = "asking the Runtime API for an event"
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, r.base+"invocation/next", nil)
	if err != nil {
		return invocation{}, fmt.Errorf("%s: %w", doing, err)
	}
	resp, err := r.client.Do(req)
	if err != nil {
		return invocation{}, fmt.Errorf("%s: %w", doing, err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxEvent+1))
	if err != nil {
		return invocation{}, fmt.Errorf("%s: %w", doing, err)
	}
	if resp.StatusCode != http.StatusOK || len(body) > maxEvent {
		return invocation{}, fmt.Errorf("%s: %s with %d bytes: %.200s", doing, resp.Status, len(body), body)
	}
	i := invocation{id: resp.Header.Get("Lambda-Runtime-Aws-Request-Id"), event: body}
	ms, err := strconv.ParseInt(resp.Header.Get("Lambda-Runtime-Deadline-Ms"), 10, 64)
	if err != nil {
		return invocation{}, fmt.Errorf("%s: reading its deadline: %w", doing, err)
	}
	i.deadline = time.UnixMilli(ms)
	return i, nil
}

// handle works on an event and tells what became of it. It returns an error when the process cannot go on.
func (r *runtime) handle(ctx context.Context, f Func, i invocation) error {
	bounded, cancel := context.WithDeadline(ctx, i.deadline.Add(-min(deadlineMargin, time.Until(i.deadline)/10)))
	defer cancel()
	began := time.Now()
	answer, err := call(bounded, f, i.event)
	if err != nil {
		r.logger.Error("event not handled", "request_id", i.id, "took", time.Since(began).String(), "error", err)
		told := r.report(ctx, "invocation/"+i.id+"/error", err)
		if panicked, ok := errors.AsType[*panicError](err); ok {
			return errors.Join(panicked, told)
		}
		return told
	}
	if len(answer) == 0 {
		answer = []byte("null")
	}
	return r.post(ctx, "invocation/"+i.id+"/response", "", answer)
}

// call calls the function; a panic is an error.
func call(ctx context.Context, f Func, event []byte) (answer []byte, err error) {
	defer func() {
		if p := recover(); p != nil {
			answer, err = nil, newPanicError(p)
		}
	}()
	return f(ctx, event)
}

// report tells Lambda that something failed.
func (r *runtime) report(ctx context.Context, path string, failure error) error {
	doc := errorDocument(failure)
	body, err := json.Marshal(doc)
	if err != nil {
		return fmt.Errorf("writing down an error: %w", err) // texts always marshal
	}
	return r.post(ctx, path, doc.Type, body)
}

// post sends a result. Lambda refuses one that is too long, and fails the event itself; only its own faults are errors here.
func (r *runtime) post(ctx context.Context, path, errorType string, body []byte) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, r.base+path, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("telling the Runtime API a result: %w", err)
	}
	req.Header.Set("Content-Type", "application/json")
	if errorType != "" {
		req.Header.Set("Lambda-Runtime-Function-Error-Type", errorType)
	}
	resp, err := r.client.Do(req)
	if err != nil {
		return fmt.Errorf("telling the Runtime API a result: %w", err)
	}
	defer func() { _ = resp.Body.Close() }()
	said, _ := io.ReadAll(io.LimitReader(resp.Body, 1<<10)) // for the log, and so that the connection can be used again
	switch {
	case resp.StatusCode >= 500:
		return fmt.Errorf("telling the Runtime API a result: %s: %s", resp.Status, said)
	case resp.StatusCode >= 300:
		r.logger.Error("the Runtime API refused a result", "path", path, "bytes", len(body), "status", resp.Status, "said", string(said))
	}
	return nil
}
