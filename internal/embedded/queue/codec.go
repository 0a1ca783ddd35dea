package queue

import (
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"sundog/internal/embedded/store"
	"sundog/internal/queue"
)

// Kinds of counters under store.PrefixDepth.
const (
	countMessages = "messages" // of a lane that are not delayed
	countDelayed  = "delayed"  // of a lane
	countDead     = "dead"     // of the queue; the lane is empty
)

func messageKey(queue, lane string, seq uint64) store.Key {
	return store.NewKey(store.PrefixMessage).String(queue).String(lane).Uint(seq)
}

func attemptsKey(queue, lane string, seq uint64) store.Key {
	return store.NewKey(store.PrefixAttempts).String(queue).String(lane).Uint(seq)
}

func delayedKey(queue, lane string, due time.Time, seq uint64) store.Key {
	return store.NewKey(store.PrefixDelayed).String(queue).String(lane).Time(due).Uint(seq)
}

func deadKey(queue string, seq uint64) store.Key {
	return store.NewKey(store.PrefixDeadLetter).String(queue).Uint(seq)
}

func depthKey(queue, kind, lane string) store.Key {
	return store.NewKey(store.PrefixDepth).String(queue).String(kind).String(lane)
}

// lastUint reads the number in which a key ends.
func lastUint(key []byte) uint64 {
	if len(key) < 8 {
		return 0
	}
	return binary.BigEndian.Uint64(key[len(key)-8:])
}

// formatID writes a sequence number as the id of a message: ids sort as messages do.
func formatID(seq uint64) string { return fmt.Sprintf("%016x", seq) }

func parseID(id string) (uint64, bool) {
	seq, err := strconv.ParseUint(id, 16, 64)
	return seq, err == nil && len(id) == 16
}

// A receipt names the message and the one reception: "<id>-<serial>-<lane>".
func formatReceipt(t taken) string {
	return formatID(t.seq) + "-" + strconv.FormatUint(t.serial, 16) + "-" + t.lane.name
}

type receipt struct {
	seq, serial uint64
	lane        string
}

func parseReceipt(text string) (receipt, bool) {
	parts := strings.SplitN(text, "-", 3)
	if len(parts) != 3 {
		return receipt{}, false
	}
	seq, ok := parseID(parts[0])
	serial, err := strconv.ParseUint(parts[1], 16, 64)
	return receipt{seq: seq, serial: serial, lane: parts[2]}, ok && err == nil
}

const messageVersion = 1

// encodeMessage writes what is stored of a message: everything that its key does not say, the body last.
func encodeMessage(d queue.Draft, sentAt time.Time) []byte {
	size := 24 + len(d.Body)
	for name, a := range d.Attributes {
		size += 15 + len(name) + len(a.Type) + len(a.Value)
	}
	b := append(make([]byte, 0, size), messageVersion)
	b = binary.AppendUvarint(b, uint64(sentAt.UnixNano()))
	b = binary.AppendUvarint(b, uint64(len(d.Attributes)))
	if len(d.Attributes) > 0 {
		for _, name := range slices.Sorted(maps.Keys(d.Attributes)) {
			b = appendText(b, name)
			b = appendText(b, d.Attributes[name].Type)
			b = appendText(b, d.Attributes[name].Value)
		}
	}
	return append(b, d.Body...)
}

// sentAgain is what is stored of a message that is sent again: the same, sent at another time.
func sentAgain(message []byte, at time.Time) []byte {
	r := store.Decode(message)
	version, _ := r.Byte(), r.Uvarint()
	if r.Err() != nil || version != messageVersion {
		return message // it cannot be read and will die of that again
	}
	b := append(make([]byte, 0, len(message)), messageVersion)
	return append(binary.AppendUvarint(b, uint64(at.UnixNano())), r.Rest()...)
}

// decodeMessage reads it back. The body is a part of value.
func decodeMessage(value []byte) (queue.Message, error) {
	r := store.Decode(value)
	if v := r.Byte(); v != messageVersion && r.Err() == nil {
		return queue.Message{}, fmt.Errorf("message of version %d, this program reads %d", v, messageVersion)
	}
	m := queue.Message{SentAt: time.Unix(0, int64(r.Uvarint())).UTC()}
	n := r.Uvarint()
	if n > queue.MaxAttributes {
		return queue.Message{}, errMalformed
	}
	if n > 0 {
		m.Attributes = make(map[string]queue.Attribute, n)
	}
	for range n {
		name := r.Text()
		m.Attributes[name] = queue.Attribute{Type: r.Text(), Value: r.Text()}
	}
	m.Body = r.Rest()
	return m, r.Err()
}

// attempts is what is known about the receptions of a message.
type attempts struct {
	count  int
	reason string // of the last Retry
}

func (a attempts) append(b []byte) []byte {
	return appendText(binary.AppendUvarint(b, uint64(a.count)), a.reason)
}

func readAttempts(r *store.Decoder) attempts {
	return attempts{count: int(r.Uvarint()), reason: r.Text()}
}

// encodeDelayed writes a delayed message: its attempts, then the message.
func encodeDelayed(a attempts, message []byte) []byte {
	return append(a.append(make([]byte, 0, 16+len(a.reason)+len(message))), message...)
}

func decodeDelayed(value []byte) (attempts, []byte, error) {
	r := store.Decode(value)
	a := readAttempts(r)
	return a, r.Rest(), r.Err()
}

// obituary is what is stored of a dead letter before the message.
type obituary struct {
	lane   string
	count  int
	diedAt time.Time
	reason string
}

func encodeDead(o obituary, message []byte) []byte {
	b := appendText(make([]byte, 0, 40+len(o.lane)+len(o.reason)+len(message)), o.lane)
	b = binary.AppendUvarint(b, uint64(o.count))
	b = binary.AppendUvarint(b, uint64(o.diedAt.UnixNano()))
	return append(appendText(b, o.reason), message...)
}

func decodeDead(value []byte) (obituary, []byte, error) {
	r := store.Decode(value)
	o := obituary{lane: r.Text(), count: int(r.Uvarint()), diedAt: time.Unix(0, int64(r.Uvarint())).UTC(), reason: r.Text()}
	return o, r.Rest(), r.Err()
}

func appendText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

var errMalformed = errors.New("stored message is malformed")

// cutReason bounds a reason without cutting a character in two.
func cutReason(reason string) string {
	if len(reason) <= queue.MaxReason {
		return strings.ToValidUTF8(reason, "�")
	}
	return strings.ToValidUTF8(reason[:queue.MaxReason-3], "") + "…"
}
