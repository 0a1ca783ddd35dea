package trigger_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"sundog/asl"
	"sundog/internal/dynamodb"
	"sundog/internal/embedded/engine"
	"sundog/internal/embedded/feed"
	embedded "sundog/internal/embedded/queue"
	"sundog/internal/embedded/store"
	"sundog/internal/embedded/table"
	"sundog/internal/embedded/topic"
	"sundog/internal/embedded/trigger"
	"sundog/internal/queue"
	domaintable "sundog/internal/table"
	domaintopic "sundog/internal/topic"
	domain "sundog/internal/trigger"
)

// A world is the parts of a platform that triggers read and write, in virtual time, and a function that remembers its calls.
type world struct {
	t        testing.TB
	store    *store.Store
	tables   *table.Tables
	feed     *feed.Feed
	queues   *embedded.Queues
	topics   *topic.Topics
	engine   *engine.Engine
	triggers *trigger.Triggers

	mu       sync.Mutex
	calls    []string
	fail     func(event string) error // what a call answers; nil: it succeeds
	slowness time.Duration            // of calls that fail

	started func(input string) // told of each task of the workflow task; may be nil

	stop func()
}

// open opens a world on a file system, or in a folder of its own on that of the machine when fs is nil.
func open(t testing.TB, fs vfs.FS, transport http.RoundTripper, specs ...domain.Spec) *world {
	t.Helper()
	w := &world{t: t}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	ctx := context.Background()
	var err error
	dir := "data"
	if fs == nil {
		dir = t.TempDir()
	}
	w.store, err = store.Open(dir, store.Options{FS: fs})
	must(err)
	w.queues, err = embedded.Open(ctx, w.store, embedded.Options{})
	must(err)
	for _, name := range []string{"process", "in", "out"} {
		_, err = w.queues.Declare(ctx, name, embedded.Config{})
		must(err)
	}
	w.topics = topic.Open(w.store, w.queues, topic.Options{Declared: []string{"news"}, Transport: http.DefaultTransport})
	w.feed = feed.New(w.store, time.Now)
	w.tables, err = table.Open(w.store, table.Options{})
	must(err)
	must(w.tables.Declare(ctx, []domaintable.Schema{{
		Name: "things", OnDemand: true, Stream: domaintable.ViewBoth, Keys: domaintable.Keys{Partition: domaintable.Key{Name: "id", Type: domaintable.S}},
	}}))
	w.engine, err = engine.New(engine.Options{Store: w.store, Runner: w})
	must(err)
	must(w.engine.Register(ctx, "pass", "STANDARD", []byte(`{"StartAt":"Pass","States":{"Pass":{"Type":"Pass","End":true}}}`)))
	must(w.engine.Register(ctx, "task", "STANDARD", []byte(`{"StartAt":"Task","States":{"Task":{"Type":"Task","Resource":"arn:aws:lambda:us-east-1:000000000000:function:any","End":true}}}`)))
	must(w.engine.Register(ctx, "wait", "STANDARD", []byte(`{"StartAt":"Wait","States":{"Wait":{"Type":"Wait","Seconds":60,"End":true}}}`)))
	var all []trigger.Spec
	for _, s := range specs {
		all = append(all, trigger.Spec{Spec: s, Secret: "secret"})
	}
	w.triggers, err = trigger.Open(ctx, all, trigger.Options{
		Store: w.store, Tables: w.tables, Feed: w.feed, Queues: w.queues, Topics: w.topics, Engine: w.engine, Functions: w, Transport: transport,
		ProcessQueue: "process", Region: "us-east-1", Account: "000000000000",
	})
	must(err)
	return w
}

// Invoke implements trigger.Functions.
func (w *world) Invoke(_ context.Context, _ string, event []byte) error {
	err := w.answer(string(event))
	if err != nil {
		<-time.After(w.slowness)
	}
	return err
}

func (w *world) answer(event string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.calls = append(w.calls, event)
	if w.fail != nil {
		return w.fail(event)
	}
	return nil
}

// Run implements engine.TaskRunner.
func (w *world) Run(_ context.Context, task engine.Task) (*asl.Document, error) {
	if w.started != nil {
		w.started(string(task.Parameters.Bytes()))
	}
	return asl.Raw([]byte(`{}`)), nil
}

