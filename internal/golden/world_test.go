package golden_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"sundog/internal/batch"
	"sundog/internal/bucket"
	"sundog/internal/embedded/store"
	"sundog/internal/pipeline"
	"sundog/internal/statedb"
	"sundog/internal/statedb/statedbtest"
	"sundog/payload"
)

// The world of the scenarios.
const (
	account     = "arn:aws:states:us-east-1:123456789012:"
	machineBase = account + "stateMachine:cirrus-"
	payloads    = "payloads" // the payload bucket
	eventTopic  = "cirrus-workflow-event"
	itemTopic   = "cirrus-publish"
	firstYear   = 2031 // of the clock: later than all that is seeded
)

// world is a deployment on a platform, and around it what a scenario can look at.
type world struct {
	db         statedbtest.DB
	processor  *pipeline.Processor
	updater    *pipeline.Updater
	buckets    map[string]map[string]object
	executions map[string]*execution
	published  []statedb.Publication
	queued     []string
	ticks, ids int
	inject     injection
	layout     payload.Layout
	exchange   *batch.Exchange
}

type object struct {
	ContentType string `json:"content_type"`
	body        []byte
}

type execution struct {
	ARN     string `json:"execution_arn"`
	Machine string `json:"state_machine_arn"`
	Name    string `json:"name"`
	Input   string `json:"input"`
	Status  string `json:"status"`
}

// newWorld makes the world with a case's environment. It returns an error when the environment lacks what is needed.
func (p platform) newWorld(t *testing.T, env map[string]*string, inject injection) (*world, error) {
	t.Helper()
	w := &world{
		buckets:    map[string]map[string]object{payloads: {}, "data": {}, "other": {}},
		executions: map[string]*execution{},
		layout:     payload.Layout{Bucket: payloads, Root: payload.DefaultRoot},
		inject:     inject,
	}
	db, x := p.open(t, w)
	w.db = db
	config := pipeline.Config{MachineBase: machineBase, ProcessQueue: "cirrus-process", EventTopic: eventTopic, PublishTopic: itemTopic, Beside: p.beside}
	noDB := false
	for name, given := range env {
		value := orEmpty(given)
		switch name {
		case "CIRRUS_PAYLOAD_ROOT_PREFIX":
			w.layout.Root = value
		case "CIRRUS_PAYLOAD_BUCKET":
			w.layout.Bucket = value
		case "CIRRUS_PUBLISH_TOPIC_ARN":
			config.PublishTopic = value
		case "CIRRUS_WORKFLOW_EVENT_TOPIC_ARN":
			config.EventTopic = value
		case "CIRRUS_BASE_WORKFLOW_ARN":
			config.MachineBase = value
		case "CIRRUS_STATE_DB":
			noDB = value == ""
		case "CIRRUS_WORKFLOW_LOG_GROUP":
			if value != "" && value != "cirrus-workflow" { // a deployment is refused that names what is not there
				return w, fmt.Errorf("there is no log group %s", value)
			}
		}
	}
	config.Layout = w.layout
	w.exchange = batch.New(batch.Config{Bucket: w, Layout: w.layout, Fetcher: w, NewID: w.newID})
	var records pipeline.StateDB = &injected{DB: w.db, world: w}
	if noDB {
		records = nil
	}
	var err error
	w.processor, err = pipeline.NewProcessor(pipeline.ProcessorOptions{
		Config: config, StateDB: records, Executor: x, Fetcher: w, Now: w.now, NewID: w.newID, Workers: 1,
	})
	if err != nil {
		return w, err
	}
	w.updater, err = pipeline.NewUpdater(pipeline.UpdaterOptions{
		Config: config, StateDB: records, Executor: x, Fetcher: w, Now: w.now, NewID: w.newID, Workers: 1,
	})
	return w, err
}

// now never gives the same instant twice.
func (w *world) now() time.Time {
	w.ticks++
	return time.Date(firstYear, 1, 1, 0, 0, 0, w.ticks*1000, time.UTC)
}

func (w *world) newID() string {
	w.ids++
	return fmt.Sprintf("00000000-0000-4000-8000-%012d", w.ids)
}

// EffectsTx makes the world a sink: effects are seen once they are committed.
func (w *world) EffectsTx(ctx context.Context, tx *store.Tx, e *statedb.Effects) error {
	if len(e.Store) > 0 {
		if err := w.storable(); err != nil {
			return err
		}
	}
	effects := *e
	tx.OnCommit(func() {
		for _, o := range effects.Store {
			_, _ = w.Put(ctx, o.Key, o.Body, bucket.PutOptions{ContentType: "application/json"}) // see storable
		}
		for _, s := range effects.Enqueue {
			w.queued = append(w.queued, string(s.Body))
		}
		w.published = append(w.published, effects.Publish...)
	})
	return nil
}

// storable says why objects cannot be stored.
func (w *world) storable() error {
	if w.inject.upload {
		return errors.New("injected: 403")
	}
	if w.buckets[w.layout.Bucket] == nil {
		return fmt.Errorf("there is no bucket %s", w.layout.Bucket)
	}
	return nil
}

