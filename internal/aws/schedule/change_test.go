package schedule_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"sundog/internal/aws/awstest"
	awsschedule "sundog/internal/aws/schedule"
	"sundog/internal/queue"
	"sundog/internal/schedule"
)

func TestFind(t *testing.T) {
	w := newWorld(t, awstest.Sundog)
	for action, config := range map[string]map[string]any{
		requestAction: {"type": "http-request", "httpRequestConfig": map[string]any{"method": "POST", "url": "https://example.com/a"}},
		`{"type":"sqs-send","sqsSendConfig":{"queueName":"q","messageAttributes":[{"a":"b"}]}}`: {
			"type": "sqs-send", "sqsSendConfig": map[string]any{"queueName": "q", "messageAttributes": []any{map[string]any{"a": "b"}}},
		},
		`{"type":"lambda-call","lambdaCallConfig":{"functionName":"f","payload":[1]}}`: {
			"type": "lambda-call", "lambdaCallConfig": map[string]any{"functionName": "f", "payload": []any{1.0}},
		},
		`{"type":"custom","customConfig":{"topicArn":"mine","more":true}}`: {"type": "custom", "customConfig": map[string]any{"topicArn": "mine", "more": true}},
	} {
		id := w.post(time.Hour, "text", action)
		status, got := w.do(http.MethodGet, "/schedule/"+id, "")
		want := map[string]any{
			"scheduleId": id, "pointInTime": "2026-03-01T10:00:00Z", "currentStatus": "NEW", "action": config,
			"context": map[string]any{"headers": []any{map[string]any{"X-A": "1"}}, "payload": "text"},
		}
		if status != http.StatusOK || !reflect.DeepEqual(got, want) {
			t.Errorf("%d %v, want %v", status, got, want)
		}
	}
	old := w.post(time.Minute, "", requestAction)
	w.advance(time.Minute + time.Hour)
	for _, id := range []string{"nothing", old} {
		if status, got := w.do(http.MethodGet, "/schedule/"+id, ""); status != http.StatusNotFound || got["message"] == "" {
			t.Errorf("%d %v", status, got)
		}
	}
}

func TestCancel(t *testing.T) {
	eachTable(t, func(t *testing.T, w *world) {
		far, near, fired := w.post(time.Hour, "", requestAction), w.post(10*time.Minute, "", requestAction), w.post(time.Minute, "", requestAction)
		w.advance(time.Minute)
		w.dispatch()
		for id, want := range map[string]int{far: http.StatusNoContent, near: http.StatusNoContent, fired: http.StatusConflict, "nothing": http.StatusNotFound} {
			if status, answer := w.do(http.MethodDelete, "/schedule/"+id, ""); status != want {
				t.Errorf("%d %v, want %d", status, answer, want)
			}
		}
		if status, _ := w.do(http.MethodDelete, "/schedule/"+far, ""); status != http.StatusNotFound {
			t.Errorf("again: %d", status)
		}
		w.advance(49 * time.Minute)
		w.enqueue(0)
		w.advance(9 * time.Minute)
		w.queue = slices.DeleteFunc(w.queue, func(m queue.Message) bool { return bytes.Contains(m.Body, []byte(fired)) }) // as whoever dispatches does
		w.dispatch()
		if got := w.on(base + "http"); len(got) != 1 || got[0].ScheduleID != fired {
			t.Errorf("fired are %+v", got)
		}
		for id, want := range map[string]string{far: "created cancelled", near: "created enqueued cancelled"} {
			if got := w.events(id); got != want {
				t.Errorf("told is %s, want %s", got, want)
			}
		}
	})
}

func TestChange(t *testing.T) {
	const other = `{"type":"lambda-call","lambdaCallConfig":{"functionName":"f"}}`
	for name, c := range map[string]struct {
		to   time.Duration // from when it was made; a time that stays needs no transaction, which dynalite has not
		want string        // the events
	}{
		"its action":               {time.Hour, "created changed enqueued fired"},
		"its time, to a later one": {2 * time.Hour, "created changed enqueued fired"},
		"its time, to a near one":  {5 * time.Minute, "created changed enqueued fired"},
	} {
		eachTable(t, func(t *testing.T, w *world) {
			if c.to != time.Hour && strings.Contains(t.Name(), string(awstest.Dynalite)) {
				t.Skip("dynalite has no transactions")
			}
			id := w.post(time.Hour, "old", requestAction)
			status, got := w.do(http.MethodPut, "/schedule/"+id, w.request(c.to, "new", other))
			at := w.clock().Add(c.to)
			if status != http.StatusOK || got["scheduleId"] != id || got["pointInTime"] != at.Format(time.RFC3339) {
				t.Fatalf("%s: %d %v", name, status, got)
			}
			if item := w.item(id); item["created"] == "" || item["changed"] == "" || item["pointInTime"] != fmt.Sprint(at.Unix()) {
				t.Errorf("%s: the record is %v", name, item)
			}
			for w.clock().Before(at.Add(time.Minute)) {
				w.advance(time.Minute)
				if _, err := w.schedules.Enqueue(t.Context()); err != nil {
					t.Fatal(err)
				}
				w.dispatch()
				w.mu.Lock()
				if len(w.queue) > 0 && !w.queue[0].SentAt.After(w.now) {
					if !w.now.Equal(at) {
						t.Errorf("%s: it fires at %v, want %v", name, w.now, at)
					}
					w.queue = w.queue[1:]
				}
				w.mu.Unlock()
			}
			if fired := w.on(base + "lambda"); len(fired) != 1 || fired[0].Context.Payload != "new" || len(w.on(base+"http")) != 0 {
				t.Errorf("%s: fired are %+v", name, fired)
			}
			if got := w.events(id); got != c.want {
				t.Errorf("%s: told is %s", name, got)
			}
			if status, _ := w.do(http.MethodPut, "/schedule/"+id, w.request(time.Hour, "", other)); status != http.StatusConflict {
				t.Errorf("%s: what has fired can be changed: %d", name, status)
			}
		})
	}
}

