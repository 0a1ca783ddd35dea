package engine

import (
	"container/heap"
	"context"
	"fmt"
	"sync"
	"time"

	"sundog/asl"
	"sundog/internal/embedded/store"
)

// timerRef names a timer among all executions.
type timerRef struct {
	execution uint64
	timer     asl.TimerID
}

func timerKey(due time.Time, execution uint64, timer asl.TimerID) store.Key {
	return store.NewKey(store.PrefixTimer).Time(due).Uint(execution).Uint(uint64(timer))
}

// How far ahead timers are held in memory; later ones lie in the store only.
const (
	timerHorizon = time.Minute
	maxLoaded    = 10_000 // read from the store at once; a fuller minute is read in pieces
)

// timers fire the timers of all executions. Those due before loaded are in the heap; the others are read when their time comes near.
type timers struct {
	e *Engine

	mu     sync.Mutex
	heap   dueHeap
	byRef  map[timerRef]*due
	loaded time.Time
	full   bool // loaded was cut short, because the heap was full
	wake   chan struct{}
}

type due struct {
	ref   timerRef
	at    time.Time
	index int // in the heap
}

func newTimers(e *Engine) *timers {
	return &timers{e: e, byRef: map[timerRef]*due{}, wake: make(chan struct{}, 1)}
}

// set takes a timer that is on disk.
func (t *timers) set(ref timerRef, at time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !at.Before(t.loaded) || t.byRef[ref] != nil {
		return
	}
	d := &due{ref: ref, at: at}
	t.byRef[ref] = d
	heap.Push(&t.heap, d)
	if d.index == 0 {
		t.poke()
	}
}

// drop forgets a timer.
func (t *timers) drop(ref timerRef) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if d := t.byRef[ref]; d != nil {
		heap.Remove(&t.heap, d.index)
		delete(t.byRef, ref)
	}
}

func (t *timers) poke() {
	select {
	case t.wake <- struct{}{}:
	default:
	}
}

// run fires timers until ctx ends.
func (t *timers) run(ctx context.Context) error {
	for {
		if err := t.load(); err != nil {
			return err
		}
		now := t.e.opts.Now()
		fired, next := t.due(now)
		for execution, events := range byExecution(fired) {
			t.e.wg.Go(func() { t.e.post(execution, events...) })
		}
		if len(fired) > 0 {
			continue
		}
		wait := time.NewTimer(next.Sub(now))
		select {
		case <-wait.C:
		case <-t.wake:
		case <-ctx.Done():
			wait.Stop()
			return nil
		}
		wait.Stop()
	}
}

// byExecution are the deliveries of timers that fire, those of one execution in their order.
func byExecution(fired []timerRef) map[uint64][]delivery {
	all := make(map[uint64][]delivery, len(fired))
	for _, ref := range fired {
		all[ref.execution] = append(all[ref.execution], delivery{event: asl.TimerFired{Timer: ref.timer}})
	}
	return all
}

// maxFired bounds the timers that are fired before the loop looks around again.
const maxFired = 256

// due takes the timers that are due, and says when to look again.
func (t *timers) due(now time.Time) (fired []timerRef, next time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for len(t.heap) > 0 && len(fired) < maxFired && !t.heap[0].at.After(now) {
		d := heap.Pop(&t.heap).(*due)
		delete(t.byRef, d.ref)
		fired = append(fired, d.ref)
	}
	next = t.loaded.Add(-timerHorizon / 2)
	if len(t.heap) > 0 && (t.full || t.heap[0].at.Before(next)) {
		next = t.heap[0].at
	}
	return fired, next
}

// load reads the timers of the next minute once half of the last one is over, or, when they were too many, once half of them
// have fired.
func (t *timers) load() error {
	until := t.e.opts.Now().Add(timerHorizon)
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.full && len(t.heap) >= maxLoaded/2 || !t.full && until.Sub(t.loaded) < timerHorizon/2 {
		return nil
	}
	t.full = false
	r := store.Range{Low: store.NewKey(store.PrefixTimer), High: store.NewKey(store.PrefixTimer).Time(until)}
	if !t.loaded.IsZero() {
		r.Low = store.NewKey(store.PrefixTimer).Time(t.loaded)
	}
	for entry, err := range t.e.store.Scan(r) {
		if err != nil {
			return fmt.Errorf("reading timers: %w", err)
		}
		f := store.Split(entry.Key)
		d := &due{at: f.Time(), ref: timerRef{execution: f.Uint(), timer: asl.TimerID(f.Uint())}}
		if err := f.Err(); err != nil {
			return err
		}
		if len(t.heap) >= maxLoaded && d.at.After(t.heap[0].at) {
			until, t.full = d.at, true // the rest, this one included, is read later
			break
		}
		if t.byRef[d.ref] == nil {
			t.byRef[d.ref] = d
			heap.Push(&t.heap, d)
		}
	}
	t.loaded = until
	return nil
}

// dueHeap is a heap of timers by time. Of those of an execution that are due together the one that was set first comes first.
type dueHeap []*due

func (h dueHeap) Len() int { return len(h) }

func (h dueHeap) Less(i, j int) bool {
	if !h[i].at.Equal(h[j].at) {
		return h[i].at.Before(h[j].at)
	}
	return h[i].ref.timer < h[j].ref.timer
}

func (h dueHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}

func (h *dueHeap) Push(x any) {
	d := x.(*due)
	d.index = len(*h)
	*h = append(*h, d)
}

func (h *dueHeap) Pop() any {
	old := *h
	d := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	return d
}
