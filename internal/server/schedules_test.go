package server_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"sundog/internal/api"
	"sundog/internal/client"
	"sundog/internal/problem"
	"sundog/internal/schedule"
)

const egress = "egress: {allow: [127.0.0.1]}\n"

// toQueue is a request for a message to the queue of the project.
func toQueue(at, payload string) api.CreateSchedule {
	return api.CreateSchedule{
		At: at, Context: schedule.Context{Payload: payload},
		Action: schedule.Action{Type: schedule.QueueAction, Queue: &schedule.QueueSend{Queue: "reviews"}},
	}
}

func toURL(at, url string) api.CreateSchedule {
	return api.CreateSchedule{
		At: at, Context: schedule.Context{Payload: "hello", Headers: []schedule.Header{{Name: "X-Kind", Value: "test"}}},
		Action: schedule.Action{Type: schedule.HTTPAction, HTTP: &schedule.HTTPRequest{Method: "PUT", URL: url}},
	}
}

// receiver takes requests and gives each to a channel.
func receiver(t *testing.T, status int) (string, <-chan *http.Request) {
	t.Helper()
	return receiverOf(t, func(*http.Request) int { return status })
}

// receiverOf takes requests, gives each to a channel, and answers with a status.
func receiverOf(t *testing.T, status func(*http.Request) int) (string, <-chan *http.Request) {
	t.Helper()
	got := make(chan *http.Request, 100)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		r.Body = io.NopCloser(strings.NewReader(string(body)))
		got <- r
		w.WriteHeader(status(r))
	}))
	t.Cleanup(s.Close)
	return s.URL, got
}

func await[T any](t *testing.T, from <-chan T) T {
	t.Helper()
	select {
	case v := <-from:
		return v
	case <-time.After(20 * time.Second):
		t.Fatal("nothing came")
		panic("unreachable")
	}
}

// waitEvents waits until the history of a schedule ends with an event.
func (r *running) waitEvents(id string, last schedule.EventKind) []schedule.Event {
	r.t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for {
		page, err := r.ScheduleHistory(r.t.Context(), id, "", 0)
		if err != nil {
			r.t.Fatal(err)
		}
		if n := len(page.Events); n > 0 && page.Events[n-1].Kind == last {
			return page.Events
		}
		if time.Now().After(deadline) {
			r.t.Fatalf("%+v; want %s at the end", page.Events, last)
		}
		<-time.After(2 * time.Millisecond)
	}
}

func kindsOf(events []schedule.Event) string {
	var kinds []string
	for _, e := range events {
		kinds = append(kinds, string(e.Kind))
	}
	return strings.Join(kinds, " ")
}

func TestScheduleIsCarriedOut(t *testing.T) {
	r := startWith(t, "", egress)
	url, got := receiver(t, http.StatusNoContent)
	at := time.Now().Add(2 * time.Second)
	made, err := r.CreateSchedule(t.Context(), toURL(at.Format(time.RFC3339Nano), url+"/in?x=1"))
	if err != nil {
		t.Fatal(err)
	}
	if made.ID == "" || made.Next == nil || !made.Next.Equal(at.Truncate(0)) || made.Owner != "local" {
		t.Errorf("made %+v", made)
	}
	request := await(t, got)
	if late := time.Since(at); late < 0 {
		t.Errorf("it came %s early", -late)
	}
	body, _ := io.ReadAll(request.Body)
	if request.Method != http.MethodPut || request.URL.String() != "/in?x=1" || string(body) != "hello" || request.Header.Get("X-Kind") != "test" ||
		request.Header.Get(schedule.HeaderID) != made.ID || request.Header.Get(schedule.HeaderAttempt) != "1" {
		t.Errorf("%s %s %v %q", request.Method, request.URL, request.Header, body)
	}
	if told, err := time.Parse(time.RFC3339Nano, request.Header.Get(schedule.HeaderFor)); err != nil || !told.Equal(at) {
		t.Errorf("scheduled for %q, want %s", request.Header.Get(schedule.HeaderFor), at)
	}
	if kinds := kindsOf(r.waitEvents(made.ID, schedule.EventDelivered)); kinds != "created enqueued fired delivered" {
		t.Errorf("events: %s", kinds)
	}
	after, err := r.Schedule(t.Context(), made.ID)
	if err != nil || after.Status != "PROCESSED" {
		t.Errorf("%+v %v", after, err)
	}
	if _, err := r.ChangeSchedule(t.Context(), made.ID, toQueue("in 1h", "")); !problem.Is(err, problem.Conflict) {
		t.Errorf("a change of what has fired: %v", err)
	}
}

