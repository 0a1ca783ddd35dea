package cli_test

import (
	"encoding/json"
	"net/http"

	"sundog/internal/api"
	"sundog/internal/problem"
)

// triggers are one that is behind and one that is paused. A replay says in its position where it began.
func triggers(mux *http.ServeMux) {
	tasks := api.Trigger{
		Name: "new-task", Source: "table tasks", Target: "workflow task", Position: "001772366400000000000", Queue: "trigger/new-task",
		Lag: api.Lag{Events: 10_000, Seconds: 61}, Waiting: 3, DeadLetters: 2,
	}
	news := api.Trigger{Name: "news", Source: "topic news", Target: "webhook", Paused: true, Queue: "trigger/news"}
	mux.HandleFunc("GET "+api.PathTriggers, answer(func(*http.Request) (any, error) {
		return api.Triggers{Triggers: []api.Trigger{tasks, news}}, nil
	}))
	one := func(change func(*http.Request, *api.Trigger) error) http.HandlerFunc {
		return answer(func(r *http.Request) (any, error) {
			t := tasks
			if r.PathValue("trigger") != t.Name {
				return nil, problem.New(problem.NotFound, "no such trigger: %q", r.PathValue("trigger"))
			}
			err := change(r, &t)
			return t, err
		})
	}
	mux.HandleFunc("GET "+api.PathTriggers+"/{trigger}", one(func(*http.Request, *api.Trigger) error { return nil }))
	for name, paused := range map[string]bool{"pause": true, "resume": false} {
		mux.HandleFunc("POST "+api.PathTriggers+"/{trigger}/"+name, one(func(_ *http.Request, t *api.Trigger) error {
			t.Paused = paused
			return nil
		}))
	}
	mux.HandleFunc("POST "+api.PathTriggers+"/{trigger}/replay", one(func(r *http.Request, t *api.Trigger) error {
		var req api.Replay
		err := json.NewDecoder(r.Body).Decode(&req)
		t.Position, t.Replays = req.From, 1
		return err
	}))
}
