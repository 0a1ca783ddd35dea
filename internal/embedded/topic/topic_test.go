package topic_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"sundog/eventpattern"
	embeddedqueue "sundog/internal/embedded/queue"
	"sundog/internal/embedded/store"
	embedded "sundog/internal/embedded/topic"
	"sundog/internal/queue"
	"sundog/internal/topic"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// world is topics on a store that outlives them.
type world struct {
	t      *testing.T
	fs     vfs.FS
	opts   embedded.Options
	stOpts store.Options
	store  *store.Store
	queues *embeddedqueue.Queues
	topics *embedded.Topics
}

func newWorld(t *testing.T, opts embedded.Options) *world {
	w := &world{t: t, fs: vfs.NewMem(), opts: opts}
	w.open()
	t.Cleanup(w.shut)
	return w
}

func (w *world) open() {
	w.t.Helper()
	w.stOpts.FS = w.fs
	var err error
	if w.store, err = store.Open("data", w.stOpts); err != nil {
		w.t.Fatal(err)
	}
	if w.queues, err = embeddedqueue.Open(context.Background(), w.store, embeddedqueue.Options{}); err != nil {
		w.t.Fatal(err)
	}
	w.topics = embedded.Open(w.store, w.queues, w.opts)
}

func (w *world) shut() {
	w.topics.Close()
	w.queues.Close()
	if err := w.store.Close(); err != nil {
		w.t.Error(err)
	}
}

func (w *world) subscribe(s embedded.Subscription) {
	w.t.Helper()
	if s.Topic == "" {
		s.Topic = "publish"
	}
	if err := w.topics.Subscribe(w.t.Context(), s); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) publish(drafts ...topic.Draft) []string {
	w.t.Helper()
	ids, err := w.topics.Publish(w.t.Context(), "publish", drafts...)
	if err != nil {
		w.t.Fatal(err)
	}
	return ids
}

func (w *world) declare(name string, cfg embeddedqueue.Config) *embeddedqueue.Queue {
	w.t.Helper()
	q, err := w.queues.Declare(w.t.Context(), name, cfg)
	if err != nil {
		w.t.Fatal(err)
	}
	return q
}

// waiting is the queue of a subscription.
func (w *world) waiting(subscription string) *embeddedqueue.Queue {
	w.t.Helper()
	q, err := w.queues.Queue(w.t.Context(), embedded.QueueName(subscription))
	if err != nil {
		w.t.Fatal(err)
	}
	return q
}

// drained waits until a subscription has delivered everything. The test runs in a bubble, or the deadline is real.
func (w *world) drained(subscription string) {
	w.t.Helper()
	q := w.waiting(subscription)
	for deadline := time.Now().Add(20 * time.Second); q.Depth().Total() > 0; <-time.After(time.Millisecond) {
		if time.Now().After(deadline) {
			w.t.Fatalf("subscription %s still has %+v", subscription, q.Depth())
		}
	}
}

func text(s string) topic.Draft { return topic.Draft{Body: []byte(s)} }

// hook is the receiving end of a webhook.
type hook struct {
	mu      sync.Mutex
	answers []answer // the last one for ever
	got     []received
}

type answer struct {
	status int // 0: the connection breaks
	after  string
}

type received struct {
	at     time.Time
	header http.Header
	body   string
}

func (h *hook) RoundTrip(req *http.Request) (*http.Response, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, err
	}
	a := h.answers[min(len(h.got), len(h.answers)-1)]
	h.got = append(h.got, received{time.Now(), req.Header, string(body)})
	if a.status == 0 {
		return nil, errors.New("connection reset")
	}
	header := http.Header{}
	if a.after != "" {
		header.Set("Retry-After", a.after)
	}
	return &http.Response{StatusCode: a.status, Header: header, Body: io.NopCloser(strings.NewReader("an answer")), Request: req}, nil
}

func (h *hook) requests() []received {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.got)
}

func webhook() *embedded.Webhook {
	return &embedded.Webhook{URL: "http://receiver.test/path?token=confidential", Secret: "secret"}
}

