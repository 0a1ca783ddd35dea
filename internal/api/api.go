// Package api is the vocabulary of Sundog's own HTTP API (/v1): paths and JSON documents, which the server writes and the client
// reads. It holds no behaviour. Errors are problem documents (package problem).
package api

import (
	"encoding/json"
	"time"
)

// Paths. A payload id is the rest of its path, or the parameter id, which can hold every id.
const (
	PathHealth     = "/v1/health"
	PathPayloads   = "/v1/payloads"
	PathRecords    = "/v1/records"
	PathStats      = "/v1/stats"
	PathExecutions = "/v1/executions"
	PathWorkflows  = "/v1/workflows"
	PathFunctions  = "/v1/functions"
	PathQueues     = "/v1/queues"
	PathTriggers   = "/v1/triggers"
	PathLogs       = "/v1/logs"
	PathLogStreams = "/v1/log-streams"
	PathEvents     = "/v1/events"
	PathTokens     = "/v1/tokens"
	PathOpenAPI    = "/v1/openapi.json"
	PathMetrics    = "/metrics"
	PathErrors     = "/v1/errors"
	PathReconcile  = "/v1/reconcile"
	PathMigrate    = "/v1/migrate"
	PathExport     = "/v1/export"
	PathImport     = "/v1/import"
	PathAudit      = "/v1/audit"
	PathBackup     = "/v1/backup"
	PathJobs       = "/v1/jobs"
	PathSchedules  = "/v1/schedules"
	PathGivenUp    = "/v1/schedule-dead-letters"
	PathDelayer    = "/schedule" // the API of delayer-aws
	PathCirrus     = "/api/"     // the API of Cirrus lies below
)

// ContentTypeNDJSON is one JSON document per line.
const ContentTypeNDJSON = "application/x-ndjson"

// Health of a server.
type Health struct {
	Status  string `json:"status"` // ok, or stopping
	Version string `json:"version"`
	Project string `json:"project"`
	// Records, Open and Queued: how many records there are, executions are open and payloads wait. On AWS records are as DynamoDB last counted
	// them, and open executions are not counted: they are 0.
	Records int64 `json:"records"`
	Open    int64 `json:"open_executions"`
	Queued  int64 `json:"queued"`
}

// Accepted answers one payload of a POST to PathPayloads, in the order in which they were sent. One with Error was not accepted.
type Accepted struct {
	Line      int    `json:"line"` // from 1: which payload of the request
	PayloadID string `json:"payload_id,omitempty"`
	MessageID string `json:"message_id,omitempty"`
	Error     string `json:"error,omitempty"`
}

// Record is a record of the state database.
type Record struct {
	PayloadID        string          `json:"payload_id"`                   // COLLECTIONS/workflow-NAME/ITEMIDS
	Collections      string          `json:"collections"`                  // ids of the collections, joined with slashes
	Workflow         string          `json:"workflow"`                     // name of the workflow
	ItemIDs          string          `json:"itemids"`                      // ids of the Items, joined with slashes
	State            string          `json:"state"`                        // where the payload stands
	Created          string          `json:"created"`                      // ISO 8601 with microseconds, as the state database has it
	Updated          string          `json:"updated"`                      // when the state last changed, in the same form
	ClaimedAt        string          `json:"claimed_at,omitempty"`         // when an execution last took it, in the same form
	Executions       []string        `json:"executions"`                   // ARNs, the first one first
	LastError        string          `json:"last_error,omitempty"`         // why it failed, was refused or aborted
	Outputs          []string        `json:"outputs,omitempty"`            // URLs that the workflow named
	InputPayloadURL  string          `json:"input_payload_url,omitempty"`  // of the last execution
	OutputPayloadURL string          `json:"output_payload_url,omitempty"` // of the last execution, if it succeeded
	Attributes       json.RawMessage `json:"attributes,omitempty"`         // what a caller added: an object
}

