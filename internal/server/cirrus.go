package server

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"sundog/internal/api"
	"sundog/internal/bucket"
	"sundog/internal/cirrusapi"
	"sundog/internal/embedded"
)

// newCirrusAPI is Cirrus's API over a platform.
func newCirrusAPI(p *embedded.Platform) *cirrusapi.API {
	return &cirrusapi.API{
		Records: p.Records, Transitions: p.Feed, Layout: p.Layout,
		Catalog: func(ctx context.Context) ([]byte, string, error) {
			text, _, err := p.Catalog.Get(ctx, "catalog.json")
			if errors.Is(err, bucket.ErrNotFound) { // nothing was published yet
				return nil, "", nil
			}
			return text, "file://" + p.Catalog.Path("catalog.json"), err
		},
	}
}

// cirrus answers as the API of Cirrus does. Any page may read it, as there; what keeps others out is the token.
func (s *Server) cirrus(w http.ResponseWriter, r *http.Request) {
	path, _ := strings.CutPrefix(r.URL.Path, strings.TrimSuffix(api.PathCirrus, "/"))
	scheme := "http"
	if r.TLS != nil {
		scheme = "https"
	}
	answer, err := s.cirrusAPI.Answer(r.Context(), cirrusapi.Request{
		Path: path, Query: r.URL.Query(), Root: scheme + "://" + r.Host + api.PathCirrus,
	})
	if err != nil {
		s.fail(w, r, err)
		return
	}
	for name, value := range cirrusapi.Headers() {
		w.Header().Set(name, value)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(answer.Status)
	if _, err := w.Write(answer.Body); err != nil {
		s.opts.Logger.Debug("answer not delivered", "path", r.URL.Path, "error", err)
	}
}
