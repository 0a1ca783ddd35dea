package store

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"
)

// Every key begins with one of these bytes. A prefix is never used again for something else: a data directory outlives
// the program that wrote it.
const (
	prefixMeta byte = 'M' // Meta: name of the fact -> text

	// State database (internal/embedded/statedb).
	PrefixRecord       byte = 'r' // collections_workflow, itemids -> record
	PrefixRecordByTime byte = 't' // collections_workflow, updated, itemids -> nothing
	PrefixRecordState  byte = 's' // collections_workflow, state_updated, itemids -> nothing
	PrefixCount        byte = 'n' // collections_workflow, state -> counter
	PrefixRecordFlow   byte = 'W' // workflow, state, updated, collections_workflow, itemids -> nothing

	// Audit log (internal/embedded/audit).
	PrefixJob          byte = 'w' // job -> description and progress
	PrefixJobFailure   byte = 'U' // job, number -> what could not be run again
	PrefixAudit        byte = 'J' // time, number -> entry
	PrefixAuditSubject byte = 'j' // subject, time, number -> nothing

	// Executions (internal/embedded/engine).
	PrefixExecution     byte = 'x' // execution -> description
	PrefixExecutionPart byte = 'p' // execution, part -> interpreter state
	PrefixDocument      byte = 'd' // execution, number -> document
	PrefixHistory       byte = 'h' // execution, first event id -> events
	PrefixTask          byte = 'k' // execution, task -> nothing: a task to run after a restart
	PrefixTimer         byte = 'i' // due time, execution, timer -> nothing
	PrefixOpen          byte = 'o' // machine, start time, execution -> nothing
	PrefixEnded         byte = 'e' // machine, stop time, execution -> status
	PrefixName          byte = 'N' // machine, name -> execution
	PrefixMapRun        byte = 'R' // kind, execution, run, … -> see internal/embedded/engine/maprun_store.go

	// State machines (internal/embedded/machine).
	PrefixDefinition     byte = 'D' // digest -> definition
	PrefixMachine        byte = 'G' // machine -> type, owner, current revision, tags
	PrefixMachineVersion byte = 'g' // machine, number -> version
	PrefixMachineAlias   byte = 'z' // machine, alias -> alias

	// Activities (internal/embedded/activity).
	PrefixActivity byte = 'A' // name -> description

	// Queues (internal/embedded/queue).
	PrefixQueue      byte = 'q' // queue -> configuration
	PrefixQueueEpoch byte = 'Q' // how often the queues have been opened
	PrefixMessage    byte = 'm' // queue, lane, sequence -> message
	PrefixAttempts   byte = 'a' // queue, lane, sequence -> how often it was received
	PrefixDelayed    byte = 'y' // queue, lane, due time, sequence -> message
	PrefixDeadLetter byte = 'u' // queue, sequence -> message and reason
	PrefixDepth      byte = 'c' // queue, kind, lane -> counter

	// Topics (internal/embedded/topic).
	PrefixFileEnd byte = 'f' // subscription -> length of its file

	// Buckets (internal/embedded/bucket).
	PrefixObject byte = 'b' // bucket, object key -> description and body

	// Workflow events (internal/embedded/feed).
	PrefixEvent      byte = 'v' // log: workflow event
	PrefixTransition byte = 'T' // seconds of a period, its beginning, state -> counter

	// Tables (internal/embedded/table). A table has a number, and so has each of its indexes.
	PrefixTable       byte = 'B' // name -> number and schema
	PrefixItem        byte = 'I' // table, hash, partition key, sort key -> item
	PrefixIndexItem   byte = 'H' // table, index, hash, index keys, hash of the item's key, item's key -> part of the item
	PrefixExpiry      byte = 'E' // table, time of expiry, item's key -> nothing
	PrefixStream      byte = 'S' // log: table -> change
	PrefixTransaction byte = 'X' // client token -> time and digest of the request
	PrefixTableCount  byte = 'C' // table, what -> counter

	// Triggers (internal/embedded/trigger).
	PrefixTrigger byte = 'Z' // kind, trigger, … -> see internal/embedded/trigger/state.go

	// Schedules (internal/embedded/schedule).
	PrefixSchedule      byte = 'O' // id -> schedule
	PrefixScheduleOrder byte = 'P' // order, time, … -> see internal/embedded/schedule/keys.go
	PrefixScheduleView  byte = 'Y' // kind, … -> see internal/embedded/schedule/keys.go

	// Tokens (internal/embedded/access) and what metrics cannot count anew (internal/embedded/metrics).
	PrefixToken       byte = 'K' // name -> token
	PrefixLastSuccess byte = 'F' // workflow -> when one of its executions last succeeded

	// Logs (internal/embedded/logs).
	PrefixLog     byte = 'l' // see internal/embedded/logs
	PrefixLogTime byte = 'L'
)

