package schedule

import (
	"container/heap"
	"fmt"
	"sync"
	"time"

	"sundog/internal/embedded/store"
)

// Bounds of what a window holds in memory.
const (
	windowSpan  = 10 * time.Second
	windowMost  = 50_000 // keys, each of about 150 bytes with what finds it; Add can lead to twice as many for a moment
	windowPiece = 500    // keys that are read from the store, and taken out of the window, at once
)

// window is the beginning of an order: the keys of the next seconds, in a heap. What lies behind them is on disk only. A key that was taken
// off the disk may still be in the window; whoever takes it out looks whether it is there.
type window struct {
	store *store.Store
	order store.Key

	mu     sync.Mutex
	heap   keyHeap
	in     map[string]struct{}
	loaded []byte // keys of the order before this one are in the heap, or were
	resets int
	nearer chan struct{} // a key has become the first
	room   chan struct{} // the rest of what should be in memory can be read
	full   bool          // loaded was cut short because the heap was full
}

func newWindow(st *store.Store, order store.Key) *window {
	return &window{
		store: st, order: order, in: map[string]struct{}{}, loaded: order,
		nearer: make(chan struct{}, 1), room: make(chan struct{}, 1),
	}
}

// add takes a key that is on disk. Those that are far ahead are read when their time comes near.
func (w *window) add(key store.Key) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if string(key) >= string(w.loaded) {
		return
	}
	w.push(string(key))
	if len(w.heap) > 2*windowMost { // begin again with the first of them; the others are on disk
		w.heap, w.in, w.loaded, w.full = nil, map[string]struct{}{}, w.order, false
		w.resets++
		poke(w.room)
	}
}

// push is called with mu held.
func (w *window) push(key string) {
	if _, there := w.in[key]; there {
		return
	}
	w.in[key] = struct{}{}
	heap.Push(&w.heap, key)
	if w.heap[0] == key {
		poke(w.nearer)
	}
}

func poke(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// piece is what was read from an order at once.
type piece struct {
	keys   []string
	upTo   []byte // keys before this one were read
	more   bool   // there are more that should be in memory
	resets int
}

// read reads the next keys that come before a moment. They are in the window once accept was called.
func (w *window) read(until time.Time) (piece, error) {
	w.mu.Lock()
	p := piece{upTo: orderTime(w.order, until), resets: w.resets}
	from := w.loaded
	room := windowMost - len(w.heap)
	if w.full = room < windowPiece; w.full || string(from) >= string(p.upTo) {
		w.mu.Unlock()
		return piece{}, nil
	}
	w.loaded = p.upTo // what is added from now on goes to the heap, so that none is missed
	w.mu.Unlock()
	for entry, err := range w.store.Scan(store.Range{Low: from, High: p.upTo}) {
		if err != nil {
			w.giveUp(p, from)
			return piece{}, fmt.Errorf("reading what is due next: %w", err)
		}
		if len(p.keys) == windowPiece {
			p.upTo, p.more = append([]byte(nil), entry.Key...), true
			break
		}
		p.keys = append(p.keys, string(entry.Key))
	}
	return p, nil
}

// giveUp has a piece read again, from where it began.
func (w *window) giveUp(p piece, from []byte) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.resets == p.resets {
		w.loaded = from
	}
}

// accept puts into the window what was read.
func (w *window) accept(p piece) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.resets != p.resets {
		return // it is read again
	}
	if p.more {
		w.loaded = p.upTo
	}
	for _, key := range p.keys {
		w.push(key)
	}
}

// take takes out the keys that are due, up to windowPiece, and says when the next one is: the zero time when none is in memory.
func (w *window) take(now time.Time) (due []string, next time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for len(w.heap) > 0 && len(due) < windowPiece && !keyTime(w.heap[0]).After(now) {
		key := heap.Pop(&w.heap).(string)
		delete(w.in, key)
		due = append(due, key)
	}
	if w.full && len(w.heap) < windowMost/2 {
		poke(w.room)
	}
	if len(w.heap) > 0 {
		next = keyTime(w.heap[0])
	}
	return due, next
}

// putBack takes keys again that could not be dealt with.
func (w *window) putBack(keys []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, key := range keys {
		w.push(key)
	}
}

// keyHeap is a heap of keys of one order: by time.
type keyHeap []string

func (h keyHeap) Len() int           { return len(h) }
func (h keyHeap) Less(i, j int) bool { return h[i] < h[j] }
func (h keyHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *keyHeap) Push(x any)        { *h = append(*h, x.(string)) }

func (h *keyHeap) Pop() any {
	old := *h
	key := old[len(old)-1]
	old[len(old)-1] = ""
	*h = old[:len(old)-1]
	return key
}