// TestAChangeGoesBeforeALostMessage changes a schedule whose message is in the queue, and whose record does not say so for a crash.
func TestAChangeGoesBeforeALostMessage(t *testing.T) {
	for _, to := range []time.Duration{10 * time.Minute, 20 * time.Minute} {
		w := newWorld(t, awstest.Sundog)
		id := w.post(time.Hour, "old", requestAction)
		w.advance(50 * time.Minute)
		ctx, cancel := context.WithCancel(t.Context())
		w.failSend = func(int) bool { cancel(); return false }
		if _, err := w.schedules.Enqueue(ctx); err == nil {
			t.Fatal("it was written")
		}
		w.failSend = func(int) bool { return true } // nor does the change reach the queue
		if status, got := w.do(http.MethodPut, "/schedule/"+id, w.request(to, "new", requestAction)); status != http.StatusOK {
			t.Fatal(status, got)
		}
		w.failSend = nil
		w.advance(10 * time.Minute)
		w.dispatch()
		w.advance(to - 10*time.Minute)
		if _, err := w.schedules.Enqueue(t.Context()); err != nil {
			t.Fatal(err)
		}
		if to > 10*time.Minute {
			w.dispatch()
		}
		if fired := w.on(base + "http"); len(fired) != 1 || fired[0].Context.Payload != "new" {
			t.Errorf("after %v: fired are %+v", to, fired)
		}
	}
}

func TestRequestsThatAreRefused(t *testing.T) {
	w := newWorld(t, awstest.Sundog)
	good := w.request(time.Hour, "text", requestAction)
	action := func(a string) string { return w.request(time.Hour, "text", a) }
	many := strings.Repeat(`{"a":"b"},`, 9)
	for _, c := range []struct {
		body   string
		status int
		want   string
	}{
		{``, 400, "not JSON"},
		{strings.Replace(good, `"schedule"`, `"scheduled"`, 1), 400, "scheduled is not known"},
		{w.request(0, "", requestAction), 400, "schedule.pointInTime"},
		{w.request(-time.Hour, "", requestAction), 400, "schedule.pointInTime"},
		{action(`{"type":"payload"}`), 400, "action.payload"},
		{action(`{"type":"http-request","httpRequestConfig":{"method":"GET","url":"ftp://a"}}`), 400, "action.httpRequestConfig.url"},
		{action(`{"type":"sqs-send","sqsSendConfig":{"queueName":"q","messageAttributes":[` + strings.TrimSuffix(many, ",") + `]}}`), 400, "at most 8"},
		{action(`{"type":"sqs-send","sqsSendConfig":{"queueName":"q","messageAttributes":[{"a":""}]}}`), 400, "attribute a has no value"},
		{w.request(time.Hour, "", `{"type":"sqs-send","sqsSendConfig":{"queueName":"q"}}`), 400, "its body is empty"},
		{w.request(time.Hour, strings.Repeat("x", 256<<10), requestAction), 400, "a schedule is one message"},
		{action(`{"type":"sqs-send","sqsSendConfig":{"queueName":"q","payload":"\u0000"}}`), 400, "not of a character"},
		{action(`{"type":"sqs-send","sqsSendConfig":{"queueName":"q","messageAttributes":[{"aws.x":"b"}]}}`), 400, "no name of an attribute"},
		{strings.Replace(action(`{"type":"lambda-call","lambdaCallConfig":{"functionName":"f"}}`), `"X-A":"1"`, `"X-A":"`+strings.Repeat("x", 3<<10)+`"`, 1), 400, "context.headers"},
		{strings.Repeat("[", 5<<20), 413, "larger than"},
	} {
		for _, where := range []string{"POST /schedule", "PUT /schedule/" + w.post(time.Hour, "", requestAction)} {
			method, path, _ := strings.Cut(where, " ")
			status, answer := w.do(method, path, c.body)
			if message, _ := answer["message"].(string); status != c.status || !strings.Contains(message, c.want) {
				t.Errorf("%s %.90s: %d %v, want %d %s", where, c.body, status, answer, c.status, c.want)
			}
		}
	}
	if status, answer := w.do(http.MethodGet, "/schedules", ""); status != http.StatusNotFound || !strings.Contains(fmt.Sprint(answer["message"]), "POST /schedule") {
		t.Errorf("%d %v", status, answer)
	}
	gone := awsschedule.New(awsschedule.Options{Client: w.client, Table: "nothing", Queue: w, Actions: map[schedule.ActionType]string{schedule.HTTPAction: base}, Now: w.clock, Log: quiet()})
	rec := httptest.NewRecorder()
	gone.Handler().ServeHTTP(rec, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/schedule", strings.NewReader(good)))
	if rec.Code != http.StatusInternalServerError || strings.Contains(rec.Body.String(), "ResourceNotFound") {
		t.Errorf("without the table: %d %s", rec.Code, rec.Body)
	}
}