func TestWebhook(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &hook{answers: []answer{{status: 503}, {}, {status: 302}, {status: 429, after: "120"}, {status: 204}}}
		w := newWorld(t, embedded.Options{Transport: h})
		w.subscribe(embedded.Subscription{Name: "hook", Webhook: webhook()})
		published := time.Now()
		ids := w.publish(topic.Draft{Body: []byte(`{"a":1}`), Attributes: map[string]topic.Attribute{"name": {Type: "String", Value: "Zürich 😀"}}})
		<-time.After(time.Hour)
		got := h.requests()
		if len(got) != 5 {
			t.Fatalf("%d requests, want 5", len(got))
		}
		for i, r := range got {
			want := http.Header{
				"Content-Type":              {"application/json"},
				"User-Agent":                {"sundog"},
				embedded.HeaderMessageID:    {ids[0]},
				embedded.HeaderTopic:        {"publish"},
				embedded.HeaderSubscription: {"hook"},
				embedded.HeaderAttempt:      {fmt.Sprint(i + 1)},
				embedded.HeaderTimestamp:    {published.UTC().Format(time.RFC3339Nano)},
				embedded.HeaderAttributes:   {`{"name":{"Type":"String","Value":"Z\u00fcrich \ud83d\ude00"}}`},
				embedded.HeaderSignature:    {embedded.Sign([]byte("secret"), r.at, []byte(`{"a":1}`))},
			}
			if diff := cmp.Diff(want, r.header); diff != "" || r.body != `{"a":1}` {
				t.Errorf("request %d has body %s and header %s", i, r.body, diff)
			}
		}
		for i, most := range []time.Duration{time.Second, 2 * time.Second, 4 * time.Second} {
			if pause := got[i+1].at.Sub(got[i].at); pause < most/2 || pause > most {
				t.Errorf("pause %d was %v, want %v to %v", i, pause, most/2, most)
			}
		}
		if pause := got[4].at.Sub(got[3].at); pause != 2*time.Minute {
			t.Errorf("the receiver asked for 2 minutes and got %v", pause)
		}
		if d := w.waiting("hook").Depth(); d.Total()+d.Dead != 0 {
			t.Errorf("left: %+v", d)
		}
	})
}

// The signature is what a receiver computes from the documented recipe.
func TestSign(t *testing.T) {
	const want = "t=1700000000,v1=49f24e537407743fa4a0242bb63b94b9a47ee99cbbe071ccd8a22550ae411686"
	got := embedded.Sign([]byte("secret"), time.Unix(1700000000, 0), []byte(`{"a":1}`))
	if got != want {
		t.Errorf("signature %s, want %s", got, want)
	}
}

func TestWebhookGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &hook{answers: []answer{{status: 500}, {}}}
		w := newWorld(t, embedded.Options{Transport: h})
		w.subscribe(embedded.Subscription{Name: "hook", Webhook: webhook(), Attempts: 3})
		ids := w.publish(text("no JSON"))
		<-time.After(time.Hour)
		dead, err := w.waiting("hook").DeadLetters(t.Context(), "", 0)
		if err != nil || len(dead) != 1 || len(h.requests()) != 3 {
			t.Fatalf("%d requests, dead letters %+v, %v", len(h.requests()), dead, err)
		}
		if want := "received 3 times and never finished; the last failure: posting to the webhook: connection reset"; dead[0].Reason != want {
			t.Errorf("reason %q, want %q", dead[0].Reason, want)
		}
		if got := dead[0].Attributes["sundog.id"].Value; got != ids[0] {
			t.Errorf("the dead letter is of message %q, want %q", got, ids[0])
		}
		if h.requests()[0].header.Get("Content-Type") != "application/octet-stream" {
			t.Errorf("header %v", h.requests()[0].header)
		}
	})
}

func TestWebhookRefusesMetadataAddresses(t *testing.T) {
	w := newWorld(t, embedded.Options{})
	w.subscribe(embedded.Subscription{Name: "hook", Webhook: &embedded.Webhook{URL: "http://169.254.169.254/latest?token=confidential"}, Attempts: 1})
	w.publish(text("a"))
	w.drained("hook")
	dead, err := w.waiting("hook").DeadLetters(t.Context(), "", 0)
	if err != nil || len(dead) != 1 || !strings.Contains(dead[0].Reason, "metadata address") || strings.Contains(dead[0].Reason, "confidential") {
		t.Errorf("dead letters %+v, %v", dead, err)
	}
}

