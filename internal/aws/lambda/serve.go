package lambda

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"os"
	"sync"
	"time"

	runtime "github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
)

// Func handles an event. What it returns is JSON; nothing is null. An error with a method ErrorType() string names the type under which a
// workflow's Retry and Catch know it.
type Func func(ctx context.Context, event []byte) ([]byte, error)

// ServeOptions are what Serve works with.
type ServeOptions struct {
	// Open makes the function. It is called once, before the first event is asked for.
	Open func(ctx context.Context) (Func, error)
	// Close is called before the process ends because it was told to; not when nil.
	Close func()
	// Logger is told of events that failed; discarded when nil.
	Logger *slog.Logger
}

// deadlineMargin is how much before its deadline the context of an event ends, or a tenth of its time if that is less, so that what was done can
// still be told.
const deadlineMargin = time.Second

// Serve is the program under AWS Lambda: it takes events from the Runtime API, one after the other, until the process is told to end, and never
// returns. Where the function cannot be made, every event is answered with the reason. An event that is being handled is finished before SIGTERM
// ends the process. After a panic the process ends, for nobody knows what state it is in, and Lambda starts another.
func Serve(ctx context.Context, opts ServeOptions) {
	if opts.Logger == nil {
		opts.Logger = slog.New(slog.DiscardHandler)
	}
	s := &served{close: opts.Close, logger: opts.Logger}
	if err := s.open(ctx, opts.Open); err != nil {
		opts.Logger.Error("the function cannot be made", "error", err)
		s.f = func(context.Context, []byte) ([]byte, error) { return nil, err }
	}
	runtime.StartWithOptions(s.handle, runtime.WithContext(ctx), runtime.WithEnableSIGTERM(s.end))
}

// served is a function that is served.
type served struct {
	f      Func
	close  func()
	logger *slog.Logger
	busy   sync.Mutex // held from the beginning of an event until its answer was taken, and by who ends the process
}

// open makes the function; a panic is an error.
func (s *served) open(ctx context.Context, f func(context.Context) (Func, error)) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = newPanicError(p)
		}
	}()
	s.f, err = f(ctx)
	return err
}

// handle handles an event. Its answer is closed once Lambda has taken it.
func (s *served) handle(ctx context.Context, event json.RawMessage) (io.Reader, error) {
	s.busy.Lock()
	began := time.Now()
	answer, err := s.call(ctx, event)
	if err != nil {
		defer s.busy.Unlock()
		id := ""
		if about, ok := lambdacontext.FromContext(ctx); ok {
			id = about.AwsRequestID
		}
		s.logger.Error("event not handled", "request_id", id, "took", time.Since(began).String(), "error", err)
		return nil, report(err)
	}
	if len(answer) == 0 {
		answer = []byte("null")
	}
	return &taken{bytes.NewReader(answer), &s.busy}, nil
}

// call calls the function with a deadline of its own; a panic is an error.
func (s *served) call(ctx context.Context, event []byte) (answer []byte, err error) {
	if deadline, ok := ctx.Deadline(); ok {
		bounded, cancel := context.WithDeadline(ctx, deadline.Add(-min(deadlineMargin, time.Until(deadline)/10)))
		defer cancel()
		ctx = bounded
	}
	defer func() {
		if p := recover(); p != nil {
			answer, err = nil, newPanicError(p)
		}
	}()
	return s.f(ctx, event)
}

// end ends the process once no event is being handled.
func (s *served) end() {
	s.busy.Lock() // for ever: an event that comes now is not begun, and Lambda gives it to another process
	if s.close != nil {
		s.close()
	}
	s.logger.Info("the function ends, as it was told")
	os.Exit(0)
}

// taken is an answer on its way to Lambda. It has no exported fields: the runtime takes a reader for a document otherwise.
type taken struct {
	answer *bytes.Reader
	busy   *sync.Mutex
}

func (t *taken) Read(p []byte) (int, error) { return t.answer.Read(p) }

// ContentType is that of the answer.
func (t *taken) ContentType() string { return "application/json" }

// Close is called when the answer was taken, or could not be.
func (t *taken) Close() error {
	t.busy.Unlock()
	return nil
}
