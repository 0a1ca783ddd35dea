package pipeline

import (
	"context"
	"errors"
	"fmt"
	"time"

	"sundog/internal/event"
	"sundog/internal/statedb"
	"sundog/payload"
)

// maxDecisions bounds how often a payload is decided anew because somebody else changed its record in the meantime.
const maxDecisions = 5

// run takes a payload from its record's state to a started execution, or to the reason why not.
func (p *Processor) run(ctx context.Context, t *task) result {
	var record *statedb.Record
	switch {
	case t.found.Err == nil:
		record = &t.found.Record
	case !errors.Is(t.found.Err, statedb.ErrNotFound):
		return dead(fmt.Errorf("%w: mend or delete the record and send the payload again", t.found.Err))
	}
	execution := ""
	for range maxDecisions {
		switch decide(record, t.payload.Replace()) {
		case skip:
			return p.skip(ctx, t, record, execution)
		case resume:
			return p.resume(ctx, t, record)
		}
		if ran, err := p.ran(ctx, t, record); err != nil {
			return retry(err)
		} else if ran {
			return p.skip(ctx, t, record, record.LastExecution())
		}
		execution = p.nextExecution(t, record)
		t.execution = execution
		err := p.claim(ctx, t, execution)
		if err == nil {
			return p.start(ctx, t, execution)
		}
		now, conflict := statedb.Conflict(err)
		if !conflict || now == nil {
			return retry(fmt.Errorf("claiming %s: %w", t.id(), err))
		}
		record = now
	}
	return retry(fmt.Errorf("claiming %s: the record changed %d times meanwhile", t.id(), maxDecisions))
}

// ran reports whether the execution that a message asks for has run, though the state of the record would have it run again: the
// message was handed out before, the record was claimed after it was sent, and that execution exists. So somebody came as far as
// starting it and not as far as deleting the message. Without this a failure would run twice, and so would what is to be replaced.
func (p *Processor) ran(ctx context.Context, t *task, record *statedb.Record) (bool, error) {
	if record == nil || t.message == nil || t.message.ReceiveCount < 2 {
		return false, nil
	}
	claimed, err := statedb.ParseTime(record.ClaimedAt)
	if err != nil { // it was never claimed
		return false, nil //nolint:nilerr // nor is that an error
	}
	if claimed.Before(t.message.SentAt.Truncate(time.Microsecond)) { // records keep no more
		return false, nil
	}
	_, err = p.opts.Executor.Describe(ctx, record.LastExecution())
	if errors.Is(err, ErrNoExecution) {
		return false, nil // it was refused
	}
	if err != nil {
		return false, fmt.Errorf("looking for the last execution of %s: %w", t.id(), err)
	}
	return true, nil
}

type decision uint8

const (
	runs   decision = iota // claim the record and start
	resume                 // go on with the execution that claimed the record
	skip                   // leave it
)

// decide says what to do with a payload whose record is as given; nil when there is none.
func decide(record *statedb.Record, replace bool) decision {
	if record == nil {
		return runs
	}
	switch record.State() {
	case statedb.Claimed:
		return resume
	case statedb.Processing:
		return skip
	case statedb.Succeeded, statedb.Completed, statedb.Invalid:
		if !replace {
			return skip
		}
	}
	return runs
}

// nextExecution is the ARN of the execution that comes next. The first one belongs to the workflow of the payload's process
// definition, later ones to that in its id, as Cirrus has it; they differ only where somebody chose the id.
func (p *Processor) nextExecution(t *task, record *statedb.Record) string {
	if record == nil {
		name := payload.ExecutionName(t.id(), nil)
		return payload.ExecutionARN(p.opts.MachineBase, t.payload.Workflow(), name)
	}
	return payload.ExecutionARN(p.opts.MachineBase, record.ID.Workflow, payload.ExecutionName(t.id(), record.Executions))
}

// claim reserves the record for an execution, and stores its input with the same write.
func (p *Processor) claim(ctx context.Context, t *task, execution string) error {
	at := p.opts.Now()
	effects := p.inputOf(t, execution)
	p.opts.tell(&effects, at, event.Event{Type: event.ClaimedProcessing, PayloadID: t.id()})
	_, err := p.opts.StateDB.Apply(ctx, statedb.Claim(t.payload.ID(), execution, at), effects)
	return err
}

// resume goes on with the execution that a claim named, after whoever made the claim did not finish.
func (p *Processor) resume(ctx context.Context, t *task, record *statedb.Record) result {
	execution := record.LastExecution()
	t.execution = execution
	if execution == "" {
		return dead(fmt.Errorf("%w %s: it is CLAIMED and names no execution; delete it and send the payload again",
			statedb.ErrMalformed, t.id()))
	}
	effects := p.inputOf(t, execution)
	if claimed, err := statedb.ParseTime(record.ClaimedAt); err == nil && p.opts.Beside && t.message != nil && t.message.ReceiveCount > 1 {
		p.opts.tell(&effects, claimed, event.Event{Type: event.ClaimedProcessing, PayloadID: t.id()})
	}
	if err := p.opts.StateDB.Emit(ctx, effects); err != nil {
		return retry(fmt.Errorf("storing the input of %s: %w", execution, err))
	}
	return p.start(ctx, t, execution)
}

