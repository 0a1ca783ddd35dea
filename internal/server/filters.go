package server

import (
	"fmt"
	"math"
	"net/http"
	"strings"

	"sundog/internal/api"
	"sundog/internal/problem"
	"sundog/internal/statedb"
)

// filters reads which records a request asks for, in what order: everything when it names nothing.
func (s *Server) filters(r *http.Request) (statedb.Query, error) {
	v := r.URL.Query()
	q := statedb.Query{
		Partition: v.Get("collections_workflow"), Workflow: v.Get("workflow"), ErrorPrefix: v.Get("error_prefix"), ItemPrefix: v.Get("item_prefix"),
	}
	var err error
	if q.Ascending, err = flag(r, "ascending"); err != nil {
		return q, err
	}
	if text := v.Get("state"); text != "" {
		if q.State, err = statedb.ParseState(text); err != nil {
			return q, problem.Wrap(problem.Invalid, err, "the parameter state")
		}
	}
	if text := v.Get("index"); text != "" {
		if q.Index, err = statedb.ParseIndex(text); err != nil {
			return q, err
		}
	}
	if q.Since, err = s.instant("since", v.Get("since")); err != nil {
		return q, err
	}
	q.Until, err = s.instant("until", v.Get("until"))
	return q, err
}

// wantsLines says whether a request asks for NDJSON.
func wantsLines(r *http.Request) bool { return accepts(r, api.ContentTypeNDJSON) }

// wantsEvents says whether a request asks for Server-Sent Events.
func wantsEvents(r *http.Request) bool { return accepts(r, contentTypeEvents) }

func accepts(r *http.Request, media string) bool {
	for _, accepted := range r.Header.Values("Accept") {
		if strings.Contains(accepted, media) {
			return true
		}
	}
	return false
}

// stream answers with a line for each record of a query, page by page as they are read, until there are none left or, when the request
// has a limit, as many as that. What goes wrong before the first record is a problem document; later the answer is cut off, so that
// nobody takes it for whole.
func (s *Server) stream(w http.ResponseWriter, r *http.Request, line func(*statedb.Record) ([]byte, error)) {
	q, err := s.filters(r)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	limit, err := number(r, "limit", math.MaxInt, 1, math.MaxInt)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	q.After, q.Limit = r.URL.Query().Get("next"), min(limit, statedb.MaxLimit)
	sent := 0
	for record, err := range statedb.All(r.Context(), s.platform.Records, q) {
		if sent == limit {
			return
		}
		var text []byte
		if err == nil {
			text, err = line(&record)
		}
		if err != nil && sent == 0 {
			s.fail(w, r, err)
			return
		}
		if sent == 0 {
			w.Header().Set("Content-Type", api.ContentTypeNDJSON)
		}
		if err == nil {
			_, err = w.Write(append(text, '\n'))
		}
		if err != nil {
			_ = http.NewResponseController(w).Flush() // the answer has begun, and the client is to see that
			s.cutOff(r, fmt.Errorf("after %d records: %w", sent, err))
		}
		sent++
	}
	if sent == 0 {
		w.Header().Set("Content-Type", api.ContentTypeNDJSON)
	}
}
