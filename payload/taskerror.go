package payload

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode"

	"github.com/tidwall/gjson"
)

// UnknownError is the name of an error whose text names none.
const UnknownError = "UnknownError"

// TaskError is an error that a task reported: its name, such as stactask.exceptions.InvalidInput, and a message.
type TaskError struct{ Name, Message string }

// Error gives name and message.
func (e TaskError) Error() string { return e.Name + ": " + e.Message }

// ParseTaskError reads the last line that a failed job has logged, `<name>: <message>`. A name is letters, digits, dots
// and underscores; without one the error is an UnknownError. The message ends with its line.
func ParseTaskError(line string) TaskError {
	name := line
	for i, r := range line {
		if r != '.' && r != '_' && !unicode.IsLetter(r) && !unicode.IsNumber(r) {
			name = line[:i]
			break
		}
	}
	message, named := strings.CutPrefix(line[len(name):], ":")
	if name == "" || !named {
		name, message = UnknownError, line
	}
	message = strings.TrimLeftFunc(message, func(r rune) bool { return unicode.IsSpace(r) || r >= 0x1c && r <= 0x1f })
	message, _, _ = strings.Cut(message, "\n")
	return TaskError{name, message}
}

// JobFailure is what the error of a failed Batch job tells.
type JobFailure struct {
	// LogStream is where the last attempt logged; never empty.
	LogStream string
	// Reason and StatusReason say why the last attempt ended, each empty when nothing does.
	Reason, StatusReason string
}

// Unlogged is the error of a job that failed before it logged anything.
func (f JobFailure) Unlogged() TaskError {
	reason := func(s string) string {
		if s == "" {
			return "not given"
		}
		return s
	}
	return TaskError{UnknownError, fmt.Sprintf("the job logged nothing, its container has probably never run; reason: %s; status: %s",
		reason(f.Reason), reason(f.StatusReason))}
}

// ParseJobFailure reads the error that Step Functions gives for a failed Batch job: `{"Error", "Cause"}`, where Cause is
// the job as JSON text. It fails when that tells of no attempt that could have logged.
func ParseJobFailure(failure json.RawMessage) (JobFailure, error) {
	const doing = "reading the error of a Batch job"
	if err := checkJSON(failure); err != nil {
		return JobFailure{}, fmt.Errorf("%s: %w", doing, err)
	}
	cause := lookup(gjson.ParseBytes(failure), "Cause")
	if cause.Type != gjson.String {
		return JobFailure{}, fmt.Errorf("%s: Cause is %s, expected the job as JSON text", doing, kind(cause))
	}
	if err := checkJSON([]byte(cause.Str)); err != nil {
		return JobFailure{}, fmt.Errorf("%s: Cause: %w", doing, err)
	}
	attempts := lookup(gjson.Parse(cause.Str), "Attempts").Array()
	if len(attempts) == 0 {
		return JobFailure{}, errors.New(doing + ": the job was not attempted")
	}
	last := attempts[len(attempts)-1]
	container := lookup(last, "Container")
	f := JobFailure{
		LogStream:    textOf(lookup(container, "LogStreamName")),
		Reason:       textOf(lookup(container, "Reason")),
		StatusReason: textOf(lookup(last, "StatusReason")),
	}
	if f.LogStream == "" {
		return JobFailure{}, errors.New(doing + ": the last attempt names no log stream")
	}
	return f, nil
}
