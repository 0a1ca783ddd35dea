package cli_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"time"

	"sundog/internal/api"
	"sundog/internal/problem"
	"sundog/internal/schedule"
)

// schedules is the part of the API that makes schedules. There is one, s1; what is made is s2, and what is done to one is answered and
// forgotten.
func schedules(mux *http.ServeMux) {
	one := api.Schedule{
		ID: "s1", Key: "report/nightly", Name: "nightly", Status: "NEW", Next: &start, Due: &start, Expression: "cron(30 2 ? * MON-FRI *)", Zone: "Europe/Berlin",
		CatchUp: "last", FlexibleSeconds: 90, Owner: "ann", Created: start,
		Action:  schedule.Action{Type: schedule.HTTPAction, HTTP: &schedule.HTTPRequest{URL: "https://example.com/a", TimeoutSeconds: 5}},
		Context: schedule.Context{Payload: "hello"},
	}
	dead := api.ScheduleDeadLetter{ID: "s1.7", Schedule: one, PointInTime: start, Attempts: 5, Died: start.Add(time.Minute), Reason: "the URL answered 500"}
	find := func(r *http.Request) (api.Schedule, error) {
		if id := r.PathValue("id"); id != one.ID {
			return api.Schedule{}, problem.New(problem.NotFound, "no such schedule: %s", id)
		}
		return one, nil
	}
	become := func(status string) http.HandlerFunc {
		return answer(func(r *http.Request) (any, error) {
			s, err := find(r)
			s.Status = status
			return s, err
		})
	}
	made := func(req api.CreateSchedule) api.Schedule {
		return api.Schedule{
			ID: "s2", Key: req.Key, Name: req.Name, Status: "NEW", Expression: req.Expression, Zone: req.Zone, CatchUp: req.CatchUp,
			FlexibleSeconds: req.FlexibleSeconds, Action: req.Action, Context: req.Context, Retry: req.Retry, Created: start,
		}
	}
	const path = api.PathSchedules + "/{id}"
	mux.HandleFunc("POST "+api.PathSchedules, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Content-Type") == api.ContentTypeNDJSON {
			text, _ := io.ReadAll(r.Body)
			enc := json.NewEncoder(w)
			for i, line := range strings.Split(strings.TrimSpace(string(text)), "\n") {
				a := api.ScheduleAccepted{Line: i + 1, ID: "s2"}
				if !strings.Contains(line, "action") {
					a = api.ScheduleAccepted{Line: i + 1, Error: "action.type is missing"}
				}
				_ = enc.Encode(a)
			}
			return
		}
		answer(func(r *http.Request) (any, error) {
			var req api.CreateSchedule
			err := json.NewDecoder(r.Body).Decode(&req)
			s := made(req)
			if at, bad := time.Parse(time.RFC3339Nano, req.At); bad == nil {
				s.At = &at
			}
			return s, err
		})(w, r)
	})
	mux.HandleFunc("GET "+api.PathSchedules, answer(func(r *http.Request) (any, error) {
		if r.URL.Query().Get("next") == "" { // a page that is empty, though there is another
			return api.Schedules{Schedules: []api.Schedule{}, Next: "n"}, nil
		}
		if r.URL.Query().Get("status") == "PAUSED" {
			return api.Schedules{Schedules: []api.Schedule{}}, nil
		}
		return api.Schedules{Schedules: []api.Schedule{one}}, nil
	}))
	mux.HandleFunc("GET "+path, become("NEW"))
	mux.HandleFunc("POST "+path+"/pause", become("PAUSED"))
	mux.HandleFunc("POST "+path+"/resume", become("NEW"))
	mux.HandleFunc("PUT "+path, answer(func(r *http.Request) (any, error) {
		var req api.CreateSchedule
		err := json.NewDecoder(r.Body).Decode(&req)
		return made(req), err
	}))
	mux.HandleFunc("DELETE "+path, answer(func(r *http.Request) (any, error) { s, err := find(r); return api.ScheduleCancelled{ID: s.ID}, err }))
	mux.HandleFunc("POST "+path+"/fire", answer(func(r *http.Request) (any, error) {
		s, err := find(r)
		return api.ScheduleFired{ID: s.ID, PointInTime: start}, err
	}))
	mux.HandleFunc("GET "+path+"/history", answer(func(*http.Request) (any, error) {
		return api.ScheduleEvents{Events: []schedule.Event{
			{Kind: schedule.EventCreated, Time: start, PointInTime: start, Actor: "ann"},
			{Kind: schedule.EventFailed, Time: start, PointInTime: start, Attempt: 5, Status: 500, Error: "the URL answered 500", Final: true},
		}}, nil
	}))
	mux.HandleFunc("GET "+api.PathGivenUp, answer(func(*http.Request) (any, error) {
		return api.ScheduleDeadLetters{DeadLetters: []api.ScheduleDeadLetter{dead}}, nil
	}))
	mux.HandleFunc("GET "+api.PathGivenUp+"/{id}", answer(func(*http.Request) (any, error) { return dead, nil }))
	mux.HandleFunc("POST "+api.PathGivenUp+"/{id}/redrive", answer(func(*http.Request) (any, error) { return api.Moved{Count: 1}, nil }))
	mux.HandleFunc("POST "+api.PathGivenUp+"/redrive", answer(func(*http.Request) (any, error) { return api.Moved{Count: 7}, nil }))
	mux.HandleFunc("DELETE "+api.PathGivenUp+"/{id}", answer(func(*http.Request) (any, error) { return api.Moved{Count: 1}, nil }))
}
