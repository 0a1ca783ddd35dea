package pipeline_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"sundog/internal/audit"
	"sundog/internal/bucket"
	embeddedbucket "sundog/internal/embedded/bucket"
	embeddedqueue "sundog/internal/embedded/queue"
	embedded "sundog/internal/embedded/statedb"
	"sundog/internal/embedded/store"
	"sundog/internal/event"
	"sundog/internal/pipeline"
	"sundog/internal/queue"
	"sundog/internal/statedb"
	"sundog/payload"
)

const base = "arn:aws:states:us-east-1:000000000000:stateMachine:"

// platform is process and update-state on the embedded state database, queues and bucket. Publications go to a queue named after
// their topic, where they can be read.
type platform struct {
	tb         testing.TB
	store      *store.Store
	queues     *embeddedqueue.Queues
	db         *embedded.DB
	payloads   *embeddedbucket.Store
	processes  *embeddedqueue.Queue
	executor   *executor
	processor  *pipeline.Processor
	updater    *pipeline.Updater
	stateDB    *faultyDB
	maxMessage int
	beside     bool
	audited    []audit.Entry
	log        *lines
}

// lines are the lines of a log, each a JSON object.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) all(tb testing.TB) []map[string]any {
	tb.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	var all []map[string]any
	for dec := json.NewDecoder(bytes.NewReader(l.text.Bytes())); dec.More(); {
		var line map[string]any
		if err := dec.Decode(&line); err != nil {
			tb.Fatal(err)
		}
		all = append(all, line)
	}
	return all
}

// openPlatform opens a platform on a file system. It is closed at the end of the test at the latest.
func openPlatform(tb testing.TB, opts store.Options, x *executor) *platform {
	tb.Helper()
	dir := "data"
	if opts.FS == nil {
		dir = tb.TempDir()
	}
	st, err := store.Open(dir, opts)
	if err != nil {
		tb.Fatal(err)
	}
	p := &platform{tb: tb, store: st, executor: x, payloads: embeddedbucket.NewStore(st, "payloads", nil)}
	if p.queues, err = embeddedqueue.Open(context.Background(), st, embeddedqueue.Options{}); err != nil {
		tb.Fatal(errors.Join(err, st.Close()))
	}
	tb.Cleanup(p.close)
	for name, lanes := range map[string][]string{"process": {"live", "bulk"}, "update": nil, "events": nil, "items": nil} {
		q, err := p.queues.Declare(context.Background(), name, embeddedqueue.Config{Lanes: lanes, MaxReceives: 1000})
		if err != nil {
			tb.Fatal(err)
		}
		if name == "process" {
			p.processes = q
		}
	}
	if p.db, err = embedded.Open(st, p); err != nil {
		tb.Fatal(err)
	}
	p.stateDB = &faultyDB{StateDB: p.db}
	p.configure()
	return p
}

func (p *platform) config() pipeline.Config {
	return pipeline.Config{
		MachineBase: base, Layout: payload.Layout{Bucket: "payloads", Root: "cirrus"},
		ProcessQueue: "process", EventTopic: "events", PublishTopic: "items", MaxMessage: p.maxMessage, Beside: p.beside,
	}
}

func (p *platform) configure() {
	config := p.config()
	p.log = &lines{}
	logger := slog.New(slog.NewJSONHandler(p.log, nil))
	var err error
	if p.processor, err = pipeline.NewProcessor(pipeline.ProcessorOptions{Config: config, StateDB: p.stateDB, Executor: p.executor, Fetcher: p, Logger: logger}); err != nil {
		p.tb.Fatal(err)
	}
	if p.updater, err = pipeline.NewUpdater(pipeline.UpdaterOptions{Config: config, StateDB: p.stateDB, Executor: p.executor, Fetcher: p, Logger: logger}); err != nil {
		p.tb.Fatal(err)
	}
}

func (p *platform) close() {
	p.queues.Close()
	if err := p.store.Close(); err != nil && !errors.Is(err, store.ErrClosed) {
		p.tb.Error(err)
	}
}

// EffectsTx makes the platform a sink.
func (p *platform) EffectsTx(ctx context.Context, tx *store.Tx, e *statedb.Effects) error {
	for _, m := range e.Publish {
		if err := p.sendTx(ctx, tx, m.Topic, queue.Draft{Body: m.Body}); err != nil {
			return err
		}
	}
	for _, s := range e.Enqueue {
		if err := p.sendTx(ctx, tx, s.Queue, s.Draft); err != nil {
			return err
		}
	}
	entries := e.Audit
	tx.OnCommit(func() { p.audited = append(p.audited, entries...) })
	for _, o := range e.Store {
		if err := p.payloads.PutTx(tx, o.Key, o.Body, "application/json"); err != nil {
			return err
		}
	}
	return nil
}

