// Package integration carries out the work of Task states: it knows which service a Resource means, what that service wants to
// know, and how AWS shapes its answers and errors.
//
// The engine hands it tasks; it calls the functions, jobs, activities, executions, queues and topics of the platform, and HTTP endpoints. It keeps
// nothing: a task that was under way when the process died is run again by the engine. What a task sends is in one transaction with its
// answer, so it is sent once. What a task starts has an id that is derived from the task, so that a second run does not start it twice.
// Functions and endpoints may be called twice.
package integration

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"sundog/asl"
	"sundog/internal/dynamodb"
	"sundog/internal/embedded/connection"
	"sundog/internal/embedded/engine"
	"sundog/internal/embedded/function"
	"sundog/internal/embedded/queue"
	"sundog/internal/embedded/store"
	"sundog/internal/embedded/table"
	"sundog/internal/embedded/topic"
)

// Functions call functions by name or ARN. The error is a *function.Error when the call failed.
type Functions interface {
	Invoke(ctx context.Context, req function.Request) (function.Response, error)
}

// Runner implements engine.TaskRunner. Every service has to be there that a task may ask for.
type Runner struct {
	Functions  Functions
	Jobs       Jobs
	Activities Activities
	Store      *store.Store // of queues and topics
	Queues     *queue.Queues
	Topics     *topic.Topics
	Tables     *table.Tables
	// See puts tables that workflows see among others; nil: there are none.
	See         func(dynamodb.Tables) dynamodb.Tables
	HTTP        *http.Client
	Connections *connection.Connections
	// Receivable says whether tasks may receive the messages of a queue: those of the platform's own queues are for itself. Nil: all.
	Receivable func(queue string) bool
	// Region and Account show in events; Now is the clock, the beginning of the task when nil.
	Region, Account string
	Now             func() time.Time
	// Executions is the engine itself; it is set once there is one, before it runs.
	Executions Executions
	// StatesAPI are the operations of the API of Step Functions, by name; nil where it is not served. It is set before the engine runs.
	StatesAPI map[string]Operation
}

// Activities hand tasks to workers.
type Activities interface {
	// Schedule lets a task wait for a worker. It returns engine.ErrSuspended, or why it cannot be done.
	Schedule(ctx context.Context, task engine.Task) error
}

// A handler carries out the tasks of one action of a service.
type handler func(r *Runner, ctx context.Context, task engine.Task) (*asl.Document, error)

// handlers are the actions that there are, by what follows arn:aws:states::: in a Resource. One that ends in .waitForTaskToken is that without
// the ending: the engine takes the answer for what it is.
var handlers = map[string]handler{
	"lambda:invoke":                       (*Runner).invoke,
	"batch:submitJob":                     (*Runner).submitJob,
	"batch:submitJob.sync":                (*Runner).runJob,
	"sqs:sendMessage":                     (*Runner).sendMessage,
	"sns:publish":                         (*Runner).publish,
	"events:putEvents":                    (*Runner).putEvents,
	"http:invoke":                         (*Runner).invokeHTTP,
	"dynamodb:getItem":                    (*Runner).onTable,
	"dynamodb:putItem":                    (*Runner).onTable,
	"dynamodb:updateItem":                 (*Runner).onTable,
	"dynamodb:deleteItem":                 (*Runner).onTable,
	"aws-sdk:lambda:invoke":               (*Runner).sdkInvoke,
	"aws-sdk:batch:submitJob":             (*Runner).submitJob,
	"aws-sdk:sqs:sendMessage":             (*Runner).sendMessage,
	"aws-sdk:sqs:sendMessageBatch":        (*Runner).sendMessageBatch,
	"aws-sdk:sqs:receiveMessage":          (*Runner).receiveMessage,
	"aws-sdk:sqs:deleteMessage":           (*Runner).deleteMessage,
	"aws-sdk:sqs:deleteMessageBatch":      (*Runner).deleteMessageBatch,
	"aws-sdk:sqs:changeMessageVisibility": (*Runner).changeMessageVisibility,
	"aws-sdk:sqs:getQueueUrl":             (*Runner).getQueueURL,
	"aws-sdk:sqs:getQueueAttributes":      (*Runner).getQueueAttributes,
	"aws-sdk:sqs:listQueues":              (*Runner).listQueues,
	"aws-sdk:sqs:purgeQueue":              (*Runner).purgeQueue,
	"aws-sdk:sns:publish":                 (*Runner).publish,
	"aws-sdk:sns:publishBatch":            (*Runner).publishBatch,
	"aws-sdk:eventbridge:putEvents":       (*Runner).putEvents,
	"aws-sdk:dynamodb:getItem":            (*Runner).sdkTable,
	"aws-sdk:dynamodb:putItem":            (*Runner).sdkTable,
	"aws-sdk:dynamodb:updateItem":         (*Runner).sdkTable,
	"aws-sdk:dynamodb:deleteItem":         (*Runner).sdkTable,
	"aws-sdk:dynamodb:query":              (*Runner).sdkTable,
	"aws-sdk:dynamodb:scan":               (*Runner).sdkTable,
	"aws-sdk:dynamodb:batchGetItem":       (*Runner).sdkTable,
	"aws-sdk:dynamodb:batchWriteItem":     (*Runner).sdkTable,
	"aws-sdk:dynamodb:transactWriteItems": (*Runner).sdkTable,
	"aws-sdk:dynamodb:transactGetItems":   (*Runner).sdkTable,
	"aws-sdk:dynamodb:createTable":        (*Runner).sdkTable,
	"aws-sdk:dynamodb:describeTable":      (*Runner).sdkTable,
	"aws-sdk:dynamodb:updateTable":        (*Runner).sdkTable,
	"aws-sdk:dynamodb:deleteTable":        (*Runner).sdkTable,
	"aws-sdk:dynamodb:listTables":         (*Runner).sdkTable,
	"aws-sdk:dynamodb:updateTimeToLive":   (*Runner).sdkTable,
	"aws-sdk:dynamodb:describeTimeToLive": (*Runner).sdkTable,
	"states:startExecution":               (*Runner).startExecution,
	"states:startExecution.sync":          (*Runner).awaitExecutionAsText,
	"states:startExecution.sync:2":        (*Runner).awaitExecution,
	"aws-sdk:sfn:startExecution":          (*Runner).sdkStartExecution,
	"aws-sdk:sfn:describeExecution":       (*Runner).sdkDescribeExecution,
	"aws-sdk:sfn:stopExecution":           (*Runner).sdkStopExecution,
	"aws-sdk:sfn:sendTaskSuccess":         (*Runner).sdkSendTaskSuccess,
	"aws-sdk:sfn:sendTaskFailure":         (*Runner).sdkSendTaskFailure,
	"aws-sdk:sfn:sendTaskHeartbeat":       (*Runner).sdkSendTaskHeartbeat,
}

