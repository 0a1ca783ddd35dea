package job

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
)

// ErrClosed is the cause of jobs that come after Close, or that Close ends.
var ErrClosed = errors.New("job: the runner is shutting down")

// Names of errors, as a workflow sees them.
const (
	// ErrorFailed is a job that did not succeed; the cause is its Result.
	ErrorFailed = "States.TaskFailed"
	// ErrorClient is a request that cannot be fulfilled: no such job, a parameter without a value.
	ErrorClient = "Batch.ClientException"
	// ErrorThrottled is a request that came while too many were waiting.
	ErrorThrottled = "Batch.TooManyRequestsException"
)

// Error is the failure of a job, or of the request for it, as a workflow sees it.
type Error struct {
	Type  string
	Cause string
}

// Error returns name and cause.
func (e *Error) Error() string { return e.Type + ": " + e.Cause }

func refusal(errorType, exception string, status int, id, format string, args ...any) *Error {
	return &Error{Type: errorType, Cause: fmt.Sprintf(format, args...) +
		fmt.Sprintf(" (Service: AWSBatch; Status Code: %d; Error Code: %s; Request ID: %s; Proxy: null)", status, exception, id)}
}

// States of a job: those of AWS Batch that a result can show.
const (
	Submitted = "SUBMITTED"
	Succeeded = "SUCCEEDED"
	Failed    = "FAILED"
)

// Status reasons, in AWS's words.
const (
	ReasonExited  = "Essential container in task exited"
	ReasonTimeout = "Job attempt duration exceeded timeout"
	ReasonNoStart = "Task failed to start"
)

// Result describes a job as DescribeJobs of the AWS Batch API does, with the keys that Step Functions makes of it. Times
// are milliseconds since 1970.
type Result struct {
	Attempts      []Attempt
	Container     Container
	CreatedAt     int64
	DependsOn     []struct{}
	JobArn        string
	JobDefinition string
	JobID         string `json:"JobId"`
	JobName       string
	JobQueue      string
	Parameters    map[string]string
	RetryStrategy RetryStrategy
	StartedAt     int64 `json:",omitempty"`
	Status        string
	StatusReason  string   `json:",omitempty"`
	StoppedAt     int64    `json:",omitempty"`
	Timeout       *Timeout `json:",omitempty"`
}

// Attempt is one run of the command.
type Attempt struct {
	Container    AttemptContainer
	StartedAt    int64
	StatusReason string
	StoppedAt    int64
}

// AttemptContainer is the container, here the process, of an attempt. A process that was never started has neither exit code nor log.
type AttemptContainer struct {
	// ExitCode is what the process exited with, 128 plus the signal that killed it.
	ExitCode      *int   `json:",omitempty"`
	LogStreamName string `json:",omitempty"`
	Reason        string `json:",omitempty"`
}

// Container is the process of the last attempt.
type Container struct {
	// Command is the command with its parameters.
	Command []string
	// Environment is what the request added; the job's own environment is not shown.
	Environment   []Variable
	ExitCode      *int   `json:",omitempty"`
	LogStreamName string `json:",omitempty"`
	Reason        string `json:",omitempty"`
}

// Variable is one variable of an environment.
type Variable struct {
	Name  string
	Value string
}

// RetryStrategy says how often the job was to be tried.
type RetryStrategy struct {
	Attempts       int
	EvaluateOnExit []struct{}
}

// Timeout is the bound of one attempt, in whole seconds, rounded up.
type Timeout struct {
	AttemptDurationSeconds int64
}

// err returns the error of a job that failed.
func (r *Result) err() error {
	var cause strings.Builder
	enc := json.NewEncoder(&cause)
	enc.SetEscapeHTML(false) // people read causes
	if err := enc.Encode(r); err != nil {
		return fmt.Errorf("job: describing %s: %w", r.JobID, err)
	}
	return &Error{Type: ErrorFailed, Cause: strings.TrimSuffix(cause.String(), "\n")}
}

// add appends an attempt.
func (r *Result) add(a Attempt) {
	if r.StartedAt == 0 {
		r.StartedAt = a.StartedAt
	}
	r.Attempts = append(r.Attempts, a)
	r.StoppedAt, r.StatusReason = a.StoppedAt, a.StatusReason
	r.Container.ExitCode, r.Container.LogStreamName, r.Container.Reason = a.Container.ExitCode, a.Container.LogStreamName, a.Container.Reason
	r.Status = Failed
	if a.Container.ExitCode != nil && *a.Container.ExitCode == 0 && a.StatusReason == ReasonExited {
		r.Status = Succeeded
	}
}

func milliseconds(t time.Time) int64 { return t.UnixMilli() }