// inputOf is the object that keeps the input of an execution.
func (p *Processor) inputOf(t *task, execution string) statedb.Effects {
	_, name := payload.CutExecutionARN(execution)
	return statedb.Effects{Store: []statedb.Object{{Key: p.opts.Layout.Input(t.id(), name).Key, Body: t.payload.Bytes()}}}
}

// start starts the execution that claimed the record.
func (p *Processor) start(ctx context.Context, t *task, execution string) result {
	machine, name := payload.CutExecutionARN(execution)
	input := t.payload.Bytes()
	if !p.opts.Executor.Inline(t.payload) {
		at := p.opts.Layout.Oversized(p.opts.NewID())
		if err := p.opts.StateDB.Emit(ctx, statedb.Effects{Store: []statedb.Object{{Key: at.Key, Body: input}}}); err != nil {
			return retry(fmt.Errorf("storing the input of %s: %w", execution, err))
		}
		input = payload.Reference(at.String())
	}
	err := p.opts.Executor.Start(ctx, StartRequest{MachineARN: machine, Name: name, Input: input, PayloadID: t.id(), Lane: t.lane})
	var refused *RefusedError
	switch {
	case err == nil || errors.Is(err, ErrAlreadyExists):
		return p.started(ctx, t, execution)
	case errors.As(err, &refused):
		return p.refused(ctx, t, execution, refused)
	default:
		return retry(fmt.Errorf("starting %s: %w", execution, err))
	}
}

// started marks the record: the execution runs.
func (p *Processor) started(ctx context.Context, t *task, execution string) result {
	at := p.opts.Now()
	_, name := payload.CutExecutionARN(execution)
	var effects statedb.Effects
	p.opts.tell(&effects, at, event.Event{
		Type: event.StartedProcessing, PayloadID: t.id(), InputURL: p.opts.Layout.Input(t.id(), name).String(),
	}.WithExecution(execution))
	_, err := p.opts.StateDB.Apply(ctx, statedb.Start(t.payload.ID(), execution, at), effects)
	if err == nil {
		return result{started: true}
	}
	if record, conflict := statedb.Conflict(err); conflict && record != nil {
		return p.skip(ctx, t, record, execution) // it has ended already, or another worker was faster
	}
	return retry(fmt.Errorf("marking %s as started: %w", execution, err))
}

// refused fails the record of an execution that can never start.
func (p *Processor) refused(ctx context.Context, t *task, execution string, reason *RefusedError) result {
	at := p.opts.Now()
	_, name := payload.CutExecutionARN(execution)
	var effects statedb.Effects
	p.opts.tell(&effects, at, event.Event{
		Type: event.Failed, PayloadID: t.id(), InputURL: p.opts.Layout.Input(t.id(), name).String(),
	}.WithError(reason.Error()))
	_, err := p.opts.StateDB.Apply(ctx, statedb.Fail(t.payload.ID(), execution, at, reason.Error()), effects)
	if _, conflict := statedb.Conflict(err); err != nil && !conflict {
		return retry(fmt.Errorf("marking %s as failed: %w", execution, err))
	}
	return dead(fmt.Errorf("starting %s: %w", execution, reason))
}

// skip tells that a payload is left as it is because of its record's state. The execution is the one that was started for it, or
// was to be; empty when it did not come to that.
func (p *Processor) skip(ctx context.Context, t *task, record *statedb.Record, execution string) result {
	e := event.Event{Type: alreadyIn(record.State()), PayloadID: t.id()}
	switch {
	case execution == "" && record.State() == statedb.Processing && t.payload.Replace():
		// Cirrus names no input for what is to be replaced and runs.
	case execution == "": // Cirrus names the input that would have come next.
		e.InputURL = p.opts.Layout.Input(t.id(), payload.ExecutionName(t.id(), record.Executions)).String()
	default:
		_, name := payload.CutExecutionARN(execution)
		e.InputURL = p.opts.Layout.Input(t.id(), name).String()
		if record.State() == statedb.Succeeded {
			e.OutputURL = p.opts.Layout.Output(t.id(), name).String()
		}
	}
	var effects statedb.Effects
	p.opts.tell(&effects, p.opts.Now(), e)
	if err := p.opts.StateDB.Emit(ctx, effects); err != nil {
		return retry(fmt.Errorf("telling that %s is skipped: %w", t.id(), err))
	}
	return done
}

func alreadyIn(state statedb.State) event.Type {
	switch state {
	case statedb.Invalid:
		return event.AlreadyInvalid
	case statedb.Processing:
		return event.AlreadyProcessing
	case statedb.Claimed:
		return event.AlreadyClaimed
	case statedb.Failed:
		return event.AlreadyFailed
	case statedb.Aborted:
		return event.AlreadyAborted
	default:
		return event.AlreadySucceeded
	}
}
