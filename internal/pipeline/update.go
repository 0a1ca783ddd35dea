package pipeline

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/tidwall/gjson"

	"sundog/internal/convoy"
	"sundog/internal/event"
	"sundog/internal/queue"
	"sundog/internal/statedb"
	"sundog/internal/topic"
	"sundog/internal/trace"
	"sundog/payload"
)

// UpdaterOptions are what an Updater is made of.
type UpdaterOptions struct {
	Config
	StateDB  StateDB
	Executor Executor
	// Fetcher reads referenced payloads.
	Fetcher payload.Fetcher
	// Now is the clock, time.Now when nil.
	Now func() time.Time
	// NewID gives names for temporary objects, random UUIDs when nil.
	NewID func() string
	// Workers bounds the completions of one batch that are worked on at one time, DefaultWorkers when zero.
	Workers int
	// Logger is told what was ignored, retried and buried; discarded when nil.
	Logger *slog.Logger
	// Trace is told of every completion that was handled; nobody when nil.
	Trace trace.Recorder
}

// Updater applies completions. It is safe for concurrent use.
type Updater struct {
	opts UpdaterOptions
}

// NewUpdater makes an Updater. It fails when something that has no default is missing.
func NewUpdater(opts UpdaterOptions) (*Updater, error) {
	if err := opts.check(opts.StateDB, opts.Executor, opts.Fetcher, "the process queue", opts.ProcessQueue); err != nil {
		return nil, err
	}
	if opts.Now == nil {
		opts.Now = time.Now
	}
	if opts.NewID == nil {
		opts.NewID = uuid.NewString
	}
	if opts.MaxMessage == 0 {
		opts.MaxMessage = DefaultMaxMessage
	}
	if opts.Workers == 0 {
		opts.Workers = DefaultWorkers
	}
	if opts.Logger == nil {
		opts.Logger = slog.New(slog.DiscardHandler)
	}
	return &Updater{opts: opts}, nil
}

// ErrUnknownPayload is returned for a completion from which no payload id can be learned, not from the execution either. It is
// permanent.
var ErrUnknownPayload = errors.New("the execution's payload is not known")

// HandleMessages applies the completions of a batch of messages, each the event that ParseCompletion reads, and says what becomes
// of each message, in their order. Those of one execution are handled one after the other, so that one that came twice changes nothing the second
// time, also where what it causes is carried out beside the write.
func (u *Updater) HandleMessages(ctx context.Context, messages []queue.Message) []Outcome {
	outcomes := make([]Outcome, len(messages))
	slots := make(chan struct{}, u.opts.Workers)
	ctx = u.opts.together(ctx)
	batch := convoy.From(ctx)
	var wg sync.WaitGroup
	for _, group := range byExecution(messages) {
		slots <- struct{}{}
		batch.Join()
		wg.Go(func() {
			defer func() { batch.Leave(); <-slots }()
			for _, i := range group {
				outcomes[i] = sum([]result{u.handle(ctx, &messages[i])}, messages[i].ReceiveCount)
			}
		})
	}
	wg.Wait()
	return outcomes
}

// byExecution gives the indices of messages in groups, those about one execution together. One that does not say is by itself.
func byExecution(messages []queue.Message) [][]int {
	var groups [][]int
	of := make(map[string]int, len(messages))
	for i := range messages {
		arn := gjson.GetBytes(messages[i].Body, "detail.executionArn").Str
		if n, known := of[arn]; known && arn != "" {
			groups[n] = append(groups[n], i)
			continue
		}
		of[arn] = len(groups)
		groups = append(groups, []int{i})
	}
	return groups
}

func (u *Updater) handle(ctx context.Context, m *queue.Message) (r result) {
	ctx, span := u.begin(ctx, m)
	defer func() { span.End(u.opts.Now(), r.err) }()
	c, err := ParseCompletion(m.Body)
	if err != nil {
		u.opts.Logger.Error("message is no completion", "error", err)
		return dead(err)
	}
	span.Set(trace.PayloadID, c.PayloadID)
	span.Set(trace.Execution, c.Execution)
	_, err = u.Handle(ctx, c)
	switch {
	case err == nil:
		return done
	case errors.Is(err, ErrUnknownPayload) || errors.Is(err, statedb.ErrMalformed):
		u.opts.Logger.Error("completion cannot be applied", "payload_id", c.PayloadID, "execution", c.Execution, "error", err)
		return dead(err)
	default:
		u.opts.Logger.Warn("completion is tried again", "payload_id", c.PayloadID, "execution", c.Execution, "error", err)
		return retry(err)
	}
}

