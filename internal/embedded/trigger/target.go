package trigger

import (
	"context"
	"errors"

	"sundog/internal/embedded/engine"
	"sundog/internal/embedded/machine"
	embedded "sundog/internal/embedded/queue"
	"sundog/internal/embedded/store"
	embeddedtopic "sundog/internal/embedded/topic"
	"sundog/internal/queue"
	"sundog/internal/topic"
	domain "sundog/internal/trigger"
)

// A joined target is part of the platform: what it is given is added to a transaction.
type joined interface {
	// addTx adds what an input causes. settle, which may be nil, has to be called with the outcome of the transaction. With a refusal nothing was
	// added, and trying again is of no use; after any other error the transaction has to be given up.
	addTx(ctx context.Context, tx *store.Tx, name string, input []byte) (settle func(error), err error)
	// room is how many more inputs it takes now, and a channel that is closed when that may have changed.
	room() (int, <-chan struct{})
}

// refusal is an error that no repetition mends.
type refusal struct{ error }

func (r refusal) Unwrap() error { return r.error }

func refused(err error) bool {
	_, ok := errors.AsType[refusal](err)
	return ok
}

// refuse marks an error that is one of those which no repetition mends.
func refuse(err error, final ...error) error {
	for _, f := range final {
		if errors.Is(err, f) {
			return refusal{err}
		}
	}
	return err
}

// lane is the lane of the executions of a trigger, by which the engine counts them.
func lane(trigger string) string { return domain.DeadLetterQueue(trigger) }

// workflow starts executions.
type workflow struct {
	engine  *engine.Engine
	trigger *domain.Trigger
}

func (w workflow) addTx(ctx context.Context, tx *store.Tx, name string, input []byte) (func(error), error) {
	_, settle, err := w.engine.StartTx(ctx, tx, engine.StartRequest{
		Machine: w.trigger.Target.Name, Name: name, Input: input, Lane: lane(w.trigger.Name), StartedBy: domain.DeadLetterQueue(w.trigger.Name),
	})
	return settle, refuse(err, engine.ErrExists, engine.ErrNoMachine, machine.ErrDeleting, machine.ErrInvalidARN, engine.ErrInvalidName, engine.ErrInvalidInput)
}

func (w workflow) room() (int, <-chan struct{}) {
	open, changed := w.engine.Open(lane(w.trigger.Name))
	return w.trigger.Parallelism - open, changed
}

// plenty is the room of what takes everything.
const plenty = 1 << 30

// sender sends to a queue.
type sender struct {
	queue *embedded.Queue
	lane  string
}

func (s sender) addTx(_ context.Context, tx *store.Tx, _ string, input []byte) (func(error), error) {
	_, err := s.queue.SendTx(tx, queue.Draft{Body: input, Lane: s.lane})
	return nil, refuse(err, queue.ErrTooLarge, queue.ErrInvalidMessage, queue.ErrUnknownLane)
}

func (sender) room() (int, <-chan struct{}) { return plenty, nil }

// publisher publishes to a topic.
type publisher struct {
	topics *embeddedtopic.Topics
	name   string
}

func (p publisher) addTx(_ context.Context, tx *store.Tx, _ string, input []byte) (func(error), error) {
	_, err := p.topics.PublishTx(tx, p.name, topic.Draft{Body: input})
	return nil, refuse(err, topic.ErrTooLarge, topic.ErrInvalidMessage)
}

func (publisher) room() (int, <-chan struct{}) { return plenty, nil }
