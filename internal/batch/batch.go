// Package batch holds the built-in functions around a batch job, "pre-batch" and "post-batch": a job cannot be handed a payload,
// only short parameters, and cannot hand one back. So pre-batch stores the payload and tells the job two URLs, where to read it
// and where to write its result, and post-batch fetches the result. When the job has failed, post-batch fails with what the job
// logged last, so that the workflow ends with the job's own error.
//
// It also lets other built-in functions take and give payloads by reference, as every task does that speaks with Cirrus.
package batch

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/tidwall/gjson"

	"sundog/internal/bucket"
	"sundog/payload"
)

// Bucket is where payloads for jobs are stored. Package bucket says what it promises.
type Bucket interface {
	// Put stores the body.
	Put(ctx context.Context, key string, body []byte, opts bucket.PutOptions) (etag string, err error)
}

// Logs are the logs of jobs.
type Logs interface {
	// LastLine returns the last line of a stream; ok is false when nothing was logged.
	LastLine(ctx context.Context, stream string) (line string, ok bool, err error)
}

// Config is what an Exchange is made of.
type Config struct {
	// Bucket is the payload bucket.
	Bucket Bucket
	// Layout says where in it payloads for jobs go.
	Layout payload.Layout
	// URL is what a job is told for a place in the bucket; the "s3://" URL when nil. A platform whose jobs read files gives paths.
	URL func(payload.Location) string
	// Fetcher reads the documents at such URLs, and at those that come in with events.
	Fetcher payload.Fetcher
	// Logs are read when a job has failed.
	Logs Logs
	// NewID returns names that are not used twice; random UUIDs when nil.
	NewID func() string
}

// Exchange passes payloads to jobs and back. It is safe for concurrent use.
type Exchange struct {
	config Config
}

// New returns an exchange.
func New(c Config) *Exchange {
	if c.URL == nil {
		c.URL = payload.Location.String
	}
	if c.NewID == nil {
		c.NewID = uuid.NewString
	}
	return &Exchange{config: c}
}

// Error is the failure of a job under the name that the job gave it.
type Error struct {
	// Type is what Retry and Catch compare with, such as "stactask.exceptions.InvalidInput".
	Type string
	// Message is the rest of the line.
	Message string
}

func (e *Error) Error() string { return e.Message }

// ErrorType is the error's name.
func (e *Error) ErrorType() string { return e.Type }

// invalidInput is the type of errors that trying again cannot help.
const invalidInput = "stactask.exceptions.InvalidInput"

// exchanged is the answer of pre-batch.
type exchanged struct {
	URL    string `json:"url"`
	URLOut string `json:"url_out"`
}

// Pre is the built-in function "pre-batch". The event is a payload in any of its envelopes; the answer is {"url", "url_out"},
// where the payload lies and where the job is to put its result. Both are removed after ten days.
func (x *Exchange) Pre(ctx context.Context, event []byte) ([]byte, error) {
	p, err := x.read(ctx, event)
	if err != nil {
		return nil, fmt.Errorf("pre-batch: %w", err)
	}
	id, unique := p.ID().String(), x.config.NewID()
	in, out := x.config.Layout.Batch(id, unique), x.config.Layout.Batch(id, unique+"_out")
	if err := x.put(ctx, in, p.Bytes()); err != nil {
		return nil, fmt.Errorf("pre-batch: store the payload %q for the job: %w", id, err)
	}
	return json.Marshal(exchanged{URL: x.config.URL(in), URLOut: x.config.URL(out)})
}

// Post is the built-in function "post-batch". The event is the job as batch:submitJob.sync gives it, whose parameter url_out
// leads to the result, or has the member "error" that a Catch has put there. The answer is the result, by reference when it
// is long; the error of a failed job is an *Error made of the last line of its log, "<type>: <message>".
func (x *Exchange) Post(ctx context.Context, event []byte) ([]byte, error) {
	if failure := gjson.GetBytes(event, "error"); failure.Exists() {
		return nil, x.failure(ctx, json.RawMessage(failure.Raw))
	}
	p, err := x.read(ctx, event)
	if err != nil {
		return nil, fmt.Errorf("post-batch: read the job's result: %w", err)
	}
	return x.answer(ctx, p)
}

// failure is the error of a job that failed.
func (x *Exchange) failure(ctx context.Context, raw json.RawMessage) error {
	job, err := payload.ParseJobFailure(raw)
	if err != nil {
		return fmt.Errorf("post-batch: %w", err)
	}
	line, ok, err := x.config.Logs.LastLine(ctx, job.LogStream)
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("post-batch: read the log of the job: %w", ctx.Err())
	case err != nil:
		unlogged := job.Unlogged()
		return &Error{unlogged.Name, fmt.Sprintf("%s (its log %q could not be read: %v)", unlogged.Message, job.LogStream, err)}
	case !ok:
		unlogged := job.Unlogged()
		return &Error{unlogged.Name, unlogged.Message}
	}
	said := payload.ParseTaskError(line)
	return &Error{said.Name, said.Message}
}

// ByReference makes a function that takes and returns payloads take any envelope, references among them, and return a
// reference where its payload is too long to be passed on.
func (x *Exchange) ByReference(name string, f func(context.Context, []byte) ([]byte, error)) func(context.Context, []byte) ([]byte, error) {
	return func(ctx context.Context, event []byte) ([]byte, error) {
		raw, err := x.resolve(ctx, event)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		out, err := f(ctx, raw)
		if err != nil {
			return nil, err
		}
		p, err := payload.ParseTask(out)
		if err != nil {
			return nil, fmt.Errorf("%s: the function's own result: %w", name, err)
		}
		return x.answer(ctx, p)
	}
}

// read gives the one payload of an event, which has to carry its id.
func (x *Exchange) read(ctx context.Context, event []byte) (*payload.Payload, error) {
	raw, err := x.resolve(ctx, event)
	if err != nil {
		return nil, err
	}
	p, err := payload.ParseOutput(raw)
	if err != nil {
		return nil, &Error{invalidInput, err.Error()}
	}
	return p, nil
}

func (x *Exchange) resolve(ctx context.Context, event []byte) (json.RawMessage, error) {
	records := payload.Extract(event)
	if len(records) != 1 {
		return nil, &Error{invalidInput, fmt.Sprintf("the event holds %d payloads instead of one", len(records))}
	}
	raw, err := records[0].Resolve(ctx, x.config.Fetcher)
	if errors.Is(err, payload.ErrUnresolvable) && records[0].Err != nil {
		return nil, &Error{invalidInput, err.Error()}
	}
	return raw, err
}

// answer is a payload as a task returns it: itself, or a reference when it is longer than states can pass on.
func (x *Exchange) answer(ctx context.Context, p *payload.Payload) ([]byte, error) {
	if p.Inline() {
		return p.Bytes(), nil
	}
	place := x.config.Layout.Oversized(x.config.NewID())
	if err := x.put(ctx, place, p.Bytes()); err != nil {
		return nil, fmt.Errorf("store a payload of %d bytes to pass it on by reference: %w", len(p.Bytes()), err)
	}
	return payload.Reference(x.config.URL(place)), nil
}

func (x *Exchange) put(ctx context.Context, place payload.Location, body []byte) error {
	_, err := x.config.Bucket.Put(ctx, place.Key, body, bucket.PutOptions{ContentType: "application/json"})
	return err
}
