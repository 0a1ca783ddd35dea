package aws

import (
	"fmt"
	"log/slog"
	"regexp"
	"strings"
)

// Variable is an environment variable of a deployment on AWS.
type Variable struct {
	Name string
	// Meaning is a sentence for people.
	Meaning string
	// Default is what holds when it is not set; empty: nothing.
	Default string
	// form is what a value looks like, and pattern whether it does.
	form    string
	pattern *regexp.Regexp
	set     func(*Environment, string)
}

// Patterns of values: "Amazon Resource Names" in the AWS General Reference, and the naming rules of each service.
const (
	arnPattern    = `^arn:aws[-a-z]*:%s:[-a-z0-9]+:\d{12}:%s$`
	bucketPattern = `^[A-Za-z0-9][-.\w]{2,254}$` // those of us-east-1 that are older than the rules may be long, and have capitals and underscores
	tablePattern  = `^([-.\w]{3,255}|arn:aws[-a-z]*:dynamodb:[-a-z0-9]+:\d{12}:table/[-.\w]{3,255})$`
	queuePattern  = `^https?://[^/\s]+/(\S+/)?[-\w]{1,80}$`
	groupPattern  = `^[-\w./#]{1,512}$`
)

const (
	topicForm  = "the ARN of a topic, arn:aws:sns:REGION:ACCOUNT:NAME"
	queueForm  = "the URL of a queue, https://sqs.REGION.amazonaws.com/ACCOUNT/NAME"
	tableForm  = "the name of a table, 3 to 255 letters, digits, '_', '-' and '.', or its ARN"
	bucketForm = "the name of a bucket, 3 to 255 letters, digits, '-', '.' and '_'"
	groupForm  = "the name of a log group"
)

// The variables by their names. Those that begin with CIRRUS_ mean what they mean to Cirrus.
const (
	StateDB            = "CIRRUS_STATE_DB"
	PayloadBucket      = "CIRRUS_PAYLOAD_BUCKET"
	PayloadRootPrefix  = "CIRRUS_PAYLOAD_ROOT_PREFIX"
	DataBucket         = "CIRRUS_DATA_BUCKET"
	BaseWorkflowARN    = "CIRRUS_BASE_WORKFLOW_ARN"
	ProcessQueueURL    = "CIRRUS_PROCESS_QUEUE_URL"
	PublishTopicARN    = "CIRRUS_PUBLISH_TOPIC_ARN"
	EventTopicARN      = "CIRRUS_WORKFLOW_EVENT_TOPIC_ARN"
	WorkflowLogGroup   = "CIRRUS_WORKFLOW_LOG_GROUP"
	MetricNamespace    = "CIRRUS_WORKFLOW_METRIC_NAMESPACE"
	BatchLogGroup      = "CIRRUS_BATCH_LOG_GROUP"
	APIBasePath        = "CIRRUS_API_GATEWAY_BASE_PATH"
	LogLevel           = "CIRRUS_LOG_LEVEL"
	Prefix             = "CIRRUS_PREFIX"
	PartialResponses   = "SUNDOG_PARTIAL_BATCH_RESPONSES"
	DeadLetterQueueURL = "SUNDOG_DEAD_LETTER_QUEUE_URL"
	UpdateQueueURL     = "SUNDOG_UPDATE_QUEUE_URL"
	CatalogURL         = "SUNDOG_CATALOG_URL"
	CatalogID          = "SUNDOG_CATALOG_ID"
	ScheduleTable      = "SUNDOG_SCHEDULE_TABLE"
	ScheduleQueueURL   = "SUNDOG_SCHEDULE_QUEUE_URL"
	ScheduleHTTPTopic  = "SUNDOG_SCHEDULE_HTTP_TOPIC_ARN"
	ScheduleSQSTopic   = "SUNDOG_SCHEDULE_SQS_TOPIC_ARN"
	ScheduleCallTopic  = "SUNDOG_SCHEDULE_LAMBDA_TOPIC_ARN"
	ScheduleEventTopic = "SUNDOG_SCHEDULE_EVENT_TOPIC_ARN"
	TaskTable          = "SUNDOG_TASK_TABLE"
	Triggers           = "SUNDOG_TRIGGERS"
)

