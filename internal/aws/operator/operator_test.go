package operator_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"sundog/internal/api"
	platform "sundog/internal/aws"
	"sundog/internal/aws/awstest"
	"sundog/internal/aws/operator"
	"sundog/internal/client"
	"sundog/internal/problem"
)

// environment is that of a deployment that is nowhere.
func environment() platform.Environment {
	return platform.Environment{
		StateDB: "state", PayloadBucket: "payloads", PayloadRoot: "cirrus", Prefix: "dev-", BatchLogGroup: "/aws/batch/job",
		BaseWorkflowARN: "arn:aws:states:us-west-2:123456789012:stateMachine:dev-", ProcessQueueURL: "https://sqs.us-west-2.amazonaws.com/123456789012/dev-process",
	}
}

// operate returns a client of a deployment whose services are reached with a configuration.
func operate(t *testing.T, cfg aws.Config) *client.Client {
	t.Helper()
	p := platform.Open(platform.Options{Config: cfg, Environment: environment()})
	t.Cleanup(p.Close)
	o, err := operator.New(operator.Options{Platform: p, Name: "dev", Version: "v1"})
	if err != nil {
		t.Fatal(err)
	}
	return client.NewLocal(o, "dev")
}

// lines reads a log in parts and joins them.
func lines(t *testing.T, c *client.Client, stream string, limit int) string {
	t.Helper()
	var all []string
	for next := int64(0); ; {
		part, err := c.Log(t.Context(), stream, next, limit)
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range part.Lines {
			all = append(all, line.Time.Format("15:04:05.000 ")+line.Text)
		}
		if next = part.Next; next == 0 {
			return strings.Join(all, "\n")
		}
	}
}

// TestFunctionLogs reads the latest log of a function, in parts, by CloudWatch's tokens.
func TestFunctionLogs(t *testing.T) {
	c := operate(t, awstest.Recorded(t, "testdata/function-logs.json"))
	page, err := c.LogStreams(t.Context(), "function/process/", "", 2)
	if err != nil || len(page.Streams) != 2 || page.Next != "more" || page.Streams[0].Name != "function/process/2026/11/21/[$LATEST]b" {
		t.Fatalf("%+v, %v", page, err)
	}
	if page, err = c.LogStreams(t.Context(), "function/dev-process/", page.Next, 2); err != nil || len(page.Streams) != 1 || page.Next != "" {
		t.Fatalf("%+v, %v", page, err)
	}
	want := "00:00:00.001 START RequestId: 1\n00:00:00.002 hello\n00:00:00.003 END RequestId: 1"
	if got := lines(t, c, "function/process/2026/11/21/[$LATEST]b", 2); got != want {
		t.Errorf("%s", got)
	}
	part, err := c.Log(t.Context(), "function/process/", 0, 2) // the latest
	if err != nil || part.Stream != "function/process/2026/11/21/[$LATEST]b" || len(part.Lines) != 1 {
		t.Errorf("%+v, %v", part, err)
	}
	if _, err := c.Log(t.Context(), "function/none/x", 0, 2); !problem.Is(err, problem.NotFound) || !strings.Contains(err.Error(), "there is no log x in /aws/lambda/dev-none") {
		t.Errorf("%v", err)
	}
}

// TestJobLogs reads the log of a job of Batch, and goes on in the middle without a token.
func TestJobLogs(t *testing.T) {
	c := operate(t, awstest.Recorded(t, "testdata/job-logs.json"))
	page, err := c.LogStreams(t.Context(), "job/reproject/default/", "", 100)
	if err != nil || len(page.Streams) != 1 || page.Streams[0].Name != "job/reproject/default/0a1b" {
		t.Fatalf("%+v, %v", page, err)
	}
	part, err := c.Log(t.Context(), "job/reproject/default/0a1b", 2, 10)
	if err != nil || len(part.Lines) != 1 || part.Lines[0].Text != "three" {
		t.Errorf("%+v, %v", part, err)
	}
	if _, err := c.LogStreams(t.Context(), "trigger/x", "", 10); !problem.Is(err, problem.Invalid) || problem.HintOf(err) == "" {
		t.Errorf("%v", err)
	}
	if _, err := c.LogStreams(t.Context(), "job/x/", "", 10); !problem.Is(err, problem.Forbidden) || !strings.Contains(err.Error(), "access was denied to logs:DescribeLogStreams") {
		t.Errorf("%v", err)
	}
}

// reply is an answer to a request of Lambda's API, which is REST (AWS Lambda API Reference).
type reply struct {
	status  int
	headers map[string]string
	body    string
}

// functions plays Lambda: replies are by method, path and query.
func functions(t *testing.T, replies map[string]reply) aws.Config {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		request := strings.TrimSpace(fmt.Sprintf("%s %s %s", r.Method, r.URL.RequestURI(), body))
		answer, ok := replies[request]
		if err != nil || !ok {
			t.Errorf("Lambda was asked for %s (%v)", request, err)
		}
		w.Header().Set("X-Amzn-Requestid", "r-1")
		for name, value := range answer.headers {
			w.Header().Set(name, value)
		}
		w.WriteHeader(max(answer.status, http.StatusOK))
		_, _ = io.WriteString(w, answer.body)
	}))
	t.Cleanup(s.Close)
	return aws.Config{
		Region: "us-west-2", BaseEndpoint: &s.URL, Credentials: credentials.NewStaticCredentialsProvider("id", "secret", ""),
		Retryer: func() aws.Retryer { return aws.NopRetryer{} },
	}
}

