package server

import (
	"net/http"
	"time"

	"sundog/internal/api"
	"sundog/internal/embedded"
	store "sundog/internal/embedded/queue"
	"sundog/internal/operations"
	"sundog/internal/queue"
	"sundog/internal/request"
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
	m, draft, err := operations.Draft(r)
	if err != nil {
		return api.Message{}, err
	}
	draft.Attributes = queue.Traced(draft.Attributes, trace.From(r.Context()))
	ids, err := q.Send(r.Context(), draft)
	if err != nil {
		return api.Message{}, err
	}
	return api.Message{ID: ids[0], Body: m.Body, Attributes: m.Attributes, Lane: m.Lane, Sent: time.Now().UTC()}, nil
}

func (s *Server) deadLetters(r *http.Request) (api.DeadLetters, error) {
	q, err := s.queueOf(r)
	if err != nil {
		return api.DeadLetters{}, err
	}
	page, err := request.PageOf(r)
	if err != nil {
		return api.DeadLetters{}, err
	}
	return operations.DeadLettersOf(r.Context(), q, page)
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
	return operations.MessageOf(&found), nil
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
	return operations.SomeMoved(n, err, "deleted")
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
	return operations.SomeMoved(n, err, "sent again")
}