// called returns the calls so far.
func (w *world) called() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.calls)
}

// forget returns the calls so far, and forgets them.
func (w *world) forget() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	calls := w.calls
	w.calls = nil
	return calls
}

// run lets the triggers and the engine work until stop is called.
func (w *world) run() {
	ctx, cancel := context.WithCancel(context.Background())
	var all sync.WaitGroup
	all.Go(func() {
		if err := w.triggers.Run(ctx); err != nil {
			w.t.Errorf("triggers: %v", err)
		}
	})
	all.Go(func() {
		if err := w.engine.Run(ctx); err != nil {
			w.t.Errorf("engine: %v", err)
		}
	})
	w.stop = func() {
		cancel()
		all.Wait()
	}
}

func (w *world) close() {
	w.t.Helper()
	if w.stop != nil {
		w.stop()
	}
	w.topics.Close()
	w.queues.Close()
	if err := w.store.Close(); err != nil {
		w.t.Error(err)
	}
}

// put writes an item whose number is n.
func (w *world) put(id string, n int) {
	w.t.Helper()
	service := dynamodb.New(w.tables, dynamodb.Options{Now: time.Now})
	request := fmt.Sprintf(`{"TableName":"things","Item":{"id":{"S":%q},"n":{"N":"%d"}}}`, id, n)
	if _, err := service.Operations()["PutItem"](w.t.Context(), []byte(request)); err != nil {
		w.t.Fatal(err)
	}
}

// received takes everything out of a queue.
func (w *world) received(name string) []string {
	w.t.Helper()
	var bodies []string
	messages, err := w.queue(name).Receive(w.t.Context(), queue.Request{Max: queue.MaxBatch})
	if err != nil {
		w.t.Fatal(err)
	}
	for _, m := range messages {
		bodies = append(bodies, string(m.Body))
		if err := w.queue(name).Delete(w.t.Context(), m.Receipt); err != nil {
			w.t.Fatal(err)
		}
	}
	return bodies
}

func (w *world) queue(name string) *embedded.Queue {
	w.t.Helper()
	q, err := w.queues.Queue(w.t.Context(), name)
	if err != nil {
		w.t.Fatal(err)
	}
	return q
}

// dead returns the reasons of the dead letters of a queue.
func (w *world) dead(name string) []queue.DeadLetter {
	w.t.Helper()
	letters, err := w.queue(name).DeadLetters(w.t.Context(), "", 0)
	if err != nil {
		w.t.Fatal(err)
	}
	return letters
}

// executions returns the names of the executions of a workflow, in order.
func (w *world) executions(workflow string) []string {
	w.t.Helper()
	all, _, err := w.engine.List(w.t.Context(), engine.Filter{Machine: workflow, Limit: 1000})
	if err != nil {
		w.t.Fatal(err)
	}
	var names []string
	for _, d := range all {
		names = append(names, d.Name)
	}
	slices.Sort(names)
	return names
}

// virtual runs a test in virtual time.
func virtual(t *testing.T, test func(t *testing.T)) {
	t.Helper()
	synctest.Test(t, test)
}

// settle waits until everything waits.
func settle(d time.Duration) {
	if d > 0 {
		<-time.After(d)
	}
	synctest.Wait()
}

// number is the n of an event that an input template has made.
func number(text string) string {
	var v struct{ ID, N string }
	if json.Unmarshal([]byte(text), &v) != nil {
		return text
	}
	return v.ID + v.N
}

func numbers(calls []string) []string {
	var all []string
	for _, c := range calls {
		all = append(all, number(c))
	}
	return all
}

var errBroken = errors.New("it is broken")

// things is a trigger on the table that has the id and the number as its input.
func things(name string, target domain.Target) domain.Spec {
	return domain.Spec{
		Name: name, Source: domain.Source{Kind: domain.Table, Name: "things"}, Target: target, Start: domain.TrimHorizon,
		Input: []byte(`{"ID":"<$.dynamodb.Keys.id.S>","N":"<$.dynamodb.NewImage.n.N>"}`),
	}
}

func topicDraft(body string) domaintopic.Draft { return domaintopic.Draft{Body: []byte(body)} }
