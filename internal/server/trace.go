package server

import (
	"net/http"

	"sundog/internal/trace"
)

// withTrace has what a request causes continue the trace of whoever makes it. A header that cannot be read is as good as none (W3C Trace
// Context, "Processing Model for Working with Trace Context").
func (s *Server) withTrace(r *http.Request) *http.Request {
	text := r.Header.Get(trace.Header)
	if text == "" || !s.platform.Traces() {
		return r
	}
	place, err := trace.Parse(text)
	if err != nil {
		return r
	}
	return r.WithContext(trace.With(r.Context(), place))
}
