package integration

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"sundog/asl"
	"sundog/internal/embedded/engine"
	"sundog/internal/embedded/store"
)

// derivedID is an id that is the same whenever a task is run again.
func derivedID(task engine.Task, what string) string {
	return derivedIDOf(task.Execution.ARN, task.ID, what)
}

func derivedIDOf(execution string, task asl.TaskID, what string) string {
	return uuid.NewSHA1(uuid.NameSpaceURL, fmt.Appendf(nil, "%s/%d/%s", execution, task, what)).String()
}

// parameters reads the parameters of a task.
func parameters(task engine.Task, into any) error {
	err := json.Unmarshal(task.Parameters.Bytes(), into)
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok && wrong.Field != "" {
		return invalid("States.Runtime", "The parameter '%s' of the Task state '%s' cannot be %s", wrong.Field, task.State, aKind(wrong.Value))
	}
	if err != nil {
		return invalid("States.Runtime", "The parameters of the Task state '%s' cannot be used: %v", task.State, err)
	}
	return nil
}

// aKind is a kind of JSON value in a sentence; a number may be followed by itself.
func aKind(value string) string {
	if value == "array" || value == "object" {
		return "an " + value
	}
	return "a " + value
}

// Media types of the protocols of services.
const (
	json10  = "application/x-amz-json-1.0"
	json11  = "application/x-amz-json-1.1"
	textXML = "text/xml"
)

// answer is the result of an optimised integration: the members of the service's answer, in the order of their names, and beside them what the
// SDK tells of the call.
func answer(task engine.Task, members map[string]any) (*asl.Document, error) {
	body, err := json.Marshal(members)
	if err != nil {
		return nil, fmt.Errorf("writing the result of %s: %w", task.Resource, err)
	}
	return answerAs(task, json10, len(body), members)
}

// answerAs is answer for a service whose answers are of another media type, and of a length that their members do not tell.
func answerAs(task engine.Task, mediaType string, length int, members map[string]any) (*asl.Document, error) {
	id := derivedID(task, "request")
	headers := map[string]string{
		"x-amzn-RequestId": id, "Content-Length": strconv.Itoa(length), "Content-Type": mediaType, "connection": "keep-alive",
		"Date": task.Begun.UTC().Format(http.TimeFormat),
	}
	all := make(map[string][]string, len(headers))
	for name, value := range headers {
		all[name] = []string{value}
	}
	members["SdkHttpMetadata"] = map[string]any{"AllHttpHeaders": all, "HttpHeaders": headers, "HttpStatusCode": 200}
	members["SdkResponseMetadata"] = map[string]string{"RequestId": id}
	return document(members)
}

// A shaper makes a result of the members of a service's answer.
type shaper func(task engine.Task, members map[string]any) (*asl.Document, error)

// plain is the result of an aws-sdk integration: the service's answer alone.
func plain(_ engine.Task, members map[string]any) (*asl.Document, error) { return document(members) }

// shape makes the result of a task in the way of its integration: plain for aws-sdk, optimised otherwise.
func shape(task engine.Task, optimised shaper, members map[string]any) (*asl.Document, error) {
	if isSDK(task) {
		return plain(task, members)
	}
	return optimised(task, members)
}

// once does the work of a task in the transaction that records its answer: after a crash it is not done again. With a *engine.TaskError what was
// written is committed, and the task fails.
func (r *Runner) once(ctx context.Context, task engine.Task, work func(tx *store.Tx) (*asl.Document, error)) (*asl.Document, error) {
	tx := r.Store.Begin()
	result, err := work(tx)
	if _, failed := errors.AsType[*engine.TaskError](err); err != nil && (!failed || tx.Empty()) {
		return nil, err
	}
	if err == nil {
		task.AnswerTx(tx, result)
	}
	if committed := tx.Commit(ctx); committed != nil {
		return nil, fmt.Errorf("doing the work of %s: %w", task.Resource, committed)
	}
	return result, err
}

// lastPart is the name at the end of a URL or ARN, or the text itself.
func lastPart(text string) string { return text[strings.LastIndexAny(text, "/:")+1:] }

// isSDK reports whether a task is one of the integrations aws-sdk, whose results are the bare members of the answer.
func isSDK(task engine.Task) bool { return strings.HasPrefix(task.Resource, resourcePrefix+"aws-sdk:") }

// A service is one of AWS's, by what its errors are called.
type service struct {
	prefix string // of errors of the optimised integration: SQS
	name   string // in their texts: AmazonSQS
	sdk    string // of errors of aws-sdk, and in their texts: Sqs
}

// A fault is an error of a service.
type fault struct {
	exception string // as SDKs name it; empty for what has no name of its own
	code      string // as the service names it
	status    int    // of HTTP
	message   string
}

// fail is a fault as a workflow sees it.
func (s service) fail(task engine.Task, f fault) error {
	id := derivedID(task, "request")
	if isSDK(task) {
		if f.exception == "" {
			f.exception = s.sdk + "Exception"
		}
		return &engine.TaskError{
			Name:  s.sdk + "." + f.exception,
			Cause: fmt.Sprintf("%s (Service: %s, Status Code: %d, Request ID: %s) (SDK Attempt Count: 1)", f.message, s.sdk, f.status, id),
		}
	}
	if f.exception == "" {
		f.exception = s.name + "Exception"
	}
	return &engine.TaskError{
		Name:  s.prefix + "." + f.exception,
		Cause: fmt.Sprintf("%s (Service: %s; Status Code: %d; Error Code: %s; Request ID: %s; Proxy: null)", f.message, s.name, f.status, f.code, id),
	}
}

// sdkFailure is the error of an aws-sdk integration: the exception with the service in front, and the text that the SDK makes of it.
func sdkFailure(task engine.Task, service, exception, message string) error {
	return &engine.TaskError{
		Name:  service + "." + exception,
		Cause: fmt.Sprintf("%s (Service: %s, Status Code: 400, Request ID: %s) (SDK Attempt Count: 1)", message, service, derivedID(task, "request")),
	}
}