func TestFunctions(t *testing.T) {
	c := operate(t, functions(t, map[string]reply{
		"GET /2015-03-31/functions":                               {body: `{"Functions":[{"FunctionName":"dev-process","FunctionArn":"arn:p"},{"FunctionName":"other"}],"NextMarker":"m"}`},
		"GET /2015-03-31/functions?Marker=m":                      {body: `{"Functions":[{"FunctionName":"dev-api","FunctionArn":"arn:a"}]}`},
		`POST /2015-03-31/functions/dev-echo/invocations {"a":1}`: {body: `{"b":2}`},
		`POST /2015-03-31/functions/dev-fail/invocations {}`: {
			headers: map[string]string{"X-Amz-Function-Error": "Unhandled"}, body: `{"errorType":"ValueError","errorMessage":"no"}`,
		},
		`POST /2015-03-31/functions/dev-die/invocations {}`: {headers: map[string]string{"X-Amz-Function-Error": "Unhandled"}, body: `{"errorMessage":"RequestId: r-1 Error: exit status 1"}`},
		`POST /2015-03-31/functions/dev-none/invocations {}`: {
			status: http.StatusNotFound, headers: map[string]string{"X-Amzn-Errortype": "ResourceNotFoundException"}, body: `{"Message":"Function not found"}`,
		},
		`POST /2015-03-31/functions/dev-secret/invocations {}`: {
			status: http.StatusForbidden, headers: map[string]string{"X-Amzn-Errortype": "AccessDeniedException"}, body: `{"Message":"not you"}`,
		},
	}))
	all, err := c.Functions(t.Context())
	if err != nil || len(all.Functions) != 2 || all.Functions[0].Name != "process" || all.Functions[1].ARN != "arn:a" {
		t.Errorf("%+v, %v", all, err)
	}
	for _, name := range []string{"echo", "dev-echo"} {
		if out, err := c.Invoke(t.Context(), name, json.RawMessage(`{"a":1}`)); err != nil || !bytes.Equal(out.Payload, []byte(`{"b":2}`)) || out.RequestID != "r-1" {
			t.Errorf("%+v, %v", out, err)
		}
	}
	if out, err := c.Invoke(t.Context(), "fail", json.RawMessage(`{}`)); err != nil || out.Error != "ValueError" || !strings.Contains(out.Cause, `"no"`) || out.Payload != nil {
		t.Errorf("%+v, %v", out, err)
	}
	if out, err := c.Invoke(t.Context(), "die", json.RawMessage(`{}`)); err != nil || out.Error != "Unhandled" {
		t.Errorf("%+v, %v", out, err)
	}
	if _, err := c.Invoke(t.Context(), "none", json.RawMessage(`{}`)); !problem.Is(err, problem.NotFound) || !strings.Contains(err.Error(), `"dev-none"`) {
		t.Errorf("%v", err)
	}
	if _, err := c.Invoke(t.Context(), "secret", json.RawMessage(`{}`)); !problem.Is(err, problem.Forbidden) || !strings.Contains(err.Error(), "access was denied to lambda:Invoke") {
		t.Errorf("%v", err)
	}
	if _, err := c.Invoke(t.Context(), "echo", json.RawMessage(`"`+strings.Repeat("x", 7<<20)+`"`)); !problem.Is(err, problem.TooLarge) {
		t.Errorf("%v", err)
	}
}

// TestHistory pages through events, by Step Functions' tokens where they are known, and finds the logs of jobs.
func TestHistory(t *testing.T) {
	arn := "arn:aws:states:us-west-2:123456789012:execution:dev-a:x"
	c := operate(t, awstest.Recorded(t, "testdata/history.json"))
	var got []string
	for next := int64(0); ; {
		page, err := c.History(t.Context(), arn, next, 2, client.HistoryOrder{Logs: true})
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range page.Events {
			got = append(got, string(e))
		}
		if next = page.Next; next == 0 {
			break
		}
	}
	if len(got) != 3 || !strings.Contains(got[1], `"logMetadata":{"group":"/aws/batch/job","stream":"job/reproject/default/0a1b"}`) {
		t.Errorf("%s", got)
	}
	page, err := c.History(t.Context(), arn, 1, 2, client.HistoryOrder{}) // by somebody who has no token
	if err != nil || len(page.Events) != 2 || !strings.Contains(string(page.Events[1]), `"id":3`) || page.Next != 0 {
		t.Errorf("%s, %v", page.Events, err)
	}
}

// TestNothingInternalIsHidden: there is no log to look into.
func TestNothingInternalIsHidden(t *testing.T) {
	c := operate(t, functions(t, map[string]reply{
		`POST /2015-03-31/functions/dev-odd/invocations {}`: {
			status: http.StatusBadRequest, headers: map[string]string{"X-Amzn-Errortype": "InvalidRuntimeException"}, body: `{"Message":"odd"}`,
		},
	}))
	var none api.Invocation
	out, err := c.Invoke(t.Context(), "odd", json.RawMessage(`{}`))
	if err == nil || !strings.Contains(err.Error(), "InvalidRuntimeException") || !strings.Contains(err.Error(), "odd") || out.RequestID != none.RequestID {
		t.Errorf("%+v, %v", out, err)
	}
}
