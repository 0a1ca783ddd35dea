package server

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"sundog/internal/access"
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

// crossOrigin says with every answer of the API of Cirrus that pages of other sites may read it, as there. It reports whether the
// request was only a browser's question about that (a preflight of the Fetch standard, which never carries a token) and is answered.
func crossOrigin(w http.ResponseWriter, r *http.Request) bool {
	if !strings.HasPrefix(r.URL.Path, api.PathCirrus) {
		return false
	}
	for name, value := range cirrusapi.Headers() {
		w.Header().Set(name, value)
	}
	if r.Method != http.MethodOptions || r.Header.Get("Access-Control-Request-Method") == "" {
		return false
	}
	w.Header().Set("Access-Control-Allow-Methods", "GET, HEAD")
	w.Header().Set("Access-Control-Allow-Headers", "Authorization")
	w.WriteHeader(http.StatusNoContent)
	return true
}

// dashboard recognises what a page of another site may do: read the API of Cirrus, if it shows a token or comes from this machine.
func dashboard(r *http.Request, caller access.Token) bool {
	if !strings.HasPrefix(r.URL.Path, api.PathCirrus) || r.Method != http.MethodGet && r.Method != http.MethodHead {
		return false
	}
	if caller.Name != access.ActorLocal {
		return true
	}
	origin, err := url.Parse(r.Header.Get("Origin"))
	return err == nil && loopback(origin.Hostname())
}

// cirrus answers as the API of Cirrus does.
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
		s.Fail(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(answer.Status)
	if _, err := w.Write(answer.Body); err != nil {
		s.opts.Logger.Debug("answer not delivered", "path", r.URL.Path, "error", err)
	}
}
