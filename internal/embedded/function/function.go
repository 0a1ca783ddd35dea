// Package function runs the functions of a project: what a workflow calls through arn:aws:states:::lambda:invoke or by the ARN of a
// function.
//
// A function is of one of four kinds. Lambda is a pool of long-lived processes that speak the AWS Lambda Runtime API, which the
// package serves to them; Command is one process per call; HTTP is a POST of the event; Builtin is a Go function of this program.
// Whatever the kind, a call behaves as one of AWS Lambda: the same limits, and the same error names and texts when it fails, so
// that Retry and Catch of a workflow written for AWS apply.
//
// # Promises
//
//   - A function that hangs, dies, prints garbage or megabytes, or leaves processes behind costs its own call and nothing else.
//   - No more than Concurrency calls of a function run at a time; further ones wait in order, up to a bound. A caller whose
//     context ends leaves the queue, or stops the work that it waits for.
//   - What a call writes on standard error (for Lambda: and standard output) up to its result is in its log, and in no other.
//     A call that writes nothing costs no log.
//   - Functions see none of this program's environment but a few variables that programs need to work at all.
//   - Close returns when everything that was started has ended.
package function

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"regexp"
	"time"

	"github.com/google/uuid"
)

// Kind says how a function is run.
type Kind string

// The kinds, by their names in a project file.
const (
	Lambda  Kind = "lambda"
	Command Kind = "command"
	HTTP    Kind = "http"
	Builtin Kind = "builtin"
)

// Limits and defaults. Those of AWS are in the "Lambda quotas" of the AWS Lambda Developer Guide.
const (
	DefaultTimeout     = 60 * time.Second
	MaxLambdaTimeout   = 15 * time.Minute // AWS's limit, kept for Lambda functions so that they move to AWS as they are
	DefaultConcurrency = 10
	DefaultMemoryMB    = 128
	// MaxRequest is the size in bytes of the largest event.
	MaxRequest = 6 << 20
	// DefaultMaxResponse is AWS's limit of a response: 6 MiB and 100 bytes.
	DefaultMaxResponse = 6<<20 + 100
	// LogTail is how many bytes of the end of a call's log come back with its response.
	LogTail = 4096

	defaultInitTimeout = 10 * time.Second
	defaultIdleTimeout = 10 * time.Minute
	defaultMaxWaiting  = 10000
	stopGrace          = 2 * time.Second // between asking a process to end and killing it
)

// Spec declares a function.
type Spec struct {
	// Name is up to 140 letters, digits, hyphens and underscores.
	Name string
	Kind Kind
	// Command is the program and its arguments (Lambda, Command).
	Command []string
	// Dir is the directory it runs in; this program's own when empty.
	Dir string
	// Env is added to its environment, as KEY=VALUE.
	Env []string
	// Handler is what a Lambda process finds in _HANDLER; Name when empty.
	Handler string
	// URL receives the events (HTTP).
	URL string
	// Builtin is the function itself (Builtin). It must return soon after its context ends: nothing can stop it otherwise. An
	// error with a method ErrorType() string names the type of the failure, "Error" if not; a panic is a failure too. The response must
	// be JSON and is not checked; nothing is null.
	Builtin func(ctx context.Context, event []byte) ([]byte, error)
	// Timeout bounds one call from the moment it has a place; DefaultTimeout when zero, at most MaxLambdaTimeout for Lambda.
	Timeout time.Duration
	// Concurrency bounds the calls that run at a time. When zero it is DefaultConcurrency, and unlimited for Builtin.
	Concurrency int
	// MaxResponse bounds a response in bytes; DefaultMaxResponse when zero.
	MaxResponse int
	// MemoryMB is told to Lambda processes in AWS_LAMBDA_FUNCTION_MEMORY_SIZE; DefaultMemoryMB when zero. It is not enforced.
	MemoryMB int
}

// Logs is where the package leaves the log of a call.
type Logs interface {
	// Writer opens the named stream. It is closed when the call has ended.
	Writer(stream string) io.WriteCloser
}

// Options of a Host. The zero value works and keeps no logs.
type Options struct {
	Logs Logs
	// Logger is told what is nobody's call: workers that start, stop, die. Discarded when nil.
	Logger *slog.Logger
	// Region and Account are the parts of ARNs; us-east-1 and 000000000000 when empty.
	Region, Account string
	// Env is added to the environment of all functions, before their own.
	Env []string
	// InitTimeout is how long a Lambda process may take until it first asks for an event; 10 seconds, as on AWS, when zero.
	InitTimeout time.Duration
	// IdleTimeout is how long a Lambda process without calls is kept; 10 minutes when zero.
	IdleTimeout time.Duration
	// Observe is told of each call that has ended: how long it took, waiting included, and whether it succeeded. May be nil.
	Observe func(function string, took time.Duration, succeeded bool)
	// MaxWaiting bounds the calls of one function that wait for a place; 10,000 when zero.
	MaxWaiting int
	// NewID returns request ids; random UUIDs when nil.
	NewID func() string
	// Transport makes the requests of HTTP functions. When nil it is a transport that refuses link-local addresses, where clouds
	// hand out credentials, and uses no proxy.
	Transport http.RoundTripper
}

var validName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,140}$`)

// check completes a spec with its defaults or says what is wrong with it.
func (s *Spec) check() error {
	if !validName.MatchString(s.Name) {
		return fmt.Errorf("function %q: a name is 1 to 140 letters, digits, hyphens and underscores", s.Name)
	}
	var problems []error
	bad := func(format string, args ...any) {
		problems = append(problems, fmt.Errorf("function %s: "+format, append([]any{s.Name}, args...)...))
	}
	switch s.Kind {
	case Lambda, Command:
		if len(s.Command) == 0 || s.Command[0] == "" {
			bad("a %s function needs a command: the program and its arguments", s.Kind)
		}
	case HTTP:
		if u, err := url.Parse(s.URL); err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
			bad("%q is no URL to post to; write http://host/path or https://host/path", s.URL)
		}
	case Builtin:
		if s.Builtin == nil {
			bad("there is no built-in function of this name")
		}
	default:
		bad("kind %q is unknown; use lambda, command, http or builtin", s.Kind)
	}
	if s.Timeout < 0 || s.Kind == Lambda && s.Timeout > MaxLambdaTimeout {
		bad("a time-out of %v is out of range; a lambda function may run for %v at most", s.Timeout, MaxLambdaTimeout)
	}
	if s.Concurrency < 0 || s.MaxResponse < 0 || s.MemoryMB < 0 {
		bad("concurrency, size of responses and memory cannot be negative")
	}
	if s.Timeout == 0 {
		s.Timeout = DefaultTimeout
	}
	if s.Concurrency == 0 && s.Kind != Builtin {
		s.Concurrency = DefaultConcurrency
	}
	if s.MaxResponse == 0 {
		s.MaxResponse = DefaultMaxResponse
	}
	if s.MemoryMB == 0 {
		s.MemoryMB = DefaultMemoryMB
	}
	if s.Handler == "" {
		s.Handler = s.Name
	}
	return errors.Join(problems...)
}

func (o *Options) complete() {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Region == "" {
		o.Region = "us-east-1"
	}
	if o.Account == "" {
		o.Account = "000000000000"
	}
	if o.InitTimeout <= 0 {
		o.InitTimeout = defaultInitTimeout
	}
	if o.IdleTimeout <= 0 {
		o.IdleTimeout = defaultIdleTimeout
	}
	if o.MaxWaiting <= 0 {
		o.MaxWaiting = defaultMaxWaiting
	}
	if o.NewID == nil {
		o.NewID = uuid.NewString
	}
}
