package pipeline

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/google/uuid"

	"sundog/internal/convoy"
	"sundog/internal/event"
	"sundog/internal/queue"
	"sundog/internal/statedb"
	"sundog/internal/trace"
	"sundog/payload"
)

// ProcessorOptions are what a Processor is made of.
type ProcessorOptions struct {
	Config
	StateDB  StateDB
	Executor Executor
	// Fetcher reads referenced payloads.
	Fetcher payload.Fetcher
	// Now is the clock, time.Now when nil.
	Now func() time.Time
	// NewID gives names for temporary objects, random UUIDs when nil.
	NewID func() string
	// Workers bounds the payloads of one batch that are worked on at one time, DefaultWorkers when zero.
	Workers int
	// Logger is told what was retried and what was buried; discarded when nil.
	Logger *slog.Logger
	// Trace is told of every payload that was processed; nobody when nil.
	Trace trace.Recorder
}

// DefaultWorkers is large because a worker mostly waits for a commit that it shares with the others.
const DefaultWorkers = 64

// Processor turns messages into executions. It is safe for concurrent use.
type Processor struct {
	opts ProcessorOptions
}

// NewProcessor makes a Processor. It fails when something that has no default is missing.
func NewProcessor(opts ProcessorOptions) (*Processor, error) {
	if err := opts.check(opts.StateDB, opts.Executor, opts.Fetcher, "the state machines' base ARN", opts.MachineBase); err != nil {
		return nil, err
	}
	if opts.Now == nil {
		opts.Now = time.Now
	}
	if opts.NewID == nil {
		opts.NewID = uuid.NewString
	}
	if opts.Workers == 0 {
		opts.Workers = DefaultWorkers
	}
	if opts.Logger == nil {
		opts.Logger = slog.New(slog.DiscardHandler)
	}
	return &Processor{opts: opts}, nil
}

// task is one record of one message on its way.
type task struct {
	record  payload.Record
	message *queue.Message // that it came in, nil when it came in none
	lane    string
	payload *payload.Payload
	result  result
	settled bool
	// first is the task with the same payload id earlier in the batch.
	first *task
	found statedb.Found
	// execution is the one that the record was claimed for; empty when it has not come to that.
	execution string
	span      *trace.Running // of this payload, nil when nobody wants it
}

func (t *task) settle(r result) { t.result, t.settled = r, true }

// Handle processes a batch of messages, and says what becomes of each, in their order. A message may carry any number of payloads,
// in any of the envelopes that payload.Extract takes.
func (p *Processor) Handle(ctx context.Context, messages []queue.Message) []Outcome {
	var tasks []*task
	ends := make([]int, len(messages))
	for i := range messages {
		m := &messages[i]
		for _, record := range payload.Extract(m.Body) {
			tasks = append(tasks, &task{record: record, message: m, lane: m.Lane})
		}
		ends[i] = len(tasks)
	}
	p.process(ctx, tasks)
	outcomes := make([]Outcome, len(messages))
	start := 0
	for i, end := range ends {
		outcomes[i] = sum(resultsOf(tasks[start:end]), messages[i].ReceiveCount)
		start = end
	}
	return outcomes
}

// HandleEvent processes the records of an event that came in no queue of ours, such as a function's invocation, and returns one
// outcome for each, in their order.
func (p *Processor) HandleEvent(ctx context.Context, eventBody []byte, lane string) []Outcome {
	records := payload.Extract(eventBody)
	tasks := make([]*task, len(records))
	for i, record := range records {
		tasks[i] = &task{record: record, lane: lane}
	}
	p.process(ctx, tasks)
	outcomes := make([]Outcome, len(tasks))
	for i, t := range tasks {
		outcomes[i] = sum([]result{t.result}, 1)
	}
	return outcomes
}

func resultsOf(tasks []*task) []result {
	results := make([]result, len(tasks))
	for i, t := range tasks {
		results[i] = t.result
	}
	return results
}

