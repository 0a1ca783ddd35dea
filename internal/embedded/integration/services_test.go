package integration_test

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
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/tidwall/gjson"

	"sundog/asl"
	"sundog/internal/embedded/connection"
	"sundog/internal/embedded/engine"
	"sundog/internal/embedded/integration"
	embeddedqueue "sundog/internal/embedded/queue"
	"sundog/internal/embedded/store"
	"sundog/internal/embedded/topic"
	"sundog/internal/queue"
)

// services is a runner with queues and topics of its own: the queue `work`, and the queue `heard`, which subscribes to the topics `news` and
// `default`.
type services struct {
	*integration.Runner
	t *testing.T
}

func newServices(t *testing.T) *services {
	t.Helper()
	st, err := store.Open("data", store.Options{FS: vfs.NewMem()})
	if err != nil {
		t.Fatal(err)
	}
	queues, err := embeddedqueue.Open(t.Context(), st, embeddedqueue.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"work", "heard"} {
		if _, err := queues.Declare(t.Context(), name, embeddedqueue.Config{}); err != nil {
			t.Fatal(err)
		}
	}
	topics := topic.Open(st, queues, topic.Options{Declared: []string{integration.DefaultBus}})
	for _, name := range []string{"news", "default"} {
		if err := topics.Subscribe(t.Context(), topic.Subscription{Name: name, Topic: name, Queue: "heard"}); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() {
		topics.Close()
		queues.Close()
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	})
	r := newRunner(t)
	r.Store, r.Queues, r.Topics, r.HTTP, r.Region, r.Account = st, queues, topics, http.DefaultClient, "us-east-1", "000000000000"
	r.Connections = connection.New(nil, http.DefaultClient, nil)
	return &services{r, t}
}

// received waits for a message in a queue.
func (s *services) received(name string) queue.Message {
	s.t.Helper()
	q, err := s.Queues.Queue(s.t.Context(), name)
	if err != nil {
		s.t.Fatal(err)
	}
	got, err := q.Receive(s.t.Context(), queue.Request{Max: 1, Wait: 10 * time.Second})
	if err != nil || len(got) != 1 {
		s.t.Fatalf("%d messages in %s, %v", len(got), name, err)
	}
	if err := q.Delete(s.t.Context(), got[0].Receipt); err != nil {
		s.t.Fatal(err)
	}
	return got[0]
}

const arn = "arn:aws:states:::"

func TestQueues(t *testing.T) {
	s := newServices(t)
	for _, c := range []struct{ name, resource, parameters, body string }{
		{"text", "sqs:sendMessage", `{"QueueUrl": "https://sqs.us-east-1.amazonaws.com/000000000000/work", "MessageBody": "hello"}`, "hello"},
		{"document", "sqs:sendMessage.waitForTaskToken", `{"QueueUrl": "work", "MessageBody": {"a": 1.0}}`, `{"a": 1.0}`},
		{"sdk", "aws-sdk:sqs:sendMessage", `{"QueueUrl": "arn:aws:sqs:us-east-1:000000000000:work", "MessageBody": "x", "MessageAttributes": {"k": {"DataType": "String", "StringValue": "v"}}}`, "x"},
	} {
		out, err := run(t, s.Runner, arn+c.resource, c.parameters)
		if err != nil || !gjson.Get(out, "MessageId").Exists() || len(gjson.Get(out, "MD5OfMessageBody").Str) != 32 {
			t.Errorf("%s: %s, %v", c.name, out, err)
			continue
		}
		if gjson.Get(out, "SdkHttpMetadata").Exists() == strings.HasPrefix(c.resource, "aws-sdk:") {
			t.Errorf("%s: %s", c.name, out)
		}
		m := s.received("work")
		if string(m.Body) != c.body || c.name == "sdk" && m.Attributes["k"].Value != "v" {
			t.Errorf("%s: %s %v", c.name, m.Body, m.Attributes)
		}
	}
	for parameters, want := range map[string]string{
		`{"QueueUrl": "work"}`:                                               "SQS.AmazonSQSException: The request must contain the parameter MessageBody. (Service: AmazonSQS; Status Code: 400; Error Code: MissingParameter; Request ID: ",
		`{"QueueUrl": "no-such", "MessageBody": "x"}`:                        "SQS.QueueDoesNotExistException: The specified queue does not exist.",
		`{"QueueUrl": "work", "MessageBody": "x", "DelaySeconds": 99999999}`: "SQS.AmazonSQSException: ",
	} {
		if _, err := run(t, s.Runner, arn+"sqs:sendMessage", parameters); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s gives %v", parameters, err)
		}
	}
}

