package server

import (
	"net/http"
	"slices"

	"sundog/internal/access"
	"sundog/internal/api"
	"sundog/internal/problem"
	"sundog/internal/server/openapi"
)

// route is one operation of the server: who may call it, what serves it and how it is described.
type route struct {
	openapi.Operation
	role  access.Role // that a token needs at least
	serve http.HandlerFunc
}

// table is every path of the server.
func (s *Server) table() []route {
	return slices.Concat(s.recordRoutes(), s.jobRoutes(), s.scheduleRoutes(), s.tableRoutes(), s.resourceRoutes(), []route{
		answers(s, "GET", api.PathHealth, access.Read, s.health, "How the server is"),

		serves("POST", api.PathPayloads, access.Operate, s.payloads.Submit, "Put payloads into the process queue",
			query("lane", "the lane of the process queue, the first when empty"), sends("a payload, an array of them, or one in each line of NDJSON", "application/json", api.ContentTypeNDJSON),
			gives[[]api.Accepted]("for each payload whether it was accepted: as an array, or, to NDJSON, an element in each line", "application/json", api.ContentTypeNDJSON)),
		serves("GET", api.PathPayloads, access.Read, s.records.Payload, "The record of a payload, or the input or output of its last execution",
			must("id", "the payload's id"), document, gives[any](documentText)),
		serves("GET", api.PathPayloads+"/{id...}", access.Read, s.records.Payload, "The record of a payload, or the input or output of its last execution",
			document, gives[any](documentText)),
		answers(s, "GET", api.PathStats, access.Read, s.records.Stats, "Counts of records by collections, workflow and state"),

		answers(s, "POST", api.PathExecutions, access.Operate, s.startExecution, "Start an execution without a record", takes[api.StartExecution]),
		answers(s, "GET", api.PathExecutions, access.Read, s.executions, "Executions of a workflow, those that run first, each the newest first",
			must("workflow", "the workflow's name"), query("status", "RUNNING, SUCCEEDED, FAILED, TIMED_OUT or ABORTED"), limit, next),
		answers(s, "GET", api.PathExecutions+"/{arn}", access.Read, s.execution, "An execution with its input and output"),
		answers(s, "GET", api.PathExecutions+"/{arn}/history", access.Read, s.history, "Events of an execution, as AWS's GetExecutionHistory has them",
			toggle("reverse", "the last first"), toggle("log_metadata", "tell of tasks where their logs are: logMetadata in the details"), limit, numbered("next", "the number of the event after which to begin")),
		answers(s, "POST", api.PathExecutions+"/{arn}/stop", access.Operate, s.stopExecution, "Stop an execution", takes[api.StopExecution]),
		answers(s, "POST", api.PathExecutions+"/{arn}/redrive", access.Operate, s.redriveExecution,
			"Let an execution that did not succeed go on from its unsuccessful states"),
		answers(s, "GET", api.PathWorkflows, access.Read, s.workflows, "Workflows"),
		answers(s, "GET", api.PathWorkflows+"/{name}", access.Read, s.workflow, "A workflow with its definition"),

		answers(s, "GET", api.PathFunctions, access.Read, s.functions, "Functions and their load"),
		answers(s, "POST", api.PathFunctions+"/{name}/invoke", access.Operate, s.invoke, "Call a function", sends("the event: any JSON")),

		answers(s, "GET", api.PathQueues, access.Read, s.queues, "Queues and what waits in them"),
		answers(s, "GET", api.PathQueues+"/{queue}", access.Read, s.queue, "A queue and what waits in it"),
		answers(s, "POST", api.PathQueues+"/{queue}/messages", access.Operate, s.send, "Send a message", takes[api.SendMessage]),
		answers(s, "POST", api.PathQueues+"/{queue}/receive", access.Operate, s.receive, "Receive messages of a queue of the project's own", takes[api.Receive]),
		answers(s, "POST", api.PathQueues+"/{queue}/delete", access.Operate, s.settle, "Delete messages that were received", takes[api.Receipts]),
		answers(s, "GET", api.PathQueues+"/{queue}/dead-letters", access.Read, s.deadLetters, "Dead letters of a queue, the oldest first", limit, next),
		answers(s, "POST", api.PathQueues+"/{queue}/redrive", access.Operate, s.redriveAll, "Send all dead letters of a queue again"),
		answers(s, "GET", api.PathQueues+"/{queue}/dead-letters/{id}", access.Read, s.deadLetter, "A dead letter"),
		answers(s, "DELETE", api.PathQueues+"/{queue}/dead-letters/{id}", access.Operate, s.deleteDeadLetter, "Delete a dead letter",
			query("reason", "why, for the audit log")),
		answers(s, "DELETE", api.PathQueues+"/{queue}/dead-letters", access.Operate, s.purgeDeadLetters, "Delete all dead letters of a queue", reason),
		answers(s, "POST", api.PathQueues+"/{queue}/dead-letters/{id}/redrive", access.Operate, s.redrive, "Send a dead letter again"),

		answers(s, "GET", api.PathTriggers, access.Read, s.triggers, "Triggers and how far they are behind"),
		answers(s, "GET", api.PathTriggers+"/{trigger}", access.Read, s.trigger, "A trigger and how far it is behind"),
		answers(s, "POST", api.PathTriggers+"/{trigger}/pause", access.Operate, s.pauseTrigger, "Stop a trigger from taking events"),
		answers(s, "POST", api.PathTriggers+"/{trigger}/resume", access.Operate, s.resumeTrigger, "Let a paused trigger go on where it was"),
		answers(s, "POST", api.PathTriggers+"/{trigger}/replay", access.Operate, s.replayTrigger, "Let a trigger handle events again that its source still has", takes[api.Replay]),

		answers(s, "GET", api.PathLogs, access.Read, s.log, "Lines of a log", must("stream", "the log's name"), limit, numbered("next", "the line to begin at")),
		answers(s, "GET", api.PathLogStreams, access.Read, s.logStreams, "Logs", query("prefix", "how their names begin"), limit, next),

		serves("GET", api.PathEvents, access.Read, s.events, "Workflow events as they happen (Server-Sent Events)",
			query("workflow", "of this workflow only"), query("state", "of this state only"), query("payload_id", "of this payload only, or, ending in *, of those that begin so"),
			numbered("after", "the id of the event after which to begin; now when missing"), header("Last-Event-ID", "like after, and goes before it"),
			gives[string]("a stream without an end", contentTypeEvents)),

		answers(s, "POST", api.PathTokens, access.Administer, s.createToken, "Make a token", takes[api.CreateToken]),
		answers(s, "GET", api.PathTokens, access.Administer, s.tokens, "Tokens, without their texts"),
		answers(s, "DELETE", api.PathTokens+"/{name}", access.Administer, s.revokeToken, "Revoke a token"),

		serves("POST", "/{$}", access.Administer, s.serveAWS, "The APIs of AWS", gives[any]("as AWS answers")),
		serves("GET", api.PathCirrus, access.Read, s.cirrus, "The API of Cirrus", gives[any]("as Cirrus answers")),
		serves("GET", api.PathMetrics, access.Read, s.metrics, "Metrics for Prometheus", gives[string]("the text format of Prometheus", "text/plain")),
		serves("GET", api.PathOpenAPI, access.Read, s.openAPI, "This document", gives[any]("an OpenAPI document")),
	})
}

// routes makes a handler of the table.
func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	for _, r := range s.table() {
		mux.Handle(r.Method+" "+r.Path, s.permit(r.role, s.checked(r)))
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		s.Fail(w, r, problem.New(problem.NotFound, "there is nothing at %s %s", r.Method, r.URL.Path))
	})
	return mux
}
