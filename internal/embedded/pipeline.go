package embedded

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"sundog/asl"
	"sundog/internal/audit"
	domainbucket "sundog/internal/bucket"
	"sundog/internal/embedded/engine"
	"sundog/internal/embedded/machine"
	"sundog/internal/embedded/store"
	"sundog/internal/event"
	"sundog/internal/pipeline"
	"sundog/internal/project"
	"sundog/internal/queue"
	domain "sundog/internal/statedb"
	domaintopic "sundog/internal/topic"
	"sundog/internal/trace"
	"sundog/payload"
)

// EffectsTx implements statedb.Sink: what a transition causes goes to the queues, topics and buckets of this platform in the
// same transaction.
func (p *Platform) EffectsTx(ctx context.Context, tx *store.Tx, e *domain.Effects) error {
	for _, o := range e.Store {
		if err := p.Payloads.PutTx(tx, o.Key, o.Body, "application/json"); err != nil {
			return err
		}
	}
	for _, key := range e.Remove {
		p.Payloads.DeleteTx(tx, key)
	}
	for _, entry := range e.Audit {
		if err := p.Audit.AppendTx(tx, entry); err != nil {
			return err
		}
	}
	for _, s := range e.Enqueue {
		q, err := p.Queues.Queue(ctx, s.Queue)
		if err != nil {
			return err
		}
		if _, err := q.SendTx(tx, s.Draft); err != nil {
			return err
		}
	}
	for _, m := range e.Publish {
		draft := domaintopic.Draft{Body: m.Body, Trace: trace.From(ctx), Attributes: make(map[string]domaintopic.Attribute, len(m.Attributes))}
		for _, a := range m.Attributes {
			draft.Attributes[a.Name] = domaintopic.Attribute{Type: a.Type, Value: a.Value}
		}
		if _, err := p.Topics.PublishTx(tx, m.Topic, draft); err != nil {
			return err
		}
		if m.Topic == EventTopic {
			typ, workflow := draft.Attributes["event_type"].Value, draft.Attributes["workflow"].Value
			p.Feed.RecordTx(tx, event.Type(typ), workflow, draft.Body)
			tx.OnCommit(func() { p.Metrics.Event(workflow, typ) })
		}
	}
	return nil
}

// completed puts the end of an execution into the queue of update-state, with the transaction that ends it. Input and output stay
// where they are: the updater asks for them. Executions without a payload are nobody's business but their caller's.
func (p *Platform) completed(tx *store.Tx, d engine.Description, input, output *asl.Document) error {
	p.Metrics.EndedTx(tx, d)
	if d.PayloadID == "" {
		return nil
	}
	if d.Status == asl.Succeeded { // update-state asks for no other, which would stay
		ended := pipeline.Execution{Status: string(d.Status), Input: input.Bytes(), PayloadID: d.PayloadID, Lane: d.Lane, Redrives: d.RedriveCount}
		if output != nil {
			ended.Output = output.Bytes()
		}
		tx.OnCommit(func() { p.ended.put(d.ARN, ended) })
	}
	c := pipeline.Completion{
		Execution: d.ARN, Status: string(d.Status), Error: d.Error, Cause: d.Cause, PayloadID: d.PayloadID, Lane: d.Lane,
		Redrives: d.RedriveCount,
	}
	_, err := p.update.SendTx(tx, queue.Draft{Body: c.Event(), Attributes: queue.Traced(nil, d.Trace)})
	return err
}

// redriven takes the record of a payload back to PROCESSING, with the transaction that redrives its execution. A record that was deleted
// stays so, until the end makes a new one.
func (p *Platform) redriven(ctx context.Context, tx *store.Tx, d engine.Description) (settle func(error), err error) {
	if err := p.noteTx(ctx, tx, audit.Redrive, d.ARN, ""); err != nil {
		return nil, err
	}
	if d.PayloadID == "" {
		return func(error) {}, nil
	}
	config := p.config()
	transition, effects, err := config.Redriven(d.PayloadID, d.ARN, d.RedriveDate, d.RedriveCount)
	if err != nil {
		return nil, err
	}
	settle, err = p.Records.ApplyTx(ctx, tx, transition, effects)
	switch record, conflict := domain.Conflict(err); {
	case conflict && record == nil:
		return func(error) {}, nil
	case conflict:
		return nil, fmt.Errorf("%w: the record of %s is %s and its last execution is %s: process the payload again instead",
			engine.ErrNotRedrivable, d.PayloadID, record.State(), record.LastExecution())
	}
	return settle, err
}

// executor starts the executions of payloads on the engine.
type executor struct {
	engine *engine.Engine
	ended  *handoff
	inline int // bytes of the largest payload that a workflow gets as it is; a larger one goes by reference
}

// inline is what a state may hold, less room for what states add.
func inline(limits project.Limits) int {
	most := min(limits.InputBytes, limits.DataBytes)
	return most - most/16
}

func (x executor) Start(ctx context.Context, req pipeline.StartRequest) error {
	_, err := x.engine.Start(ctx, engine.StartRequest{
		Machine: req.MachineARN, Name: req.Name, Input: req.Input, Lane: req.Lane, PayloadID: req.PayloadID,
	})
	switch {
	case errors.Is(err, engine.ErrExists):
		return fmt.Errorf("%w: %w", pipeline.ErrAlreadyExists, err)
	case errors.Is(err, engine.ErrNoMachine), errors.Is(err, machine.ErrDeleting), errors.Is(err, machine.ErrInvalidARN), errors.Is(err, engine.ErrInvalidName), errors.Is(err, engine.ErrInvalidInput):
		return &pipeline.RefusedError{Err: err}
	}
	return err
}

