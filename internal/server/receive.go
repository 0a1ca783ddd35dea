package server

import (
	"net/http"
	"time"

	"sundog/internal/api"
	"sundog/internal/embedded"
	store "sundog/internal/embedded/queue"
	"sundog/internal/operations"
	"sundog/internal/problem"
	"sundog/internal/queue"
	"sundog/internal/request"
)

// maxReceiveWait is how long a request for messages waits for the first one (SQS: 20 s).
const maxReceiveWait = 20 * time.Second

// workable returns a queue whose messages are for the project's own workers, and not for the platform.
func (s *Server) workable(r *http.Request) (*store.Queue, error) {
	q, err := s.queueOf(r)
	if err != nil {
		return nil, err
	}
	if name := q.Name(); !embedded.Receivable(name) {
		return nil, problem.New(problem.Conflict, "the messages of the queue %s are for the platform itself", name).
			WithHint("declare a queue of your own under queues in sundog.yaml")
	}
	return q, nil
}

// receive hands out messages. Each has a receipt; who has worked on it deletes it, and who does not within the visibility time-out lets it be
// handed out again.
func (s *Server) receive(r *http.Request) (api.Received, error) {
	q, err := s.workable(r)
	if err != nil {
		return api.Received{}, err
	}
	var req api.Receive
	if err := request.Body(r, &req); err != nil {
		return api.Received{}, err
	}
	wait := time.Duration(req.WaitSeconds * float64(time.Second))
	if req.Max < 0 || req.Max > queue.MaxBatch || wait < 0 || wait > maxReceiveWait || req.VisibilitySeconds < 0 {
		return api.Received{}, problem.New(problem.Invalid, "max is 0 to %d, wait_seconds 0 to %g, and visibility_seconds not negative", queue.MaxBatch, maxReceiveWait.Seconds())
	}
	ctx, cancel := s.untilClosing(r, wait+time.Minute)
	defer cancel()
	got, err := q.Receive(ctx, queue.Request{Max: req.Max, Wait: wait, Visibility: time.Duration(req.VisibilitySeconds * float64(time.Second))})
	if err != nil {
		return api.Received{}, err
	}
	answer := api.Received{Messages: []api.Message{}}
	for i := range got {
		m := operations.MessageOf(&queue.DeadLetter{Message: got[i]})
		m.Receipt = got[i].Receipt
		answer.Messages = append(answer.Messages, m)
	}
	return answer, nil
}

// settle deletes messages that were worked on.
func (s *Server) settle(r *http.Request) (api.Moved, error) {
	q, err := s.workable(r)
	if err != nil {
		return api.Moved{}, err
	}
	var req api.Receipts
	if err := request.Body(r, &req); err != nil {
		return api.Moved{}, err
	}
	if len(req.Receipts) == 0 || len(req.Receipts) > queue.MaxBatch {
		return api.Moved{}, problem.New(problem.Invalid, "receipts must hold 1 to %d receipts", queue.MaxBatch)
	}
	return api.Moved{Count: int64(len(req.Receipts))}, q.Delete(r.Context(), req.Receipts...)
}
