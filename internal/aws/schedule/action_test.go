package schedule_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"sundog/internal/aws/awstest"
	awsqueue "sundog/internal/aws/queue"
	awsschedule "sundog/internal/aws/schedule"
	awstopic "sundog/internal/aws/topic"
	"sundog/internal/egress"
	"sundog/internal/errand"
	"sundog/internal/queue"
	"sundog/internal/schedule"
	"sundog/internal/topic"
)

// fired is a fired schedule.
func fired(config string) []byte {
	return []byte(`{"scheduleId":"s1","pointInTime":1772355600,"apiKey":"k","topicArn":"t","actionConfig":` + config +
		`,"context":{"headers":[{"X-A":"1"},{"X-B":"2"}],"payload":"text"}}`)
}

// events is a topic for events that remembers them.
type events struct {
	told []schedule.Event
	fail error
}

func (e *events) Publish(_ context.Context, drafts ...topic.Draft) ([]string, error) {
	for _, d := range drafts {
		var event schedule.Event
		if err := json.Unmarshal(d.Body, &event); err != nil {
			return nil, err
		}
		e.told = append(e.told, event)
	}
	return make([]string, len(drafts)), e.fail
}

func TestRequests(t *testing.T) {
	var got *http.Request
	var body string
	status := 200
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, _ := io.ReadAll(r.Body)
		got, body = r, string(text)
		w.WriteHeader(status)
		_, _ = w.Write([]byte("what is wrong"))
	}))
	defer server.Close()
	told := &events{}
	actions := awsschedule.NewActions(awsschedule.ActionOptions{HTTP: errand.NewClient(egress.NewTransport(1)), Events: told, Log: quiet()})
	message := fired(fmt.Sprintf(`{"method":"PUT","url":"%s/a?b=c"}`, server.URL))
	for _, c := range []struct {
		status int
		want   string
	}{{200, ""}, {204, ""}, {404, "404: what is wrong"}, {500, "500: what is wrong"}, {302, "302: what is wrong"}} {
		status = c.status
		told.told = nil
		err := actions.Carry(t.Context(), schedule.HTTPAction, message)
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%d: %v", c.status, err)
		}
		if got.URL.String() != "/a/withwait/s1/1772355600?b=c" || got.Method != http.MethodPut || body != "text" || got.Header.Get("X-B") != "2" ||
			got.Header.Get(schedule.HeaderID) != "s1" || got.Header.Get(schedule.HeaderFor) != "2026-03-01T09:00:00Z" {
			t.Errorf("the request is %s %s %v %q", got.Method, got.URL, got.Header, body)
		}
		want := schedule.Event{Kind: schedule.EventDelivered, ScheduleID: "s1", Action: schedule.HTTPAction, PointInTime: time.Unix(1772355600, 0).UTC(), Status: c.status}
		if err != nil {
			want.Kind, want.Error = schedule.EventFailed, "the URL answered "+c.want
		}
		if len(told.told) == 1 {
			want.Time = told.told[0].Time
		}
		if len(told.told) != 1 || told.told[0] != want {
			t.Errorf("told is %+v, want %+v", told.told, want)
		}
	}
	status, told.fail = 200, errLost // nobody hears of it, but it is done
	if err := actions.Carry(t.Context(), schedule.HTTPAction, message); err != nil {
		t.Error(err)
	}
}

func TestRequestsThatAreNotMade(t *testing.T) {
	told := &events{}
	actions := awsschedule.NewActions(awsschedule.ActionOptions{HTTP: errand.NewClient(egress.NewGuardedTransport(1, nil)), Events: told, Log: quiet()})
	for _, url := range []string{"http://127.0.0.1:9001/2018-06-01/runtime/invocation/next", "http://169.254.169.254/latest/meta-data/", "http://169.254.170.2/v2/credentials"} {
		err := actions.Carry(t.Context(), schedule.HTTPAction, fired(`{"method":"GET","url":"`+url+`"}`))
		if !errors.Is(err, egress.ErrRefused) || strings.Contains(err.Error(), "/v2/") {
			t.Errorf("%s: %v", url, err)
		}
	}
	if len(told.told) != 3 {
		t.Errorf("told is %+v", told.told)
	}
	for kind, messages := range map[schedule.ActionType][]string{
		schedule.HTTPAction:    {``, `{}`, `[]`, string(fired(`{"url":"http://example.com"}`)), string(fired(`{"functionName":"f"}`))},
		schedule.LambdaAction:  {string(fired(`{"functionName":"f"}`))}, // there is no client for it
		schedule.PayloadAction: {string(fired(`{}`))},
	} {
		for _, message := range messages {
			if err := actions.Carry(t.Context(), kind, []byte(message)); !errors.Is(err, schedule.ErrInvalid) {
				t.Errorf("%s %q: %v", kind, message, err)
			}
		}
	}
}

