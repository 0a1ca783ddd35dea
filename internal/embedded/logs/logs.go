// Package logs keeps what functions and jobs write: one stream per invocation or job attempt, named by slash-separated parts of
// which the first two say whose it is:
//
//	function/<name>/<request id>
//	job/<name>/<job id>/<attempt>
//
// # Promises
//
//   - A stream is bounded: of more than MaxStream bytes the first and last halves are kept, with one line between that says how
//     much was left out.
//   - While a stream is being written it is read from memory, afterwards from the store; a reader sees no gap between the two.
//   - Closing a stream does not wait for the disk. A log that was closed moments before a crash may be lost; what the function
//     or job returned never depends on it.
//
// A finished stream is three keys of internal/embedded/store: its description, its lines, and an entry in the order of
// time of its source. Descriptions lie apart from lines, so listing reads no lines.
package logs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
	"unicode"

	"sundog/internal/embedded/store"
)

// Bounds of a stream.
const (
	// MaxStream is how many bytes of text one stream keeps.
	MaxStream = 1 << 20
	// MaxLine is the length in bytes after which a line is broken into several.
	MaxLine = 64 << 10
	// MaxName is the length in bytes of the longest name of a stream.
	MaxName = 1024
)

// ErrNotFound is returned for a stream that was never written, or has expired.
var ErrNotFound = errors.New("logs: no such stream")

// Line is one line of a stream.
type Line struct {
	// Number counts the lines of the stream from 0. Lines that were left out keep theirs, so numbers never change.
	Number int `json:"number"`
	// Time is when the line was completed.
	Time time.Time `json:"time"`
	// Text is the line without its line break. It need not be valid UTF-8.
	Text string `json:"text"`
}

// String is the line as Cirrus's command line shows it: its time in UTC, to the microsecond where it has any, and its text without space at
// the end.
func (l Line) String() string {
	at := l.Time.UTC().Truncate(time.Microsecond)
	layout := "2006-01-02 15:04:05-07:00"
	if at.Nanosecond() != 0 {
		layout = "2006-01-02 15:04:05.000000-07:00"
	}
	return "[" + at.Format(layout) + "] " + strings.TrimRightFunc(l.Text, unicode.IsSpace)
}

// Stream describes one stream.
type Stream struct {
	Name    string    `json:"name"`
	Created time.Time `json:"created"`
	// Updated is the time of the last line so far.
	Updated time.Time `json:"updated"`
	// Lines and Bytes count what was written, with what was left out; Bytes without line breaks.
	Lines int   `json:"lines"`
	Bytes int64 `json:"bytes"`
	// Live is true while the stream is being written.
	Live bool `json:"live"`
}

// Store keeps streams. It is safe for concurrent use.
type Store struct {
	store *store.Store
	now   func() time.Time

	mu   sync.Mutex
	live map[string]*stream // being written, or closed and not yet readable in the store
}

// New returns the logs in s. The clock now stamps lines; time.Now when nil.
func New(s *store.Store, now func() time.Time) *Store {
	if now == nil {
		now = time.Now
	}
	return &Store{store: s, now: now, live: make(map[string]*stream)}
}

// Writer opens a stream for writing. Two writers of one name that overlap write the same stream; one that comes after the stream
// was closed starts it anew.
//
// Writing never fails. Lines are stamped when they are completed, an unfinished one when the stream is closed. The caller closes
// the writer, which does not wait for the disk and returns the store's error, in which case the log is lost.
func (s *Store) Writer(name string) io.WriteCloser {
	if len(name) > MaxName {
		name = name[:MaxName]
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	st := s.live[name]
	if st == nil || st.writers == 0 {
		st = newStream(name, s.now())
		s.live[name] = st
	}
	st.writers++
	return &writer{store: s, stream: st}
}

// Append writes a whole stream at once and closes it.
func (s *Store) Append(name string, text []byte) error {
	w := s.Writer(name)
	if _, err := w.Write(text); err != nil {
		return errors.Join(err, w.Close())
	}
	return w.Close()
}

// writer writes one stream.
type writer struct {
	store  *Store
	stream *stream
	closed bool
}

func (w *writer) Write(p []byte) (int, error) {
	w.stream.write(p, w.store.now())
	return len(p), nil
}

func (w *writer) Close() error {
	s, st := w.store, w.stream
	s.mu.Lock()
	if w.closed {
		s.mu.Unlock()
		return nil
	}
	w.closed = true
	st.writers--
	last := st.writers == 0
	s.mu.Unlock()
	if !last {
		return nil
	}
	if err := s.persist(st); err != nil {
		s.forget(st)
		return fmt.Errorf("logs: writing stream %s: %w", st.name, err)
	}
	return nil
}

func (s *Store) persist(st *stream) error {
	st.finish(s.now())
	meta, lines := st.encode()
	tx := s.store.Begin()
	tx.Set(metaKey(st.name), meta)
	tx.Set(linesKey(st.name), lines)
	tx.Set(timeKey(st.name, st.updated), nil)
	tx.OnCommit(func() { s.forget(st) })
	// The queue in front of the disk is the store's; there is nobody whose leaving should lose the log.
	return tx.CommitLazily(context.Background())
}

func (s *Store) forget(st *stream) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.live[st.name] == st {
		delete(s.live, st.name)
	}
}

func (s *Store) liveStream(name string) *stream {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.live[name]
}

// Read returns up to limit lines from line number from on. The line that says what was left out stands at the number of
// the first line that is missing. Reading on from the number after the last line returned follows a live stream. It returns
// ErrNotFound for an unknown stream and no lines beyond the end of a known one.
func (s *Store) Read(name string, from, limit int) ([]Line, error) {
	lines, err := s.lines(name)
	if err != nil {
		return nil, err
	}
	for len(lines) > 0 && lines[0].Number < from {
		lines = lines[1:]
	}
	return lines[:min(len(lines), max(limit, 0))], nil
}

// Tail returns the last n lines, oldest first, or ErrNotFound.
func (s *Store) Tail(name string, n int) ([]Line, error) {
	lines, err := s.lines(name)
	if err != nil {
		return nil, err
	}
	return lines[max(0, len(lines)-max(n, 0)):], nil
}

func (s *Store) lines(name string) ([]Line, error) {
	if st := s.liveStream(name); st != nil {
		return st.snapshot(), nil
	}
	value, err := s.store.Get(linesKey(name))
	if errors.Is(err, store.ErrNotFound) {
		return nil, fmt.Errorf("%w: %s", ErrNotFound, name)
	}
	if err != nil {
		return nil, fmt.Errorf("logs: reading stream %s: %w", name, err)
	}
	return decodeLines(value)
}

// source returns the first two parts of a name.
func source(name string) string {
	first := strings.IndexByte(name, '/')
	if first < 0 {
		return name
	}
	second := strings.IndexByte(name[first+1:], '/')
	if second < 0 {
		return name
	}
	return name[:first+1+second]
}

// Keys below store.PrefixLog begin with a number that says what they hold.
const (
	kindMeta  = 0
	kindLines = 1
)

func metaKey(name string) store.Key { return store.NewKey(store.PrefixLog).Uint(kindMeta).String(name) }

func linesKey(name string) store.Key {
	return store.NewKey(store.PrefixLog).Uint(kindLines).String(name)
}

func timeKey(name string, updated time.Time) store.Key {
	return store.NewKey(store.PrefixLogTime).String(source(name)).Time(updated).String(name)
}
