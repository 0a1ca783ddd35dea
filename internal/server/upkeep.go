package server

import (
	"net/http"
	"path/filepath"
	"time"

	"sundog/internal/api"
	"sundog/internal/audit"
	"sundog/internal/problem"
	"sundog/internal/request"
)

// backup copies the data directory into a folder of the server's machine.
func (s *Server) backup(r *http.Request) (api.Backup, error) {
	var req api.Backup
	if err := request.Body(r, &req); err != nil {
		return api.Backup{}, err
	}
	if !filepath.IsAbs(req.Dir) {
		return api.Backup{}, problem.New(problem.Invalid, "the folder of a backup, dir=%q, is no absolute path", req.Dir).
			WithHint("it is a folder of the server's machine that does not exist yet, such as /var/backups/sundog-%s", time.Now().Format(time.DateOnly))
	}
	if err := s.platform.Backup(r.Context(), req.Dir); err != nil {
		return api.Backup{}, err
	}
	return req, s.note(r, nil, audit.Backup, req.Dir, "")
}
