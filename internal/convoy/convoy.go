// Package convoy lets those who work on a batch side by side know when all of them stand still, so that what they wait for can be asked for
// in one request. It travels in a context, from whoever has the batch to whoever makes requests.
//
// A member that waits for a request halts, and goes on when it has the answer. When no member moves any more there is nobody left to wait for.
package convoy

import (
	"context"
	"sync"
)

// Convoy counts those of its members who move. It is safe for concurrent use. A nil *Convoy has no members: nobody moves.
type Convoy struct {
	mu     sync.Mutex
	moving int
	still  chan struct{} // closed while nobody moves
}

// New makes a Convoy without members.
func New() *Convoy { return &Convoy{still: closed()} }

// Join adds a member that moves. It leaves in the end.
func (c *Convoy) Join() { c.Go() }

// Leave takes a member that moves out.
func (c *Convoy) Leave() { c.Halt() }

// Still returns a channel that is closed when none of those moves any more who do now.
func (c *Convoy) Still() <-chan struct{} {
	if c == nil {
		return closed()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.still
}

// Halt says that a member waits from now on.
func (c *Convoy) Halt() {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.moving--; c.moving == 0 {
		close(c.still)
	}
}

// Go says that a member which waited moves again.
func (c *Convoy) Go() {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.moving == 0 {
		c.still = make(chan struct{})
	}
	c.moving++
}

// Rest is a member that waits for answers. It moves again once the last has been given, before it has woken up: otherwise those who wake up first would
// find that nobody moves.
type Rest struct {
	convoy *Convoy

	mu   sync.Mutex
	left int // answers that are missing, and one more until the member stands
	over bool
}

// Rest begins to gather what a member waits for.
func (c *Convoy) Rest() *Rest { return &Rest{convoy: c, left: 1} }

// Still is that of the convoy.
func (r *Rest) Still() <-chan struct{} { return r.convoy.Still() }

// Expect says that there is one more answer to wait for. It comes before Stand.
func (r *Rest) Expect() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.left++
}

// Answer says that an answer is about to be given.
func (r *Rest) Answer() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.left--
	r.end()
}

// Stand says that the member waits from now on. It moves again after the last answer, or after End.
func (r *Rest) Stand() {
	r.convoy.Halt()
	r.Answer()
}

// End says that the member waits no longer, whatever is missing.
func (r *Rest) End() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.left = 0
	r.end()
}

// end is called with mu held.
func (r *Rest) end() {
	if r.left == 0 && !r.over {
		r.over = true
		r.convoy.Go()
	}
}

func closed() chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}

type key struct{}

// With gives a context to a convoy's members.
func With(ctx context.Context, c *Convoy) context.Context { return context.WithValue(ctx, key{}, c) }

// From is the convoy of a context, nil for none.
func From(ctx context.Context) *Convoy {
	c, _ := ctx.Value(key{}).(*Convoy)
	return c
}