func TestScheduleLife(t *testing.T) {
	r := start(t, "")
	ctx := t.Context()
	req := toQueue("in 2h", "first")
	req.Key, req.Name = "customer/1", "reminder"
	made, err := r.CreateSchedule(ctx, req)
	if err != nil || made.Status != "NEW" {
		t.Fatalf("%+v %v", made, err)
	}
	req.Context.Payload = "again"
	if again, err := r.CreateSchedule(ctx, req); err != nil || again.ID != made.ID || again.Context.Payload != "first" {
		t.Errorf("the same key gives %+v, %v", again, err)
	}

	paused, err := r.PauseSchedule(ctx, made.ID)
	if err != nil || paused.Status != "PAUSED" || paused.Next != nil {
		t.Errorf("paused: %+v %v", paused, err)
	}
	req = toQueue("", "changed")
	req.Expression, req.Zone = "cron(0 9 ? * MON-FRI *)", "Europe/Berlin"
	if changed, err := r.ChangeSchedule(ctx, made.ID, req); err != nil || changed.Status != "PAUSED" || changed.Key != "customer/1" {
		t.Errorf("changed: %+v %v", changed, err)
	}
	resumed, err := r.ResumeSchedule(ctx, made.ID)
	if err != nil || resumed.Status != "NEW" || resumed.Next == nil || resumed.Next.UTC().Minute() != 0 {
		t.Errorf("resumed: %+v %v", resumed, err)
	}
	if _, err := r.FireSchedule(ctx, made.ID); err != nil {
		t.Error(err)
	}
	messages, err := r.Receive(ctx, "reviews", api.Receive{WaitSeconds: 10})
	if err != nil || len(messages.Messages) != 1 || messages.Messages[0].Body != "changed" || messages.Messages[0].Attributes[schedule.HeaderID] != made.ID {
		t.Errorf("fired: %+v %v", messages, err)
	}
	if _, err := r.CancelSchedule(ctx, made.ID); err != nil {
		t.Error(err)
	}
	if got, err := r.Schedule(ctx, made.ID); !problem.Is(err, problem.NotFound) {
		t.Errorf("cancelled: %+v %v", got, err)
	}
	events := r.waitEvents(made.ID, schedule.EventCancelled)
	if kinds := kindsOf(events); kinds != "created paused changed resumed fired delivered cancelled" {
		t.Errorf("events: %s", kinds)
	}
	page, err := r.ScheduleHistory(ctx, made.ID, "", 2)
	for err == nil && page.Next != "" {
		events = events[len(page.Events):]
		page, err = r.ScheduleHistory(ctx, made.ID, page.Next, 2)
	}
	if err != nil || len(events) != len(page.Events) || !slices.Equal(events, page.Events) {
		t.Errorf("the last page is %+v, want %+v, %v", page.Events, events, err)
	}
}