// A receiver that never answers, nor ends its answer, costs a time-out and delays nobody else.
func TestSlowReceiver(t *testing.T) {
	release := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, req *http.Request) {
		rw.WriteHeader(http.StatusInternalServerError)
		for {
			if _, err := rw.Write(make([]byte, 32<<10)); err != nil {
				return
			}
			select {
			case <-release:
				return
			default:
			}
		}
	}))
	defer server.Close()
	defer close(release)
	w := newWorld(t, embedded.Options{})
	w.subscribe(embedded.Subscription{
		Name: "slow", Webhook: &embedded.Webhook{URL: server.URL}, Attempts: 1, Timeout: 200 * time.Millisecond, Concurrency: 2,
	})
	fast := w.declare("fast", embeddedqueue.Config{})
	w.subscribe(embedded.Subscription{Name: "fast", Queue: "fast"})
	w.publish(slices.Repeat([]topic.Draft{text("a")}, 20)...)
	w.drained("fast")
	if n := fast.Depth().Total(); n != 20 {
		t.Errorf("%d messages arrived beside a slow receiver", n)
	}
	w.drained("slow")
	if n := w.waiting("slow").Depth().Dead; n != 20 {
		t.Errorf("%d dead letters, want 20", n)
	}
}

func TestQueueGetsWhatPassesTheFilter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, embedded.Options{})
		target := w.declare("target", embeddedqueue.Config{MaxBytes: 200})
		w.subscribe(embedded.Subscription{
			Name: "clear", Queue: "target", Filter: []byte(`{"collection":["landsat"],"cloud_cover":[{"numeric":["<",50]}]}`),
		})
		w.subscribe(embedded.Subscription{
			Name: "body", Queue: "target", Filter: []byte(`{"n":[7]}`), Scope: eventpattern.MessageBody,
		})
		w.subscribe(embedded.Subscription{Name: "elsewhere", Topic: "other", Queue: "target"})
		var want []string
		for i := range 100 {
			d := topic.Draft{Body: fmt.Appendf(nil, `{"n":%d}`, i), Attributes: map[string]topic.Attribute{
				"collection":  {Type: "String", Value: []string{"landsat", "sentinel"}[i%2]},
				"cloud_cover": {Type: "Number", Value: fmt.Sprint(i)},
			}}
			w.publish(d)
			if i == 6 || i == 7 {
				synctest.Wait() // messages of two subscriptions come in no order of their own
			}
			if i == 7 || i%2 == 0 && i < 50 {
				want = append(want, string(d.Body))
			}
		}
		// One that the target does not take goes to the dead letters and holds up nobody.
		w.publish(topic.Draft{Body: make([]byte, 300), Attributes: map[string]topic.Attribute{
			"collection": {Type: "String", Value: "landsat"}, "cloud_cover": {Type: "Number", Value: "1"},
		}})
		synctest.Wait()
		got, err := target.Receive(t.Context(), queue.Request{Max: 1000})
		if err != nil {
			t.Fatal(err)
		}
		var bodies []string
		for _, m := range got {
			bodies = append(bodies, string(m.Body))
			if len(m.Attributes) != 2 {
				t.Errorf("attributes %v", m.Attributes)
			}
		}
		if diff := cmp.Diff(want, bodies); diff != "" {
			t.Error(diff)
		}
		dead, err := w.waiting("clear").DeadLetters(t.Context(), "", 0)
		if err != nil || len(dead) != 1 || !strings.Contains(dead[0].Reason, "too large") {
			t.Errorf("dead letters %+v, %v", dead, err)
		}
	})
}

func TestNothingIsPublishedByATransactionThatIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, embedded.Options{})
		target := w.declare("target", embeddedqueue.Config{})
		w.subscribe(embedded.Subscription{Name: "s", Queue: "target"})
		listener := w.topics.Listen(t.Context(), "publish", 10)
		for _, commit := range []bool{false, true} {
			tx := w.store.Begin()
			if _, err := w.topics.PublishTx(tx, "publish", text(fmt.Sprint(commit))); err != nil {
				t.Fatal(err)
			}
			if commit {
				if err := tx.Commit(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
		}
		synctest.Wait()
		if got, err := target.Receive(t.Context(), queue.Request{Max: 10}); err != nil || len(got) != 1 || string(got[0].Body) != "true" {
			t.Errorf("received %+v, %v", got, err)
		}
		if m := <-listener.C(); string(m.Body) != "true" || len(listener.C()) != 0 {
			t.Errorf("heard %s and %d more", m.Body, len(listener.C()))
		}
		w.publish() // of nothing
		tx := w.store.Begin()
		if _, err := w.topics.PublishTx(tx, "nobody", text("a")); err != nil || !tx.Empty() {
			t.Errorf("a topic without subscriptions cost a write, %v", err)
		}
	})
}

