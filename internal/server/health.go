package server

import (
	"net/http"

	"sundog/internal/api"
)

func (s *Server) health(r *http.Request) (api.Health, error) {
	totals, err := s.platform.Totals(r.Context())
	if err != nil {
		return api.Health{}, err
	}
	return api.Health{
		Status: "ok", Version: s.opts.Version, Project: s.platform.Project.Name,
		Records: totals.Records, Open: totals.Open, Queued: totals.Queued,
	}, nil
}
