package lambda

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"sundog/internal/aws"
	"sundog/internal/problem"
)

// Source is a kind of thing that invokes a handler.
type Source string

// The sources.
const (
	Queue  Source = "queue"  // an event source mapping of an SQS queue
	Topic  Source = "topic"  // a subscription of an SNS topic
	Rule   Source = "rule"   // a rule of EventBridge on "Step Functions Execution Status Change"
	Timer  Source = "timer"  // a rule of EventBridge with a rate
	HTTP   Source = "http"   // API Gateway, REST or HTTP API, or a function URL
	Stream Source = "stream" // an event source mapping of a DynamoDB stream
	State  Source = "state"  // a Task state of a workflow
	Direct Source = "direct" // an invocation by hand
)

// Handler is a function of a deployment, as those who deploy it have to know it.
type Handler struct {
	// Name is what the function's configuration says as its handler.
	Name string
	// Does is what it does, in a few words.
	Does string
	// Required and Optional are the variables that it reads, by name. CIRRUS_LOG_LEVEL is read by all.
	Required, Optional []string
	// Sources are what may invoke it.
	Sources []Source
	// Timeout is what one invocation should be given; a queue's visibility timeout should be six times as long ("Configuring scalability
	// behavior for SQS event source mappings", AWS Lambda Developer Guide).
	Timeout time.Duration
	// Batch is how many messages or records an event should hold at most; 0 where an event is one thing.
	Batch int
	// Polled is the variable with the URL of the queue that a worker takes its messages from; empty when it is no queue that invokes it.
	Polled string
}

// Handlers returns all handlers in the order in which they are told about.
func Handlers() []Handler {
	actions := []string{aws.ScheduleEventTopic, aws.LogLevel}
	return []Handler{
		{
			Name: "process", Does: "starts the executions of payloads",
			Required: []string{aws.StateDB, aws.PayloadBucket, aws.BaseWorkflowARN},
			Optional: []string{
				aws.PayloadRootPrefix, aws.EventTopicARN, aws.WorkflowLogGroup, aws.ProcessQueueURL, aws.PartialResponses, aws.DeadLetterQueueURL, aws.LogLevel,
			},
			Sources: []Source{Queue, Topic, Direct}, Timeout: time.Minute, Batch: 10, Polled: aws.ProcessQueueURL,
		},
		{
			Name: "update-state", Does: "applies the ends of executions to the records",
			Required: []string{aws.StateDB, aws.PayloadBucket, aws.ProcessQueueURL},
			Optional: []string{
				aws.PayloadRootPrefix, aws.BaseWorkflowARN, aws.PublishTopicARN, aws.EventTopicARN, aws.WorkflowLogGroup, aws.PartialResponses,
				aws.DeadLetterQueueURL, aws.LogLevel,
			},
			Sources: []Source{Rule, Queue, Direct}, Timeout: time.Minute, Batch: 10, Polled: aws.UpdateQueueURL,
		},
		{
			Name: "api", Does: "answers questions about records over HTTP",
			Required: []string{aws.StateDB, aws.PayloadBucket},
			Optional: []string{aws.PayloadRootPrefix, aws.DataBucket, aws.MetricNamespace, aws.APIBasePath, aws.LogLevel},
			Sources:  []Source{HTTP}, Timeout: 29 * time.Second, // API Gateway waits no longer
		},
		{
			Name: "pre-batch", Does: "stores a payload for a batch job",
			Required: []string{aws.PayloadBucket}, Optional: []string{aws.PayloadRootPrefix, aws.LogLevel},
			Sources: []Source{State, Direct}, Timeout: time.Minute,
		},
		{
			Name: "post-batch", Does: "fetches the result of a batch job, or its error",
			Required: []string{aws.PayloadBucket}, Optional: []string{aws.PayloadRootPrefix, aws.BatchLogGroup, aws.LogLevel},
			Sources: []Source{State, Direct}, Timeout: time.Minute,
		},
		{
			Name: "publish", Does: "writes the Items of a payload into the catalog",
			Required: []string{aws.PayloadBucket, aws.DataBucket}, Optional: []string{aws.PayloadRootPrefix, aws.CatalogURL, aws.CatalogID, aws.LogLevel},
			Sources: []Source{State, Direct}, Timeout: 5 * time.Minute,
		},
		{
			Name: "schedule-post", Does: "takes schedules over HTTP",
			Required: []string{aws.ScheduleTable, aws.ScheduleQueueURL, aws.ScheduleHTTPTopic, aws.ScheduleSQSTopic, aws.ScheduleCallTopic},
			Optional: []string{aws.ScheduleEventTopic, aws.LogLevel}, Sources: []Source{HTTP}, Timeout: 29 * time.Second,
		},
		{
			Name: "schedule-enqueue", Does: "moves schedules that are due soon into the queue in which they wait",
			Required: []string{aws.ScheduleTable, aws.ScheduleQueueURL}, Optional: []string{aws.LogLevel},
			Sources: []Source{Timer, Direct}, Timeout: time.Minute,
		},
		{
			Name: "schedule-dispatch", Does: "publishes schedules that are due on the topic of their action",
			Required: []string{aws.ScheduleTable, aws.ScheduleQueueURL}, Optional: []string{aws.ScheduleEventTopic, aws.PartialResponses, aws.LogLevel},
			Sources: []Source{Queue}, Timeout: time.Minute, Batch: 10, Polled: aws.ScheduleQueueURL,
		},
		{Name: "schedule-http-request", Does: "makes the request of a schedule", Optional: actions, Sources: []Source{Topic}, Timeout: time.Minute},
		{Name: "schedule-sqs-send", Does: "sends the message of a schedule", Optional: actions, Sources: []Source{Topic}, Timeout: time.Minute},
		{
			Name: "schedule-lambda-call", Does: "invokes the function of a schedule, and waits for it", Optional: actions,
			Sources: []Source{Topic}, Timeout: 15 * time.Minute,
		},
		{
			Name: "task-stream", Does: "starts workflows by the changes of a table",
			Required: []string{aws.BaseWorkflowARN}, Optional: []string{aws.Triggers, aws.PartialResponses, aws.LogLevel},
			Sources: []Source{Stream}, Timeout: time.Minute, Batch: 100,
		},
		{
			Name: "task-api", Does: "takes and shows tasks over HTTP",
			Required: []string{aws.TaskTable}, Optional: []string{aws.LogLevel},
			Sources: []Source{HTTP}, Timeout: 29 * time.Second,
		},
	}
}

