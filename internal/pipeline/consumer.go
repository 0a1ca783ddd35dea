package pipeline

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"sundog/internal/queue"
)

// Queue is what a Consumer needs of a queue. Package queue says what each method promises.
type Queue interface {
	Receive(ctx context.Context, req queue.Request) ([]queue.Message, error)
	Delete(ctx context.Context, receipts ...string) error
	Retry(ctx context.Context, receipt string, after time.Duration, reason string) error
	DeadLetter(ctx context.Context, receipt, reason string) error
}

// Lane is a lane of the queue. Concurrency is how many executions may be open at one time among those that were started through it;
// below 1 the lane is closed.
type Lane struct {
	Name        string
	Concurrency int
}

// ConsumerOptions are what a Consumer is made of.
type ConsumerOptions struct {
	Queue Queue
	// Handle processes a batch and returns one outcome for each message, in their order: Processor.Handle or
	// Updater.HandleMessages.
	Handle func(ctx context.Context, messages []queue.Message) []Outcome
	// Lanes are those to receive from, in order of priority. Empty: all, without limits, as for completions.
	Lanes []Lane
	// Open returns how many executions of a lane are open, and a channel that is closed when one of any lane ends. It goes with
	// Lanes.
	Open func(lane string) (int, <-chan struct{})
	// MaxInFlight bounds the messages that are being processed at one time, DefaultInFlight when zero.
	MaxInFlight int
	// Batch bounds the messages that are handled together, DefaultBatch when zero.
	Batch int
	// Grace is how long what is being processed may go on after Run was told to stop, DefaultGrace when zero.
	Grace  time.Duration
	Logger *slog.Logger
}

// Defaults of a Consumer.
const (
	DefaultInFlight = 256
	DefaultBatch    = 32
	DefaultGrace    = 20 * time.Second
)

// Consumer receives messages and has them processed. A message takes one place of its lane, whatever it carries: one with several
// payloads may open more executions than the lane's limit.
type Consumer struct {
	opts   ConsumerOptions
	logger *slog.Logger

	mu       sync.Mutex
	inFlight map[string]int // messages being processed, by lane
	total    int
	changed  chan struct{}  // closed and replaced when a batch is done
	asked    chan struct{}  // closed and replaced when a place is asked for
	requests []*reservation // that wait, in their order
}

// reservation asks for a place in a lane.
type reservation struct {
	lane    string
	granted chan struct{} // closed when it has the place
}

// longPoll bounds one wait for messages, after which the limits are looked at again.
const longPoll = 20 * time.Second

// pause is the wait after the queue failed.
const pause = time.Second

// NewConsumer makes a Consumer.
func NewConsumer(opts ConsumerOptions) *Consumer {
	if opts.MaxInFlight == 0 {
		opts.MaxInFlight = DefaultInFlight
	}
	if opts.Batch == 0 {
		opts.Batch = DefaultBatch
	}
	if opts.Grace == 0 {
		opts.Grace = DefaultGrace
	}
	if opts.Logger == nil {
		opts.Logger = slog.New(slog.DiscardHandler)
	}
	return &Consumer{opts: opts, logger: opts.Logger, inFlight: map[string]int{}, changed: make(chan struct{}), asked: make(chan struct{})}
}

// Reserve waits for a place in a lane, for an execution that begins there without a message, and takes it. Release gives it back; by then an
// execution that was begun has a place of its own. Run has to be running: places are given out between its receives, so that a lane never
// has more than its limit. The error is that of ctx. A lane that is not among those of the consumer has no limit.
func (c *Consumer) Reserve(ctx context.Context, lane string) (release func(), err error) {
	if !slices.ContainsFunc(c.opts.Lanes, func(l Lane) bool { return l.Name == lane }) {
		return func() {}, nil
	}
	r := &reservation{lane: lane, granted: make(chan struct{})}
	c.mu.Lock()
	c.requests = append(c.requests, r)
	close(c.asked)
	c.asked = make(chan struct{})
	c.mu.Unlock()
	release = func() { c.leave([]queue.Message{{Lane: lane}}) }
	select {
	case <-r.granted:
		return release, nil
	case <-ctx.Done():
	}
	c.mu.Lock()
	c.requests = slices.DeleteFunc(c.requests, func(other *reservation) bool { return other == r })
	c.mu.Unlock()
	select {
	case <-r.granted: // in the meantime
		return release, nil
	default:
		return nil, ctx.Err()
	}
}

// grant gives places to those who asked for them. It is called with mu held, while nothing is being received.
func (c *Consumer) grant() {
	c.requests = slices.DeleteFunc(c.requests, func(r *reservation) bool {
		i := slices.IndexFunc(c.opts.Lanes, func(l Lane) bool { return l.Name == r.lane })
		open, _ := c.opts.Open(r.lane)
		if c.total >= c.opts.MaxInFlight || open+c.inFlight[r.lane] >= c.opts.Lanes[i].Concurrency {
			return false
		}
		c.total++
		c.inFlight[r.lane]++
		close(r.granted)
		return true
	})
}

