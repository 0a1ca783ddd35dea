package schedule_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	embedded "sundog/internal/embedded/queue"
	platform "sundog/internal/embedded/schedule"
	"sundog/internal/embedded/store"
	"sundog/internal/embedded/topic"
	"sundog/internal/queue"
	"sundog/internal/schedule"
)

// world is schedules on a store, with what they reach.
type world struct {
	t         *testing.T
	store     *store.Store
	queues    *embedded.Queues
	topics    *topic.Topics
	schedules *platform.Schedules
	internet  *internet
	shift     atomic.Int64 // of the clock on the wall, in nanoseconds
	options   store.Options
	functions *functions
	stop      func()
}

func newWorld(t *testing.T) *world {
	return &world{t: t, internet: &internet{}, functions: &functions{}, options: store.Options{FS: vfs.NewMem()}}
}

// open opens everything and runs it. It reports whether that worked: a fault may be injected.
func (w *world) open() bool {
	ctx := context.Background()
	var err error
	if w.store, err = store.Open("data", w.options); err != nil {
		w.fault(err)
		return false
	}
	if w.queues, err = embedded.Open(ctx, w.store, embedded.Options{}); err != nil {
		w.fault(err)
		w.store.Close()
		return false
	}
	for _, name := range []string{"process", "work", "custom"} {
		if _, err = w.queues.Declare(ctx, name, embedded.Config{MaxBytes: 1 << 20}); err != nil {
			break
		}
	}
	w.topics = topic.Open(w.store, w.queues, topic.Options{Declared: []string{schedule.Topic, "custom"}})
	if err == nil {
		err = w.topics.Subscribe(ctx, topic.Subscription{Name: "custom", Topic: "custom", Queue: "custom"})
	}
	if err == nil {
		w.schedules, err = platform.Open(platform.Options{
			Store: w.store, Queues: w.queues, Topics: w.topics, ProcessQueue: "process", Refused: []string{"custom"}, Functions: w.functions,
			Now: w.now, Transport: w.internet,
		})
	}
	if err != nil {
		w.fault(err)
		w.stop = func() {}
		w.close()
		return false
	}
	running, cancel := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- w.schedules.Run(running) }()
	w.stop = func() {
		cancel()
		if err := <-ended; err != nil {
			w.t.Errorf("run: %v", err)
		}
	}
	return true
}

// now is what the clock on the wall shows.
func (w *world) now() time.Time { return time.Now().Add(time.Duration(w.shift.Load())).Round(0) }

func (w *world) fault(err error) {
	if !errors.Is(err, errInjected) && !errors.Is(err, store.ErrFailed) {
		w.t.Errorf("opening: %v", err)
	}
}

// close ends everything.
func (w *world) close() {
	w.stop()
	w.topics.Close()
	w.queues.Close()
	w.store.Close()
}

// reopen is a restart.
func (w *world) reopen() {
	w.close()
	if !w.open() {
		w.t.Fatal("it does not open again")
	}
}

func (w *world) create(d schedule.Draft) schedule.Schedule {
	w.t.Helper()
	rec, _, err := w.schedules.Create(w.t.Context(), d)
	if err != nil {
		w.t.Fatal(err)
	}
	return rec
}

// messages receives and deletes all that is in a queue.
func (w *world) messages(name string) []queue.Message {
	w.t.Helper()
	q, err := w.queues.Queue(w.t.Context(), name)
	if err != nil {
		w.t.Fatal(err)
	}
	var all []queue.Message
	for {
		batch, err := q.Receive(w.t.Context(), queue.Request{Max: queue.MaxBatch})
		if err != nil {
			w.t.Fatal(err)
		}
		if len(batch) == 0 {
			return all
		}
		for _, m := range batch {
			if err := q.Delete(w.t.Context(), m.Receipt); err != nil {
				w.t.Fatal(err)
			}
		}
		all = append(all, batch...)
	}
}

// story is the history of a schedule in short: each event, with its attempt and status.
func (w *world) story(id string) string {
	w.t.Helper()
	var words []string
	for after := ""; ; {
		page, err := w.schedules.History(w.t.Context(), id, after, 3)
		if err != nil {
			w.t.Fatal(err)
		}
		for _, e := range page.Events {
			word := string(e.Kind)
			if e.Attempt > 0 {
				word += fmt.Sprint(" ", e.Attempt)
			}
			if e.Status > 0 {
				word += fmt.Sprint(":", e.Status)
			}
			if e.Final {
				word += "!"
			}
			words = append(words, word)
		}
		if after = page.Next; after == "" {
			return strings.Join(words, ", ")
		}
	}
}

// virtual runs a test in virtual time on a world that is open.
func virtual(t *testing.T, test func(t *testing.T, w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		if !w.open() {
			t.Fatal("it does not open")
		}
		defer func() { w.close() }()
		test(t, w)
	})
}

// pass lets virtual time pass.
func pass(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

// call is a request that was made.
type call struct {
	at     time.Time
	method string
	url    string
	header http.Header
	body   string
}

// internet is what requests reach.
type internet struct {
	answer func(call) (*http.Response, error) // 200 when nil

	mu    sync.Mutex
	calls []call
}

func (i *internet) RoundTrip(req *http.Request) (*http.Response, error) {
	c := call{at: time.Now(), method: req.Method, url: req.URL.String(), header: req.Header.Clone()}
	if req.Body != nil {
		body, err := io.ReadAll(req.Body)
		if err != nil {
			return nil, err
		}
		c.body = string(body)
	}
	if trace := httptrace.ContextClientTrace(req.Context()); trace != nil && trace.WroteRequest != nil {
		trace.WroteRequest(httptrace.WroteRequestInfo{})
	}
	i.mu.Lock()
	i.calls = append(i.calls, c)
	answer := i.answer
	i.mu.Unlock()
	resp, err := status(http.StatusOK), error(nil)
	if answer != nil {
		resp, err = answer(c)
	}
	if err == nil && resp == nil { // it hangs
		<-req.Context().Done()
		return nil, req.Context().Err()
	}
	return resp, err
}

func (i *internet) made() []call {
	i.mu.Lock()
	defer i.mu.Unlock()
	return append([]call(nil), i.calls...)
}

// status is an answer.
func status(code int, header ...string) *http.Response {
	resp := &http.Response{StatusCode: code, Header: http.Header{}, Body: io.NopCloser(strings.NewReader("the answer"))}
	for n := 0; n+1 < len(header); n += 2 {
		resp.Header.Set(header[n], header[n+1])
	}
	return resp
}

// functions are the functions there are: those whose name begins with f.
type functions struct {
	mu    sync.Mutex
	calls []string
	err   error
}

func (f *functions) Known(name string) bool { return strings.HasPrefix(name, "f") }

func (f *functions) Call(_ context.Context, name string, event, clientContext []byte) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls = append(f.calls, fmt.Sprintf("%s %s %s", name, event, clientContext))
	return f.err
}

var errInjected = errors.New("injected: the write failed")

// Drafts of one point in time.

func get(at time.Time, url string) schedule.Draft {
	return schedule.Draft{At: at, Action: schedule.Action{Type: schedule.HTTPAction, HTTP: &schedule.HTTPRequest{Method: "GET", URL: url}}}
}

func send(at time.Time, body string) schedule.Draft {
	return schedule.Draft{At: at, Action: schedule.Action{Type: schedule.QueueAction, Queue: &schedule.QueueSend{Queue: "work", Body: body}}}
}
