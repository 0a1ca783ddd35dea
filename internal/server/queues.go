package server

import (
	"net/http"
	"time"

	"sundog/internal/api"
	"sundog/internal/embedded"
	store "sundog/internal/embedded/queue"
	"sundog/internal/problem"
	"sundog/internal/queue"
	"sundog/internal/trace"
)

func (s *Server) queueOf(r *http.Request) (*store.Queue, error) {
	return s.platform.Queues.Queue(r.Context(), r.PathValue("queue"))
}

func (s *Server) queues(r *http.Request) (api.Queues, error) {
	all := api.Queues{Queues: []api.Queue{}}
	for _, name := range s.platform.Queues.Names() {
		q, err := s.platform.Queues.Queue(r.Context(), name)
		if err != nil {
			return all, err
		}
		all.Queues = append(all.Queues, s.describeQueue(q))
	}
	return all, nil
}

func (s *Server) queue(r *http.Request) (api.Queue, error) {
	q, err := s.queueOf(r)
	if err != nil {
		return api.Queue{}, err
	}
	return s.describeQueue(q), nil
}

func (s *Server) describeQueue(q *store.Queue) api.Queue {
	depth := q.Depth()
	out := api.Queue{Name: q.Name(), Lanes: []api.Lane{}, DeadLetters: depth.Dead}
	if !depth.Oldest.IsZero() {
		out.OldestSeconds = max(0, time.Since(depth.Oldest).Seconds())
	}
	for _, l := range depth.Lanes {
		lane := api.Lane{Name: l.Name, Ready: l.Ready, Delayed: l.Delayed, InFlight: l.InFlight}
		if q.Name() == embedded.ProcessQueue {
			open, _ := s.platform.Engine.Open(l.Name)
			lane.Open = int64(open)
			for _, configured := range s.platform.Project.Lanes {
				if configured.Name == l.Name {
					lane.Concurrency = int64(configured.Concurrency)
				}
			}
		}
		out.Lanes = append(out.Lanes, lane)
	}
	return out
}

func (s *Server) send(r *http.Request) (api.Message, error) {
	q, err := s.queueOf(r)
	if err != nil {
		return api.Message{}, err
	}
	var m api.SendMessage
	if err := body(r, &m); err != nil {
		return api.Message{}, err
	}
	draft := queue.Draft{Body: []byte(m.Body), Lane: m.Lane, Delay: time.Duration(m.DelaySeconds * float64(time.Second))}
	for name, value := range m.Attributes {
		if draft.Attributes == nil {
			draft.Attributes = map[string]queue.Attribute{}
		}
		draft.Attributes[name] = queue.Attribute{Type: "String", Value: value}
	}
	draft.Attributes = queue.Traced(draft.Attributes, trace.From(r.Context()))
	ids, err := q.Send(r.Context(), draft)
	if err != nil {
		return api.Message{}, err
	}
	return api.Message{ID: ids[0], Body: m.Body, Attributes: m.Attributes, Lane: m.Lane, Sent: time.Now().UTC()}, nil
}

func messageOf(d *queue.DeadLetter) api.Message {
	m := api.Message{
		ID: d.ID, Body: string(d.Body), Lane: d.Lane, ReceiveCount: d.ReceiveCount, Sent: d.SentAt, Reason: d.Reason,
	}
	if !d.DiedAt.IsZero() {
		m.Died = &d.DiedAt
	}
	for name, a := range d.Attributes {
		if m.Attributes == nil {
			m.Attributes = map[string]string{}
		}
		m.Attributes[name] = a.Value
	}
	return m
}

func (s *Server) deadLetters(r *http.Request) (api.DeadLetters, error) {
	q, err := s.queueOf(r)
	if err != nil {
		return api.DeadLetters{}, err
	}
	limit, err := number(r, "limit", 100, 1, queue.MaxPage)
	if err != nil {
		return api.DeadLetters{}, err
	}
	found, err := q.DeadLetters(r.Context(), r.URL.Query().Get("next"), limit)
	if err != nil {
		return api.DeadLetters{}, err
	}
	page := api.DeadLetters{Messages: []api.Message{}}
	for i := range found {
		page.Messages = append(page.Messages, messageOf(&found[i]))
	}
	if len(found) == limit {
		page.Next = found[limit-1].ID
	}
	return page, nil
}

func (s *Server) deadLetter(r *http.Request) (api.Message, error) {
	q, err := s.queueOf(r)
	if err != nil {
		return api.Message{}, err
	}
	found, err := q.FindDeadLetter(r.Context(), r.PathValue("id"))
	if err != nil {
		return api.Message{}, err
	}
	return messageOf(&found), nil
}

// deleteDeadLetter deletes a dead letter, for a reason that may be missing.
func (s *Server) deleteDeadLetter(r *http.Request) (api.Moved, error) {
	q, err := s.queueOf(r)
	if err != nil {
		return api.Moved{}, err
	}
	return api.Moved{Count: 1}, s.platform.DeleteDeadLetter(r.Context(), q, r.PathValue("id"), r.URL.Query().Get("reason"))
}

func (s *Server) purgeDeadLetters(r *http.Request) (api.Moved, error) {
	q, err := s.queueOf(r)
	if err != nil {
		return api.Moved{}, err
	}
	n, err := s.platform.PurgeDeadLetters(r.Context(), q, r.URL.Query().Get("reason"))
	if err != nil && n > 0 {
		err = problem.Wrap(problem.Internal, err, "%d dead letters were deleted, then it failed", n)
	}
	return api.Moved{Count: n}, err
}

func (s *Server) redrive(r *http.Request) (api.Moved, error) {
	q, err := s.queueOf(r)
	if err != nil {
		return api.Moved{}, err
	}
	return api.Moved{Count: 1}, s.platform.RedriveDeadLetter(r.Context(), q, r.PathValue("id"))
}

func (s *Server) redriveAll(r *http.Request) (api.Moved, error) {
	q, err := s.queueOf(r)
	if err != nil {
		return api.Moved{}, err
	}
	n, err := s.platform.RedriveDeadLetters(r.Context(), q)
	if err != nil && n > 0 {
		err = problem.Wrap(problem.Internal, err, "%d dead letters were sent again, then it failed", n)
	}
	return api.Moved{Count: n}, err
}
