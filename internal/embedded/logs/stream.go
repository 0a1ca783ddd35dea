package logs

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"time"

	"sundog/internal/embedded/store"
)

// half is how much is kept of the beginning of a stream, and how much of its end.
const half = MaxStream / 2

// lineCost is counted for every line beside its text, so that a stream of empty lines is bounded too.
const lineCost = 16

type entry struct {
	time time.Time
	text []byte
}

// stream is a log in memory.
type stream struct {
	name    string
	created time.Time
	writers int // under Store.mu

	mu        sync.Mutex
	updated   time.Time
	partial   []byte // a line that is not complete yet
	head      []entry
	headBytes int
	headFull  bool
	tail      []entry // tail[first:] is kept
	first     int
	tailBytes int
	leftLines int   // lines left out between head and tail
	leftBytes int64 // their text
	bytes     int64 // text of all lines
	sealed    bool  // finished: what comes later is dropped
}

func newStream(name string, now time.Time) *stream {
	return &stream{name: name, created: now, updated: now}
}

func (s *stream) write(p []byte, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(p) > 0 && !s.sealed {
		end, next := len(p), len(p)
		complete := false
		if i := bytes.IndexByte(p, '\n'); i >= 0 {
			end, next, complete = i, i+1, true
		}
		if room := MaxLine - len(s.partial); end > room {
			end, next, complete = room, room, true
		}
		s.partial = append(s.partial, p[:end]...)
		p = p[next:]
		if complete {
			s.complete(now)
		}
	}
}

func (s *stream) complete(now time.Time) {
	text := bytes.Clone(bytes.TrimSuffix(s.partial, []byte("\r")))
	s.partial = s.partial[:0]
	s.updated = now
	s.bytes += int64(len(text))
	cost := len(text) + lineCost
	if !s.headFull && s.headBytes+cost <= half {
		s.head = append(s.head, entry{now, text})
		s.headBytes += cost
		return
	}
	s.headFull = true
	s.tail = append(s.tail, entry{now, text})
	s.tailBytes += cost
	for s.tailBytes > half {
		out := len(s.tail[s.first].text)
		s.tail[s.first] = entry{}
		s.first++
		s.tailBytes -= out + lineCost
		s.leftLines++
		s.leftBytes += int64(out)
	}
	if s.first > len(s.tail)/2 && s.first > 1024 {
		s.tail = append(s.tail[:0], s.tail[s.first:]...)
		s.first = 0
	}
}

// finish completes the last line.
func (s *stream) finish(now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.partial) > 0 {
		s.complete(now)
	}
	s.partial, s.sealed = nil, true
}

func (s *stream) describe() Stream {
	s.mu.Lock()
	defer s.mu.Unlock()
	return Stream{
		Name: s.name, Created: s.created, Updated: s.updated, Bytes: s.bytes, Live: !s.sealed,
		Lines: len(s.head) + s.leftLines + len(s.tail) - s.first,
	}
}

// snapshot returns the lines so far, without an unfinished one.
func (s *stream) snapshot() []Line {
	s.mu.Lock()
	defer s.mu.Unlock()
	lines := make([]Line, 0, len(s.head)+1+len(s.tail)-s.first)
	for i, e := range s.head {
		lines = append(lines, Line{Number: i, Time: e.time, Text: string(e.text)})
	}
	if s.leftLines > 0 {
		at := s.tail[s.first].time
		lines = append(lines, leftOut(len(s.head), at, s.leftBytes))
	}
	for i, e := range s.tail[s.first:] {
		lines = append(lines, Line{Number: len(s.head) + s.leftLines + i, Time: e.time, Text: string(e.text)})
	}
	return lines
}

func leftOut(number int, at time.Time, n int64) Line {
	return Line{Number: number, Time: at, Text: fmt.Sprintf("… %d bytes left out …", n)}
}

// The codec: both values begin with the version of the layout; then varints, and the text of lines with its length in front.
// Times of lines are microseconds since the line before, the first since the creation.
const codec = 1

// errCorrupt is returned for a value that this package did not write.
var errCorrupt = errors.New("logs: malformed record")

// encode writes a finished stream; nobody else uses it any more but readers.
func (s *stream) encode() (meta, lines []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	kept := len(s.head) + len(s.tail) - s.first
	meta = append(meta, codec)
	meta = binary.AppendVarint(meta, s.created.UnixMicro())
	meta = binary.AppendVarint(meta, s.updated.UnixMicro())
	meta = binary.AppendUvarint(meta, uint64(kept+s.leftLines))
	meta = binary.AppendUvarint(meta, uint64(s.bytes))

	lines = make([]byte, 0, 32+s.headBytes+s.tailBytes)
	lines = append(lines, codec)
	lines = binary.AppendVarint(lines, s.created.UnixMicro())
	lines = binary.AppendUvarint(lines, uint64(len(s.head)))
	lines = binary.AppendUvarint(lines, uint64(s.leftLines))
	lines = binary.AppendUvarint(lines, uint64(s.leftBytes))
	last := s.created.UnixMicro()
	for _, part := range [][]entry{s.head, s.tail[s.first:]} {
		for _, e := range part {
			lines = binary.AppendVarint(lines, e.time.UnixMicro()-last)
			lines = binary.AppendUvarint(lines, uint64(len(e.text)))
			lines = append(lines, e.text...)
			last = e.time.UnixMicro()
		}
	}
	return meta, lines
}

func decodeMeta(name string, value []byte) (Stream, error) {
	r := store.Decode(value)
	if r.Byte() != codec {
		return Stream{}, fmt.Errorf("%w: description of %s", errCorrupt, name)
	}
	out := Stream{Name: name, Created: timeOf(r), Updated: timeOf(r), Lines: int(r.Uvarint()), Bytes: int64(r.Uvarint())}
	if r.Err() != nil {
		return Stream{}, fmt.Errorf("%w: description of %s", errCorrupt, name)
	}
	return out, nil
}

func decodeLines(value []byte) ([]Line, error) {
	r := store.Decode(value)
	if r.Byte() != codec {
		return nil, errCorrupt
	}
	last := r.Varint()
	head, left, leftBytes := int(r.Uvarint()), int(r.Uvarint()), int64(r.Uvarint())
	var lines []Line
	for number := 0; len(r.Rest()) > 0; number++ {
		last += r.Varint()
		at := time.UnixMicro(last).UTC()
		if number == head && left > 0 {
			lines = append(lines, leftOut(number, at, leftBytes))
			number += left
		}
		lines = append(lines, Line{Number: number, Time: at, Text: r.Text()})
	}
	if r.Err() != nil {
		return nil, errCorrupt
	}
	return lines, nil
}

func timeOf(r *store.Decoder) time.Time { return time.UnixMicro(r.Varint()).UTC() }
