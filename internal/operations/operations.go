// Package operations answers what people ask over the HTTP API (/v1) about payloads, records and jobs, whatever platform keeps them: it turns
// requests into calls of the domain's interfaces and their results into the API's documents. The server answers so over the network; the
// command line answers so within its process for deployments that have no server.
//
// # Promises
//
//   - Both answer the same question with the same document, the same error and the same hint.
//   - A list that is streamed is read page by page; what goes wrong after it has begun cuts the answer off, so that nobody takes it for whole.
//   - A body of NDJSON is worked through as it comes, whatever its length.
package operations

import (
	"encoding/json"
	"log/slog"
	"net/http"

	"sundog/internal/problem"
)

// Surface is how requests are answered.
type Surface struct {
	// Classify gives an error its kind (package problem).
	Classify func(error) error
	Logger   *slog.Logger
	// Frank tells what is internal too: whoever asks is in the same process, and has no log to look into.
	Frank bool
}

// Fail answers with the problem document of an error. Its instance is the X-Request-Id of the answer.
func (s *Surface) Fail(w http.ResponseWriter, r *http.Request, err error) {
	err = s.Classify(err)
	id := w.Header().Get("X-Request-Id")
	if problem.Is(err, problem.Internal) {
		s.Logger.Error("request failed", "request", id, "method", r.Method, "path", r.URL.Path, "error", err)
	}
	doc := problem.DocumentOf(err, id)
	if s.Frank {
		doc.Detail = err.Error()
	}
	w.Header().Set("Content-Type", problem.MediaType)
	w.WriteHeader(doc.Status)
	_, _ = w.Write(doc.JSON())
}

// An Aborter is an answer whose reader is in the same process, and is told why it was cut off.
type Aborter interface{ Abort(reason error) }

// CutOff ends an answer that has begun: the client sees that it is not whole. It does not return.
func (s *Surface) CutOff(w http.ResponseWriter, r *http.Request, err error) {
	if near, ok := w.(Aborter); ok {
		near.Abort(s.Classify(err))
	} else if r.Context().Err() == nil {
		s.Logger.Warn("an answer was cut off", "path", r.URL.Path, "error", err)
	}
	panic(http.ErrAbortHandler)
}

// Handle makes a handler of a function from a request to a JSON document.
func Handle[T any](s *Surface, f func(r *http.Request) (T, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		answer, err := f(r)
		if err != nil {
			s.Fail(w, r, err)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		enc := json.NewEncoder(w)
		enc.SetEscapeHTML(false)
		if err := enc.Encode(answer); err != nil {
			s.Logger.Debug("answer not delivered", "path", r.URL.Path, "error", err)
		}
	}
}