func (p *platform) sendTx(ctx context.Context, tx *store.Tx, name string, d queue.Draft) error {
	q, err := p.queues.Queue(ctx, name)
	if err != nil {
		return err
	}
	_, err = q.SendTx(tx, d)
	return err
}

// Fetch makes the platform a payload.Fetcher.
func (p *platform) Fetch(ctx context.Context, url string) ([]byte, error) {
	if url == "s3://payloads/slow" {
		return nil, errors.New("injected: slow down")
	}
	at, err := payload.ParseLocation(url)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", payload.ErrUnresolvable, err)
	}
	body, _, err := p.payloads.Get(ctx, at.Key)
	if errors.Is(err, bucket.ErrNotFound) {
		return nil, fmt.Errorf("%w: %w", payload.ErrUnresolvable, err)
	}
	return body, err
}

func (p *platform) put(key, body string) {
	p.tb.Helper()
	if _, err := p.payloads.Put(context.Background(), key, []byte(body), bucket.PutOptions{}); err != nil {
		p.tb.Fatal(err)
	}
}

// objects lists the keys in the payload bucket.
func (p *platform) objects(prefix string) []string {
	p.tb.Helper()
	list, err := p.payloads.List(context.Background(), prefix, "", 0)
	if err != nil {
		p.tb.Fatal(err)
	}
	var keys []string
	for _, o := range list {
		keys = append(keys, o.Key)
	}
	return keys
}

// handle processes bodies as messages of one batch.
func (p *platform) handle(bodies ...string) []pipeline.Outcome {
	messages := make([]queue.Message, len(bodies))
	for i, body := range bodies {
		messages[i] = queue.Message{ID: fmt.Sprint(i), Body: []byte(body), Lane: "bulk", ReceiveCount: 1}
	}
	return p.processor.Handle(context.Background(), messages)
}

func (p *platform) record(text string) statedb.Record {
	p.tb.Helper()
	id, err := payload.ParseID(text)
	if err != nil {
		p.tb.Fatal(err)
	}
	r, err := p.db.Get(context.Background(), id)
	if err != nil && !errors.Is(err, statedb.ErrNotFound) {
		p.tb.Fatal(err)
	}
	return r
}

func (p *platform) seed(text string, state statedb.State, executions ...string) {
	p.tb.Helper()
	id, err := payload.ParseID(text)
	if err != nil {
		p.tb.Fatal(err)
	}
	const at = "2025-01-01T00:00:00.000001+00:00"
	r := statedb.Record{ID: id, StateUpdated: string(state) + "_" + at, Created: at, Updated: at, Executions: executions}
	if err := p.db.Put(context.Background(), r); err != nil {
		p.tb.Fatal(err)
	}
}

// drain takes all messages out of a queue.
func (p *platform) drain(name string) []string {
	p.tb.Helper()
	q, err := p.queues.Queue(context.Background(), name)
	if err != nil {
		p.tb.Fatal(err)
	}
	var bodies []string
	for {
		messages, err := q.Receive(context.Background(), queue.Request{Max: 100})
		if err != nil {
			p.tb.Fatal(err)
		}
		if len(messages) == 0 {
			return bodies
		}
		for _, m := range messages {
			bodies = append(bodies, string(m.Body))
			if err := q.Delete(context.Background(), m.Receipt); err != nil {
				p.tb.Fatal(err)
			}
		}
	}
}

// events drains the workflow events, as "TYPE payload-id".
func (p *platform) events() []string {
	p.tb.Helper()
	var all []string
	for _, e := range p.drainEvents() {
		all = append(all, string(e.Type)+" "+e.PayloadID)
	}
	return all
}

func (p *platform) drainEvents() []event.Event {
	p.tb.Helper()
	var all []event.Event
	for _, body := range p.drain("events") {
		e, err := event.Parse(body)
		if err != nil {
			p.tb.Fatal(err)
		}
		all = append(all, e)
	}
	return all
}

// faultyDB fails as it is told to, and shows what transitions cause.
type faultyDB struct {
	pipeline.StateDB
	mu     sync.Mutex
	before func(t *statedb.Transition) error
	caused func(e statedb.Effects) // nil for nobody
	emit   error
	read   error
}

