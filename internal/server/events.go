package server

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/tidwall/gjson"

	"sundog/internal/embedded/feed"
	"sundog/internal/problem"
	"sundog/internal/statedb"
)

const contentTypeEvents = "text/event-stream"

// Bounds of a stream of events.
const (
	eventsAtOnce  = 256
	eventsAlive   = 15 * time.Second // a comment is sent when nothing happens, so that both sides see whether the other is there
	eventsBlocked = 30 * time.Second // a reader that takes nothing for so long is cut off; it can read on later
)

// eventFilter says which events somebody wants to see. Empty fields: all.
type eventFilter struct {
	workflow  string
	state     statedb.State
	payloadID string // or its beginning, when it ends in *
}

func (f *eventFilter) wants(e *feed.Entry) bool {
	if f.workflow != "" && e.Workflow != f.workflow || f.state != "" && statedb.StateOf(e.Type) != f.state {
		return false
	}
	if f.payloadID == "" {
		return true
	}
	id := gjson.GetBytes(e.Message, "payload_id").String()
	prefix, open := strings.CutSuffix(f.payloadID, "*")
	return id == f.payloadID || open && strings.HasPrefix(id, prefix)
}

// events streams workflow events as they happen (Server-Sent Events). Whoever names the last event that he saw, in the header Last-Event-ID
// or the parameter after, gets what happened since; otherwise the stream begins now.
func (s *Server) events(w http.ResponseWriter, r *http.Request) {
	filter, after, err := s.eventsRequest(r)
	if err != nil {
		s.Fail(w, r, err)
		return
	}
	entries, err := s.platform.Feed.Read(r.Context(), after, eventsAtOnce)
	if err != nil {
		s.Fail(w, r, err)
		return
	}
	w.Header().Set("Content-Type", contentTypeEvents)
	w.Header().Set("Cache-Control", "no-store")
	stream := &eventStream{w: w, control: http.NewResponseController(w)}
	stream.send(": events from here\n\n")
	for stream.err == nil {
		for i := range entries {
			e := &entries[i]
			if after = e.ID; filter.wants(e) {
				stream.send(fmt.Sprintf("id: %d\nevent: %s\ndata: %s\n\n", e.ID, e.Type, e.Message))
			}
		}
		stream.flush()
		wait := func(ctx context.Context) error { return s.platform.Feed.Wait(ctx, after) }
		if len(entries) < eventsAtOnce && !s.awaitNews(r, stream, wait) {
			return
		}
		if entries, err = s.platform.Feed.Read(r.Context(), after, eventsAtOnce); err != nil {
			s.opts.Logger.Debug("a stream of events ends", "error", err)
			return
		}
	}
}

// eventsRequest reads what is asked for.
func (s *Server) eventsRequest(r *http.Request) (filter eventFilter, after uint64, err error) {
	q := r.URL.Query()
	filter = eventFilter{workflow: q.Get("workflow"), payloadID: q.Get("payload_id")}
	if text := q.Get("state"); text != "" {
		if filter.state, err = statedb.ParseState(text); err != nil {
			return filter, 0, problem.Wrap(problem.Invalid, err, "the parameter state")
		}
		if filter.state == statedb.Completed {
			filter.state = statedb.Succeeded
		}
	}
	text := r.Header.Get("Last-Event-ID")
	if text == "" {
		text = q.Get("after")
	}
	if text == "" {
		return filter, s.platform.Feed.Last(), nil
	}
	if after, err = strconv.ParseUint(text, 10, 64); err != nil {
		return filter, 0, problem.New(problem.Invalid, "%q is not the id of an event", text).WithHint("send the id of the last event that you saw, or 0 for all that are kept")
	}
	return filter, after, nil
}

// awaitNews returns true when wait does, since there is something new, and false when the stream has ended.
func (s *Server) awaitNews(r *http.Request, stream *eventStream, wait func(context.Context) error) bool {
	for {
		ctx, cancel := s.untilClosing(r, eventsAlive)
		err := wait(ctx)
		cancel()
		switch {
		case err == nil:
			return true
		case !errors.Is(err, context.DeadlineExceeded) || r.Context().Err() != nil:
			return false
		}
		stream.send(": nothing new\n\n")
		if stream.flush(); stream.err != nil {
			return false
		}
	}
}

// eventStream writes, and remembers that it no longer can.
type eventStream struct {
	w       http.ResponseWriter
	control *http.ResponseController
	err     error
}

func (s *eventStream) send(text string) {
	if s.err == nil {
		_ = s.control.SetWriteDeadline(time.Now().Add(eventsBlocked))
		_, s.err = s.w.Write([]byte(text))
	}
}

func (s *eventStream) flush() {
	if s.err == nil {
		s.err = s.control.Flush()
	}
}
