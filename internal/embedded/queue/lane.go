package queue

import (
	"container/heap"
	"slices"
	"time"
)

// Bounds of the window of one lane.
const (
	readyWindow = 1024    // messages that are ready and in memory, beside those that come back from being in flight
	cachedBytes = 4 << 20 // of their bodies; bodies over that are read again when they are received
)

// never is later than every due time.
var never = time.Unix(0, 1<<63-1)

// entry is a message in memory.
type entry struct {
	lane   *lane
	seq    uint64
	sentAt int64 // unix nanoseconds
	value  []byte
	attempts

	state    state
	index    int       // in the heap it is in
	serial   uint64    // of the last reception
	deadline time.Time // when it is visible again
	deleting bool      // a transaction that was not committed yet deletes it, and takes it off the counter
}

type state uint8

const (
	ready    state = iota
	inFlight       // received
	dying          // waits to become a dead letter
)

// lane is one lane in memory. Everything is guarded by Queue.mu.
type lane struct {
	name string

	ready  pile // by sequence
	cached int  // bytes of the values of what is ready

	// cursor: what comes before it is in memory or gone. high: the largest sequence number that was committed, or may have been
	// before the queue was opened. What lies between is on disk only.
	cursor, high uint64
	// While the window is being filled from the part between cursor and bound, late gathers what was committed in it.
	filling bool
	bound   uint64
	late    []*entry

	nextDue time.Time // no delayed message is due before

	// Counters as of the last commit.
	messages, delayed int64
	inFlight          int64
	inMemory          int64 // entries of this lane
	correction        int64 // what the stored counter of messages is off by
}

func newLane(name string, high uint64) *lane {
	return &lane{name: name, ready: pile{less: bySequence}, high: high, nextDue: time.Unix(0, 0)}
}

// read reports whether nothing of the lane is on disk only.
func (l *lane) read() bool { return !l.filling && l.cursor > l.high }

// low reports whether there is something to fill the window with, and room.
func (l *lane) low(now time.Time) bool {
	return l.ready.Len() < readyWindow/2 && (!l.filling && l.cursor <= l.high || !l.nextDue.After(now))
}

// push makes an entry ready.
func (l *lane) push(e *entry) {
	e.state = ready
	if l.cached+len(e.value) > cachedBytes {
		e.value = nil
	}
	l.cached += len(e.value)
	heap.Push(&l.ready, e)
}

// drop takes an entry out of what is ready.
func (l *lane) drop(e *entry) {
	heap.Remove(&l.ready, e.index)
	l.cached -= len(e.value)
}

// arrive takes a message whose transaction was committed.
func (q *Queue) arrive(e *entry) {
	l := e.lane
	l.messages++
	switch {
	case e.seq < l.cursor:
		q.admit(e)
	case l.filling && e.seq < l.bound:
		l.late = append(l.late, e)
	case l.read() && l.ready.Len() < readyWindow:
		l.cursor, l.high = e.seq+1, e.seq
		q.admit(e)
	default:
		l.high = max(l.high, e.seq)
		if l.ready.Len() < readyWindow/2 {
			q.poke()
		}
	}
}

// admit brings a message into memory, unless it is there.
func (q *Queue) admit(e *entry) {
	if q.entries[e.seq] == nil {
		q.entries[e.seq] = e
		e.lane.inMemory++
		q.present(e)
	}
}

// forget takes a message out of memory.
func (q *Queue) forget(e *entry) {
	q.detach(e)
	delete(q.entries, e.seq)
	e.lane.inMemory--
}

// present makes a message ready that is in no heap, or has it buried when it was received too often.
func (q *Queue) present(e *entry) {
	if q.cfg.MaxReceives > 0 && e.count >= q.cfg.MaxReceives {
		q.condemn(e, exhausted(e.attempts))
		return
	}
	e.lane.push(e)
	q.wake(e.lane)
}

// condemn leaves a message that is in no heap to the keeper, to become a dead letter.
func (q *Queue) condemn(e *entry, reason string) {
	e.state, e.reason, e.value = dying, reason, nil
	q.condemned = append(q.condemned, e)
	q.poke()
}

