package server

import (
	"net/http"

	"sundog/internal/api"
	"sundog/internal/problem"
)

// routes is every path of the server.
func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+api.PathHealth, handle(s, s.health))

	mux.HandleFunc("POST "+api.PathPayloads, s.submit)
	mux.HandleFunc("GET "+api.PathPayloads, s.payload)
	mux.HandleFunc("GET "+api.PathPayloads+"/{id...}", s.payload)
	mux.HandleFunc("GET "+api.PathRecords, handle(s, s.records))
	mux.HandleFunc("GET "+api.PathStats, handle(s, s.stats))

	mux.HandleFunc("POST "+api.PathExecutions, handle(s, s.startExecution))
	mux.HandleFunc("GET "+api.PathExecutions, handle(s, s.executions))
	mux.HandleFunc("GET "+api.PathExecutions+"/{arn}", handle(s, s.execution))
	mux.HandleFunc("GET "+api.PathExecutions+"/{arn}/history", handle(s, s.history))
	mux.HandleFunc("POST "+api.PathExecutions+"/{arn}/stop", handle(s, s.stopExecution))
	mux.HandleFunc("GET "+api.PathWorkflows, handle(s, s.workflows))
	mux.HandleFunc("GET "+api.PathWorkflows+"/{name}", handle(s, s.workflow))

	mux.HandleFunc("GET "+api.PathFunctions, handle(s, s.functions))
	mux.HandleFunc("POST "+api.PathFunctions+"/{name}/invoke", handle(s, s.invoke))

	mux.HandleFunc("GET "+api.PathQueues, handle(s, s.queues))
	mux.HandleFunc("GET "+api.PathQueues+"/{queue}", handle(s, s.queue))
	mux.HandleFunc("POST "+api.PathQueues+"/{queue}/messages", handle(s, s.send))
	mux.HandleFunc("POST "+api.PathQueues+"/{queue}/receive", handle(s, s.receive))
	mux.HandleFunc("POST "+api.PathQueues+"/{queue}/delete", handle(s, s.settle))
	mux.HandleFunc("GET "+api.PathQueues+"/{queue}/dead-letters", handle(s, s.deadLetters))
	mux.HandleFunc("POST "+api.PathQueues+"/{queue}/redrive", handle(s, s.redriveAll))
	mux.HandleFunc("GET "+api.PathQueues+"/{queue}/dead-letters/{id}", handle(s, s.deadLetter))
	mux.HandleFunc("DELETE "+api.PathQueues+"/{queue}/dead-letters/{id}", handle(s, s.deleteDeadLetter))
	mux.HandleFunc("POST "+api.PathQueues+"/{queue}/dead-letters/{id}/redrive", handle(s, s.redrive))

	mux.HandleFunc("GET "+api.PathLogs, handle(s, s.log))
	mux.HandleFunc("GET "+api.PathLogStreams, handle(s, s.logStreams))

	mux.HandleFunc("GET "+api.PathEvents, s.events)
	mux.HandleFunc("GET "+api.PathCirrus, s.cirrus)

	mux.HandleFunc("POST /{$}", s.serveAWS)

	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		s.fail(w, r, problem.New(problem.NotFound, "there is nothing at %s %s", r.Method, r.URL.Path))
	})
	return mux
}
