package operator

import (
	"net/http"

	"sundog/internal/api"
	"sundog/internal/operations"
	"sundog/internal/problem"
)

// routes are the paths of the API that there are for a deployment on AWS.
func (o *Operator) routes() *http.ServeMux {
	mux := http.NewServeMux()
	records, jobs := o.records, o.jobs
	payloads := &operations.Payloads{Surface: o.surface, Intake: o, MaxLine: maxPayload}
	get(o, mux, api.PathHealth, o.health)
	mux.HandleFunc("POST "+api.PathPayloads, payloads.Submit)
	mux.HandleFunc("GET "+api.PathPayloads, records.Payload)
	mux.HandleFunc("GET "+api.PathPayloads+"/{id...}", records.Payload)
	answers(o, mux, "PUT "+api.PathPayloads, records.Store)
	answers(o, mux, "DELETE "+api.PathPayloads, records.Remove)
	answers(o, mux, "DELETE "+api.PathPayloads+"/{id...}", records.Remove)
	mux.HandleFunc("GET "+api.PathRecords, records.Page)
	get(o, mux, api.PathStats, records.Stats)
	get(o, mux, api.PathErrors, records.Errors)
	mux.HandleFunc("GET "+api.PathExport, records.Export)
	answers(o, mux, "POST "+api.PathImport, records.Import)
	answers(o, mux, "POST "+api.PathMigrate, records.Migrate)
	answers(o, mux, "POST "+api.PathReconcile, records.Settle)

	answers(o, mux, "POST "+api.PathJobs, jobs.Create)
	answers(o, mux, "POST "+api.PathJobs+"/preview", jobs.Preview)
	get(o, mux, api.PathJobs, jobs.List)
	get(o, mux, api.PathJobs+"/{id}", jobs.Job)
	get(o, mux, api.PathJobs+"/{id}/failures", jobs.Failures)
	answers(o, mux, "POST "+api.PathJobs+"/{id}/pause", jobs.Pause)
	answers(o, mux, "POST "+api.PathJobs+"/{id}/resume", jobs.Resume)
	answers(o, mux, "POST "+api.PathJobs+"/{id}/cancel", jobs.Cancel)
	answers(o, mux, "POST "+api.PathJobs+"/{id}/work", o.workJob)

	answers(o, mux, "POST "+api.PathExecutions, o.startExecution)
	get(o, mux, api.PathExecutions, o.executions)
	get(o, mux, api.PathExecutions+"/{arn}", o.execution)
	get(o, mux, api.PathExecutions+"/{arn}/history", o.history)
	answers(o, mux, "POST "+api.PathExecutions+"/{arn}/stop", o.stopExecution)
	answers(o, mux, "POST "+api.PathExecutions+"/{arn}/redrive", o.redriveExecution)
	get(o, mux, api.PathWorkflows, o.workflows)
	get(o, mux, api.PathWorkflows+"/{name}", o.workflow)

	get(o, mux, api.PathFunctions, o.listFunctions)
	answers(o, mux, "POST "+api.PathFunctions+"/{name}/invoke", o.invoke)

	get(o, mux, api.PathQueues, o.queues)
	get(o, mux, api.PathQueues+"/{queue}", o.queue)
	answers(o, mux, "POST "+api.PathQueues+"/{queue}/messages", o.sendMessage)
	get(o, mux, api.PathQueues+"/{queue}/dead-letters", o.deadLetters)
	answers(o, mux, "DELETE "+api.PathQueues+"/{queue}/dead-letters", o.purgeDeadLetters)
	answers(o, mux, "POST "+api.PathQueues+"/{queue}/redrive", o.redriveAll)
	get(o, mux, api.PathQueues+"/{queue}/dead-letters/{id}", o.deadLetter)
	answers(o, mux, "DELETE "+api.PathQueues+"/{queue}/dead-letters/{id}", o.deleteDeadLetter)
	answers(o, mux, "POST "+api.PathQueues+"/{queue}/dead-letters/{id}/redrive", o.redriveDeadLetter)

	get(o, mux, api.PathLogs, o.log)
	get(o, mux, api.PathLogStreams, o.logStreams)

	for path, missing := range withoutCounterpart() {
		refuse := func(w http.ResponseWriter, r *http.Request) {
			o.surface.Fail(w, r, problem.New(problem.Invalid, "a deployment on AWS has no %s", missing.what).WithHint("%s", missing.instead))
		}
		mux.HandleFunc(path, refuse)
		mux.HandleFunc(path+"/", refuse)
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		o.surface.Fail(w, r, problem.New(problem.Invalid, "%s %s is not there for deployments on AWS", r.Method, r.URL.Path))
	})
	return mux
}

func answers[T any](o *Operator, mux *http.ServeMux, pattern string, f func(*http.Request) (T, error)) {
	mux.HandleFunc(pattern, operations.Handle(o.surface, f))
}

func get[T any](o *Operator, mux *http.ServeMux, path string, f func(*http.Request) (T, error)) {
	answers(o, mux, "GET "+path, f)
}

// missing is a part of the API that has no counterpart on AWS.
type missing struct{ what, instead string }

// withoutCounterpart are those parts, by their paths.
func withoutCounterpart() map[string]missing {
	return map[string]missing{
		api.PathTokens:    {"tokens", "who may do what is said by the policies of IAM"},
		api.PathAudit:     {"audit log of its own", "CloudTrail keeps who called what"},
		api.PathBackup:    {"data directory to copy", "the table has point-in-time recovery, the buckets have versions; sundog export writes the records"},
		api.PathTriggers:  {"triggers that can be steered here", "they are event source mappings, pipes and schedules: aws lambda list-event-source-mappings, aws pipes list-pipes, aws scheduler list-schedules"},
		api.PathSchedules: {"schedules that can be steered here", "those of the project are in EventBridge: aws scheduler list-schedules; others have an API of their own: POST /schedule"},
		api.PathGivenUp:   {"schedules that can be steered here", "what they could not deliver is in the dead-letter queues of their actions"},
		api.PathTables:    {"tables that can be looked at here", "aws dynamodb scan, or the console of DynamoDB"},
		api.PathEvents:    {"stream of workflow events", "subscribe a queue to the topic CIRRUS_WORKFLOW_EVENT_TOPIC_ARN"},
		api.PathMetrics:   {"metrics for Prometheus", "they are in CloudWatch"},
	}
}