func TestTopics(t *testing.T) {
	s := newServices(t)
	out, err := run(t, s.Runner, arn+"sns:publish", `{"TopicArn": "arn:aws:sns:us-east-1:000000000000:news", "Subject": "s", "Message": {"a": 1},
		"MessageAttributes": {"n": {"DataType": "Number", "StringValue": "5"}}}`)
	if err != nil || !gjson.Get(out, "MessageId").Exists() {
		t.Fatalf("%s, %v", out, err)
	}
	if m := s.received("heard"); string(m.Body) != `{"a": 1}` || m.Attributes["n"].Value != "5" || m.Attributes["Subject"].Value != "s" {
		t.Errorf("%s %v", m.Body, m.Attributes)
	}
	if _, err := run(t, s.Runner, arn+"aws-sdk:sns:publish", `{"TopicArn": "news", "MessageStructure": "json", "Message": "{\"default\": \"d\"}"}`); err != nil {
		t.Error(err)
	} else if m := s.received("heard"); string(m.Body) != "d" {
		t.Errorf("%s", m.Body)
	}
	for parameters, want := range map[string]string{
		`{"TopicArn": "arn:aws:sns:us-east-1:000000000000:none", "Message": "x"}`: "SNS.NotFoundException: Topic does not exist (Service: AmazonSNS; Status Code: 404; Error Code: NotFound; Request ID: ",
		`{"PhoneNumber": "+49", "Message": "x"}`:                                  "SNS.InvalidParameterException: ",
		`{"TopicArn": "news"}`:                                                    "SNS.InvalidParameterException: Invalid parameter: Empty message",
	} {
		if _, err := run(t, s.Runner, arn+"sns:publish", parameters); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s gives %v", parameters, err)
		}
	}
}

func TestEvents(t *testing.T) {
	s := newServices(t)
	out, err := run(t, s.Runner, arn+"events:putEvents", `{"Entries": [{"Source": "me", "DetailType": "done", "Detail": {"a": 1}, "Time": "2026-01-02T03:04:05Z"}]}`)
	if err != nil || gjson.Get(out, "FailedEntryCount").Int() != 0 || gjson.Get(out, "Entries.0.EventId").Str == "" {
		t.Fatalf("%s, %v", out, err)
	}
	m := s.received("heard")
	if got := gjson.GetBytes(m.Body, "detail-type").Str + " " + gjson.GetBytes(m.Body, "time").Str + " " + gjson.GetBytes(m.Body, "detail.a").Raw; got != "done 2026-01-02T03:04:05Z 1" {
		t.Errorf("%s", m.Body)
	}
	for parameters, want := range map[string]string{
		`{"Entries": [{"Source": "me", "DetailType": "done", "Detail": "\"text\""}]}`:                                                  `EventBridge.FailedEntry: {"Entries":[{"ErrorCode":"MalformedDetail","ErrorMessage":"Detail is malformed."}],"FailedEntryCount":1}`,
		`{"Entries": [{"DetailType": "done", "Detail": {}}]}`:                                                                          `EventBridge.FailedEntry: {"Entries":[{"ErrorCode":"InvalidArgument","ErrorMessage":"Parameter Source is not valid. Reason: Source is a required argument."}],"FailedEntryCount":1}`,
		`{"Entries": [{"Source": "a", "DetailType": "b", "Detail": {}, "EventBusName": "arn:aws:events:us-east-1:0:event-bus/none"}]}`: `EventBridge.FailedEntry: {"Entries":[{"ErrorCode":"ResourceNotFoundException",`,
		`{"Entries": []}`: "EventBridge.ValidationException: ",
	} {
		if _, err := run(t, s.Runner, arn+"events:putEvents", parameters); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s gives %v", parameters, err)
		}
	}
	if out, err := run(t, s.Runner, arn+"aws-sdk:eventbridge:putEvents", `{"Entries": [{"Source": "a"}]}`); err != nil || gjson.Get(out, "FailedEntryCount").Int() != 1 {
		t.Errorf("%s, %v", out, err)
	}
}

