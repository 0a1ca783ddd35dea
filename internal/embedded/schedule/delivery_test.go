package schedule_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"sundog/internal/egress"
	platform "sundog/internal/embedded/schedule"
	"sundog/internal/schedule"
)

// TestRequests looks at what becomes of a request for each way in which a receiver can answer.
func TestRequests(t *testing.T) {
	errReset := fmt.Errorf("read: %w", syscall.ECONNRESET)
	huge := func() *http.Response {
		resp := status(http.StatusOK)
		resp.Body = io.NopCloser(io.LimitReader(endless{}, 50<<20))
		return resp
	}
	for name, c := range map[string]struct {
		answer func(call) (*http.Response, error)
		kind   schedule.RequestType
		story  string
		gaps   []time.Duration // between the attempts
	}{
		"no content":             {answer: always(http.StatusNoContent), story: "delivered 1:204"},
		"not found":              {answer: always(http.StatusNotFound), story: "failed 1:404!"},
		"a redirect to no where": {answer: always(http.StatusNotModified), story: "failed 1:304!"},
		"conflict":               {answer: always(http.StatusConflict), story: "failed 1:409!"},
		"busy for good": {
			answer: always(http.StatusServiceUnavailable), story: "failed 1:503, failed 2:503, failed 3:503!",
			gaps: []time.Duration{2 * time.Second, 4 * time.Second},
		},
		"busy once":       {answer: once(status(http.StatusServiceUnavailable)), story: "failed 1:503, delivered 2:200", gaps: []time.Duration{2 * time.Second}},
		"timed out once":  {answer: once(status(http.StatusRequestTimeout)), story: "failed 1:408, delivered 2:200", gaps: []time.Duration{2 * time.Second}},
		"asks for a time": {answer: once(status(http.StatusTooManyRequests, "Retry-After", "90")), story: "failed 1:429, delivered 2:200", gaps: []time.Duration{90 * time.Second}},
		"resets": {
			answer: func(c call) (*http.Response, error) {
				if c.header.Get(schedule.HeaderAttempt) == "3" {
					return status(http.StatusOK), nil
				}
				return nil, errReset
			},
			story: "failed 1, failed 2, delivered 3:200", gaps: []time.Duration{2 * time.Second, 4 * time.Second},
		},
		"an address that it may not reach": {
			answer: func(call) (*http.Response, error) {
				return nil, &net.OpError{Op: "dial", Net: "tcp", Err: fmt.Errorf("%w: 127.0.0.1", egress.ErrRefused)}
			},
			story: "failed 1!",
		},
		"hangs": {
			answer: func(call) (*http.Response, error) { return nil, nil }, story: "failed 1, failed 2, failed 3!",
			gaps: []time.Duration{12 * time.Second, 14 * time.Second},
		},
		"hangs, and nobody waits": {
			answer: func(call) (*http.Response, error) { return nil, nil }, kind: schedule.FireForget, story: "delivered 1",
		},
		"refuses, and nobody waits": {answer: always(http.StatusTeapot), kind: schedule.FireForget, story: "failed 1:418!"},
		"50 MB":                     {answer: func(call) (*http.Response, error) { return huge(), nil }, story: "delivered 1:200"},
		"cut off": {
			answer: func(call) (*http.Response, error) {
				resp := status(http.StatusOK)
				resp.Body = io.NopCloser(io.MultiReader(strings.NewReader("half"), broken{}))
				return resp, nil
			},
			story: "delivered 1:200",
		},
	} {
		t.Run(name, func(t *testing.T) {
			virtual(t, func(t *testing.T, w *world) {
				w.internet.answer = c.answer
				d := get(time.Now().Add(time.Minute), "http://example.org/")
				d.Action.HTTP.RequestType, d.Action.HTTP.TimeoutSeconds = c.kind, 10
				d.Retry = schedule.Retry{MaxAttempts: 3, BackoffSeconds: 2}
				made := w.create(d)
				pass(10 * time.Minute)
				if got, want := w.story(made.ID), "created, enqueued, fired, "+c.story; got != want {
					t.Errorf("its history is %s\nnot %s", got, want)
				}
				calls := w.internet.made()
				if len(calls) != len(c.gaps)+1 {
					t.Fatalf("there were %d requests, not %d", len(calls), len(c.gaps)+1)
				}
				for i, gap := range c.gaps {
					if got := calls[i+1].at.Sub(calls[i].at); got < gap || got > gap+10*time.Millisecond {
						t.Errorf("attempt %d came after %v, not %v", i+2, got, gap)
					}
					if got := calls[i+1].header.Get(schedule.HeaderAttempt); got != fmt.Sprint(i+2) {
						t.Errorf("attempt %d says that it is %s", i+2, got)
					}
				}
				dead, err := w.schedules.DeadLetters(t.Context(), "", "", 0)
				if err != nil || (len(dead) == 1) != strings.HasSuffix(c.story, "!") {
					t.Errorf("there are dead letters %+v (%v)", dead, err)
				}
			})
		})
	}
}