// Names are what says which handler a function is: _HANDLER and AWS_LAMBDA_FUNCTION_NAME ("Defined runtime environment variables", AWS
// Lambda Developer Guide).
type Names struct{ Handler, Function string }

// Select returns the handler that a function's configuration names: by its name, or in the manner of Python, as Cirrus's functions are
// configured: "update_state.lambda_handler" is update-state. A configuration that names nothing, "lambda_function.lambda_handler" of older
// deployments, "bootstrap" or none, has the function's own name decide: "cirrus-dev-update-state" is update-state. So a zip can be
// swapped without another change than that of the runtime. The error is of kind problem.Invalid.
func Select(n Names) (Handler, error) {
	name := n.Handler
	if module, ok := strings.CutSuffix(name, ".lambda_handler"); ok {
		name = strings.ReplaceAll(module, "_", "-")
	}
	all := Handlers()
	if i := slices.IndexFunc(all, func(h Handler) bool { return h.Name == name }); i >= 0 {
		return all[i], nil
	}
	var found Handler
	switch name {
	case "", "bootstrap", "lambda-function":
		for _, h := range all {
			if len(h.Name) > len(found.Name) && (n.Function == h.Name || strings.HasSuffix(n.Function, "-"+h.Name)) {
				found = h // the longest: schedule-post goes before what "post" would be
			}
		}
	}
	if found.Name != "" {
		return found, nil
	}
	var names []string
	for _, h := range all {
		names = append(names, h.Name)
	}
	return found, problem.New(problem.Invalid, "there is no handler %q, and the name of the function, %q, ends in none", n.Handler, n.Function).
		WithHint("configure one of %s as the function's handler", strings.Join(names, ", "))
}

// Environment reads the variables of the handler; see aws.ReadEnvironment.
func (h *Handler) Environment(getenv func(name string) string) (aws.Environment, error) {
	e, err := aws.ReadEnvironment(getenv, h.Required...)
	if err != nil {
		return e, fmt.Errorf("handler %s: %w", h.Name, err)
	}
	return e, nil
}
