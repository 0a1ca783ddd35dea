package server

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"

	"github.com/tidwall/sjson"

	"sundog/asl"
	"sundog/internal/api"
	"sundog/internal/embedded/engine"
	"sundog/internal/embedded/integration"
	"sundog/internal/request"
)

func (s *Server) history(r *http.Request) (api.History, error) {
	asked, err := request.HistoryOf(r)
	if err != nil {
		return api.History{}, err
	}
	arn := r.PathValue("arn")
	events, next, err := s.platform.Engine.History(r.Context(), arn, engine.Page{After: asked.After, Limit: asked.Limit, Reverse: asked.Reverse})
	if err != nil {
		return api.History{}, err
	}
	page := api.History{Events: []json.RawMessage{}, Next: next}
	logs := logFinder{engine: s.platform.Engine, arn: arn, page: events}
	for i := range events {
		text := events[i].AppendAWS(nil, true)
		if asked.Logs {
			if text, err = logs.addTo(r.Context(), text, events[i]); err != nil {
				return page, err
			}
		}
		page.Events = append(page.Events, text)
	}
	return page, nil
}

// A logFinder says where the logs of the tasks are whose events are on a page.
type logFinder struct {
	engine *engine.Engine
	arn    string
	page   []asl.HistoryEvent
}

// addTo adds the member logMetadata to the details of an event in AWS's form, if its task has a log.
func (f *logFinder) addTo(ctx context.Context, text []byte, ev asl.HistoryEvent) ([]byte, error) {
	var failed error
	ref, err := integration.LogOf(f.arn, ev, func(id int64) (found asl.HistoryEvent, ok bool) {
		found, ok, failed = f.event(ctx, id)
		return found, ok
	})
	if failed != nil {
		return nil, failed
	}
	if err != nil || ref == nil { // of an execution from before tasks were numbered nothing tells; its history is worth having without
		return text, nil //nolint:nilerr // see above
	}
	return sjson.SetBytes(text, strings.ToLower(ev.Type[:1])+ev.Type[1:]+"EventDetails.logMetadata", ref)
}

// event returns an event by its number: one of the page, or else read again.
func (f *logFinder) event(ctx context.Context, id int64) (asl.HistoryEvent, bool, error) {
	if len(f.page) > 0 {
		at := id - f.page[0].ID
		if f.page[len(f.page)-1].ID < f.page[0].ID { // the last first
			at = -at
		}
		if at >= 0 && at < int64(len(f.page)) {
			return f.page[at], true, nil
		}
	}
	if id < 1 {
		return asl.HistoryEvent{}, false, nil
	}
	found, _, err := f.engine.History(ctx, f.arn, engine.Page{After: id - 1, Limit: 1})
	if err != nil || len(found) == 0 {
		return asl.HistoryEvent{}, false, err
	}
	return found[0], true, nil
}
