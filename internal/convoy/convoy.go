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