// Handle applies a completion: the record's new state, the output, the event, the Items and the payloads that follow are one write.
// It reports whether it was applied: it is not when another execution holds the record, when it was applied before, or when the execution is
// known to be of another deployment. An error that wraps ErrUnknownPayload or statedb.ErrMalformed is permanent, others may pass.
func (u *Updater) Handle(ctx context.Context, c Completion) (applied bool, err error) {
	if !strings.HasPrefix(c.Execution, strings.Replace(u.opts.MachineBase, ":stateMachine:", ":execution:", 1)) {
		u.opts.Logger.Warn("completion changes nothing: its execution belongs to another deployment", "execution", c.Execution, "base", u.opts.MachineBase)
		return false, nil
	}
	end := &ending{Completion: c, at: u.opts.Now()}
	if err := u.identify(ctx, end); err != nil {
		return false, err
	}
	outcome, reason := payload.Judge(c.Status, c.Error, c.Cause)
	if outcome == payload.Succeeded {
		var invalid *outputError
		err := u.succeed(ctx, end)
		if errors.As(err, &invalid) {
			outcome, reason = payload.Failed, invalid.Error()
		} else if err != nil {
			return false, err
		}
	}
	err = u.apply(ctx, end, outcome, reason)
	if outcome == payload.Succeeded && unsendable(err) { // to try again would never end
		end.effects.Publish, end.effects.Enqueue, end.chained = nil, nil, nil
		err = u.apply(ctx, end, payload.Failed, fmt.Sprintf("what follows from the workflow's output cannot be sent: %v", err))
	}
	if record, conflict := statedb.Conflict(err); conflict {
		state := statedb.State("")
		if record != nil {
			state = record.State()
		}
		u.opts.Logger.Debug("completion changes nothing: its execution does not hold the record",
			"payload_id", end.id.String(), "execution", c.Execution, "status", c.Status, "state", state)
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("completing %s: %w", c.Execution, err)
	}
	for _, s := range end.chained {
		trace.Tell(u.opts.Trace, s)
	}
	return true, nil
}

// apply makes the transition of an end.
func (u *Updater) apply(ctx context.Context, end *ending, outcome payload.Outcome, reason string) error {
	t, effects, err := u.conclude(end, outcome, reason)
	if err != nil {
		return err
	}
	_, err = u.opts.StateDB.Apply(ctx, t, effects)
	return err
}

// unsendable reports whether an error says that a message is one that no topic or queue of the platform takes.
func unsendable(err error) bool {
	return errors.Is(err, topic.ErrTooLarge) || errors.Is(err, topic.ErrInvalidMessage) ||
		errors.Is(err, queue.ErrTooLarge) || errors.Is(err, queue.ErrInvalidMessage)
}

// ending is a completion on its way.
type ending struct {
	Completion
	at        time.Time
	described bool
	id        payload.ID
	effects   statedb.Effects
	outputURL string
	chained   []trace.Span // of the payloads that follow, told once these are on disk
}

// describe asks the executor for what the completion does not say.
func (u *Updater) describe(ctx context.Context, end *ending) error {
	if end.described {
		return nil
	}
	x, err := u.opts.Executor.Describe(ctx, end.Execution)
	if err != nil {
		return fmt.Errorf("asking for %s: %w", end.Execution, err)
	}
	end.described = true
	end.Input, end.InputKnown = x.Input, true
	if !end.OutputKnown {
		end.Output, end.OutputKnown = x.Output, true
	}
	if end.PayloadID == "" {
		end.PayloadID = x.PayloadID
	}
	if end.Lane == "" {
		end.Lane = x.Lane
	}
	return nil
}

// identify finds the payload id: in the completion, in the input that it carries, or with the executor.
func (u *Updater) identify(ctx context.Context, end *ending) error {
	if end.PayloadID == "" && end.InputKnown {
		id, err := u.inputID(ctx, end)
		if err != nil {
			return err
		}
		end.PayloadID = id
	}
	if end.PayloadID == "" {
		err := u.describe(ctx, end)
		if errors.Is(err, ErrNoExecution) {
			return fmt.Errorf("%w: %w", ErrUnknownPayload, err)
		}
		if err != nil {
			return err
		}
	}
	if end.PayloadID == "" {
		id, err := u.inputID(ctx, end)
		if err != nil {
			return err
		}
		end.PayloadID = id
	}
	if end.PayloadID == "" {
		return fmt.Errorf("%w: the input of %s has no id", ErrUnknownPayload, end.Execution)
	}
	id, err := payload.ParseID(end.PayloadID)
	if err != nil {
		return fmt.Errorf("%w: %s: %w", ErrUnknownPayload, end.Execution, err)
	}
	end.id = id
	return nil
}

// inputID reads the payload id in the input, following a reference; empty when there is none to be read.
func (u *Updater) inputID(ctx context.Context, end *ending) (string, error) {
	document, err := u.resolve(ctx, end.Input)
	if errors.Is(err, payload.ErrUnresolvable) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("reading the input of %s: %w", end.Execution, err)
	}
	if id := gjson.GetBytes(document, "id"); id.Type == gjson.String {
		return id.Str, nil
	}
	return "", nil
}

