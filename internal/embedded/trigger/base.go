package trigger

import (
	"context"
	"fmt"
	"log/slog"
	"strconv"
	"sync"
	"time"

	embedded "sundog/internal/embedded/queue"
	"sundog/internal/embedded/store"
	"sundog/internal/queue"
	domain "sundog/internal/trigger"
)

// base is what the parts of one trigger share.
type base struct {
	*domain.Trigger
	opts   *Options
	logger *slog.Logger
	queue  *embedded.Queue // dead letters, and what is sent again of them; of a topic or queue all its messages
	joined joined          // the target, or
	called called

	turn sync.Mutex // held while the state is changed

	mu      sync.Mutex // guards what follows against those who look at it
	state   state
	changed chan struct{} // closed and replaced when somebody pauses, resumes or replays
}

// look returns the state, and a channel that is closed when somebody changes it.
func (b *base) look() (state, <-chan struct{}) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.state, b.changed
}

// become takes a state over that is on disk.
func (b *base) become(s state) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.state = s
}

// change changes the state, on disk and then in memory, and tells who waits.
func (b *base) change(ctx context.Context, how func(*state)) error {
	b.turn.Lock()
	defer b.turn.Unlock()
	next := b.state
	if how(&next); next == b.state {
		return nil
	}
	tx := b.opts.Store.Begin()
	if err := next.writeTx(tx, b.Name); err != nil {
		return err
	}
	if err := tx.Commit(context.WithoutCancel(ctx)); err != nil {
		return fmt.Errorf("changing trigger %s: %w", b.Name, err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.state = next
	close(b.changed)
	b.changed = make(chan struct{})
	return nil
}

// unfit says why an event cannot be handled; nil if it can.
func (b *base) unfit(e domain.Event, wrong error) error {
	if wrong == nil && b.Old(e, b.opts.Now()) {
		return fmt.Errorf("it is older than %s", b.MaxAge)
	}
	return wrong
}

// Attributes of an event of a log among the dead letters, beside the event itself as the body.
const (
	attributeID     = "event_id"
	attributeKey    = "event_key"
	attributeTime   = "event_time"
	attributeReplay = "replay"
)

// buryTx makes an event of a log a dead letter, after so many calls.
func (b *base) buryTx(tx *store.Tx, e domain.Event, replay, calls int, reason error) error {
	draft := queue.Draft{Body: e.Body, Attributes: map[string]queue.Attribute{
		attributeID:     {Type: "String", Value: e.ID},
		attributeTime:   {Type: "String", Value: e.At.Format(time.RFC3339Nano)},
		attributeReplay: {Type: "Number", Value: strconv.Itoa(replay)},
	}}
	if e.Key != "" {
		draft.Attributes[attributeKey] = queue.Attribute{Type: "String", Value: e.Key}
	}
	if err := b.queue.BuryTx(tx, draft, calls, reason.Error()); err != nil {
		return fmt.Errorf("making a dead letter of event %s: %w", e.ID, err)
	}
	b.buried(e, reason)
	return nil
}

func (b *base) buried(e domain.Event, reason error) {
	b.logger.Warn("an event could not be handled; it is a dead letter", "event", e.ID, "queue", b.queue.Name(), "reason", reason)
}

// heldUp waits after the n-th failure of the platform itself, longer each time.
func (b *base) heldUp(ctx context.Context, n int, err error) {
	again := min(firstPause<<min(n-1, 10), longestPause)
	b.logger.Error("a trigger is held up; it goes on once this is mended", "error", err, "again_in", again)
	timer := time.NewTimer(again)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

const (
	firstPause   = 100 * time.Millisecond // after a failure of the platform itself; each further one is twice as long
	longestPause = 30 * time.Second
)

// pauseAfter is how long to wait after the n-th call that failed.
func pauseAfter(n int) time.Duration { return min(firstRetry<<min(n-1, 16), longestRetry) }

const (
	firstRetry   = time.Second // each further pause is twice as long
	longestRetry = 5 * time.Minute
)