// prefixVersion is where a component keeps the version of what it has written: name -> version.
const prefixVersion byte = 'V'

// Format is the version of the layout of the keys. A store of another one is refused.
const Format = "1"

// Key builds an ordered key: the prefix byte, then fields, each encoded so that keys sort field by field. Strings end in 0x00
// 0x01, with 0x00 inside written 0x00 0xFF; numbers are eight bytes, big endian.
type Key []byte

// NewKey starts a key.
func NewKey(prefix byte) Key { return append(make(Key, 0, 64), prefix) }

// String appends a string field.
func (k Key) String(s string) Key {
	for i := range len(s) {
		k = append(k, s[i])
		if s[i] == 0 {
			k = append(k, 0xFF)
		}
	}
	return append(k, 0, 1)
}

// Partial appends the beginning of a string field: the range of the key holds all fields that begin so.
func (k Key) Partial(s string) Key {
	full := k.String(s)
	return full[:len(full)-2]
}

// Uint appends a number.
func (k Key) Uint(n uint64) Key { return binary.BigEndian.AppendUint64(k, n) }

// Raw appends bytes as they are: all fields of this place have the same number of them.
func (k Key) Raw(b []byte) Key { return append(k, b...) }

// Time appends an instant with nanoseconds; years 1970 to 2262.
func (k Key) Time(t time.Time) Key { return k.Uint(uint64(t.UnixNano())) }

// Range returns the range of all keys that begin with k.
func (k Key) Range() Range { return Range{Low: k, High: k.End()} }

// End returns the first key after all that begin with k.
func (k Key) End() []byte {
	end := append([]byte(nil), k...)
	for i := len(end) - 1; i >= 0; i-- {
		if end[i]++; end[i] != 0 {
			return end[:i+1]
		}
	}
	return nil
}

// Fields reads the fields of a key back, in the order in which they were appended.
type Fields struct {
	rest []byte
	err  error
}

// Split starts reading a key after its prefix byte.
func Split(key []byte) *Fields {
	if len(key) == 0 {
		return &Fields{err: errMalformed}
	}
	return &Fields{rest: key[1:]}
}

var errMalformed = errors.New("store: malformed key")

// String reads a string field.
func (f *Fields) String() string {
	var out []byte
	for i := 0; i+1 < len(f.rest) && f.err == nil; i++ {
		if f.rest[i] != 0 {
			out = append(out, f.rest[i])
			continue
		}
		switch f.rest[i+1] {
		case 1:
			f.rest = f.rest[i+2:]
			return string(out)
		case 0xFF:
			out = append(out, 0)
			i++
		default:
			f.err = errMalformed
		}
	}
	f.err = errMalformed
	return ""
}

// Raw reads n bytes.
func (f *Fields) Raw(n int) []byte {
	if f.err != nil || len(f.rest) < n {
		f.err = errMalformed
		return nil
	}
	b := f.rest[:n]
	f.rest = f.rest[n:]
	return b
}

// Uint reads a number.
func (f *Fields) Uint() uint64 {
	if f.err != nil || len(f.rest) < 8 {
		f.err = errMalformed
		return 0
	}
	n := binary.BigEndian.Uint64(f.rest)
	f.rest = f.rest[8:]
	return n
}

// Time reads an instant.
func (f *Fields) Time() time.Time { return time.Unix(0, int64(f.Uint())).UTC() }

// Err returns the first error met.
func (f *Fields) Err() error { return f.err }

// checkFormat writes the version of the layout into a new store and compares it in an old one.
func (s *Store) checkFormat() error {
	key := NewKey(prefixMeta).String("format")
	found, err := s.Get(key)
	if errors.Is(err, ErrNotFound) {
		b := s.db.NewBatch()
		if err := b.Set(key, []byte(Format), nil); err != nil {
			return err
		}
		return b.Commit(nil)
	}
	if err == nil && string(found) != Format {
		err = fmt.Errorf("store: data directory has format %s, this program reads %s", found, Format)
	}
	return err
}
