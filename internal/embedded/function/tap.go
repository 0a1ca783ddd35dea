package function

import (
	"errors"
	"io"
	"os"
	"sync"
	"syscall"
)

// maxPending bounds what is kept of the output between two calls.
const maxPending = 64 << 10

// tap reads what a worker's process writes and passes it to the log of the call that is under way. What comes between calls,
// while the process starts above all, is kept and leads the log of the next.
//
// A process writes its log into a pipe and its result over a connection, so the result can arrive while the last lines are
// still in the pipe. detach therefore empties the pipe before it takes the log away.
type tap struct {
	raw    syscall.RawConn
	file   *os.File
	closed chan struct{} // when the reading goroutine has ended

	mu      sync.Mutex
	sink    io.Writer // nil between calls
	pending []byte
	buffer  [16 << 10]byte
}

func newTap() *tap { return &tap{closed: make(chan struct{})} }

// open makes the pipe, starts reading and returns the end to write to.
func (t *tap) open() (*os.File, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	raw, err := r.SyscallConn()
	if err != nil {
		return nil, errors.Join(err, r.Close(), w.Close())
	}
	t.file, t.raw = r, raw
	go t.loop()
	return w, nil
}

func (t *tap) loop() {
	defer close(t.closed)
	for open := true; open; {
		err := t.raw.Read(func(fd uintptr) bool {
			n, err := t.read(int(fd))
			again := errors.Is(err, syscall.EAGAIN)
			open = n > 0 || again
			return !again
		})
		open = open && err == nil
	}
}

// read reads once, without waiting, and passes on what it got.
func (t *tap) read(fd int) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for {
		n, err := syscall.Read(fd, t.buffer[:])
		if errors.Is(err, syscall.EINTR) {
			continue
		}
		if n > 0 {
			t.deliver(t.buffer[:n])
		}
		return n, err
	}
}

// deliver is called with t.mu held.
func (t *tap) deliver(p []byte) {
	if t.sink != nil {
		_, _ = t.sink.Write(p) // a call's log takes everything
		return
	}
	t.pending = append(t.pending, p...)
	if extra := len(t.pending) - maxPending; extra > 0 {
		t.pending = append(t.pending[:0], t.pending[extra:]...)
	}
}

// drain empties the pipe of what is in it now. It stops after as much as a pipe holds several times over: a process that never stops
// writing must not hold up its own result.
func (t *tap) drain() {
	const enough = 1 << 20
	_ = t.raw.Control(func(fd uintptr) { // fails when the pipe is closed: then there is nothing in it
		for total := 0; total < enough; {
			n, err := t.read(int(fd))
			if n <= 0 || err != nil {
				return
			}
			total += n
		}
	})
}

// attach begins the log of a call.
func (t *tap) attach(sink io.Writer) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.sink = sink
	if len(t.pending) > 0 {
		t.deliver(t.pending)
		t.pending = nil
	}
}

// detach ends the log of a call.
func (t *tap) detach() {
	t.drain()
	t.mu.Lock()
	defer t.mu.Unlock()
	t.sink = nil
}

// takePending returns what was written between calls.
func (t *tap) takePending() []byte {
	t.mu.Lock()
	defer t.mu.Unlock()
	p := t.pending
	t.pending = nil
	return p
}

// close reads what is left and ends the reading, even if a descendant of the process still holds the other end.
func (t *tap) close() {
	t.drain()
	_ = t.file.Close()
	<-t.closed
}