// resolve gives a document that may be a reference to it.
func (u *Updater) resolve(ctx context.Context, document []byte) ([]byte, error) {
	if !gjson.ValidBytes(document) {
		return nil, fmt.Errorf("%w: not JSON", payload.ErrUnresolvable)
	}
	records := payload.Extract(document)
	if len(records) != 1 {
		return nil, fmt.Errorf("%w: %d payloads where one was expected", payload.ErrUnresolvable, len(records))
	}
	return records[0].Resolve(ctx, u.opts.Fetcher)
}

// outputError says why the output of an execution that succeeded is no payload. The record fails for it.
type outputError struct{ err error }

func (e *outputError) Error() string { return "the workflow's output is no payload: " + e.err.Error() }
func (e *outputError) Unwrap() error { return e.err }

// succeed gathers what follows from a success. A workflow without output has succeeded, too; nothing follows.
func (u *Updater) succeed(ctx context.Context, end *ending) error {
	if !end.OutputKnown {
		if err := u.describe(ctx, end); err != nil {
			return err
		}
	}
	if len(end.Output) == 0 {
		return nil
	}
	document, err := u.resolve(ctx, end.Output)
	if errors.Is(err, payload.ErrUnresolvable) {
		return &outputError{err}
	}
	if err != nil {
		return fmt.Errorf("reading the output of %s: %w", end.Execution, err)
	}
	output, err := payload.ParseOutput(document)
	if err != nil {
		return &outputError{err}
	}
	next, err := output.Next()
	if err != nil {
		return &outputError{err}
	}
	_, name := payload.CutExecutionARN(end.Execution)
	at := u.opts.Layout.Output(end.PayloadID, name)
	end.outputURL = at.String()
	end.effects.Store = append(end.effects.Store, statedb.Object{Key: at.Key, Body: document})
	if u.opts.PublishTopic != "" {
		for _, item := range output.Items() {
			end.effects.Publish = append(end.effects.Publish, statedb.Publication{
				Topic: u.opts.PublishTopic, Body: item, Attributes: payload.ItemAttributes(item),
			})
		}
	}
	return u.chain(ctx, end, next)
}

// chain sends the payloads that follow, through the lane that this one came through.
func (u *Updater) chain(ctx context.Context, end *ending, next []payload.Successor) error {
	if len(next) > 0 && end.Lane == "" && !end.described && !u.opts.OneLane {
		if err := u.describe(ctx, end); err != nil && !errors.Is(err, ErrNoExecution) {
			return err
		}
	}
	for _, n := range next {
		if n.Payload == nil {
			u.opts.tell(&end.effects, end.at, event.Event{
				Type: event.ChainedNothing, PayloadID: end.PayloadID, OutputURL: end.outputURL,
			}.WithError(fmt.Sprintf("chain filter %q keeps no Item: workflow %s is not started", n.Filter, n.Workflow)))
			continue
		}
		body := n.Payload
		if len(body) > u.opts.MaxMessage {
			at := u.opts.Layout.Oversized(u.opts.NewID())
			end.effects.Store = append(end.effects.Store, statedb.Object{Key: at.Key, Body: body})
			body = payload.Reference(at.String())
		}
		end.effects.Enqueue = append(end.effects.Enqueue, statedb.Submission{
			Queue: u.opts.ProcessQueue,
			Draft: queue.Draft{Body: body, Lane: end.Lane, Attributes: queue.Traced(nil, u.chained(ctx, end, n))},
		})
	}
	return nil
}

// conclude makes a transition, and its effects: its event, in front of the others.
func (u *Updater) conclude(end *ending, outcome payload.Outcome, reason string) (statedb.Transition, statedb.Effects, error) {
	_, name := payload.CutExecutionARN(end.Execution)
	e := event.Event{
		PayloadID: end.PayloadID, InputURL: u.opts.Layout.Input(end.PayloadID, name).String(), OutputURL: end.outputURL,
	}.WithExecution(end.Execution)
	var t statedb.Transition
	switch outcome {
	case payload.Succeeded:
		e.Type, t = event.Succeeded, statedb.Succeed(end.id, end.Execution, end.at, nil)
	case payload.Failed:
		e.Type, t = event.Failed, statedb.Fail(end.id, end.Execution, end.at, reason)
	case payload.TimedOut:
		e.Type, t = event.TimedOut, statedb.Fail(end.id, end.Execution, end.at, reason)
	case payload.Invalid:
		e.Type, t = event.Invalid, statedb.Refuse(end.id, end.Execution, end.at, reason)
	case payload.Aborted:
		e.Type, t = event.Aborted, statedb.Abort(end.id, end.Execution, end.at)
	default:
		return t, statedb.Effects{}, fmt.Errorf("%w: %s: status %q is not that of an execution that ended", ErrUnknownPayload, end.Execution, end.Status)
	}
	t.Redrives = end.Redrives
	if reason != "" {
		e = e.WithError(reason)
	}
	effects := end.effects
	effects.Publish = nil
	u.opts.tell(&effects, end.at, e)
	effects.Publish = append(effects.Publish, end.effects.Publish...)
	return t, effects, nil
}