func TestScheduleList(t *testing.T) {
	r := start(t, "")
	ctx := t.Context()
	for i := range 30 {
		req := toQueue(fmt.Sprintf("in %dh", 30-i), "")
		req.Key, req.Name = fmt.Sprintf("%c/%02d", "ab"[i%2], i), fmt.Sprint(30-i)
		if i == 7 {
			req.Action = schedule.Action{Type: schedule.CustomAction, Custom: &schedule.Custom{Topic: "publish"}}
		}
		made, err := r.CreateSchedule(ctx, req)
		if err == nil && i < 3 {
			_, err = r.PauseSchedule(ctx, made.ID)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		name  string
		query client.ScheduleQuery
		want  string // names, in their order; or how many
	}{
		{"by time", client.ScheduleQuery{From: "in 150m", Until: "in 330m"}, "3 4 5"},
		{"by status", client.ScheduleQuery{Status: "PAUSED"}, "30 29 28"},
		{"by action", client.ScheduleQuery{Action: "custom"}, "23"},
		{"by key", client.ScheduleQuery{KeyPrefix: "b/2"}, "9 7 5 3 1"},
		{"in pages", client.ScheduleQuery{Status: "NEW", Limit: 4, Until: "in 630m"}, "1 2 3 4 5 6 7 8 9 10"},
		{"none", client.ScheduleQuery{KeyPrefix: "c"}, ""},
	} {
		var names []string
		for {
			page, err := r.Schedules(ctx, c.query)
			if err != nil {
				t.Fatal(err)
			}
			for _, s := range page.Schedules {
				names = append(names, s.Name)
			}
			if c.query.Next = page.Next; page.Next == "" {
				break
			}
		}
		if got := strings.Join(names, " "); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
	for _, q := range []client.ScheduleQuery{{Status: "DONE"}, {Action: "sms"}, {From: "soon"}, {Limit: 5000}, {Next: "§"}} {
		if page, err := r.Schedules(ctx, q); !problem.Is(err, problem.Invalid) {
			t.Errorf("%+v: %+v, %v", q, page, err)
		}
	}
}

func TestScheduleBatch(t *testing.T) {
	r := start(t, "")
	lines := []string{
		`{"key":"one","at":"in 1h","action":{"type":"sqs-send","queue":{"queue":"reviews"}}}`,
		`{"at":"in 1h","action":{"type":"sqs-send","queue":{"queue":"nowhere"}}}`,
		``,
		`{"at":"in 1h","act":{}}`,
		`{"key":"one","at":"in 2h","action":{"type":"sqs-send","queue":{"queue":"reviews"}}}`,
		`{"at":"1999-01-01T00:00:00Z","action":{"type":"sqs-send","queue":{"queue":"reviews"}}}`,
		`{"expression":"rate(1 hour)","action":{"type":"payload","payload":{"payload":{"type":"FeatureCollection"}}}} 1`,
		`{"expression":"rate(1 hour)","action":{"type":"payload","payload":{"payload":{"type":"FeatureCollection"}}}}`,
	}
	for range 1500 { // more than are written at once
		lines = append(lines, lines[len(lines)-1])
	}
	var answers []api.ScheduleAccepted
	err := r.CreateSchedules(t.Context(), strings.NewReader(strings.Join(lines, "\n")), func(a api.ScheduleAccepted) error {
		answers = append(answers, a)
		return nil
	})
	if err != nil || len(answers) != len(lines)-1 {
		t.Fatalf("%d answers, %v", len(answers), err)
	}
	wants := []string{"", "action.queue.queue", `unknown field "act"`, "", "at cannot be", "more on the line", ""}
	for i, a := range answers {
		want := ""
		if i < len(wants) {
			want = wants[i]
		}
		if a.Line != i+1 || (a.Error == "") != (want == "") || !strings.Contains(a.Error, want) || (a.ID == "") != (want != "") {
			t.Errorf("line %d: %+v, want the error %q", i+1, a, want)
		}
	}
	if answers[0].ID != answers[3].ID {
		t.Errorf("the same key is %s and %s", answers[0].ID, answers[3].ID)
	}
}

func TestSchedulesThatAreRefused(t *testing.T) {
	r := start(t, "")
	const queue = `"action":{"type":"sqs-send","queue":{"queue":"reviews"}}`
	for body, want := range map[string]string{
		`{}`:                               "at is missing",
		`{"at":"in 1h"}`:                   "action.type is missing: one of http-request",
		`{"at":"yesterday",` + queue + `}`: `at cannot be "yesterday": such as`,
		`{"at":"in 1h","expression":"rate(1 day)",` + queue + `}`:                                                         "at or expression, not both",
		`{"expression":"0 0 30 2 *",` + queue + `}`:                                                                       "it never fires after",
		`{"expression":"rate(1 day)","end":"2020-01-01T00:00:00Z",` + queue + `}`:                                         "it never fires after",
		`{"expression":"rate(0 days)",` + queue + `}`:                                                                     "a whole number from 1 up",
		`{"at":"in 1h","zone":"Mars/Base",` + queue + `}`:                                                                 "an IANA name",
		`{"at":"in 1h","catch_up":"some",` + queue + `}`:                                                                  "all, last or none",
		`{"at":"in 1h","flexible_seconds":-1,` + queue + `}`:                                                              "0 to 86400",
		`{"at":"in 1h","key":"project/x",` + queue + `}`:                                                                  "those are of schedules in sundog.yaml",
		`{"at":"in 1h","action":{"type":"sms"}}`:                                                                          "one of http-request",
		`{"at":"in 1h","action":{"type":"sqs-send"}}`:                                                                     "action.queue is missing",
		`{"at":"in 1h","action":{"type":"http-request","queue":{"queue":"q"},"http":{"method":"GET","url":"http://a/"}}}`: "does not have it",
		`{"at":"in 1h","action":{"type":"http-request","http":{"method":"get","url":"http://a/"}}}`:                       `action.http.method cannot be "get"`,
		`{"at":"in 1h","action":{"type":"http-request","http":{"method":"GET","url":"file:///etc/passwd"}}}`:              "an http or https URL",
		`{"at":"in 1h","action":{"type":"lambda-call","lambda":{"function":"nobody"}}}`:                                   "action.lambda.function",
		`{"at":"in 1h","action":{"type":"custom","custom":{"topic":"nothing"}}}`:                                          "action.custom.topic",
		`{"at":"in 1h","action":{"type":"payload","payload":{"payload":{},"lane":"fast"}}}`:                               "action.payload.lane",
		`{"at":"in 1h","when":1}`:                                                                                         `unknown field "when"`,
	} {
		status, doc := r.ask("POST", api.PathSchedules, "", body)
		if status != http.StatusBadRequest || !strings.Contains(doc.Detail, want) {
			t.Errorf("%s: %d %s, want %q", body, status, doc.Detail, want)
		}
	}
}