// functions is a stand-in that fails as often as it is told to.
type functions struct {
	mu     sync.Mutex
	fail   int
	events []string
}

func (f *functions) Invoke(_ context.Context, name string, event []byte) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.fail--; f.fail >= 0 {
		return errors.New("not yet")
	}
	f.events = append(f.events, name+" "+string(event))
	return nil
}

func TestFunction(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &functions{fail: 2}
		w := newWorld(t, embedded.Options{Functions: f, NewID: func() string { return "id-1" }, Region: "eu-central-1", Account: "123456789012"})
		w.subscribe(embedded.Subscription{Name: "s", Function: "notify"})
		w.publish(topic.Draft{Body: []byte(`{"a":1}`), Attributes: map[string]topic.Attribute{"n": {Type: "Number", Value: "1"}}})
		<-time.After(time.Minute)
		synctest.Wait()
		want := `notify {"Records":[{"EventVersion":"1.0","EventSubscriptionArn":"arn:aws:sns:eu-central-1:123456789012:publish:s","EventSource":"aws:sns",` +
			`"Sns":{"Type":"Notification","MessageId":"id-1","TopicArn":"arn:aws:sns:eu-central-1:123456789012:publish","Subject":null,"Message":"{\"a\":1}",` +
			`"Timestamp":"2000-01-01T00:00:00.000Z","MessageAttributes":{"n":{"Type":"Number","Value":"1"}}}}]}`
		if diff := cmp.Diff([]string{want}, f.events); diff != "" {
			t.Error(diff)
		}
	})
}

func lines(t *testing.T, path string) []string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
}

// A commit that fails after the lines were written, and a crash that leaves half a line, leave no line twice and none out.
func TestFileGetsEveryMessageOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "folder", "items.ndjson")
	var fail struct {
		sync.Mutex
		times int
	}
	w := &world{t: t, fs: vfs.NewMem()}
	w.stOpts.BeforeCommit = func(int64) error {
		fail.Lock()
		defer fail.Unlock()
		if _, err := os.Stat(path); err == nil && fail.times > 0 {
			fail.times--
			return errors.New("broken")
		}
		return nil
	}
	w.open()
	file := embedded.Subscription{Name: "file", File: path}
	w.subscribe(file)
	drafts := []topic.Draft{text("no JSON \"at\" <all>"), text("")}
	want := []string{`"no JSON \"at\" <all>"`, `""`}
	for i := range 40 {
		drafts = append(drafts, text(fmt.Sprintf("{\n  \"n\": %d\n}", i)))
		want = append(want, fmt.Sprintf(`{"n":%d}`, i))
	}
	fail.Lock()
	fail.times = 1
	fail.Unlock()
	w.publish(drafts...)
	w.drained("file")
	w.shut()
	out, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := out.WriteString("{\"n\":40}\n{\"n\":"); err != nil {
		t.Fatal(err)
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
	w.open()
	defer w.shut()
	w.subscribe(file)
	w.publish(text(`{"n":40}`))
	w.drained("file")
	if diff := cmp.Diff(append(want, `{"n":40}`), lines(t, path)); diff != "" {
		t.Error(diff)
	}
}

