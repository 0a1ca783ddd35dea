package server

import (
	"net/http"

	"sundog/internal/api"
	"sundog/internal/audit"
	"sundog/internal/embedded/schedule"
	"sundog/internal/problem"
	"sundog/internal/request"
	domain "sundog/internal/schedule"
)

func undeliveredOf(d *schedule.DeadLetter) api.ScheduleDeadLetter {
	return api.ScheduleDeadLetter{
		ID: d.ID, Schedule: scheduleOf(&d.Schedule), PointInTime: d.Point, Attempts: d.Attempts, Died: d.Died, Reason: d.Reason,
	}
}

func (s *Server) undelivered(r *http.Request) (api.ScheduleDeadLetters, error) {
	limit, err := request.Number(r, "limit", domain.DefaultLimit, 1, domain.MaxLimit)
	if err != nil {
		return api.ScheduleDeadLetters{}, err
	}
	v := r.URL.Query()
	found, err := s.platform.Schedules.DeadLetters(r.Context(), v.Get("schedule"), v.Get("next"), limit)
	if err != nil {
		return api.ScheduleDeadLetters{}, err
	}
	page := api.ScheduleDeadLetters{DeadLetters: make([]api.ScheduleDeadLetter, 0, len(found))}
	for i := range found {
		page.DeadLetters = append(page.DeadLetters, undeliveredOf(&found[i]))
	}
	if len(found) == limit {
		page.Next = found[limit-1].ID
	}
	return page, nil
}

func (s *Server) undeliveredOne(r *http.Request) (api.ScheduleDeadLetter, error) {
	d, err := s.platform.Schedules.DeadLetter(r.Context(), r.PathValue("id"))
	if err != nil {
		return api.ScheduleDeadLetter{}, err
	}
	return undeliveredOf(&d), nil
}

func (s *Server) deliverAgain(r *http.Request) (api.Moved, error) {
	id := r.PathValue("id")
	if err := s.platform.Schedules.SendAgain(r.Context(), id); err != nil {
		return api.Moved{}, err
	}
	return api.Moved{Count: 1}, s.note(r, nil, audit.Redrive, "schedules", "dead letter "+id)
}

func (s *Server) deliverAllAgain(r *http.Request) (api.Moved, error) {
	of := r.URL.Query().Get("schedule")
	n, err := s.platform.Schedules.SendAllAgain(r.Context(), of)
	if err != nil && n > 0 {
		err = problem.Wrap(problem.Internal, err, "%d dead letters were sent again, then it failed", n)
	}
	if n > 0 {
		err = s.note(r, err, audit.Redrive, "schedules", "all dead letters "+of)
	}
	return api.Moved{Count: n}, err
}

func (s *Server) deleteUndelivered(r *http.Request) (api.Moved, error) {
	id := r.PathValue("id")
	if err := s.platform.Schedules.DeleteDeadLetter(r.Context(), id); err != nil {
		return api.Moved{}, err
	}
	return api.Moved{Count: 1}, s.note(r, nil, audit.Purge, "schedules", "dead letter "+id)
}