// detach takes an entry out of the heap that it is in.
func (q *Queue) detach(e *entry) {
	switch e.state {
	case ready:
		e.lane.drop(e)
	case inFlight:
		heap.Remove(&q.flying, e.index)
		e.lane.inFlight--
		if q.flying.Len() == q.cfg.MaxInFlight-1 {
			q.wakeNext()
		}
	case dying:
		if i := slices.Index(q.condemned, e); i >= 0 {
			q.condemned = slices.Delete(q.condemned, i, i+1)
		}
	}
}

// removal is what a transaction that takes a message out of its lane knows of it.
type removal struct {
	seq     uint64
	counted bool // it takes the message off the stored counter
	unseen  bool // the message was on disk only when the transaction was made
}

// gone forgets a message that was deleted or moved away. Of several transactions that delete the same message the first one claims to
// count it, but another may be the first to commit, or the only one: then the stored counter is corrected afterwards.
func (q *Queue) gone(l *lane, r removal) {
	e := q.entries[r.seq]
	removed := e != nil || r.unseen
	if e != nil {
		q.forget(e)
	} else if l.filling && r.seq >= l.cursor {
		q.generation++ // it may be in what is being read now
	}
	if removed {
		l.messages--
	}
	if removed != r.counted {
		if removed {
			l.correction--
		} else {
			l.correction++
		}
		q.poke()
	}
}

// taken is a message as one reception saw it: serial, seen and value do not change when it is received again.
type taken struct {
	*entry
	serial uint64
	seen   attempts
	value  []byte
}

// take receives up to n messages from lanes.
func (q *Queue) take(n int, lanes []string, visibility time.Duration) []taken {
	var out []taken
	now := q.now()
	for _, l := range q.lanes {
		if len(lanes) > 0 && !slices.Contains(lanes, l.name) {
			continue
		}
		for len(out) < n && l.ready.Len() > 0 && q.flying.Len() < q.cfg.MaxInFlight {
			e := l.ready.items[0]
			l.drop(e)
			q.serial++
			e.serial, e.state, e.deleting = q.serial, inFlight, false
			e.count++
			out = append(out, taken{entry: e, serial: e.serial, seen: e.attempts, value: e.value})
			e.value = nil
			q.hide(e, now.Add(visibility))
		}
		if l.low(now) {
			q.poke()
		}
	}
	if len(out) > 0 {
		q.wakeNext()
	}
	return out
}

// hide puts an entry that is in no heap among those in flight.
func (q *Queue) hide(e *entry, until time.Time) {
	e.deadline = until
	e.lane.inFlight++
	heap.Push(&q.flying, e)
	if until.Before(q.nextWake) {
		q.poke()
	}
}

// giveBack undoes the reception of what was not handed out after all.
func (q *Queue) giveBack(all []taken) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, t := range all {
		if e := q.entries[t.seq]; e != nil && e.state == inFlight && e.serial == t.serial {
			q.detach(e)
			e.count--
			e.value = t.value
			q.present(e)
		}
	}
}

// pile is a heap of entries, each of which knows its place in it.
type pile struct {
	items []*entry
	less  func(a, b *entry) bool
}

func bySequence(a, b *entry) bool { return a.seq < b.seq }
func byDeadline(a, b *entry) bool { return a.deadline.Before(b.deadline) }

func (p *pile) Len() int           { return len(p.items) }
func (p *pile) Less(i, j int) bool { return p.less(p.items[i], p.items[j]) }
func (p *pile) Swap(i, j int) {
	p.items[i], p.items[j] = p.items[j], p.items[i]
	p.items[i].index, p.items[j].index = i, j
}

// Push is for container/heap.
func (p *pile) Push(x any) {
	e := x.(*entry)
	e.index = len(p.items)
	p.items = append(p.items, e)
}

// Pop is for container/heap.
func (p *pile) Pop() any {
	last := len(p.items) - 1
	e := p.items[last]
	p.items[last] = nil
	p.items = p.items[:last]
	return e
}
