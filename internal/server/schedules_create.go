package server

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"time"

	"sundog/internal/api"
	"sundog/internal/delayerapi"
	"sundog/internal/operations"
	"sundog/internal/problem"
	"sundog/internal/request"
	"sundog/internal/schedule"
)

// Bounds of a group of schedules that are written together, and of one of them.
const (
	scheduleGroup = 1000
	scheduleBytes = 4 << 20
	maxSchedule   = delayerapi.MaxBody
)

// createSchedule makes a schedule of one JSON document, or schedules of NDJSON, answered line by line as they are on disk.
func (s *Server) createSchedule(w http.ResponseWriter, r *http.Request) {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil && r.Header.Get("Content-Type") != "" {
		s.Fail(w, r, problem.Wrap(problem.Invalid, err, "reading Content-Type"))
		return
	}
	switch kind {
	case api.ContentTypeNDJSON, "application/ndjson", "application/jsonl":
		g := &scheduleLines{}
		operations.WorkThrough(s.Surface, w, r, maxSchedule, g, func() ([]api.ScheduleAccepted, error) { return s.acceptSchedules(r, g) })
	default:
		operations.Handle(s.Surface, func(r *http.Request) (api.Schedule, error) {
			var req api.CreateSchedule
			if err := request.Body(r, &req); err != nil {
				return api.Schedule{}, err
			}
			d, err := draftOf(&req, time.Now())
			if err != nil {
				return api.Schedule{}, err
			}
			made, _, err := s.platform.Schedules.Create(r.Context(), d)
			return answerSchedule(made, err)
		})(w, r)
	}
}

// scheduleLines are requests for schedules that are written together.
type scheduleLines struct {
	first int // number of the first line, less one
	lines [][]byte
	bytes int
}

// Add implements operations.Gathering.
func (g *scheduleLines) Add(line []byte) {
	g.lines = append(g.lines, line)
	g.bytes += len(line)
}

// Full implements operations.Gathering.
func (g *scheduleLines) Full() bool { return len(g.lines) >= scheduleGroup || g.bytes >= scheduleBytes }

// acceptSchedules makes the schedules of a group, those that are right, and answers each line of it.
func (s *Server) acceptSchedules(r *http.Request, g *scheduleLines) ([]api.ScheduleAccepted, error) {
	answers := make([]api.ScheduleAccepted, len(g.lines))
	drafts := make([]schedule.Draft, 0, len(g.lines))
	places := make([]int, 0, len(g.lines))
	now := time.Now()
	for i, line := range g.lines {
		answers[i].Line = g.first + i + 1
		d, err := draftOfLine(line, now)
		answers[i].Key = d.Key
		if err != nil {
			answers[i].Error = err.Error()
			continue
		}
		drafts, places = append(drafts, d), append(places, i)
	}
	g.first += len(g.lines)
	g.lines, g.bytes = g.lines[:0], 0
	if len(drafts) == 0 {
		return answers, nil
	}
	made, err := s.platform.Schedules.CreateMany(r.Context(), drafts)
	if err != nil {
		return nil, err
	}
	for i, m := range made {
		a := &answers[places[i]]
		if m.Err != nil {
			a.Error = m.Err.Error()
			continue
		}
		a.ID, a.Next = m.Schedule.ID, present(m.Schedule.Next)
	}
	return answers, nil
}

func draftOfLine(line []byte, now time.Time) (schedule.Draft, error) {
	if len(line) > maxSchedule {
		return schedule.Draft{}, problem.New(problem.TooLarge, "the line is larger than %d bytes", maxSchedule)
	}
	var req api.CreateSchedule
	dec := json.NewDecoder(bytes.NewReader(line))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&req); err != nil {
		return schedule.Draft{}, problem.Wrap(problem.Invalid, err, "reading the line")
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return schedule.Draft{}, problem.New(problem.Invalid, "there is more on the line than one document")
	}
	return draftOf(&req, now)
}

// delayer makes a schedule as the API of delayer-aws does, with answers of its form.
func (s *Server) delayer(w http.ResponseWriter, r *http.Request) {
	answer := func(status int, v any) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		if err := json.NewEncoder(w).Encode(v); err != nil {
			s.opts.Logger.Debug("answer not delivered", "path", r.URL.Path, "error", err)
		}
	}
	refuse := func(err error) {
		err = classify(delayerapi.Mended(err))
		doc := problem.DocumentOf(err, w.Header().Get("X-Request-Id"))
		if problem.Is(err, problem.Internal) {
			s.opts.Logger.Error("request failed", "request", doc.Instance, "method", r.Method, "path", r.URL.Path, "error", err)
			doc.Detail = doc.Title
		}
		answer(doc.Status, delayerapi.Refused{Message: doc.Detail})
	}
	text, err := io.ReadAll(http.MaxBytesReader(w, r.Body, delayerapi.MaxBody))
	if err != nil {
		refuse(request.ReadError(err))
		return
	}
	req, err := delayerapi.Parse(text)
	if err != nil {
		refuse(err)
		return
	}
	made, _, err := s.platform.Schedules.Create(r.Context(), req.Draft)
	if err != nil {
		refuse(err)
		return
	}
	answer(http.StatusCreated, delayerapi.Created{ScheduleID: made.ID, PointInTime: req.PointInTime})
}
