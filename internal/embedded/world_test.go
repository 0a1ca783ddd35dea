package embedded_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"sundog/internal/embedded"
	"sundog/internal/embedded/engine"
	"sundog/internal/embedded/machine"
	embeddedqueue "sundog/internal/embedded/queue"
	"sundog/internal/embedded/store"
	"sundog/internal/project"
	"sundog/internal/queue"
	"sundog/internal/statedb"
)

// world is a platform with a scenario: payloads of which one succeeds, is published and chained, one fails, one is refused by its
// task, one would replace what is there, and a message that is no payload at all; Items and events go to queues. Time is
// virtual.
type world struct {
	t           *testing.T
	dir         string // of what is not in the database
	options     store.Options
	submissions []string // not acknowledged yet
	platform    *embedded.Platform
	ahead       atomic.Int64 // how far the platform's clock is before the virtual one, in nanoseconds; without all that happens meanwhile
}

func (w *world) now() time.Time { return time.Now().Add(time.Duration(w.ahead.Load())) }

const item = `{"type":"Feature","stac_version":"1.0.0","id":%q,"collection":"scenes","geometry":null,` +
	`"properties":{"datetime":"2024-05-01T00:00:00Z"},"links":[],"assets":{}}`

func scene(id, process string) string {
	return fmt.Sprintf(`{"type":"FeatureCollection","features":[`+item+`],"process":[%s]}`, id, process)
}

func newWorld(t *testing.T, options store.Options) *world {
	return &world{t: t, dir: t.TempDir(), options: options, submissions: []string{
		scene("good", `{"workflow":"ingest"},{"workflow":"derive"}`),
		scene("bad", `{"workflow":"fails"}`),
		scene("wrong", `{"workflow":"refuses"}`),
		scene("fresh", `{"workflow":"ingest","replace":true}`),
		`{"type":"FeatureCollection"}`,
	}}
}

// Each workflow that succeeds leaves its mark in the Item.
const (
	ingestWorkflow = `{"StartAt":"Mark","States":{
		"Mark":{"Type":"Pass","Result":"ingest","ResultPath":"$.features[0].properties.step","Next":"Echo"},
		"Echo":{"Type":"Task","Resource":"arn:aws:lambda:us-east-1:000000000000:function:echo","Next":"Publish"},
		"Publish":{"Type":"Task","Resource":"arn:aws:lambda:us-east-1:000000000000:function:publish","End":true}}}`
	deriveWorkflow = `{"StartAt":"Wait","States":{
		"Wait":{"Type":"Wait","Seconds":5,"Next":"Mark"},
		"Mark":{"Type":"Pass","Result":"derive","ResultPath":"$.features[0].properties.step","Next":"Echo"},
		"Echo":{"Type":"Task","Resource":"arn:aws:lambda:us-east-1:000000000000:function:echo","End":true}}}`
	failsWorkflow = `{"StartAt":"Break","States":{
		"Break":{"Type":"Task","Resource":"arn:aws:lambda:us-east-1:000000000000:function:break","End":true}}}`
	refusesWorkflow = `{"StartAt":"Refuse","States":{
		"Refuse":{"Type":"Task","Resource":"arn:aws:lambda:us-east-1:000000000000:function:refuse","End":true}}}`
)

func (w *world) project() *project.Project {
	p := project.Default(w.dir, "faults")
	for _, f := range []struct{ name, definition string }{
		{"ingest", ingestWorkflow}, {"derive", deriveWorkflow}, {"fails", failsWorkflow}, {"refuses", refusesWorkflow},
	} {
		p.Workflows = append(p.Workflows, project.Workflow{Name: f.name, Definition: []byte(f.definition)})
	}
	for _, name := range []string{"echo", "publish", "break", "refuse"} {
		p.Functions = append(p.Functions, project.Function{Name: name, Kind: project.Builtin, Builtin: name, Timeout: time.Minute})
	}
	p.Subscriptions = []project.Subscription{
		{Name: "items", Topic: embedded.PublishTopic, Queue: "items"},
		{Name: "events", Topic: embedded.EventTopic, Queue: "events"},
	}
	return p
}

