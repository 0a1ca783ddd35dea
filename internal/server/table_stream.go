package server

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"

	"sundog/internal/api"
	"sundog/internal/operations"
	"sundog/internal/problem"
	"sundog/internal/request"
	"sundog/internal/table"
)

// Changes at once.
const (
	changesOnPage    = 100
	maxChangesOnPage = 1000
)

// tableStream answers with a part of a table's stream: from `after` on, else its beginning. As Server-Sent Events it goes on as changes are
// made, and begins now when nothing is said.
func (s *Server) tableStream(w http.ResponseWriter, r *http.Request) {
	if wantsEvents(r) {
		s.followTable(w, r)
		return
	}
	operations.Handle(s.Surface, s.tableChanges)(w, r)
}

func (s *Server) tableChanges(r *http.Request) (api.Changes, error) {
	limit, err := request.Number(r, "limit", changesOnPage, 1, maxChangesOnPage)
	if err != nil {
		return api.Changes{}, err
	}
	after, err := s.changePosition(r, r.PathValue("table"), 0)
	if err != nil {
		return api.Changes{}, err
	}
	records, err := s.platform.Tables.Changes(r.Context(), r.PathValue("table"), after, limit)
	if err != nil {
		return api.Changes{}, err
	}
	page := api.Changes{Changes: make([]api.Change, 0, len(records)), Next: after}
	for i := range records {
		c, err := changeOf(&records[i])
		if err != nil {
			return api.Changes{}, err
		}
		page.Changes, page.Next = append(page.Changes, c), c.Sequence
	}
	return page, nil
}

// changePosition reads where a reader begins: after the record that the header Last-Event-ID or the parameter after names; "latest" is now.
func (s *Server) changePosition(r *http.Request, table string, otherwise uint64) (uint64, error) {
	text := r.Header.Get("Last-Event-ID")
	if text == "" {
		text = r.URL.Query().Get("after")
	}
	switch text {
	case "":
		return otherwise, nil
	case "latest":
		return s.platform.Tables.Newest(r.Context(), table)
	}
	after, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		return 0, problem.New(problem.Invalid, "%q is not the sequence number of a record", text).WithHint("send the last one that you saw, 0 for the beginning, or latest")
	}
	return after, nil
}

func changeOf(r *table.Record) (api.Change, error) {
	c := api.Change{Sequence: r.Sequence, Event: r.Event, Expired: r.Expired, At: r.At}
	for _, image := range []struct {
		to   *json.RawMessage
		item table.Item
	}{{&c.Keys, r.Keys}, {&c.Old, r.Old}, {&c.New, r.New}} {
		if image.item == nil {
			continue
		}
		text, err := image.item.MarshalJSON()
		if err != nil {
			return c, err
		}
		*image.to = text
	}
	return c, nil
}

// followTable streams the changes of a table.
func (s *Server) followTable(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("table")
	newest, err := s.platform.Tables.Newest(r.Context(), name)
	if err != nil {
		s.Fail(w, r, err)
		return
	}
	after, err := s.changePosition(r, name, newest)
	if err != nil {
		s.Fail(w, r, err)
		return
	}
	s.follow(w, r, changesOf{table: name, after: after, first: ": changes from here\n\n"}, func(record *table.Record) (string, bool, error) {
		c, err := changeOf(record)
		if err != nil {
			return "", false, err
		}
		text, err := json.Marshal(c)
		return fmt.Sprintf("id: %d\nevent: %s\ndata: %s\n\n", c.Sequence, c.Event, text), false, err
	})
}

// changesOf are the changes of a table after one, those of one item when there is a key. first is what the stream of them begins with.
type changesOf struct {
	table string
	key   table.Item
	after uint64
	first string
}

// follow writes changes as Server-Sent Events, until the reader goes away, the server is told to stop or text says that a change was the
// last one.
func (s *Server) follow(w http.ResponseWriter, r *http.Request, c changesOf, text func(*table.Record) (event string, last bool, err error)) {
	w.Header().Set("Content-Type", contentTypeEvents)
	w.Header().Set("Cache-Control", "no-store")
	stream := &eventStream{w: w, control: http.NewResponseController(w)}
	stream.send(c.first)
	for stream.err == nil {
		records, err := s.platform.Tables.Changes(r.Context(), c.table, c.after, eventsAtOnce)
		last := false
		for i := 0; i < len(records) && err == nil && !last; i++ {
			if c.after = records[i].Sequence; c.key != nil && !records[i].Keys.Equal(c.key) {
				continue
			}
			var event string
			if event, last, err = text(&records[i]); err == nil {
				stream.send(event)
			}
		}
		if stream.flush(); err != nil || last {
			s.opts.Logger.Debug("a stream of changes ends", "table", c.table, "error", err)
			return
		}
		wait := func(ctx context.Context) error { return s.platform.Tables.Wait(ctx, c.table, c.after) }
		if len(records) == 0 && !s.awaitNews(r, stream, wait) {
			return
		}
	}
}
