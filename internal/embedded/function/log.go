package function

import (
	"context"
	"io"
	"sync"
)

// callLog is the log of one call. Nothing is opened before the first byte.
type callLog struct {
	logs   Logs
	stream string

	mu     sync.Mutex
	w      io.WriteCloser
	tail   []byte
	closed bool
}

// Write never fails; what comes after the end of the call is dropped.
func (l *callLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed || len(p) == 0 {
		return len(p), nil
	}
	if l.w == nil && l.logs != nil {
		l.w = l.logs.Writer(l.stream)
	}
	l.tail = append(l.tail, p[max(0, len(p)-LogTail):]...)
	if extra := len(l.tail) - LogTail; extra > 0 {
		l.tail = append(l.tail[:0], l.tail[extra:]...)
	}
	if l.w != nil {
		_, _ = l.w.Write(p) // the writer reports what is wrong when it is closed
	}
	return len(p), nil
}

func (l *callLog) close() (tail []byte, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	if l.w != nil {
		err = l.w.Close()
	}
	return l.tail, err
}

type callKey struct{}

// Log returns the log of the call that a built-in function is serving, one that discards everything in any other context.
func Log(ctx context.Context) io.Writer {
	if c, ok := ctx.Value(callKey{}).(*call); ok {
		return &c.log
	}
	return io.Discard
}

// RequestID returns the request id of the call that a built-in function is serving, or "".
func RequestID(ctx context.Context) string {
	if c, ok := ctx.Value(callKey{}).(*call); ok {
		return c.id
	}
	return ""
}
