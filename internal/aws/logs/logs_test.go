package logs_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/google/go-cmp/cmp"

	"sundog/internal/aws/logs"
)

// exchange is a request of GetLogEvents and its answer, written after the Amazon CloudWatch Logs API Reference.
type exchange struct {
	request string
	status  int
	answer  string
}

// group is a log group whose requests are compared with those that are expected.
func group(t *testing.T, exchanges ...exchange) *logs.Group {
	t.Helper()
	var got, want []string
	for _, e := range exchanges {
		want = append(want, e.request)
	}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil || r.Header.Get("X-Amz-Target") != "Logs_20140328.GetLogEvents" || len(got) == len(exchanges) {
			http.Error(w, "unexpected", http.StatusNotImplemented)
			return
		}
		e := exchanges[len(got)]
		got = append(got, string(body))
		w.Header().Set("Content-Type", "application/x-amz-json-1.1")
		w.WriteHeader(e.status)
		_, _ = io.WriteString(w, e.answer)
	}))
	t.Cleanup(func() {
		s.Close()
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("requests: %s", diff)
		}
	})
	return logs.New(cloudwatchlogs.New(cloudwatchlogs.Options{
		Region: "us-east-1", BaseEndpoint: &s.URL, Credentials: credentials.NewStaticCredentialsProvider("a", "b", ""), RetryMaxAttempts: 1,
	}), "/aws/batch/job")
}

func TestLastLine(t *testing.T) {
	const first = `{"limit":1,"logGroupName":"/aws/batch/job","logStreamName":"job/default/x","startFromHead":false}`
	const second = `{"limit":1,"logGroupName":"/aws/batch/job","logStreamName":"job/default/x","nextToken":"b/1","startFromHead":false}`
	for _, c := range []struct {
		name      string
		exchanges []exchange
		want      string
		ok        bool
		err       string
	}{
		{
			name: "an event", want: "cirrus.lib.errors.InvalidInput: bad", ok: true,
			exchanges: []exchange{{first, 200, `{"events":[{"ingestionTime":2,"message":"cirrus.lib.errors.InvalidInput: bad","timestamp":1}],"nextBackwardToken":"b/1","nextForwardToken":"f/1"}`}},
		},
		{
			name: "an empty page first", want: "late", ok: true,
			exchanges: []exchange{
				{first, 200, `{"events":[],"nextBackwardToken":"b/1","nextForwardToken":"f/1"}`},
				{second, 200, `{"events":[{"ingestionTime":2,"message":"late","timestamp":1}],"nextBackwardToken":"b/2","nextForwardToken":"f/1"}`},
			},
		},
		{
			name: "nothing",
			exchanges: []exchange{
				{first, 200, `{"events":[],"nextBackwardToken":"b/1","nextForwardToken":"f/1"}`},
				{second, 200, `{"events":[],"nextBackwardToken":"b/1","nextForwardToken":"f/1"}`},
			},
		},
		{name: "no stream", exchanges: []exchange{{first, 400, `{"__type":"ResourceNotFoundException","message":"The specified log stream does not exist."}`}}},
		{
			name: "denied", err: "job/default/x of /aws/batch/job",
			exchanges: []exchange{{first, 400, `{"__type":"AccessDeniedException","message":"not authorized to perform: logs:GetLogEvents"}`}},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			line, ok, err := group(t, c.exchanges...).LastLine(t.Context(), "job/default/x")
			if line != c.want || ok != c.ok || (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
				t.Errorf("%q, %v, %v", line, ok, err)
			}
		})
	}
}
