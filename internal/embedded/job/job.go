// Package job runs the batch jobs of a project: what a workflow starts through arn:aws:states:::batch:submitJob and
// batch:submitJob.sync.
//
// A job is a command with parameters, an environment, a number of attempts and a time-out. What it writes is its log, one
// stream per attempt. Its result has the shape of a job in the answer of AWS Batch's DescribeJobs, spelled as Step Functions
// spells it, so that workflows and functions written for AWS can read it.
//
// # Promises
//
//   - A parameter becomes one element of argv, whatever it contains; no shell sees it.
//   - An attempt that runs longer than its time-out is ended with everything in its process group. It is not retried, as on AWS.
//   - No more than Concurrency jobs of a name run at a time; further ones wait in order, up to a bound.
//   - Jobs see none of this program's environment but a few variables that programs need to work at all. What the project gives
//     them in their environment, which may be secret, is not part of results.
//   - Close returns when everything that was started has ended.
package job

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"regexp"
	"strings"
	"time"

	"github.com/google/uuid"
)

// Limits and defaults. MaxAttempts is AWS Batch's.
const (
	DefaultAttempts    = 1
	MaxAttempts        = 10
	DefaultConcurrency = 4

	defaultMaxWaiting = 10000
	stopGrace         = 5 * time.Second // between asking a job that timed out to end and killing it
)

// Spec declares a job.
type Spec struct {
	// Name is up to 128 letters, digits, hyphens and underscores.
	Name string
	// Command is the program and its arguments. An argument Ref::name is replaced by the parameter of that name.
	Command []string
	// Parameters are values for those that a request leaves out.
	Parameters map[string]string
	// Dir is the directory it runs in; this program's own when empty.
	Dir string
	// Env is added to its environment, as KEY=VALUE.
	Env []string
	// Attempts is how often the job is tried until it exits with 0: 1 to MaxAttempts, DefaultAttempts when 0.
	Attempts int
	// Timeout bounds one attempt; 0 is no bound.
	Timeout time.Duration
	// Concurrency bounds the jobs of this name that run at a time; DefaultConcurrency when 0.
	Concurrency int
}

// Logs is where the package leaves the log of an attempt.
type Logs interface {
	// Writer opens the named stream. It is closed when the attempt has ended.
	Writer(stream string) io.WriteCloser
}

// Options of a Runner. The zero value works and keeps no logs.
type Options struct {
	Logs Logs
	// Logger is told of jobs that nobody waits for. Discarded when nil.
	Logger *slog.Logger
	// Region and Account are the parts of ARNs; us-east-1 and 000000000000 when empty.
	Region, Account string
	// Env is added to the environment of all jobs, before their own.
	Env []string
	// Observe is told of each job that has ended: how long it took, waiting and all attempts included, and whether it succeeded. May be nil.
	Observe func(job string, took time.Duration, succeeded bool)
	// MaxWaiting bounds the jobs of one name that wait for a place; 10,000 when zero.
	MaxWaiting int
	// NewID returns job ids; random UUIDs when nil.
	NewID func() string
}

// Request asks for a job to be run, as SubmitJob does.
type Request struct {
	// Job is the name of the job, with or without a revision, or the ARN of a job definition of that name.
	Job string
	// JobName is what the caller calls this run; the job's name when empty. Queue is repeated in the result and means nothing.
	JobName string
	Queue   string
	// ID is the job id; a new one when empty. The log of a job with an id used before takes the place of the old one.
	ID         string
	Parameters map[string]string
	// Environment is added to the job's own.
	Environment []Variable
	// Command, Attempts and Timeout take the place of the job's own when they are not zero.
	Command  []string
	Attempts int
	Timeout  time.Duration
	// Accepted, when set, is told by Run what was submitted, before the job begins.
	Accepted func(Result)
}

var validName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,128}$`)

// check completes a spec with its defaults or says what is wrong with it.
func (s *Spec) check() error {
	if !validName.MatchString(s.Name) {
		return fmt.Errorf("job %q: a name is 1 to 128 letters, digits, hyphens and underscores", s.Name)
	}
	var problems []error
	bad := func(format string, args ...any) {
		problems = append(problems, fmt.Errorf("job %s: "+format, append([]any{s.Name}, args...)...))
	}
	if len(s.Command) == 0 || s.Command[0] == "" {
		bad("it needs a command: the program and its arguments")
	}
	if err := checkRefs(s.Command); err != nil {
		bad("%w", err)
	}
	if s.Attempts < 0 || s.Attempts > MaxAttempts {
		bad("%d attempts are out of range; 1 to %d are possible", s.Attempts, MaxAttempts)
	}
	if s.Timeout < 0 || s.Concurrency < 0 {
		bad("time-out and concurrency cannot be negative")
	}
	if s.Attempts == 0 {
		s.Attempts = DefaultAttempts
	}
	if s.Concurrency == 0 {
		s.Concurrency = DefaultConcurrency
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
	if o.MaxWaiting <= 0 {
		o.MaxWaiting = defaultMaxWaiting
	}
	if o.NewID == nil {
		o.NewID = uuid.NewString
	}
}

const ref = "Ref::"

// checkRefs refuses a reference inside an argument: it would be passed on as it is, which is never meant, and inside the text of
// a script it would be an invitation to inject.
func checkRefs(command []string) error {
	for _, arg := range command {
		if strings.LastIndex(arg, ref) > 0 || arg == ref {
			return fmt.Errorf("argument %q: a reference is an argument of its own, %sname", arg, ref)
		}
	}
	return nil
}

// resolve replaces references by parameters.
func resolve(command []string, parameters map[string]string) ([]string, error) {
	if err := checkRefs(command); err != nil {
		return nil, err
	}
	out := make([]string, len(command))
	for i, arg := range command {
		out[i] = arg
		if name, ok := strings.CutPrefix(arg, ref); ok {
			value, ok := parameters[name]
			if !ok {
				return nil, fmt.Errorf("parameter %q of the command has no value (%s); give it under Parameters", name, arg)
			}
			if strings.ContainsRune(value, 0) {
				return nil, fmt.Errorf("parameter %q contains a zero byte, which no argument can", name)
			}
			out[i] = value
		}
	}
	return out, nil
}

// parseName takes the name out of "name", "name:revision" and the ARN of a job definition.
func parseName(s string) string {
	if _, rest, ok := strings.Cut(s, ":job-definition/"); ok {
		s = rest
	}
	name, _, _ := strings.Cut(s, ":")
	return name
}

func merged(a, b map[string]string) map[string]string {
	out := make(map[string]string, len(a)+len(b))
	maps.Copy(out, a)
	maps.Copy(out, b)
	return out
}
