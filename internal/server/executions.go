package server

import (
	"net/http"

	"sundog/internal/api"
	"sundog/internal/embedded/engine"
	"sundog/internal/embedded/machine"
	"sundog/internal/request"
)

func describe(d engine.Description, input, output []byte) api.Execution {
	e := api.Execution{
		ARN: d.ARN, Workflow: d.Machine, Name: d.Name, Status: string(d.Status), Start: d.Start,
		PayloadID: d.PayloadID, Lane: d.Lane, Error: d.Error, Cause: d.Cause, Input: input, Output: output,
	}
	if !d.Stop.IsZero() {
		e.Stop = &d.Stop
	}
	e.RedriveCount, e.RedriveStatus, e.RedriveStatusReason = d.RedriveCount, string(d.RedriveStatus), d.RedriveStatusReason
	if d.RedriveCount > 0 {
		e.RedriveDate = &d.RedriveDate
	}
	return e
}

func (s *Server) startExecution(r *http.Request) (api.Execution, error) {
	req, err := request.StartOf(r)
	if err != nil {
		return api.Execution{}, err
	}
	d, err := s.platform.Engine.Start(r.Context(), engine.StartRequest{Machine: req.Workflow, Name: req.Name, Input: req.Input})
	return describe(d, nil, nil), err
}

func (s *Server) execution(r *http.Request) (api.Execution, error) {
	d, input, output, err := s.platform.Engine.Describe(r.Context(), r.PathValue("arn"))
	return describe(d, input, output), err
}

func (s *Server) executions(r *http.Request) (api.Executions, error) {
	asked, err := request.ExecutionsOf(r)
	if err != nil {
		return api.Executions{}, err
	}
	found, next, err := s.platform.Engine.List(r.Context(), engine.Filter{Machine: asked.Workflow, Status: asked.Status, Token: asked.After, Limit: asked.Limit})
	if err != nil {
		return api.Executions{}, err
	}
	page := api.Executions{Executions: []api.Execution{}, Next: next}
	for _, d := range found {
		page.Executions = append(page.Executions, describe(d, nil, nil))
	}
	return page, nil
}

func (s *Server) stopExecution(r *http.Request) (api.Execution, error) {
	var req api.StopExecution
	if err := request.Body(r, &req); err != nil {
		return api.Execution{}, err
	}
	arn := r.PathValue("arn")
	if err := s.platform.Engine.Stop(r.Context(), arn, req.Error, req.Cause); err != nil {
		return api.Execution{}, err
	}
	return s.execution(r)
}

func (s *Server) redriveExecution(r *http.Request) (api.Execution, error) {
	var req api.RedriveExecution
	if err := request.Body(r, &req); err != nil {
		return api.Execution{}, err
	}
	d, err := s.platform.Engine.Redrive(r.Context(), r.PathValue("arn"), req.ClientToken)
	if err != nil {
		return api.Execution{}, err
	}
	return describe(d, nil, nil), nil
}

func (s *Server) workflows(*http.Request) (api.Workflows, error) {
	all := api.Workflows{Workflows: []api.Workflow{}}
	for _, m := range s.platform.Engine.Machines().Machines("", machine.MaxMachines) {
		all.Workflows = append(all.Workflows, api.Workflow{Name: m.Name, ARN: m.ARN, Type: m.Type})
	}
	return all, nil
}

func (s *Server) workflow(r *http.Request) (api.Workflow, error) {
	machines := s.platform.Engine.Machines()
	m, err := machines.Machine(r.PathValue("name"))
	if err != nil {
		return api.Workflow{}, err
	}
	definition, err := machines.Definition(m.Revision.Definition)
	return api.Workflow{Name: m.Name, ARN: m.ARN, Type: m.Type, Definition: definition}, err
}