// TestFunctions compares the request with what Lambda's API reference says of Invoke, and answers as it says.
func TestFunctions(t *testing.T) {
	var fails bool
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		about, err := base64.StdEncoding.DecodeString(r.Header.Get("X-Amz-Client-Context"))
		if r.Method != http.MethodPost || r.URL.Path != "/2015-03-31/functions/f/invocations" || string(body) != `{"a":1}` || err != nil ||
			string(about) != `{"custom":{"Sundog-Schedule-Id":"s1","Sundog-Scheduled-For":"2026-03-01T09:00:00Z","X-A":"1","X-B":"2"}}` ||
			r.Header.Get("X-Amz-Invocation-Type") == "Event" {
			t.Errorf("the request is %s %s %s, about %s, %v", r.Method, r.URL, body, about, err)
		}
		if fails {
			w.Header().Set("X-Amz-Function-Error", "Unhandled")
			_, _ = w.Write([]byte(`{"errorMessage":"no ship","errorType":"Error"}`))
		}
	}))
	defer server.Close()
	client := lambda.New(lambda.Options{BaseEndpoint: &server.URL, Region: "us-east-1", Credentials: credentials.NewStaticCredentialsProvider("a", "b", "")})
	told := &events{}
	actions := awsschedule.NewActions(awsschedule.ActionOptions{Functions: client, Events: told, Log: quiet()})
	message := fired(`{"functionName":"f","payload":{"a":1}}`)
	if err := actions.Carry(t.Context(), schedule.LambdaAction, message); err != nil {
		t.Error(err)
	}
	fails = true
	if err := actions.Carry(t.Context(), schedule.LambdaAction, message); err == nil || !strings.Contains(err.Error(), "function f failed") || !strings.Contains(err.Error(), "no ship") {
		t.Error(err)
	}
	if len(told.told) != 2 || told.told[0].Kind != schedule.EventDelivered || told.told[1].Kind != schedule.EventFailed {
		t.Errorf("told is %+v", told.told)
	}
}

// TestOnQueuesAndTopicsOfAWS takes a schedule from its request to a queue, over SQS and SNS.
func TestOnQueuesAndTopicsOfAWS(t *testing.T) {
	a := awstest.Start(t, awstest.Options{Standins: []awstest.Standin{awstest.Dynalite, awstest.Fauxqs}})
	cfg := a.Config()
	tables, queues, topics := dynamodb.NewFromConfig(cfg), sqs.NewFromConfig(cfg), sns.NewFromConfig(cfg)
	waiting := awsqueue.New(queues, a.Queue(t, nil), awsqueue.Options{})
	target := a.Queue(t, nil)
	actionTopic, eventTopic := a.Topic(t), a.Topic(t)
	fired, told := awsqueue.New(queues, a.Subscribe(t, actionTopic, true), awsqueue.Options{}), awsqueue.New(queues, a.Subscribe(t, eventTopic, true), awsqueue.Options{})
	schedules := awsschedule.New(awsschedule.Options{
		Client: tables, Table: makeTable(t, tables), Queue: waiting, Events: awstopic.New(topics, eventTopic), Log: quiet(),
		Topics:  func(arn string) awsschedule.Publisher { return awstopic.New(topics, arn) },
		Actions: map[schedule.ActionType]string{schedule.QueueAction: actionTopic},
	})
	actions := awsschedule.NewActions(awsschedule.ActionOptions{Queues: queues, Events: awstopic.New(topics, eventTopic), Log: quiet()})

	name := target[strings.LastIndexByte(target, '/')+1:]
	body := fmt.Sprintf(`{"schedule":{"pointInTime":%d},"context":{"payload":"a\u0000\uFFFE<ü>"},"action":{"type":"sqs-send","sqsSendConfig":{"queueName":%q,"payload":"hello","messageAttributes":[{"a":"b"}]}}}`, time.Now().Unix()+3, name)
	rec := httptest.NewRecorder()
	schedules.Handler().ServeHTTP(rec, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/schedule", strings.NewReader(body)))
	if rec.Code != http.StatusCreated {
		t.Fatal(rec.Code, rec.Body)
	}
	receive := func(q *awsqueue.Queue) queue.Message {
		t.Helper()
		got, err := q.Receive(t.Context(), queue.Request{Wait: 10 * time.Second})
		if err != nil || len(got) != 1 {
			t.Fatalf("%+v, %v", got, err)
		}
		if err := q.Delete(t.Context(), got[0].Receipt); err != nil {
			t.Fatal(err)
		}
		return got[0]
	}
	due := receive(waiting)
	if err := schedules.Dispatch(t.Context(), []queue.Message{due})[0]; err != nil {
		t.Fatal(err)
	}
	message := receive(fired)
	if err := actions.Carry(t.Context(), schedule.QueueAction, message.Body); err != nil {
		t.Fatal(err)
	}
	got := receive(awsqueue.New(queues, target, awsqueue.Options{}))
	if string(got.Body) != "hello" || got.Attributes["a"].Value != "b" || got.Attributes[schedule.HeaderID] != message.Attributes[schedule.HeaderID] {
		t.Errorf("sent is %+v", got)
	}
	var kinds []string
	for range 4 {
		kinds = append(kinds, receive(told).Attributes["event"].Value)
	}
	slices.Sort(kinds)
	if want := "created delivered enqueued fired"; strings.Join(kinds, " ") != want {
		t.Errorf("told is %v, want %s", kinds, want)
	}
	missing := strings.Replace(string(message.Body), name, "nothing", 1)
	if err := actions.Carry(t.Context(), schedule.QueueAction, []byte(missing)); err == nil || !strings.Contains(err.Error(), "queue nothing") {
		t.Errorf("a queue that is not there: %v", err)
	}
}