func TestHTTP(t *testing.T) {
	s := newServices(t)
	tokens := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		switch r.URL.Path {
		case "/token":
			tokens++
			id, secret, _ := r.BasicAuth()
			_, _ = fmt.Fprintf(w, `{"access_token": "t-%s-%s", "expires_in": 3600}`, id, secret)
		case "/fail":
			http.Error(w, "gone fishing", http.StatusServiceUnavailable)
		case "/big":
			_, _ = w.Write(make([]byte, 300<<10))
		default:
			w.Header().Set("Content-Type", "application/json")
			_, _ = fmt.Fprintf(w, `{"method": %q, "query": %q, "body": %q, "type": %q, "auth": %q, "x": %q}`,
				r.Method, r.URL.RawQuery, body, r.Header.Get("Content-Type"), r.Header.Get("Authorization"), r.Header.Get("X-Tenant"))
		}
	}))
	t.Cleanup(server.Close)
	s.Connections = connection.New([]connection.Connection{
		{Name: "basic", Username: "u", Password: "p", Headers: map[string]string{"X-Tenant": "me"}},
		{Name: "key", Header: "Authorization", Value: "Key k"},
		{Name: "oauth", OAuth: &connection.OAuth{TokenURL: server.URL + "/token", ClientID: "id", ClientSecret: "secret"}},
	}, http.DefaultClient, nil)
	for _, c := range []struct{ fields, want string }{
		{`"Method": "GET", "QueryParameters": {"b": "2", "a": ["1", 3]}`, `{"method": "GET", "query": "a=1&a=3&b=2", "body": "", "type": "", "auth": "", "x": ""}`},
		{`"Method": "POST", "RequestBody": {"a": 1.0}, "Headers": {"X-Tenant": "you"}`, `{"method": "POST", "query": "", "body": "{\"a\": 1.0}", "type": "application/json", "auth": "", "x": "you"}`},
		{
			`"Method": "POST", "RequestBody": {"a": [1, "b c"], "o": {"k": true}}, "Transform": {"RequestBodyEncoding": "URL_ENCODED"}`,
			`{"method": "POST", "query": "", "body": "a%5B0%5D=1&a%5B1%5D=b+c&o%5Bk%5D=true", "type": "application/x-www-form-urlencoded", "auth": "", "x": ""}`,
		},
		{
			`"Method": "PUT", "RequestBody": {"a": [1, 2]}, "Transform": {"RequestBodyEncoding": "URL_ENCODED", "RequestEncodingOptions": {"ArrayFormat": "COMMAS"}}`,
			`{"method": "PUT", "query": "", "body": "a=1%2C2", "type": "application/x-www-form-urlencoded", "auth": "", "x": ""}`,
		},
		{`"Method": "GET", "Authentication": {"ConnectionArn": "arn:aws:events:us-east-1:0:connection/basic/1"}`, `{"method": "GET", "query": "", "body": "", "type": "", "auth": "Basic dTpw", "x": "me"}`},
		{`"Method": "GET", "InvocationConfig": {"ConnectionArn": "key"}`, `{"method": "GET", "query": "", "body": "", "type": "", "auth": "Key k", "x": ""}`},
		{`"Method": "GET", "Authentication": {"ConnectionArn": "oauth"}`, `{"method": "GET", "query": "", "body": "", "type": "", "auth": "Bearer t-id-secret", "x": ""}`},
		{`"Method": "HEAD", "Authentication": {"ConnectionArn": "oauth"}`, ``},
	} {
		out, err := run(t, s.Runner, arn+"http:invoke", `{"ApiEndpoint": "`+server.URL+`/", `+c.fields+`}`)
		if err != nil || gjson.Get(out, "StatusCode").Int() != 200 || gjson.Get(out, "StatusText").Str != "OK" || !gjson.Get(out, "Headers.Date.0").Exists() {
			t.Errorf("%s: %s, %v", c.fields, out, err)
		} else if got := gjson.Get(out, "ResponseBody"); c.want != "" && !same(t, got.Raw, c.want) {
			t.Errorf("%s: %s\nwant %s", c.fields, got.Raw, c.want)
		}
	}
	if tokens != 1 {
		t.Errorf("%d tokens were asked for", tokens)
	}
	for parameters, want := range map[string]string{
		`{"ApiEndpoint": "` + server.URL + `/fail", "Method": "GET"}`:                                       "States.Http.StatusCode.503: gone fishing",
		`{"ApiEndpoint": "` + server.URL + `/big", "Method": "GET"}`:                                        "States.DataLimitExceeded: ",
		`{"ApiEndpoint": "http://127.0.0.1:1/", "Method": "GET"}`:                                           "States.Http.Socket: ",
		`{"ApiEndpoint": "ftp://x", "Method": "GET"}`:                                                       "States.Runtime: ",
		`{"ApiEndpoint": "` + server.URL + `"}`:                                                             "States.Runtime: ",
		`{"ApiEndpoint": "` + server.URL + `", "Method": "GET", "Headers": {"Host": "x"}}`:                  "States.Runtime: ",
		`{"ApiEndpoint": "` + server.URL + `", "Method": "GET", "Authentication": {"ConnectionArn": "no"}}`: "Events.ConnectionResource.AuthenticationFailed: there is no connection",
	} {
		if _, err := run(t, s.Runner, arn+"http:invoke", parameters); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s gives %v, want %s", parameters, err, want)
		}
	}
}

