package server

import (
	"net/http"
	"strings"
	"time"

	"sundog/internal/api"
	"sundog/internal/request"
	"sundog/internal/schedule"
)

// draftOf reads a request for a schedule.
func draftOf(req *api.CreateSchedule, now time.Time) (schedule.Draft, error) {
	d := schedule.Draft{
		Key: req.Key, Name: req.Name, Expression: req.Expression, Zone: req.Zone, FlexibleSeconds: req.FlexibleSeconds,
		CatchUp: schedule.CatchUp(req.CatchUp), Action: req.Action, Context: req.Context, Retry: req.Retry,
	}
	if reserved := schedule.ProjectKey(""); strings.HasPrefix(req.Key, reserved) {
		return d, schedule.Wrong("key", req.Key, "one that does not begin with %s: those are of schedules in sundog.yaml", reserved)
	}
	zone, err := schedule.Zone(req.Zone)
	if err != nil {
		return d, err
	}
	for _, f := range []struct {
		field, text string
		dst         *time.Time
	}{{"at", req.At, &d.At}, {"start", req.Start, &d.Start}, {"end", req.End, &d.End}} {
		if f.text == "" {
			continue
		}
		if *f.dst, err = schedule.When(f.field, f.text, now, zone); err != nil {
			return d, err
		}
	}
	return d, nil
}

// present is a time that may be missing.
func present(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

func scheduleOf(s *schedule.Schedule) api.Schedule {
	return api.Schedule{
		ID: s.ID, Key: s.Key, Name: s.Name, Status: string(s.Status()), Next: present(s.Next), Due: present(s.Due),
		At: present(s.At), Expression: s.Expression, Zone: s.Zone, Start: present(s.Start), End: present(s.End),
		FlexibleSeconds: s.FlexibleSeconds, CatchUp: string(s.CatchUp), Action: s.Action, Context: s.Context, Retry: s.Retry,
		Owner: s.Owner, Created: s.Created, Changed: present(s.Changed),
	}
}

// answerSchedule makes an answer of a schedule or an error.
func answerSchedule(s schedule.Schedule, err error) (api.Schedule, error) {
	if err != nil {
		return api.Schedule{}, err
	}
	return scheduleOf(&s), nil
}

func (s *Server) schedule(r *http.Request) (api.Schedule, error) {
	return answerSchedule(s.platform.Schedules.Get(r.Context(), r.PathValue("id")))
}

func (s *Server) listSchedules(r *http.Request) (api.Schedules, error) {
	v := r.URL.Query()
	q := schedule.Query{
		Status: schedule.State(v.Get("status")), Action: schedule.ActionType(v.Get("action")), KeyPrefix: v.Get("key_prefix"), After: v.Get("next"),
	}
	var err error
	if q.Limit, err = request.Number(r, "limit", schedule.DefaultLimit, 1, schedule.MaxLimit); err != nil {
		return api.Schedules{}, err
	}
	now := time.Now()
	for name, dst := range map[string]*time.Time{"from": &q.From, "until": &q.Until} {
		if text := v.Get(name); text != "" {
			if *dst, err = schedule.When(name, text, now, time.UTC); err != nil {
				return api.Schedules{}, err
			}
		}
	}
	page, err := s.platform.Schedules.List(r.Context(), q)
	if err != nil {
		return api.Schedules{}, err
	}
	out := api.Schedules{Schedules: make([]api.Schedule, 0, len(page.Schedules)), Next: page.Next}
	for i := range page.Schedules {
		out.Schedules = append(out.Schedules, scheduleOf(&page.Schedules[i]))
	}
	return out, nil
}

func (s *Server) changeSchedule(r *http.Request) (api.Schedule, error) {
	var req api.CreateSchedule
	if err := request.Body(r, &req); err != nil {
		return api.Schedule{}, err
	}
	d, err := draftOf(&req, time.Now())
	if err != nil {
		return api.Schedule{}, err
	}
	return answerSchedule(s.platform.Schedules.Change(r.Context(), r.PathValue("id"), d))
}

func (s *Server) pauseSchedule(r *http.Request) (api.Schedule, error) {
	return answerSchedule(s.platform.Schedules.Pause(r.Context(), r.PathValue("id")))
}

func (s *Server) resumeSchedule(r *http.Request) (api.Schedule, error) {
	return answerSchedule(s.platform.Schedules.Resume(r.Context(), r.PathValue("id")))
}

func (s *Server) cancelSchedule(r *http.Request) (api.ScheduleCancelled, error) {
	id := r.PathValue("id")
	return api.ScheduleCancelled{ID: id}, s.platform.Schedules.Cancel(r.Context(), id)
}

func (s *Server) fireSchedule(r *http.Request) (api.ScheduleFired, error) {
	id := r.PathValue("id")
	at, err := s.platform.Schedules.Fire(r.Context(), id)
	return api.ScheduleFired{ID: id, PointInTime: at}, err
}

func (s *Server) scheduleHistory(r *http.Request) (api.ScheduleEvents, error) {
	limit, err := request.Number(r, "limit", schedule.DefaultLimit, 1, schedule.MaxLimit)
	if err != nil {
		return api.ScheduleEvents{}, err
	}
	page, err := s.platform.Schedules.History(r.Context(), r.PathValue("id"), r.URL.Query().Get("next"), limit)
	if err != nil {
		return api.ScheduleEvents{}, err
	}
	if page.Events == nil {
		page.Events = []schedule.Event{}
	}
	return api.ScheduleEvents{Events: page.Events, Next: page.Next}, nil
}
