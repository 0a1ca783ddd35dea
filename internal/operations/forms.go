package operations

import (
	"context"
	"net/http"
	"time"

	"sundog/internal/api"
	"sundog/internal/problem"
	"sundog/internal/queue"
	"sundog/internal/request"
)

// MessageOf makes the API's form of a message of a queue.
func MessageOf(d *queue.DeadLetter) api.Message {
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

// SomeMoved is how many messages were moved or deleted, as the verb says, also when an error ended it.
func SomeMoved(n int64, err error, verb string) (api.Moved, error) {
	if err != nil && n > 0 {
		err = problem.Wrap(problem.Internal, err, "%d dead letters were %s, then it failed", n, verb)
	}
	return api.Moved{Count: n}, err
}

// Draft reads the message that a request sends to a queue: as it was sent, and as queues take it.
func Draft(r *http.Request) (api.SendMessage, queue.Draft, error) {
	var m api.SendMessage
	if err := request.Body(r, &m); err != nil {
		return m, queue.Draft{}, err
	}
	draft := queue.Draft{Body: []byte(m.Body), Lane: m.Lane, Delay: time.Duration(m.DelaySeconds * float64(time.Second))}
	for name, value := range m.Attributes {
		if draft.Attributes == nil {
			draft.Attributes = map[string]queue.Attribute{}
		}
		draft.Attributes[name] = queue.Attribute{Type: "String", Value: value}
	}
	return m, draft, nil
}

// DeadLetters is a queue with dead letters.
type DeadLetters interface {
	DeadLetters(ctx context.Context, after string, limit int) ([]queue.DeadLetter, error)
}

// DeadLettersOf answers with a page of the dead letters of a queue.
func DeadLettersOf(ctx context.Context, q DeadLetters, page request.Page) (api.DeadLetters, error) {
	found, err := q.DeadLetters(ctx, page.After, page.Limit)
	if err != nil {
		return api.DeadLetters{}, err
	}
	out := api.DeadLetters{Messages: []api.Message{}}
	for i := range found {
		out.Messages = append(out.Messages, MessageOf(&found[i]))
	}
	if len(found) == page.Limit {
		out.Next = found[page.Limit-1].ID
	}
	return out, nil
}
