package server

import (
	"errors"
	"net/http"

	"sundog/internal/api"
	"sundog/internal/embedded/function"
	"sundog/internal/problem"
	"sundog/internal/request"
)

func (s *Server) functions(*http.Request) (api.Functions, error) {
	all := api.Functions{Functions: []api.Function{}}
	for _, f := range s.platform.Functions.Functions() {
		all.Functions = append(all.Functions, api.Function{
			Name: f.Name, ARN: s.platform.Functions.ARN(f.Name), Kind: string(f.Kind), Running: f.Running, Waiting: f.Waiting, Processes: f.Processes,
		})
	}
	return all, nil
}

// invoke calls a function with the body as its event. That the function failed is an answer, not an error.
func (s *Server) invoke(r *http.Request) (api.Invocation, error) {
	event, err := request.Event(r, function.MaxRequest)
	if err != nil {
		return api.Invocation{}, err
	}
	resp, err := s.platform.Functions.Invoke(r.Context(), function.Request{Function: r.PathValue("name"), Payload: event})
	answer := api.Invocation{RequestID: resp.RequestID, LogStream: resp.LogStream, Payload: resp.Payload, Seconds: resp.Duration.Seconds()}
	failed, ok := errors.AsType[*function.Error](err)
	switch {
	case !ok:
		return answer, err
	case failed.Type == function.ErrorNotFound:
		return answer, problem.New(problem.NotFound, "there is no function %q", r.PathValue("name")).WithHint("GET %s lists them", api.PathFunctions)
	}
	answer.Error, answer.Cause, answer.Payload = failed.Type, failed.Cause, nil
	return answer, nil
}
