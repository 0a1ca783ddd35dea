// Package bulk has what SQS and SNS have in common: what a message may be, and how many of them are sent to a service that takes a few at a time and
// answers for each (SendMessageBatch, PublishBatch).
//
// # Promises
//
//   - Entries go out in their order, in as few calls as the limits of the service allow, by count and by bytes.
//   - Entries that the service could not take in a call that it took are sent again, later and later, Attempts times in all; those at which the
//     sender is at fault are not.
//   - What was not sent in the end is named, entry by entry. An entry whose answer was lost is among them, and may have been sent.
package bulk

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"time"
)

// Attempts is how often an entry is sent at most, the first time included. The client's own attempts at one call come on top of that.
const Attempts = 5

// firstPause is the longest wait before the second attempt; each further one doubles it.
const firstPause = 100 * time.Millisecond

// Limits are those of one call.
type Limits struct{ Entries, Bytes int }

// Failure is what a service says of an entry that it did not take.
type Failure struct {
	Entry       int // its index
	SenderFault bool
	Code        string
	Message     string
}

// Error is the code and the message.
func (f *Failure) Error() string { return f.Code + ": " + f.Message }

// UnsentError says which entries were not sent.
type UnsentError struct {
	Entries []int // their indices, in order
	Of      int   // how many there were
	Err     error // why the first of them was not
}

// Error tells how many were not sent, and why the first was not.
func (e *UnsentError) Error() string {
	if e.Of == 1 {
		return e.Err.Error()
	}
	return fmt.Sprintf("%d of %d, the first of them the one at %d: %v", len(e.Entries), e.Of, e.Entries[0], e.Err)
}

// Unwrap returns why the first was not sent.
func (e *UnsentError) Unwrap() error { return e.Err }

// Send sends entries of those sizes, in bytes, none of which is over the limits alone. Call sends those with the indices that it gets, which may be
// kept, and returns those that were not taken; its error means that none was known to be. The error of Send is an *UnsentError.
func Send(ctx context.Context, sizes []int, limits Limits, call func(ctx context.Context, entries []int) ([]Failure, error)) error {
	s := sender{ctx: ctx, sizes: sizes, limits: limits, call: call, lost: map[int]error{}}
	pending := make([]int, len(sizes))
	for i := range pending {
		pending[i] = i
	}
	pause := firstPause
	for attempt := 1; len(pending) > 0; attempt++ {
		failed := s.round(pending)
		pending = pending[:0]
		for _, f := range failed {
			if f.SenderFault || attempt == Attempts || !s.goesOn() {
				s.lost[f.Entry] = &f
			} else {
				pending = append(pending, f.Entry)
			}
		}
		slices.Sort(pending)
		if len(pending) > 0 {
			s.wait(rand.N(pause)) // those who were throttled together do not come again together
			pause *= 2
		}
	}
	return s.err()
}

type sender struct {
	ctx    context.Context
	sizes  []int
	limits Limits
	call   func(ctx context.Context, entries []int) ([]Failure, error)
	lost   map[int]error
	broken error // why no more calls are made
}

func (s *sender) goesOn() bool { return s.broken == nil && s.ctx.Err() == nil }

// round sends each of the entries once, and returns those that were refused. After a call that failed none is made.
func (s *sender) round(pending []int) []Failure {
	var refused []Failure
	for len(pending) > 0 {
		n := s.fitting(pending)
		entries := slices.Clone(pending[:n])
		pending = pending[n:]
		if s.broken == nil {
			failed, err := s.call(s.ctx, entries)
			if err == nil {
				refused = append(refused, failed...)
				continue
			}
			s.broken = err
		}
		for _, i := range entries {
			s.lost[i] = s.broken
		}
	}
	return refused
}

// fitting is how many of the entries fit into one call.
func (s *sender) fitting(pending []int) int {
	bytes := 0
	for n, i := range pending {
		if bytes += s.sizes[i]; n == s.limits.Entries || n > 0 && bytes > s.limits.Bytes {
			return n
		}
	}
	return len(pending)
}

func (s *sender) wait(d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-s.ctx.Done():
		s.broken = cmp.Or(s.broken, context.Cause(s.ctx))
	}
}

func (s *sender) err() error {
	if len(s.lost) == 0 {
		return nil
	}
	e := &UnsentError{Of: len(s.sizes)}
	for i := range s.lost {
		e.Entries = append(e.Entries, i)
	}
	slices.Sort(e.Entries)
	e.Err = s.lost[e.Entries[0]]
	if s.ctx.Err() != nil && !errors.Is(e.Err, s.ctx.Err()) {
		e.Err = fmt.Errorf("%w: %w", s.ctx.Err(), e.Err)
	}
	return e
}

// ID is what the entry at n is called in a call.
func ID(n int) *string {
	id := strconv.Itoa(n)
	return &id
}

// Entry finds the entry of a call that a service answers for by its ID.
func Entry(entries []int, id *string) int {
	if id != nil {
		if n, err := strconv.Atoi(*id); err == nil && n >= 0 && n < len(entries) {
			return entries[n]
		}
	}
	panic("bulk: a service answers for an entry that was not in the call") // it repeats what it was given
}
