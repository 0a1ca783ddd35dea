package topic

import (
	"context"
	"slices"
	"sync"

	"sundog/internal/topic"
)

// Listener hears the messages of a topic while they are published, for live views. Nothing is kept for it.
type Listener struct {
	messages chan topic.Message

	mu    sync.Mutex
	ended bool
	err   error
}

// C returns the messages. It is closed when the listener has ended; Err then says why.
func (l *Listener) C() <-chan topic.Message { return l.messages }

// Err returns why the listener has ended: topic.ErrSlow, topic.ErrClosed or the cause of its context; nil while it has not.
func (l *Listener) Err() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.err
}

const maxBuffer = 10_000 // messages that wait for a listener

// Listen hears what is published to a topic from now on, until ctx ends. A listener that is more than buffer messages behind,
// 1 to 10,000, is ended with topic.ErrSlow; what it has not read yet can still be read.
func (t *Topics) Listen(ctx context.Context, name string, buffer int) *Listener {
	l := &Listener{messages: make(chan topic.Message, min(max(buffer, 1), maxBuffer))}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		l.end(topic.ErrClosed)
		return l
	}
	t.listeners[name] = append(slices.Clone(t.listeners[name]), l)
	context.AfterFunc(ctx, func() { t.dismiss(name, l, context.Cause(ctx)) })
	return l
}

// tell gives a message to the listeners of its topic.
func (t *Topics) tell(m topic.Message) {
	t.mu.RLock()
	all := t.listeners[m.Topic]
	t.mu.RUnlock()
	for _, l := range all {
		if !l.offer(m) {
			t.dismiss(m.Topic, l, topic.ErrSlow)
		}
	}
}

// dismiss ends a listener that is among those of a topic.
func (t *Topics) dismiss(name string, l *Listener, err error) {
	t.mu.Lock()
	if !t.closed {
		rest := slices.DeleteFunc(slices.Clone(t.listeners[name]), func(other *Listener) bool { return other == l })
		if t.listeners[name] = rest; len(rest) == 0 {
			delete(t.listeners, name)
		}
	}
	t.mu.Unlock()
	l.end(err)
}

// offer gives a message to the listener, and reports whether it had room.
func (l *Listener) offer(m topic.Message) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended {
		return true
	}
	select {
	case l.messages <- m:
		return true
	default:
		return false
	}
}

// end ends the listener, once, with a reason.
func (l *Listener) end(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.ended {
		l.ended, l.err = true, err
		close(l.messages)
	}
}