// Put makes the world the payload bucket.
func (w *world) Put(_ context.Context, key string, body []byte, _ bucket.PutOptions) (string, error) {
	if err := w.storable(); err != nil {
		return "", err
	}
	w.buckets[w.layout.Bucket][key] = object{ContentType: "application/json", body: body}
	return "", nil
}

// Fetch makes the world a payload.Fetcher.
func (w *world) Fetch(_ context.Context, url string) ([]byte, error) {
	at, err := payload.ParseLocation(url)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", payload.ErrUnresolvable, err)
	}
	o, found := w.buckets[at.Bucket][at.Key]
	if !found {
		return nil, fmt.Errorf("%w: there is no object %s", payload.ErrUnresolvable, url)
	}
	return o.body, nil
}

// Start makes the world an executor with the four state machines of the scenarios.
func (w *world) Start(_ context.Context, req pipeline.StartRequest) error {
	switch w.inject.start {
	case "":
	case "ExecutionAlreadyExists":
		return fmt.Errorf("%w: injected", pipeline.ErrAlreadyExists)
	default:
		return fmt.Errorf("%s: injected", w.inject.start)
	}
	if !slices.Contains([]string{"wf1", "wf2", "wf3", "my_wf"}, req.MachineARN[min(len(machineBase), len(req.MachineARN)):]) {
		return &pipeline.RefusedError{Err: fmt.Errorf("An error occurred (StateMachineDoesNotExist) when calling the StartExecution operation: State Machine Does Not Exist: '%s'", req.MachineARN)}
	}
	workflow := req.MachineARN[len(machineBase):]
	arn := payload.ExecutionARN(machineBase, workflow, req.Name)
	if before := w.executions[arn]; before != nil {
		if before.Status == "RUNNING" && before.Input == string(req.Input) {
			return nil
		}
		return fmt.Errorf("%w: %s", pipeline.ErrAlreadyExists, arn)
	}
	w.executions[arn] = &execution{ARN: arn, Machine: req.MachineARN, Name: req.Name, Input: string(req.Input), Status: "RUNNING"}
	return nil
}

// Describe knows what Start was told. The output of an execution is only in the event of its completion.
func (w *world) Describe(_ context.Context, arn string) (pipeline.Execution, error) {
	x := w.executions[arn]
	if x == nil {
		return pipeline.Execution{}, fmt.Errorf("%w: %s", pipeline.ErrNoExecution, arn)
	}
	return pipeline.Execution{Status: x.Status, Input: []byte(x.Input)}, nil
}

// Inline is the rule of Step Functions.
func (w *world) Inline(p *payload.Payload) bool { return p.Inline() }

// observed is what can be seen after a step, in the form of the recording.
type observed struct {
	StateDB    []json.RawMessage     `json:"statedb"`
	Events     []message             `json:"workflow_events"`
	Items      []message             `json:"published_items"`
	Executions []*execution          `json:"executions"`
	Objects    map[string]storedJSON `json:"s3"`
}

type message struct {
	Message    string                    `json:"message"`
	Attributes map[string]attributeValue `json:"attributes"`
}

type attributeValue struct{ DataType, StringValue string }

type storedJSON struct {
	ContentType string          `json:"content_type"`
	Text        *string         `json:"text,omitempty"`
	Record      json.RawMessage `json:"record,omitempty"`
}

// observe looks at the world. Messages are those since the last look.
func (w *world) observe(t *testing.T) observed {
	t.Helper()
	o := observed{Objects: map[string]storedJSON{}}
	o.StateDB = w.records(t)
	for _, p := range w.published {
		m := message{Message: string(p.Body), Attributes: map[string]attributeValue{}}
		for _, a := range p.Attributes {
			m.Attributes[a.Name] = attributeValue{a.Type, a.Value}
		}
		if p.Topic == eventTopic {
			o.Events = append(o.Events, m)
		} else {
			o.Items = append(o.Items, m)
		}
	}
	w.published = nil
	for _, arn := range slices.Sorted(maps.Keys(w.executions)) {
		x := *w.executions[arn]
		o.Executions = append(o.Executions, &x)
	}
	for key, stored := range w.buckets[payloads] {
		entry := storedJSON{ContentType: stored.ContentType}
		if bytes.HasPrefix(stored.body, []byte(`{"invalid_record_body"`)) {
			entry.Record = stored.body
		} else {
			text := string(stored.body)
			entry.Text = &text
		}
		o.Objects[key] = entry
	}
	return o
}

// records lists all records by their keys.
func (w *world) records(t *testing.T) []json.RawMessage {
	t.Helper()
	counts, err := w.db.Counts(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	var all []json.RawMessage
	last := ""
	for _, c := range counts {
		if c.Partition == last {
			continue
		}
		last = c.Partition
		page, err := w.db.Query(t.Context(), statedb.Query{Partition: c.Partition, Index: statedb.ByItemIDs, Ascending: true})
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range page.Records {
			text, err := json.Marshal(r)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, text)
		}
	}
	return all
}