// Records is a page of records.
type Records struct {
	Records []Record `json:"records"`
	Next    string   `json:"next,omitempty"` // token of the next page
}

// Count is how many records of a workflow over some collections are in a state.
type Count struct {
	Collections string `json:"collections"` // ids of the collections, joined with slashes
	Workflow    string `json:"workflow"`    // name of the workflow
	State       string `json:"state"`       // of these records
	Count       int64  `json:"count"`       // how many records
}

// Stats are all counts.
type Stats struct {
	Counts []Count `json:"counts"`
}

// StartExecution asks for an execution outside the state database.
type StartExecution struct {
	Workflow string          `json:"workflow"`
	Name     string          `json:"name,omitempty"` // a random one when empty
	Input    json.RawMessage `json:"input"`
}

// Execution describes an execution. Input and Output come only with a single one.
type Execution struct {
	ARN       string          `json:"arn"`                  // as AWS has it
	Workflow  string          `json:"workflow"`             // name of the workflow
	Name      string          `json:"name"`                 // unique among those of the workflow
	Status    string          `json:"status"`               // where it stands
	Start     time.Time       `json:"start"`                // when it began
	Stop      *time.Time      `json:"stop,omitempty"`       // when it ended
	PayloadID string          `json:"payload_id,omitempty"` // of the payload whose record it holds
	Lane      string          `json:"lane,omitempty"`       // of the process queue through which the payload came
	Error     string          `json:"error,omitempty"`      // name of the error that ended it
	Cause     string          `json:"cause,omitempty"`      // what the error says
	Input     json.RawMessage `json:"input,omitempty"`      // any JSON
	Output    json.RawMessage `json:"output,omitempty"`     // any JSON
	// Redrives, as in AWS's DescribeExecution.
	RedriveCount        int64      `json:"redrive_count,omitempty"`         // how often it went on after an end
	RedriveDate         *time.Time `json:"redrive_date,omitempty"`          // when it last did
	RedriveStatus       string     `json:"redrive_status,omitempty"`        // REDRIVABLE or NOT_REDRIVABLE
	RedriveStatusReason string     `json:"redrive_status_reason,omitempty"` // why not
}

// Executions is a page of executions.
type Executions struct {
	Executions []Execution `json:"executions"`
	Next       string      `json:"next,omitempty"`
}

// StopExecution aborts an execution.
type StopExecution struct {
	Error string `json:"error,omitempty"`
	Cause string `json:"cause,omitempty"`
}

// RedriveExecution lets an execution that did not succeed go on.
type RedriveExecution struct {
	ClientToken string `json:"client_token,omitempty"` // a repetition with the same one changes nothing
}

// History is a page of the events of an execution, each in the form of AWS's GetExecutionHistory.
type History struct {
	Events []json.RawMessage `json:"events"`
	Next   int64             `json:"next,omitempty"` // the number after which the next page begins
}

// Workflow is a workflow of the project.
type Workflow struct {
	Name       string          `json:"name"`
	ARN        string          `json:"arn"`
	Type       string          `json:"type"`
	Definition json.RawMessage `json:"definition,omitempty"` // only with a single one
}

// Workflows are all workflows.
type Workflows struct {
	Workflows []Workflow `json:"workflows"`
}

// Function is a function and its load.
type Function struct {
	Name string `json:"name"`
	ARN  string `json:"arn"`
	Kind string `json:"kind"` // builtin, lambda, command or http
	// Running and Waiting count calls, Processes those that are kept for calls or serve one.
	Running   int `json:"running"`
	Waiting   int `json:"waiting"`
	Processes int `json:"processes"`
}

// Functions are all functions.
type Functions struct {
	Functions []Function `json:"functions"`
}