// named is an error with a name that Retry and the state database know.
type named struct{ name, text string }

func (e named) Error() string     { return e.text }
func (e named) ErrorType() string { return e.name }

func functions() map[string]func(context.Context, []byte) ([]byte, error) {
	fail := func(err error) func(context.Context, []byte) ([]byte, error) {
		return func(context.Context, []byte) ([]byte, error) { return nil, err }
	}
	return map[string]func(context.Context, []byte) ([]byte, error){
		"break":  fail(named{"Broken", "it cannot work"}),
		"refuse": fail(named{"stactask.exceptions.InvalidInput", "not such a scene"}),
	}
}

// open opens the platform, and reports whether it could: not when the fault was injected there.
func (w *world) open() bool {
	w.t.Helper()
	var err error
	w.platform, err = embedded.Open(context.Background(), w.project(), embedded.Options{Data: w.dir, Store: w.options, Functions: functions(), Now: w.now})
	if err != nil && !errors.Is(err, errInjected) {
		w.t.Fatal(err)
	}
	return err == nil
}

func (w *world) close() {
	w.t.Helper()
	if err := w.platform.Close(context.Background()); err != nil {
		w.t.Error(err)
	}
}

// play plays the scenario; see play.
func (w *world) play(stopped func() bool) {
	w.t.Helper()
	play(w.t, w, stopped)
}

func (w *world) running() *embedded.Platform { return w.platform }

func (w *world) over(ctx context.Context) bool { return w.feed(ctx) && w.idle() }

// feed sends what has not been acknowledged, and reports whether everything is.
func (w *world) feed(ctx context.Context) bool {
	for len(w.submissions) > 0 {
		if _, err := w.platform.Submit(ctx, []embedded.Submission{{Body: []byte(w.submissions[0])}}); err != nil {
			return false
		}
		w.submissions = w.submissions[1:]
	}
	return true
}

// targets are the queues that messages stay in.
var targets = map[string]bool{"items": true, "events": true}

// idle reports whether no execution is open, and no message anywhere but in the targets of the subscriptions.
func (w *world) idle() bool {
	if w.platform.Engine.OpenTotal() > 0 {
		return false
	}
	for _, name := range w.platform.Queues.Names() {
		q, err := w.platform.Queues.Queue(context.Background(), name)
		if err != nil || !targets[name] && q.Depth().Total() > 0 {
			return false
		}
	}
	return true
}

func (w *world) leftOver() string {
	waiting := map[string]int64{}
	for _, name := range w.platform.Queues.Names() {
		waiting[name] = w.queue(name).Depth().Total()
	}
	return fmt.Sprintf("%d executions are open; messages: %v; not sent: %d", w.platform.Engine.OpenTotal(), waiting, len(w.submissions))
}

func (w *world) queue(name string) *embeddedqueue.Queue {
	w.t.Helper()
	q, err := w.platform.Queues.Queue(context.Background(), name)
	if err != nil {
		w.t.Fatal(err)
	}
	return q
}

// outcome is what a scenario leaves behind, without what chance and the clock have in it.
type outcome struct {
	Records     map[string]string // payload id: state, number of executions, error
	Counts      map[string]int64  // of records, as they are kept: partition and state
	Objects     map[string]bool   // keys in the payload bucket
	Executions  map[string]int    // by workflow
	Items       map[string]int    // in the queue of the subscription: id and workflow
	Ends        map[string]int    // events of ends, in the queue of the other: payload id and type
	DeadLetters map[string]int    // queue and reason
}

