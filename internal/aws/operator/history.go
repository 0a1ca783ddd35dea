package operator

import (
	"encoding/json"
	"net/http"
	"strings"
	"sync"

	"github.com/tidwall/gjson"
	"github.com/tidwall/sjson"

	"sundog/internal/api"
	"sundog/internal/aws/executor"
	"sundog/internal/request"
)

// tokens remembers how a list goes on behind the page that was given out last: AWS's tokens say more than the numbers of this API, and
// whoever reads page after page need not begin anew.
type tokens struct {
	mu          sync.Mutex
	list, token string
	after       int64
}

// keep remembers the token of what follows a number in a list.
func (t *tokens) keep(list string, after int64, token string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.list, t.after, t.token = list, after, token
}

// behind is that token; empty when it is not known.
func (t *tokens) behind(list string, after int64) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.list != list || t.after != after || after == 0 {
		return ""
	}
	return t.token
}

// history gives a page of events, behind the one with a number.
func (o *Operator) history(r *http.Request) (api.History, error) {
	asked, err := request.HistoryOf(r)
	if err != nil {
		return api.History{}, err
	}
	arn := r.PathValue("arn")
	list := arn
	if asked.Reverse {
		list += " reverse"
	}
	page := api.History{Events: []json.RawMessage{}}
	token := o.tokens.behind(list, asked.After)
	skipping := asked.After != 0 && token == ""
	for {
		events, next, err := o.executor.History(r.Context(), arn, executor.Page{Token: token, Limit: asked.Limit - len(page.Events), Reverse: asked.Reverse})
		if err != nil {
			return page, err
		}
		for _, event := range events {
			if skipping {
				skipping = gjson.GetBytes(event, "id").Int() != asked.After
				continue
			}
			if asked.Logs {
				event = o.withLog(event)
			}
			page.Events = append(page.Events, event)
		}
		if token = next; next == "" {
			return page, nil
		}
		if len(page.Events) == asked.Limit {
			page.Next = gjson.GetBytes(page.Events[len(page.Events)-1], "id").Int()
			o.tokens.keep(list, page.Next, next)
			return page, nil
		}
	}
}

// withLog adds where the log is to an event of a task that tells it: of a job of Batch, its end does.
func (o *Operator) withLog(event json.RawMessage) json.RawMessage {
	typ := gjson.GetBytes(event, "type").Str
	if !strings.HasPrefix(typ, "Task") {
		return event
	}
	details := strings.ToLower(typ[:1]) + typ[1:] + "EventDetails"
	for _, said := range []string{"output", "cause"} {
		text := gjson.GetBytes(event, details+"."+said).Str
		stream := gjson.Get(text, "Container.LogStreamName").Str
		if stream == "" {
			continue
		}
		where := map[string]string{"group": o.env.BatchLogGroup, "stream": jobStreams + stream}
		if with, err := sjson.SetBytes(event, details+".logMetadata", where); err == nil {
			return with
		}
	}
	return event
}