func same(t *testing.T, a, b string) bool {
	t.Helper()
	var x, y any
	if err := errors.Join(json.Unmarshal([]byte(a), &x), json.Unmarshal([]byte(b), &y)); err != nil {
		t.Fatal(err)
	}
	return fmt.Sprint(x) == fmt.Sprint(y)
}

func TestSDK(t *testing.T) {
	s := newServices(t)
	out, err := run(t, s.Runner, arn+"aws-sdk:lambda:invoke", `{"FunctionName": "echo", "Payload": {"a": 1.0}}`)
	if err != nil || gjson.Get(out, "Payload").Str != `{"a": 1.0}` {
		t.Errorf("%s, %v", out, err)
	}
	if out, err = run(t, s.Runner, arn+"aws-sdk:lambda:invoke", `{"FunctionName": "fail"}`); err != nil || gjson.Get(out, "FunctionError").Str != "Unhandled" {
		t.Errorf("%s, %v", out, err)
	}
	if _, err = run(t, s.Runner, arn+"aws-sdk:lambda:invoke", `{"FunctionName": "none"}`); err == nil || err.Name != "Lambda.ResourceNotFoundException" {
		t.Errorf("%v", err)
	}
	if out, err = run(t, s.Runner, arn+"aws-sdk:batch:submitJob", `{"JobDefinition": "say", "Parameters": {"word": "x"}}`); err != nil || !gjson.Get(out, "JobId").Exists() {
		t.Errorf("%s, %v", out, err)
	}
	if _, err = run(t, s.Runner, arn+"aws-sdk:batch:submitJob", `{"JobDefinition": "none"}`); err == nil || err.Name != "Batch.ClientException" {
		t.Errorf("%v", err)
	}
}