func (x executor) Describe(ctx context.Context, arn string) (pipeline.Execution, error) {
	if ended, ok := x.ended.take(arn); ok {
		return ended, nil
	}
	d, input, output, err := x.engine.Describe(ctx, arn)
	if errors.Is(err, engine.ErrNotFound) {
		return pipeline.Execution{}, fmt.Errorf("%w: %w", pipeline.ErrNoExecution, err)
	}
	return pipeline.Execution{
		Status: string(d.Status), Input: input, Output: output, Error: d.Error, Cause: d.Cause, PayloadID: d.PayloadID, Lane: d.Lane,
		Redrives: d.RedriveCount,
	}, err
}

// Look implements pipeline.Executions.
func (x executor) Look(ctx context.Context, arn string) (pipeline.Execution, error) {
	if !x.engine.Owns(arn) {
		return pipeline.Execution{}, fmt.Errorf("%w: %s", pipeline.ErrForeign, arn)
	}
	d, err := x.engine.Look(ctx, arn)
	if errors.Is(err, engine.ErrNotFound) {
		return pipeline.Execution{}, fmt.Errorf("%w: %w", pipeline.ErrNoExecution, err)
	}
	return pipeline.Execution{
		Status: string(d.Status), Error: d.Error, Cause: d.Cause, PayloadID: d.PayloadID, Lane: d.Lane, Redrives: d.RedriveCount,
	}, err
}

func (x executor) Inline(pl *payload.Payload) bool { return len(pl.Bytes()) <= x.inline }

// Fetch implements payload.Fetcher: it reads what lies in the buckets of this platform, and files in its exchange.
func (p *Platform) Fetch(ctx context.Context, url string) ([]byte, error) {
	if key, ok := p.exchange.Key(strings.TrimPrefix(url, "file://")); ok {
		text, _, err := p.exchange.Get(ctx, key)
		return text, unresolvable(url, err)
	}
	at, err := payload.ParseLocation(url)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", payload.ErrUnresolvable, err)
	}
	var text []byte
	switch at.Bucket {
	case PayloadBucket:
		text, _, err = p.Payloads.Get(ctx, at.Key)
	case DataBucket:
		text, _, err = p.Catalog.Get(ctx, at.Key)
	default:
		return nil, fmt.Errorf("%w: there is no bucket %q here, only %s and %s", payload.ErrUnresolvable, at.Bucket, PayloadBucket, DataBucket)
	}
	return text, unresolvable(url, err)
}

// unresolvable marks errors that asking again cannot help.
func unresolvable(url string, err error) error {
	if errors.Is(err, domainbucket.ErrNotFound) || errors.Is(err, domainbucket.ErrInvalidKey) || errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("%w: %s: %w", payload.ErrUnresolvable, url, err)
	}
	return err
}

// CheckPayload looks whether a document can be processed, so that whoever sends it learns at once when not. It returns the id of a
// single payload. References are not followed.
func (p *Platform) CheckPayload(doc []byte) (id string, err error) {
	if limit := p.Project.Limits.PayloadBytes; len(doc) > limit {
		return "", fmt.Errorf("the payload has more than %d bytes (limits.payload_bytes in sundog.yaml); send a reference to it: {\"url\": \"s3://…\"}", limit)
	}
	return payload.Check(doc)
}

// config names the parts of this platform.
func (p *Platform) config() pipeline.Config {
	return pipeline.Config{
		MachineBase: p.Engine.MachineARN(""), Layout: p.Layout, ProcessQueue: ProcessQueue,
		EventTopic: EventTopic, PublishTopic: PublishTopic, MaxMessage: p.Project.Limits.PayloadBytes,
	}
}

// openPipeline puts process and update-state together.
func (p *Platform) openPipeline() error {
	config := p.config()
	x := executor{engine: p.Engine, ended: &p.ended, inline: inline(p.Project.Limits)}
	processor, err := pipeline.NewProcessor(pipeline.ProcessorOptions{
		Config: config, StateDB: p.Records, Executor: x, Fetcher: p, Now: p.opts.Now, Logger: p.logger, Trace: p.opts.Trace,
	})
	if err != nil {
		return err
	}
	updater, err := pipeline.NewUpdater(pipeline.UpdaterOptions{
		Config: config, StateDB: p.Records, Executor: x, Fetcher: p, Now: p.opts.Now, Logger: p.logger, Trace: p.opts.Trace,
	})
	if err != nil {
		return err
	}
	p.reconciler = pipeline.NewReconciler(pipeline.ReconcilerOptions{
		Config: config, StateDB: p.Records, Executions: x, Updater: updater, Fetcher: p, Now: p.opts.Now, Logger: p.logger,
	})
	var lanes []pipeline.Lane
	for _, lane := range p.Project.Lanes {
		lanes = append(lanes, pipeline.Lane{Name: lane.Name, Concurrency: lane.Concurrency})
	}
	p.process = pipeline.NewConsumer(pipeline.ConsumerOptions{
		Queue: p.Process, Handle: processor.Handle, Lanes: lanes, Open: p.Engine.Open, Logger: p.logger,
	})
	p.updates = pipeline.NewConsumer(pipeline.ConsumerOptions{Queue: p.update, Handle: updater.HandleMessages, Logger: p.logger})
	return nil
}