// process settles all tasks.
func (p *Processor) process(ctx context.Context, tasks []*task) {
	for _, t := range tasks {
		p.begin(ctx, t)
	}
	defer p.end(tasks)
	ctx = p.opts.together(ctx)
	p.each(ctx, tasks, func(t *task) { p.read(trace.With(ctx, t.span.Self()), t) })
	open := distinct(tasks)
	if err := p.lookUp(ctx, open); err != nil {
		for _, t := range tasks {
			if !t.settled {
				t.settle(retry(err))
			}
		}
	}
	p.each(ctx, tasks, func(t *task) {
		ctx := trace.With(ctx, t.span.Self())
		if t.first != nil {
			p.skipDuplicate(ctx, t)
		} else {
			t.settle(p.run(ctx, t))
		}
	})
	for _, t := range tasks {
		if t.result.verdict != Done {
			p.opts.Logger.Warn("payload not processed", "payload_id", t.id(), "execution", t.execution, "becomes", t.result.verdict.String(), "error", t.result.err)
		}
	}
}

// id is the payload's id, if it is known.
func (t *task) id() string {
	if t.payload == nil {
		return ""
	}
	return t.payload.ID().String()
}

// each calls f for every task that is not settled, on a bounded number of goroutines, and waits for them. Tasks are begun in
// their order.
func (p *Processor) each(ctx context.Context, tasks []*task, f func(*task)) {
	batch := convoy.From(ctx)
	slots := make(chan struct{}, p.opts.Workers)
	var wg sync.WaitGroup
	for _, t := range tasks {
		if t.settled {
			continue
		}
		slots <- struct{}{}
		batch.Join()
		wg.Go(func() {
			defer func() { batch.Leave(); <-slots }()
			f(t)
		})
	}
	wg.Wait()
}

// distinct returns the open tasks without those whose payload came before in the batch, and marks these.
func distinct(tasks []*task) []*task {
	byID := make(map[payload.ID]*task, len(tasks))
	var open []*task
	for _, t := range tasks {
		if t.settled {
			continue
		}
		if first := byID[t.payload.ID()]; first != nil {
			t.first = first
			continue
		}
		byID[t.payload.ID()] = t
		open = append(open, t)
	}
	return open
}

// lookUp reads the records of all tasks.
func (p *Processor) lookUp(ctx context.Context, tasks []*task) error {
	if len(tasks) == 0 {
		return nil
	}
	ids := make([]payload.ID, len(tasks))
	for i, t := range tasks {
		ids[i] = t.payload.ID()
	}
	found, err := p.opts.StateDB.GetMany(ctx, ids)
	if err != nil {
		return fmt.Errorf("reading the records of %d payloads: %w", len(ids), err)
	}
	for i, t := range tasks {
		t.found = found[i]
		if t.found.Err == nil {
			t.found.Err = usable(t.found.Record)
		}
	}
	return nil
}

// usable returns an error that wraps statedb.ErrMalformed for a record from which nothing can be decided.
func usable(r statedb.Record) error {
	if err := r.Check(); err != nil {
		return err
	}
	if !r.State().Known() {
		return fmt.Errorf("%w %s: its state is %q", statedb.ErrMalformed, r.ID, r.State())
	}
	return nil
}

// skipDuplicate tells that a payload came twice in a batch. Its message can go: the first one stands for both.
func (p *Processor) skipDuplicate(ctx context.Context, t *task) {
	e := event.Event{Type: event.Duplicate, PayloadID: t.id()}
	if found := t.first.found; found.Err == nil || errors.Is(found.Err, statedb.ErrNotFound) {
		e.InputURL = p.opts.Layout.Input(t.id(), payload.ExecutionName(t.id(), found.Record.Executions)).String()
	}
	var effects statedb.Effects
	p.opts.tell(&effects, p.opts.Now(), e)
	if err := p.opts.StateDB.Emit(ctx, effects); err != nil {
		t.settle(retry(fmt.Errorf("telling of a duplicate of %s: %w", t.id(), err)))
		return
	}
	t.settle(done)
}