// Invocation is what came of a call of a function. With Error it failed, for the reason in Cause.
type Invocation struct {
	RequestID string          `json:"request_id"`
	LogStream string          `json:"log_stream,omitempty"`
	Seconds   float64         `json:"seconds"`
	Payload   json.RawMessage `json:"payload,omitempty"`
	Error     string          `json:"error,omitempty"`
	Cause     string          `json:"cause,omitempty"`
}

// Queue is the state of a queue, by lane where it has lanes.
type Queue struct {
	Name        string `json:"name"`         // process, update-state, that of a subscription, or one of the project
	Lanes       []Lane `json:"lanes"`        // one without a name where there are no others
	DeadLetters int64  `json:"dead_letters"` // how many messages could not be handled
	// OldestSeconds is the age of the oldest message that waits, 0 when none does.
	OldestSeconds float64 `json:"oldest_seconds"`
}

// Lane is the state of one lane of a queue.
type Lane struct {
	Name        string `json:"name"`                  // empty where a queue has no lanes
	Ready       int64  `json:"ready"`                 // messages that wait
	Delayed     int64  `json:"delayed"`               // messages that wait for their time
	InFlight    int64  `json:"in_flight"`             // messages that somebody works on
	Open        int64  `json:"open,omitempty"`        // executions that came through the lane; only of the process queue
	Concurrency int64  `json:"concurrency,omitempty"` // how many of them there may be; only of the process queue
}

// Queues are all queues.
type Queues struct {
	Queues []Queue `json:"queues"`
}

// Message is a message of a queue; as a dead letter it has a reason.
type Message struct {
	ID           string            `json:"id"`                   // unique within the queue
	Body         string            `json:"body"`                 // as it was sent
	Attributes   map[string]string `json:"attributes,omitempty"` // as they were sent
	Lane         string            `json:"lane,omitempty"`       // through which it came
	ReceiveCount int               `json:"receive_count"`        // how often it was handed out
	Sent         time.Time         `json:"sent"`                 // when
	Died         *time.Time        `json:"died,omitempty"`       // when it became a dead letter
	Reason       string            `json:"reason,omitempty"`     // why it became a dead letter
	// Receipt stands for one reception; only received messages have one.
	Receipt string `json:"receipt,omitempty"`
}

// Receive asks for messages of a queue.
type Receive struct {
	Max               int     `json:"max,omitempty"`                // 1 when zero
	WaitSeconds       float64 `json:"wait_seconds,omitempty"`       // for the first message, at most 20
	VisibilitySeconds float64 `json:"visibility_seconds,omitempty"` // until it is handed out again; the queue's own when zero
}

// Received are messages that were handed out.
type Received struct {
	Messages []Message `json:"messages"`
}

// Receipts are those of messages that were worked on.
type Receipts struct {
	Receipts []string `json:"receipts"`
}

// SendMessage sends a message to a queue.
type SendMessage struct {
	Body         string            `json:"body"`
	Attributes   map[string]string `json:"attributes,omitempty"`
	Lane         string            `json:"lane,omitempty"`
	DelaySeconds float64           `json:"delay_seconds,omitempty"`
}

// DeadLetters is a page of dead letters.
type DeadLetters struct {
	Messages []Message `json:"messages"`
	Next     string    `json:"next,omitempty"`
}

// Moved is how many messages were sent again or deleted.
type Moved struct {
	Count int64 `json:"count"`
}

// LogLine is a line of a log.
type LogLine struct {
	Time time.Time `json:"time"`
	Text string    `json:"text"`
}

// Log is a part of a log stream.
type Log struct {
	Stream string    `json:"stream"`
	Lines  []LogLine `json:"lines"`
	Next   int64     `json:"next,omitempty"` // the line at which the next part begins
}

// LogStream is one log.
type LogStream struct {
	Name  string    `json:"name"`
	Start time.Time `json:"start"`
	Bytes int64     `json:"bytes"`
}

// LogStreams is a page of logs.
type LogStreams struct {
	Streams []LogStream `json:"streams"`
	Next    string      `json:"next,omitempty"`
}
