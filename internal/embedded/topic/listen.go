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
	stop  func() bool // stops waiting for the context
}

// C returns the messages. It is closed when the listener has ended; Err then says why.
func (l *Listener) C() <-chan topic.Message { return l.messages }

// Err returns why the listener has ended: topic.ErrSlow, topic.ErrClosed, or the cause of its context; nil while it has not.
func (l *Listener) Err() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.err
}

const (
	defaultBuffer = 64
	maxBuffer     = 10_000
)

// Listen hears what is published to a topic from now on, until ctx ends. A listener that is more than buffer messages behind (64 when zero, at most
// 10,000) is ended with topic.ErrSlow; what it has not read yet can still be read.
func (t *Topics) Listen(ctx context.Context, name string, buffer int) *Listener {
	if buffer <= 0 {
		buffer = defaultBuffer
	}
	l := &Listener{messages: make(chan topic.Message, min(buffer, maxBuffer))}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		l.end(topic.ErrClosed)
		return l
	}
	t.listeners[name] = append(slices.Clone(t.listeners[name]), l)
	stop := context.AfterFunc(ctx, func() {
		t.dismiss(name, l)
		l.end(context.Cause(ctx))
	})
	l.mu.Lock()
	l.stop = stop
	l.mu.Unlock()
	return l
}

func (t *Topics) dismiss(name string, l *Listener) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if rest := slices.DeleteFunc(slices.Clone(t.listeners[name]), func(other *Listener) bool { return other == l }); len(rest) > 0 {
		t.listeners[name] = rest
	} else {
		delete(t.listeners, name)
	}
}

// tell gives a message to the listeners of its topic.
func (t *Topics) tell(m topic.Message) {
	t.mu.RLock()
	all := t.listeners[m.Topic]
	t.mu.RUnlock()
	for _, l := range all {
		if !l.offer(m) {
			t.dismiss(m.Topic, l)
		}
	}
}

// offer gives a message to the listener and reports whether it still listens.
func (l *Listener) offer(m topic.Message) bool {
	l.mu.Lock()
	ended := l.ended
	if !ended {
		select {
		case l.messages <- m:
			l.mu.Unlock()
			return true
		default:
		}
	}
	l.mu.Unlock()
	l.end(topic.ErrSlow)
	return false
}

// end ends the listener, once, with a reason.
func (l *Listener) end(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended {
		return
	}
	l.ended, l.err = true, err
	close(l.messages)
	if l.stop != nil {
		l.stop()
	}
}