func TestFileKeepsWhatWasThereAndCanBeMovedAway(t *testing.T) {
	path := filepath.Join(t.TempDir(), "items.ndjson")
	if err := os.WriteFile(path, []byte("\"before\"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, embedded.Options{})
	w.subscribe(embedded.Subscription{Name: "file", File: path})
	w.publish(text("1"))
	w.drained("file")
	if err := os.Rename(path, path+".1"); err != nil {
		t.Fatal(err)
	}
	w.publish(text("2"))
	w.drained("file")
	if diff := cmp.Diff([][]string{{`"before"`, "1"}, {"2"}}, [][]string{lines(t, path+".1"), lines(t, path)}); diff != "" {
		t.Error(diff)
	}
}

// While a file cannot be written its messages wait, and come in order once it can.
func TestFileThatCannotBeWritten(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "folder")
	if err := os.WriteFile(dir, nil, 0o600); err != nil { // a file where the folder should be
		t.Fatal(err)
	}
	w := newWorld(t, embedded.Options{Random: func() float64 { return 1 }})
	path := filepath.Join(dir, "items.ndjson")
	if err := w.topics.Subscribe(t.Context(), embedded.Subscription{Name: "file", Topic: "publish", File: path}); err == nil {
		t.Fatal("a file below a file was accepted")
	}
	if err := os.Remove(dir); err != nil {
		t.Fatal(err)
	}
	w.subscribe(embedded.Subscription{Name: "file", File: path})
	if err := os.WriteFile(dir, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for i := range 5 {
		w.publish(text(fmt.Sprint(i)))
	}
	if d := w.waiting("file").Depth(); d.Total() != 5 || d.Dead != 0 {
		t.Errorf("depth %+v, want 5 that wait", d)
	}
	if err := os.Remove(dir); err != nil {
		t.Fatal(err)
	}
	w.drained("file")
	if diff := cmp.Diff([]string{"0", "1", "2", "3", "4"}, lines(t, path)); diff != "" {
		t.Error(diff)
	}
}

// What was published while a subscription was not served, or was under way when it ended, is delivered after a restart.
func TestRestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &hook{answers: []answer{{status: 500}}}
		w := newWorld(t, embedded.Options{Transport: h})
		w.subscribe(embedded.Subscription{Name: "hook", Webhook: webhook()})
		ids := w.publish(text("a"), text("b"))
		synctest.Wait()
		w.shut()
		h.answers = []answer{{status: 200}}
		w.open()
		w.subscribe(embedded.Subscription{Name: "hook", Webhook: webhook()})
		<-time.After(time.Minute)
		var seconds []string
		for _, r := range h.requests() {
			if r.header.Get(embedded.HeaderAttempt) == "2" {
				seconds = append(seconds, r.header.Get(embedded.HeaderMessageID))
			}
		}
		slices.Sort(seconds)
		slices.Sort(ids)
		if diff := cmp.Diff(ids, seconds); diff != "" {
			t.Error(diff)
		}
	})
}

func TestUnsubscribe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &hook{answers: []answer{{status: 500}}}
		w := newWorld(t, embedded.Options{Transport: h})
		w.subscribe(embedded.Subscription{Name: "hook", Webhook: webhook()})
		w.publish(text("a"))
		synctest.Wait()
		if err := w.topics.Unsubscribe("hook"); err != nil {
			t.Fatal(err)
		}
		if err := w.topics.Unsubscribe("hook"); !errors.Is(err, topic.ErrNoSubscription) {
			t.Errorf("unsubscribing twice: %v", err)
		}
		w.publish(text("b"))
		<-time.After(time.Hour)
		if n, kept := len(h.requests()), w.waiting("hook").Depth().Total(); n != 1 || kept != 1 {
			t.Errorf("%d requests and %d messages kept, want 1 and 1", n, kept)
		}
	})
}

func TestListen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, embedded.Options{})
		ctx, cancel := context.WithCancelCause(t.Context())
		left, slow, rest := w.topics.Listen(ctx, "publish", 10), w.topics.Listen(t.Context(), "publish", 2), w.topics.Listen(t.Context(), "publish", 10)
		w.publish(text("0"), text("1"), text("2"))
		reason := errors.New("enough")
		cancel(reason)
		synctest.Wait()
		for name, tt := range map[string]struct {
			l    *embedded.Listener
			n    int
			want error
		}{"left": {left, 3, reason}, "slow": {slow, 2, topic.ErrSlow}} {
			n := 0
			for m := range tt.l.C() {
				if string(m.Body) != fmt.Sprint(n) || m.Topic != "publish" || m.ID == "" {
					t.Errorf("%s heard %+v in place %d", name, m, n)
				}
				n++
			}
			if n != tt.n || !errors.Is(tt.l.Err(), tt.want) {
				t.Errorf("%s heard %d messages and ended with %v, want %d and %v", name, n, tt.l.Err(), tt.n, tt.want)
			}
		}
		if len(rest.C()) != 3 || rest.Err() != nil {
			t.Errorf("one who listens on has %d messages, %v", len(rest.C()), rest.Err())
		}
		w.topics.Close()
		if !errors.Is(rest.Err(), topic.ErrClosed) {
			t.Errorf("after Close: %v", rest.Err())
		}
	})
}