// Run receives and processes until ctx ends, waits for what is being processed, and returns nil. Messages that could not be
// finished come again.
func (c *Consumer) Run(ctx context.Context) error {
	// What was begun outlives ctx by the grace, so that a stop does not turn it into retries.
	work, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	var batches sync.WaitGroup
	for ctx.Err() == nil {
		messages, err := c.receive(ctx)
		if err != nil && ctx.Err() == nil {
			c.logger.Error("receiving messages failed", "error", err)
			await(ctx, pause)
		}
		if len(messages) == 0 {
			continue
		}
		batches.Go(func() {
			defer c.leave(messages)
			c.settle(work, messages, c.opts.Handle(work, messages))
		})
	}
	finished := make(chan struct{})
	go func() {
		batches.Wait()
		close(finished)
	}()
	grace := time.NewTimer(c.opts.Grace)
	defer grace.Stop()
	select {
	case <-finished:
	case <-grace.C:
		cancel()
		<-finished
	}
	return nil
}

func await(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// receive waits for room and then for messages that fit in, and takes their places. It may return none.
func (c *Consumer) receive(ctx context.Context) ([]queue.Message, error) {
	room := c.look()
	if len(room.lanes) == 0 {
		room.wait(ctx)
		return nil, nil
	}
	// What is ready is taken lane by lane, so that each gets as many as it has room for.
	smallest := c.opts.Batch
	for _, lane := range room.lanes {
		smallest = min(smallest, lane.free)
		messages, err := c.opts.Queue.Receive(ctx, queue.Request{Lanes: lane.names(), Max: min(lane.free, c.opts.Batch)})
		if err != nil || len(messages) > 0 {
			return c.enter(messages), err
		}
	}
	// A lane without room is not waited for, but its room is.
	poll, stop := context.WithCancel(ctx)
	defer stop()
	var watching sync.WaitGroup
	watching.Go(func() {
		room.wait(poll)
		stop()
	})
	messages, err := c.opts.Queue.Receive(poll, queue.Request{Lanes: room.names(), Max: smallest, Wait: longPoll})
	interrupted := poll.Err() != nil
	stop()
	watching.Wait()
	if interrupted {
		err = nil
	}
	return c.enter(messages), err
}

// room is where messages may come from.
type room struct {
	lanes []laneRoom
	asked <-chan struct{} // closed when a place is asked for
	full  bool            // a lane has no room, or all together have none
	ended <-chan struct{} // closed when an execution ends; nil without limits
	left  <-chan struct{} // closed when a batch is done
}

type laneRoom struct {
	name string // empty for a queue whose lanes are not limited
	free int
}

func (l laneRoom) names() []string {
	if l.name == "" {
		return nil
	}
	return []string{l.name}
}

func (r *room) names() []string {
	var all []string
	for _, l := range r.lanes {
		all = append(all, l.names()...)
	}
	return all
}

// wait returns when there may be more room, somebody asks for some, or ctx ends.
func (r *room) wait(ctx context.Context) {
	ended, left := r.ended, r.left
	if !r.full {
		ended, left = nil, nil
	}
	select {
	case <-ended:
	case <-left:
	case <-r.asked:
	case <-ctx.Done():
	}
}

// look finds the room that there is.
func (c *Consumer) look() *room {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.grant()
	r := &room{left: c.changed, asked: c.asked}
	free := c.opts.MaxInFlight - c.total
	if free <= 0 {
		r.full = true
		return r
	}
	if len(c.opts.Lanes) == 0 {
		r.lanes = []laneRoom{{free: free}}
		return r
	}
	for _, lane := range c.opts.Lanes {
		open, ended := c.opts.Open(lane.Name)
		if r.ended == nil {
			r.ended = ended // the first one was given out before the others were counted
		}
		if n := min(free, lane.Concurrency-open-c.inFlight[lane.Name]); n > 0 {
			r.lanes = append(r.lanes, laneRoom{lane.Name, n})
		} else {
			r.full = true
		}
	}
	return r
}

// enter takes the places of messages.
func (c *Consumer) enter(messages []queue.Message) []queue.Message {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.total += len(messages)
	for _, m := range messages {
		c.inFlight[m.Lane]++
	}
	return messages
}

// leave gives the places of messages back. Executions that they started have places of their own by then.
func (c *Consumer) leave(messages []queue.Message) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.total -= len(messages)
	for _, m := range messages {
		c.inFlight[m.Lane]--
	}
	close(c.changed)
	c.changed = make(chan struct{})
}

// settle does with each message what its outcome says. A message for which that fails comes again.
func (c *Consumer) settle(ctx context.Context, messages []queue.Message, outcomes []Outcome) {
	var finished []string
	for i, m := range messages {
		var err error
		switch o := outcomes[i]; o.Verdict {
		case Done:
			finished = append(finished, m.Receipt)
		case DeadLetter:
			err = c.opts.Queue.DeadLetter(ctx, m.Receipt, o.Err.Error())
		case Retry:
			err = c.opts.Queue.Retry(ctx, m.Receipt, o.After, o.Err.Error())
		}
		if err != nil {
			c.logger.Warn("message not settled, it comes again", "message_id", m.ID, "lane", m.Lane, "verdict", outcomes[i].Verdict.String(), "error", err)
		}
	}
	if len(finished) == 0 {
		return
	}
	if err := c.opts.Queue.Delete(ctx, finished...); err != nil {
		c.logger.Warn("messages not deleted, they come again", "messages", len(finished), "error", err)
	}
}