// Variables returns all of them, in the order in which they are told about.
func Variables() []Variable {
	arn := func(service, resource string) *regexp.Regexp {
		return regexp.MustCompile(fmt.Sprintf(arnPattern, service, resource))
	}
	topic := arn("sns", `[-\w]{1,256}`)
	queue, table, bucket := regexp.MustCompile(queuePattern), regexp.MustCompile(tablePattern), regexp.MustCompile(bucketPattern)
	group, text := regexp.MustCompile(groupPattern), regexp.MustCompile(`(?s)^.*$`)
	return []Variable{
		{StateDB, "the table of records", "", tableForm, table, func(e *Environment, v string) { e.StateDB = v }},
		{PayloadBucket, "the bucket of inputs and outputs", "", bucketForm, bucket, func(e *Environment, v string) { e.PayloadBucket = v }},
		{PayloadRootPrefix, "the first part of every key in it", "cirrus", "a key without a slash at its ends", regexp.MustCompile(`^[^/\s]([^\s]*[^/\s])?$`), func(e *Environment, v string) { e.PayloadRoot = v }},
		{DataBucket, "the bucket of the catalog", "", bucketForm, bucket, func(e *Environment, v string) { e.DataBucket = v }},
		{BaseWorkflowARN, "the beginning of the state machines' ARNs, up to the workflow's name", "", "arn:aws:states:REGION:ACCOUNT:stateMachine:PREFIX-", arn("states", `stateMachine:[-\w]*`), func(e *Environment, v string) { e.BaseWorkflowARN = v }},
		{ProcessQueueURL, "the queue that payloads are processed from", "", queueForm, queue, func(e *Environment, v string) { e.ProcessQueueURL = v }},
		{PublishTopicARN, "where the Items of a payload that succeeded are published", "", topicForm, topic, func(e *Environment, v string) { e.PublishTopicARN = v }},
		{EventTopicARN, "where workflow events are published", "", topicForm, topic, func(e *Environment, v string) { e.EventTopicARN = v }},
		{WorkflowLogGroup, "the log group whose metric filters count workflow events", "", groupForm, group, func(e *Environment, v string) { e.WorkflowLogGroup = v }},
		{MetricNamespace, "the namespace of the metrics that these filters make", "", "a namespace of CloudWatch", regexp.MustCompile(`^[-\w./#: ]{1,255}$`), func(e *Environment, v string) { e.MetricNamespace = v }},
		{BatchLogGroup, "the log group of batch jobs", "/aws/batch/job", groupForm, group, func(e *Environment, v string) { e.BatchLogGroup = v }},
		{APIBasePath, "the path that a custom domain of API Gateway puts before every other", "", "a path", regexp.MustCompile(`^\S+$`), func(e *Environment, v string) { e.APIBasePath = strings.Trim(v, "/") }},
		{LogLevel, "which log lines are written", "INFO", "DEBUG, INFO, WARNING, ERROR or CRITICAL", regexp.MustCompile(`^(?i:notset|debug|info|warn(ing)?|error|critical|fatal)$`), func(e *Environment, v string) { e.LogLevel = level(v) }},
		{Prefix, "what the names of the deployment's resources begin with", "", "a name", regexp.MustCompile(`^[-\w]+$`), func(e *Environment, v string) { e.Prefix = v }},
		{PartialResponses, "whether the event source mapping has ReportBatchItemFailures", "false", "true or false", regexp.MustCompile(`^(true|false)$`), func(e *Environment, v string) { e.PartialResponses = v == "true" }},
		{DeadLetterQueueURL, "where messages go at once that can never succeed; without it the queue's redrive policy moves them there in time", "", queueForm, queue, func(e *Environment, v string) { e.DeadLetterQueueURL = v }},
		{UpdateQueueURL, "the queue that a worker takes ends of executions from", "", queueForm, queue, func(e *Environment, v string) { e.UpdateQueueURL = v }},
		{CatalogURL, "where readers find the data bucket", "https://DATA_BUCKET.s3.REGION.amazonaws.com", "a URL", regexp.MustCompile(`^(https?|s3)://\S+$`), func(e *Environment, v string) { e.CatalogURL = v }},
		{CatalogID, "the id of the catalog, which is written when it is begun", "catalog", "an id", regexp.MustCompile(`^[^/\s]+$`), func(e *Environment, v string) { e.CatalogID = v }},
		{ScheduleTable, "the table of schedules", "", tableForm, table, func(e *Environment, v string) { e.ScheduleTable = v }},
		{ScheduleQueueURL, "the queue in which schedules wait for their last minutes", "", queueForm, queue, func(e *Environment, v string) { e.ScheduleQueueURL = v }},
		{ScheduleHTTPTopic, "where schedules that make a request are published when they are due", "", topicForm, topic, func(e *Environment, v string) { e.ScheduleHTTPTopic = v }},
		{ScheduleSQSTopic, "the same for those that send a message", "", topicForm, topic, func(e *Environment, v string) { e.ScheduleSQSTopic = v }},
		{ScheduleCallTopic, "the same for those that invoke a function", "", topicForm, topic, func(e *Environment, v string) { e.ScheduleCallTopic = v }},
		{ScheduleEventTopic, "where events of schedules are published", "", topicForm, topic, func(e *Environment, v string) { e.ScheduleEventTopic = v }},
		{TaskTable, "the table of tasks", "", tableForm, table, func(e *Environment, v string) { e.TaskTable = v }},
		{Triggers, "which changes of a table start which workflows", "", "a JSON array", text, func(e *Environment, v string) { e.Triggers = v }},
	}
}

// level is the level of a name of Python's logging.
func level(name string) slog.Level {
	switch strings.ToUpper(name) {
	case "DEBUG", "NOTSET":
		return slog.LevelDebug
	case "WARN", "WARNING":
		return slog.LevelWarn
	case "ERROR", "CRITICAL", "FATAL":
		return slog.LevelError
	default:
		return slog.LevelInfo
	}
}
