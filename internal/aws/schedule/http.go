package schedule

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"sundog/internal/delayerapi"
	"sundog/internal/problem"
	"sundog/internal/schedule"
)

// shown is a schedule as it is looked up: a request for the same one, and what is known of it.
type shown struct {
	ScheduleID    string                 `json:"scheduleId"`
	PointInTime   string                 `json:"pointInTime"` // RFC 3339
	CurrentStatus schedule.State         `json:"currentStatus"`
	Context       schedule.FiringContext `json:"context"`
	Action        map[string]any         `json:"action"`
}

// Handler answers the requests of delayer-aws, in its form: POST /schedule. It also has what delayer-aws lacks: GET, PUT and DELETE of
// /schedule/{id}, the second with the body of a POST. Who asks is access.Actor of the request's context.
func (s *Schedules) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /schedule", s.post)
	mux.HandleFunc("PUT /schedule/{id}", s.put)
	mux.HandleFunc("GET /schedule/{id}", s.show)
	mux.HandleFunc("DELETE /schedule/{id}", s.cancel)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		s.refuse(w, r, problem.New(problem.NotFound, "there is no %s %s here: POST /schedule, or GET, PUT, DELETE /schedule/ID", r.Method, r.URL.Path))
	})
	return mux
}

func (s *Schedules) post(w http.ResponseWriter, r *http.Request) {
	req, err := requested(w, r)
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	made, err := s.Create(r.Context(), req)
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	w.Header().Set("Location", "/schedule/"+made.ID)
	answer(w, http.StatusCreated, delayerapi.Created{ScheduleID: made.ID, PointInTime: req.PointInTime})
}

func (s *Schedules) put(w http.ResponseWriter, r *http.Request) {
	req, err := requested(w, r)
	var changed schedule.Schedule
	if err == nil {
		changed, err = s.Change(r.Context(), r.PathValue("id"), req)
	}
	s.answerWith(w, r, changed, err)
}

func (s *Schedules) show(w http.ResponseWriter, r *http.Request) {
	found, err := s.Find(r.Context(), r.PathValue("id"))
	s.answerWith(w, r, found, err)
}

func (s *Schedules) cancel(w http.ResponseWriter, r *http.Request) {
	if err := s.Cancel(r.Context(), r.PathValue("id")); err != nil {
		s.refuse(w, r, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// requested reads the body of a request for a schedule.
func requested(w http.ResponseWriter, r *http.Request) (delayerapi.Request, error) {
	text, err := io.ReadAll(http.MaxBytesReader(w, r.Body, delayerapi.MaxBody))
	if tooLarge, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return delayerapi.Request{}, problem.New(problem.TooLarge, "the body is larger than %d bytes", tooLarge.Limit)
	}
	if err != nil {
		return delayerapi.Request{}, problem.Wrap(problem.Invalid, err, "reading the body")
	}
	return delayerapi.Parse(text)
}

func (s *Schedules) answerWith(w http.ResponseWriter, r *http.Request, found schedule.Schedule, err error) {
	var doc shown
	if err == nil {
		doc, err = show(found)
	}
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	answer(w, http.StatusOK, doc)
}

func show(found schedule.Schedule) (shown, error) {
	config, err := delayerapi.ActionConfig(found.Action)
	if err != nil {
		return shown{}, err
	}
	return shown{
		ScheduleID: found.ID, PointInTime: time.Unix(seconds(found.At), 0).UTC().Format(time.RFC3339), CurrentStatus: found.State,
		Context: found.Context.Firing(), Action: map[string]any{"type": found.Action.Type, delayerapi.ConfigField(found.Action.Type): config},
	}, nil
}

// refuse answers with what is wrong. What is wrong with AWS or with us is for the log; the answer only says so.
func (s *Schedules) refuse(w http.ResponseWriter, r *http.Request, err error) {
	switch {
	case errors.Is(err, schedule.ErrInvalid):
		err = problem.Wrap(problem.Invalid, delayerapi.Mended(err), "")
	case errors.Is(err, schedule.ErrNotFound):
		err = problem.Wrap(problem.NotFound, err, "")
	case errors.Is(err, schedule.ErrProcessed):
		err = problem.Wrap(problem.Conflict, err, "")
	}
	message := err.Error()
	if problem.Is(err, problem.Internal) {
		s.opts.Log.ErrorContext(r.Context(), "a request about schedules failed", "method", r.Method, "path", r.URL.Path, "error", err)
		message = fmt.Sprintf("%s %s failed; it may succeed later", r.Method, r.URL.Path)
	}
	answer(w, problem.HTTPStatus(err), delayerapi.Refused{Message: message})
}

func answer(w http.ResponseWriter, status int, doc any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(doc) // the client has gone
}