func (w *world) outcome() outcome {
	w.t.Helper()
	ctx := context.Background()
	o := outcome{
		Records: map[string]string{}, Counts: map[string]int64{}, Objects: map[string]bool{}, Executions: map[string]int{},
		Items: map[string]int{}, Ends: map[string]int{}, DeadLetters: map[string]int{},
	}
	w.countRecords(&o)
	for _, m := range w.platform.Engine.Machines().Machines("", machine.MaxMachines) {
		found, _, err := w.platform.Engine.List(ctx, engine.Filter{Machine: m.Name})
		if err != nil {
			w.t.Fatal(err)
		}
		o.Executions[m.Name] = len(found)
	}
	objects, err := w.platform.Payloads.List(ctx, "", "", 1000)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, object := range objects {
		key := object.Key
		if folder := w.platform.Layout.Root + "/tmp/invalid/"; strings.HasPrefix(key, folder) {
			key = folder + "*"
		}
		o.Objects[key] = true
	}
	for _, body := range w.receive("items") {
		var item struct {
			ID         string
			Properties struct{ Step string }
		}
		w.decode(body, &item)
		o.Items[item.ID+" of "+item.Properties.Step]++
	}
	w.countEvents(&o)
	for _, name := range w.platform.Queues.Names() {
		dead, err := w.queue(name).DeadLetters(ctx, "", 0)
		if err != nil {
			w.t.Fatal(err)
		}
		for _, d := range dead {
			o.DeadLetters[name+": "+d.Reason]++
		}
		if kept := w.queue(name).Depth().Dead; kept != int64(len(dead)) {
			w.t.Errorf("queue %s has %d dead letters and counts %d", name, len(dead), kept)
		}
	}
	return o
}

// countRecords reads all records, and compares the counts that are kept with what it finds.
func (w *world) countRecords(o *outcome) {
	w.t.Helper()
	counts, err := w.platform.Records.Counts(context.Background(), "")
	if err != nil {
		w.t.Fatal(err)
	}
	found := map[string]int64{}
	for _, c := range counts {
		o.Counts[c.Partition+" "+string(c.State)] = c.Records
		page, err := w.platform.Records.Query(context.Background(), statedb.Query{Partition: c.Partition, State: c.State})
		if err != nil {
			w.t.Fatal(err)
		}
		for _, r := range page.Records {
			text := fmt.Sprintf("%s after %d executions", r.State(), len(r.Executions))
			if r.LastError != nil {
				text += ": " + *r.LastError
			}
			o.Records[r.ID.String()] = text
			found[r.ID.PartitionKey()+" "+string(r.State())]++
		}
	}
	for key, n := range o.Counts {
		if found[key] != n {
			w.t.Errorf("%s: counted %d, found %d", key, n, found[key])
		}
	}
}

// countEvents counts the events of ends. Of the others it knows what has to be there: each record was claimed once, and started once
// or, when its message came again after the end, told to have ended.
func (w *world) countEvents(o *outcome) {
	w.t.Helper()
	others := map[string]map[string]int{}
	for _, body := range w.receive("events") {
		var e struct {
			Type      string `json:"event_type"`
			PayloadID string `json:"payload_id"`
		}
		w.decode(body, &e)
		switch e.Type {
		case "SUCCEEDED", "FAILED", "INVALID", "ABORTED", "TIMED_OUT":
			o.Ends[e.PayloadID+" "+e.Type]++
		case "NOT_A_PROCESS_PAYLOAD": // told again when its message comes again: nothing says that it came before
			o.Ends[e.PayloadID+" "+e.Type] = 1
		default:
			if others[e.PayloadID] == nil {
				others[e.PayloadID] = map[string]int{}
			}
			others[e.PayloadID][e.Type]++
		}
	}
	for id := range o.Records {
		of := others[id]
		delete(others, id)
		if started := of["STARTED_PROCESSING"]; of["CLAIMED_PROCESSING"] != 1 || started > 1 || started == 0 && len(of) < 2 {
			w.t.Errorf("%s: events %v", id, of)
		}
	}
	for id, of := range others {
		w.t.Errorf("events of %s, which has no record: %v", id, of)
	}
}

// receive takes everything out of a queue.
func (w *world) receive(name string) [][]byte {
	w.t.Helper()
	var bodies [][]byte
	for {
		messages, err := w.queue(name).Receive(context.Background(), queue.Request{Max: queue.MaxBatch})
		if err != nil {
			w.t.Fatal(err)
		}
		if len(messages) == 0 {
			return bodies
		}
		for _, m := range messages {
			bodies = append(bodies, m.Body)
		}
	}
}

func (w *world) decode(text []byte, into any) {
	w.t.Helper()
	if err := json.Unmarshal(text, into); err != nil {
		w.t.Fatalf("%v: %s", err, text)
	}
}