func (d *faultyDB) GetMany(ctx context.Context, ids []payload.ID) ([]statedb.Found, error) {
	if d.read != nil {
		return nil, d.read
	}
	return d.StateDB.GetMany(ctx, ids)
}

func (d *faultyDB) Apply(ctx context.Context, t statedb.Transition, e statedb.Effects) (statedb.Record, error) {
	d.mu.Lock()
	before := d.before
	d.mu.Unlock()
	if before != nil {
		if err := before(&t); err != nil {
			return statedb.Record{}, err
		}
	}
	if d.caused != nil {
		d.caused(e)
	}
	return d.StateDB.Apply(ctx, t, e)
}

func (d *faultyDB) Emit(ctx context.Context, e statedb.Effects) error {
	if d.emit != nil {
		return d.emit
	}
	return d.StateDB.Emit(ctx, e)
}

// executor is an executor in memory that outlives platforms, as Step Functions does. Its executions never end by themselves.
type executor struct {
	mu      sync.Mutex
	started map[string]pipeline.StartRequest // by execution ARN
	starts  int                              // calls of Start that started something
	fail    error
	limit   int // of Inline; none when 0
}

func newExecutor() *executor { return &executor{started: map[string]pipeline.StartRequest{}} }

func (x *executor) Start(_ context.Context, req pipeline.StartRequest) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.fail != nil {
		return x.fail
	}
	if req.MachineARN == base+"missing" {
		return &pipeline.RefusedError{Err: fmt.Errorf("there is no state machine %s", req.MachineARN)}
	}
	arn := base[:len(base)-len("stateMachine:")] + "execution:" + req.MachineARN[len(base):] + ":" + req.Name
	if _, taken := x.started[arn]; taken {
		return fmt.Errorf("%w: %s", pipeline.ErrAlreadyExists, arn)
	}
	x.started[arn] = req
	x.starts++
	return nil
}

func (x *executor) Describe(_ context.Context, arn string) (pipeline.Execution, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	req, ok := x.started[arn]
	if !ok {
		return pipeline.Execution{}, fmt.Errorf("%w: %s", pipeline.ErrNoExecution, arn)
	}
	return pipeline.Execution{Status: "SUCCEEDED", Input: req.Input, Output: outputOf(req.Input), PayloadID: req.PayloadID, Lane: req.Lane}, nil
}

func (x *executor) Inline(p *payload.Payload) bool { return x.limit == 0 || len(p.Bytes()) <= x.limit }

// outputOf is what every workflow here makes of its input: the same payload, with an Item more.
func outputOf(input []byte) []byte {
	var doc map[string]json.RawMessage
	if json.Unmarshal(input, &doc) != nil || doc["features"] == nil {
		return nil
	}
	var features []json.RawMessage
	if json.Unmarshal(doc["features"], &features) != nil {
		return nil
	}
	added := fmt.Sprintf(`{"type":"Feature","id":"made-%d","collection":"made"}`, len(features))
	doc["features"], _ = json.Marshal(append(features, json.RawMessage(added))) // raw JSON always marshals
	out, _ := json.Marshal(doc)
	return out
}

// executions are the ARNs of all that were started.
func (x *executor) executions() []string {
	x.mu.Lock()
	defer x.mu.Unlock()
	return slices.Sorted(maps.Keys(x.started))
}

// completion is the end of an execution.
func (x *executor) completion(arn, status string) pipeline.Completion {
	x.mu.Lock()
	defer x.mu.Unlock()
	req := x.started[arn]
	return pipeline.Completion{
		Execution: arn, Status: status, PayloadID: req.PayloadID, Lane: req.Lane,
		Input: req.Input, InputKnown: true, Output: outputOf(req.Input), OutputKnown: true,
	}
}

// body is a payload with one Item, processed by workflows one after the other: each a name, or a whole definition in JSON.
func body(item string, workflows ...string) string {
	definitions := make([]string, len(workflows))
	for i, w := range workflows {
		if definitions[i] = w; w[0] != '{' {
			definitions[i] = fmt.Sprintf(`{"workflow":%q}`, w)
		}
	}
	return fmt.Sprintf(`{"type":"FeatureCollection","features":[{"type":"Feature","id":%q,"collection":"c1"}],"process":[%s]}`,
		item, strings.Join(definitions, ","))
}

func arn(workflow, name string) string { return payload.ExecutionARN(base, workflow, name) }

func memory() store.Options { return store.Options{FS: vfs.NewMem()} }