func always(code int) func(call) (*http.Response, error) {
	return func(call) (*http.Response, error) { return status(code), nil }
}

// once is an answer to the first attempt; later ones succeed.
func once(first *http.Response) func(call) (*http.Response, error) {
	return func(c call) (*http.Response, error) {
		if c.header.Get(schedule.HeaderAttempt) == "1" {
			return first, nil
		}
		return status(http.StatusOK), nil
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, errors.New("the connection broke") }

// TestDeadLetters sends a dead letter again, in vain and then not.
func TestDeadLetters(t *testing.T) {
	virtual(t, func(t *testing.T, w *world) {
		w.internet.answer = always(http.StatusBadGateway)
		d := get(time.Now().Add(time.Minute), "http://example.org/")
		d.Retry.MaxAttempts = 2
		made := w.create(d)
		pass(3 * time.Hour) // the schedule is gone
		letters := func() []platform.DeadLetter {
			t.Helper()
			all, err := w.schedules.DeadLetters(t.Context(), made.ID, "", 10)
			if err != nil {
				t.Fatal(err)
			}
			if int64(len(all)) != w.schedules.Dead() {
				t.Errorf("%d dead letters are counted, and %d there", w.schedules.Dead(), len(all))
			}
			return all
		}
		dead := letters()
		if len(dead) != 1 || dead[0].Attempts != 2 || !strings.Contains(dead[0].Reason, "answered 502: the answer") || !dead[0].Point.Equal(made.Next) {
			t.Fatalf("the dead letters are %+v", dead)
		}
		again := func() {
			t.Helper()
			if err := w.schedules.SendAgain(t.Context(), dead[0].ID); err != nil {
				t.Fatal(err)
			}
			pass(time.Minute)
		}
		again()
		if dead = letters(); len(dead) != 1 || dead[0].Attempts != 4 {
			t.Fatalf("after another round the dead letters are %+v", dead)
		}
		w.reopen()
		w.internet.answer = nil
		again()
		if left := letters(); len(left) != 0 {
			t.Errorf("it was delivered, and the dead letters are %+v", left)
		}
		calls := w.internet.made()
		if last := calls[len(calls)-1]; last.header.Get(schedule.HeaderAttempt) != "5" || last.header.Get(schedule.HeaderID) != made.ID {
			t.Errorf("the last request has %v", last.header)
		}
		for _, id := range []string{dead[0].ID, "", "no.number", "x.-1"} {
			if err := w.schedules.SendAgain(t.Context(), id); !errors.Is(err, schedule.ErrNoDeadLetter) {
				t.Errorf("sending %q again: %v", id, err)
			}
			if err := w.schedules.DeleteDeadLetter(t.Context(), id); !errors.Is(err, schedule.ErrNoDeadLetter) {
				t.Errorf("deleting %q: %v", id, err)
			}
		}
	})
}

// TestActions carries out one of each other action.
func TestActions(t *testing.T) {
	virtual(t, func(t *testing.T, w *world) {
		at := time.Now().Add(time.Minute)
		context := schedule.Context{Headers: []schedule.Header{{Name: "h", Value: "v"}}, Payload: "not JSON"}
		queue := send(at, "body")
		queue.Action.Queue.Attributes = []schedule.Header{{Name: "own", Value: "1"}}
		drafts := map[string]schedule.Draft{
			"queue":    queue,
			"payload":  {At: at, Action: schedule.Action{Type: schedule.PayloadAction, Payload: &schedule.Payload{Payload: json.RawMessage(`{"id":"p"}`)}}},
			"function": {At: at, Context: context, Action: schedule.Action{Type: schedule.LambdaAction, Lambda: &schedule.LambdaCall{Function: "f1"}}},
			"custom": {
				At: at, Context: context,
				Action: schedule.Action{Type: schedule.CustomAction, Custom: &schedule.Custom{Topic: "arn:aws:sns:us-east-1:0:custom", Config: json.RawMessage(`{"a":1}`)}},
			},
		}
		ids := map[string]string{}
		for name, d := range drafts {
			ids[name] = w.create(d).ID
		}
		pass(2 * time.Minute)
		for name, id := range ids {
			if got, want := w.story(id), "created, enqueued, fired, delivered 1"; got != want {
				t.Errorf("the history of %s is %s, not %s", name, got, want)
			}
		}
		for queue, want := range map[string]struct{ name, body string }{
			"work":    {"queue", "body"},
			"process": {"payload", `{"id":"p"}`},
			"custom": {"custom", fmt.Sprintf(
				`{"scheduleId":%q,"pointInTime":%d,"apiKey":"system","topicArn":"arn:aws:sns:us-east-1:0:custom","actionConfig":{"a":1},`+
					`"context":{"headers":[{"h":"v"}],"payload":"not JSON"}}`, ids["custom"], at.Unix())},
		} {
			got := w.messages(queue)
			if len(got) != 1 || string(got[0].Body) != want.body || got[0].Attributes[schedule.HeaderID].Value != ids[want.name] ||
				got[0].Attributes[schedule.HeaderAttempt].Value != "1" {
				t.Errorf("queue %s has %+v", queue, got)
			}
			if queue == "work" && got[0].Attributes["own"].Value != "1" {
				t.Errorf("the attributes are %v", got[0].Attributes)
			}
		}
		if got := w.functions.calls; len(got) != 1 || !strings.HasPrefix(got[0], `f1 "not JSON" {"custom":{`) || !strings.Contains(got[0], ids["function"]) {
			t.Errorf("the calls of functions are %v", got)
		}
	})
}

// TestRefusals looks at messages that their target does not take.
func TestRefusals(t *testing.T) {
	virtual(t, func(t *testing.T, w *world) {
		d := send(time.Now().Add(time.Minute), "body")
		d.Retry = schedule.Retry{MaxAttempts: 2, BackoffSeconds: 60}
		first, second := w.create(d), w.create(d)
		if err := w.queues.Remove(t.Context(), "work"); err != nil {
			t.Fatal(err)
		}
		pass(90 * time.Second)
		w.reopen() // it declares the queue again
		pass(time.Hour)
		for _, id := range []string{first.ID, second.ID} {
			if got, want := w.story(id), "created, enqueued, fired, failed 1, delivered 2"; got != want {
				t.Errorf("its history is %s, not %s", got, want)
			}
		}
		if got := w.messages("work"); len(got) != 2 || got[0].Attributes[schedule.HeaderAttempt].Value != "2" {
			t.Errorf("the messages are %+v", got)
		}
	})
}

// TestSlowHosts has one host hang with many deliveries, and another answer at once.
func TestSlowHosts(t *testing.T) {
	virtual(t, func(t *testing.T, w *world) {
		w.internet.answer = func(c call) (*http.Response, error) {
			if strings.Contains(c.url, "slow") {
				return nil, nil
			}
			return status(http.StatusOK), nil
		}
		at := time.Now().Add(time.Minute)
		const each = 200
		var drafts []schedule.Draft
		for range each {
			drafts = append(drafts, get(at, "http://slow.example.org/"))
		}
		for range each {
			drafts = append(drafts, get(at, "http://fast.example.org/"))
		}
		if _, err := w.schedules.CreateMany(t.Context(), drafts); err != nil {
			t.Fatal(err)
		}
		pass(time.Minute + time.Second)
		counts := func() (fast, slow int) {
			for _, c := range w.internet.made() {
				if strings.Contains(c.url, "slow") {
					slow++
					continue
				}
				fast++
			}
			return fast, slow
		}
		if fast, slow := counts(); fast != each || slow != 16 {
			t.Errorf("a second after, %d requests went to the fast host and %d to the slow one", fast, slow)
		}
		pass(30 * time.Second)
		if _, slow := counts(); slow != 32 {
			t.Errorf("half a minute later, %d requests went to the slow host", slow)
		}
	})
}