const (
	resourcePrefix = "arn:aws:states:::"
	statesPrefix   = "aws-sdk:sfn:"
)

// Actions returns the Resources that can be carried out, without functions and activities, which are named by their ARNs.
func Actions() []string {
	all := slices.Collect(maps.Keys(handlers))
	for _, operation := range statesOperations {
		all = append(all, statesPrefix+operation)
	}
	slices.Sort(all)
	return all
}

// Has reports whether tasks with a Resource arn:aws:states:::… can be carried out.
func Has(resource string) bool { return find(resource) != nil }

// find returns the handler of a Resource, nil when there is none.
func find(resource string) handler {
	action, _ := strings.CutPrefix(resource, resourcePrefix)
	action, _ = strings.CutSuffix(action, ".waitForTaskToken")
	if operation, ok := strings.CutPrefix(action, statesPrefix); ok && slices.Contains(statesOperations, operation) {
		return (*Runner).sdkStates
	}
	return handlers[action]
}

// Run implements engine.TaskRunner.
func (r *Runner) Run(ctx context.Context, task engine.Task) (*asl.Document, error) {
	switch {
	case isFunctionARN(task.Resource):
		return r.invokeByARN(ctx, task)
	case task.Mode == asl.Activity:
		return nil, r.Activities.Schedule(ctx, task)
	}
	if h := find(task.Resource); h != nil {
		return h(r, ctx, task)
	}
	return nil, &engine.TaskError{
		Name: "States.TaskFailed",
		Cause: fmt.Sprintf("The resource '%s' is not available on this server; there are functions and activities by their ARNs, and arn:aws:states::: with %s",
			task.Resource, strings.Join(near(task.Resource), ", ")),
	}
}

// near are the actions of the service that a Resource names, or, when it has none here, all of them that are not of aws-sdk.
func near(resource string) []string {
	action := strings.TrimPrefix(resource, resourcePrefix)
	service := action[:strings.LastIndexByte(action, ':')+1]
	if same := slices.DeleteFunc(Actions(), func(action string) bool { return service == "" || !strings.HasPrefix(action, service) }); len(same) > 0 {
		return same
	}
	return slices.DeleteFunc(Actions(), func(action string) bool { return strings.HasPrefix(action, "aws-sdk:") })
}

// isFunctionARN recognises arn:aws:lambda:<region>:<account>:function:<name>.
func isFunctionARN(resource string) bool {
	return strings.HasPrefix(resource, "arn:") && strings.Contains(resource, ":lambda:") && strings.Contains(resource, ":function:")
}

// invalid is the error of a service that does not like its parameters.
func invalid(name, format string, args ...any) error {
	return &engine.TaskError{Name: name, Cause: fmt.Sprintf(format, args...)}
}

// taskError gives a failed call the name that AWS gives it.
func taskError(err error) error {
	if failed, ok := errors.AsType[*function.Error](err); ok {
		return &engine.TaskError{Name: failed.Type, Cause: failed.Cause}
	}
	return err
}