// TestSentOnce lets the engine die between the work of a task and its result: the work is not done again.
func TestSentOnce(t *testing.T) {
	fs := vfs.NewCrashableMem()
	st, err := store.Open("data", store.Options{FS: fs})
	if err != nil {
		t.Fatal(err)
	}
	queues, err := embeddedqueue.Open(t.Context(), st, embeddedqueue.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := queues.Declare(t.Context(), "work", embeddedqueue.Config{}); err != nil {
		t.Fatal(err)
	}
	sent := make(chan struct{})
	stuck := runnerFunc(func(ctx context.Context, task engine.Task) (*asl.Document, error) {
		if _, err := (&integration.Runner{Store: st, Queues: queues}).Run(ctx, task); err != nil {
			t.Error(err)
		}
		close(sent)
		<-ctx.Done() // the process dies before the result is recorded
		return nil, ctx.Err()
	})
	definition := single(`"Resource":"arn:aws:states:::sqs:sendMessage","Parameters":{"QueueUrl":"work","MessageBody":"once"}`)
	begin := func(st *store.Store, runner engine.TaskRunner) (*engine.Engine, func()) {
		e, err := engine.New(engine.Options{Store: st, Runner: runner, Region: "us-east-1", Account: "000000000000"})
		if err != nil {
			t.Fatal(err)
		}
		if err := e.Register(t.Context(), "send", "STANDARD", []byte(definition)); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan error, 1)
		go func() { done <- e.Run(ctx) }()
		return e, func() {
			cancel()
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
	}
	e, stop := begin(st, stuck)
	d, err := e.Start(t.Context(), engine.StartRequest{Machine: "send", Name: "x", Input: []byte(`{}`)})
	if err != nil {
		t.Fatal(err)
	}
	<-sent
	crashed := fs.CrashClone(vfs.CrashCloneCfg{})
	stop()
	queues.Close()
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}

	if st, err = store.Open("data", store.Options{FS: crashed}); err != nil {
		t.Fatal(err)
	}
	if queues, err = embeddedqueue.Open(t.Context(), st, embeddedqueue.Options{}); err != nil {
		t.Fatal(err)
	}
	e, stop = begin(st, &integration.Runner{Store: st, Queues: queues})
	_, _, output, err := e.Wait(t.Context(), d.ARN)
	if err != nil || !gjson.GetBytes(output, "MessageId").Exists() {
		t.Errorf("%s, %v", output, err)
	}
	q, err := queues.Queue(t.Context(), "work")
	if err != nil {
		t.Fatal(err)
	}
	if n := q.Depth().Total(); n != 1 {
		t.Errorf("%d messages were sent", n)
	}
	stop()
	queues.Close()
	if err := st.Close(); err != nil {
		t.Error(err)
	}
}

type runnerFunc func(ctx context.Context, task engine.Task) (*asl.Document, error)

func (f runnerFunc) Run(ctx context.Context, task engine.Task) (*asl.Document, error) {
	return f(ctx, task)
}

// TestRecordedAnswers compares results with what AWS answered: every member that AWS has, with a value of the same kind.
func TestRecordedAnswers(t *testing.T) {
	folder := os.Getenv("SUNDOG_ASL_CASES")
	if folder == "" {
		t.Skip("SUNDOG_ASL_CASES names no folder with conformance cases")
	}
	s := newServices(t)
	ours := map[string]string{}
	for resource, parameters := range map[string]string{
		"sqs sendMessage": `{"QueueUrl": "work", "MessageBody": "x"}`,
		"sns publish":     `{"TopicArn": "news", "Message": "x"}`,
		"lambda invoke":   `{"FunctionName": "echo"}`,
	} {
		out, err := run(t, s.Runner, arn+strings.Replace(resource, " ", ":", 1), parameters)
		if err != nil {
			t.Fatal(err)
		}
		ours[resource] = out
	}
	files, err := filepath.Glob(filepath.Join(folder, "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases in %s: %v", folder, err)
	}
	compared := 0
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		gjson.ParseBytes(raw).ForEach(func(_, c gjson.Result) bool {
			c.Get("mocks.tasks").ForEach(func(_, task gjson.Result) bool {
				action := strings.TrimSuffix(task.Get("resource").Str, ".waitForTaskToken")
				mine, ok := ours[task.Get("resourceType").Str+" "+action]
				theirs := task.Get("submitted")
				if !theirs.Exists() {
					theirs = task.Get("outcome.output")
				}
				if !ok || !theirs.IsObject() {
					return true
				}
				compared++
				theirs.ForEach(func(name, value gjson.Result) bool {
					if got := gjson.Get(mine, name.Str); !got.Exists() || name.Str != "Payload" && got.IsObject() != value.IsObject() {
						t.Errorf("%s: member %s is %s, AWS has %s", c.Get("name").Str, name.Str, got.Raw, value.Raw)
					}
					return true
				})
				return true
			})
			return true
		})
	}
	t.Logf("%d answers compared", compared)
	if compared == 0 {
		t.Error("nothing was compared")
	}
}