func TestRefused(t *testing.T) {
	w := newWorld(t, embedded.Options{MaxBytes: 100})
	w.declare("q", embeddedqueue.Config{})
	for name, s := range map[string]embedded.Subscription{
		"no target":      {Name: "s", Topic: "t"},
		"two targets":    {Name: "s", Topic: "t", Queue: "q", Function: "f"},
		"name":           {Name: "a/b", Topic: "t", Queue: "q"},
		"topic":          {Name: "s", Topic: "", Queue: "q"},
		"unknown queue":  {Name: "s", Topic: "t", Queue: "none"},
		"relative file":  {Name: "s", Topic: "t", File: "items.ndjson"},
		"folder":         {Name: "s", Topic: "t", File: t.TempDir()},
		"no functions":   {Name: "s", Topic: "t", Function: "f"},
		"URL":            {Name: "s", Topic: "t", Webhook: &embedded.Webhook{URL: "ftp://x/"}},
		"filter":         {Name: "s", Topic: "t", Queue: "q", Filter: []byte(`{"a":1}`)},
		"too concurrent": {Name: "s", Topic: "t", Queue: "q", Concurrency: 1000},
	} {
		if err := w.topics.Subscribe(t.Context(), s); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	w.subscribe(embedded.Subscription{Name: "s", Queue: "q"})
	if err := w.topics.Subscribe(t.Context(), embedded.Subscription{Name: "s", Topic: "t", Queue: "q"}); err == nil {
		t.Error("two subscriptions of one name")
	}
	for name, tt := range map[string]struct {
		topic string
		draft topic.Draft
		want  error
	}{
		"topic":     {"a b", text("a"), topic.ErrInvalidMessage},
		"size":      {"publish", text(strings.Repeat("a", 101)), topic.ErrTooLarge},
		"attribute": {"publish", topic.Draft{Attributes: map[string]topic.Attribute{"sundog.id": {Type: "String", Value: "forged"}}}, topic.ErrInvalidMessage},
		"type":      {"publish", topic.Draft{Attributes: map[string]topic.Attribute{"a": {Value: "b"}}}, topic.ErrInvalidMessage},
	} {
		if _, err := w.topics.Publish(t.Context(), tt.topic, text("good"), tt.draft); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", name, err, tt.want)
		}
	}
	if n := w.waiting("s").Depth().Total(); n != 0 {
		t.Errorf("refused publications left %d messages", n)
	}
}

func BenchmarkPublishToQueue(b *testing.B) {
	st, err := store.Open(b.TempDir(), store.Options{})
	if err != nil {
		b.Fatal(err)
	}
	queues, err := embeddedqueue.Open(b.Context(), st, embeddedqueue.Options{})
	if err != nil {
		b.Fatal(err)
	}
	topics := embedded.Open(st, queues, embedded.Options{})
	defer func() {
		topics.Close()
		queues.Close()
		_ = st.Close()
	}()
	if _, err := queues.Declare(b.Context(), "q", embeddedqueue.Config{}); err != nil {
		b.Fatal(err)
	}
	if err := topics.Subscribe(b.Context(), embedded.Subscription{Name: "s", Topic: "t", Queue: "q", Filter: []byte(`{"a":["b"]}`)}); err != nil {
		b.Fatal(err)
	}
	body, err := json.Marshal(strings.Repeat("x", 2000))
	if err != nil {
		b.Fatal(err)
	}
	b.SetParallelism(32)
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := topics.Publish(context.Background(), "t", topic.Draft{Body: body, Attributes: map[string]topic.Attribute{"a": {Type: "String", Value: "b"}}}); err != nil {
				b.Error(err)
			}
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "messages/s")
}
