package errand_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"sundog/internal/errand"
	"sundog/internal/schedule"
)

// transport answers requests in the process.
type transport func(*http.Request) (*http.Response, error)

func (t transport) RoundTrip(r *http.Request) (*http.Response, error) { return t(r) }

func answer(status int, header, body string) transport {
	return func(*http.Request) (*http.Response, error) {
		h := http.Header{}
		if header != "" {
			h.Set("Retry-After", header)
		}
		return &http.Response{StatusCode: status, Header: h, Body: io.NopCloser(strings.NewReader(body))}, nil
	}
}

func delivery(seconds int) schedule.Delivery {
	return schedule.Delivery{
		ID: "a", Point: time.Unix(1772355600, 0), Attempt: 2, Action: schedule.Action{HTTP: &schedule.HTTPRequest{URL: "http://example.com/secret", TimeoutSeconds: seconds}},
	}
}

func TestOutcomes(t *testing.T) {
	now := time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		transport transport
		want      errand.Outcome // the failure apart
		failure   string
	}{
		"success":                    {answer(204, "", ""), errand.Outcome{Status: 204}, ""},
		"an error of the receiver":   {answer(500, "", " no \n ship "), errand.Outcome{Status: 500}, "the URL answered 500: no ship"},
		"too many":                   {answer(429, "7", ""), errand.Outcome{Status: 429, Asked: 7 * time.Second}, "the URL answered 429"},
		"until a date":               {answer(503, "Sun, 01 Mar 2026 09:01:00 GMT", ""), errand.Outcome{Status: 503, Asked: time.Minute}, "the URL answered 503"},
		"a date that has passed":     {answer(503, "Sun, 01 Mar 2026 08:00:00 GMT", ""), errand.Outcome{Status: 503}, "the URL answered 503"},
		"another time may not help":  {answer(404, "7", ""), errand.Outcome{Status: 404, Final: true}, "the URL answered 404"},
		"a long answer":              {answer(400, "", strings.Repeat("x", 1<<20)), errand.Outcome{Status: 400, Final: true}, "the URL answered 400: " + strings.Repeat("x", 200)},
		"no answer":                  {func(*http.Request) (*http.Response, error) { return nil, errors.New("reset") }, errand.Outcome{}, "requesting the URL: reset"},
		"no answer for a long while": {hangs, errand.Outcome{}, "requesting the URL: no answer within 3s"},
	} {
		synctest.Test(t, func(t *testing.T) {
			began := time.Now()
			got := errand.Run(t.Context(), errand.NewClient(c.transport), delivery(3), func() time.Time { return now })
			failure := got.Failure
			got.Failure = nil
			if got != c.want || (failure == nil) != (c.failure == "") || failure != nil && failure.Error() != c.failure {
				t.Errorf("%s: %+v, %v, want %+v, %s", name, got, failure, c.want, c.failure)
			}
			if took := time.Since(began); took != 0 && took != 3*time.Second {
				t.Errorf("%s took %v", name, took)
			}
		})
	}
}

func hangs(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, context.Cause(r.Context())
}

func TestRequest(t *testing.T) {
	var got *http.Request
	client := errand.NewClient(transport(func(r *http.Request) (*http.Response, error) {
		got = r
		return answer(200, "", "")(r)
	}))
	d := delivery(0)
	d.Context = schedule.Context{Payload: "text", Headers: []schedule.Header{{Name: "host", Value: "other.example"}, {Name: "X-A", Value: "1"}, {Name: "X-A", Value: "2"}, {Name: "Sundog-Attempt", Value: "9"}}}
	if o := errand.Run(t.Context(), client, d, time.Now); o.Failure != nil {
		t.Fatal(o.Failure)
	}
	body, err := io.ReadAll(got.Body)
	if err != nil || got.Method != http.MethodPost || got.Host != "other.example" || got.URL.String() != "http://example.com/secret" || string(body) != "text" ||
		strings.Join(got.Header.Values("X-A"), " ") != "1 2" || got.Header.Get("Sundog-Attempt") != "2" || got.Header.Get("Sundog-Schedule-Id") != "a" ||
		got.Header.Get("Sundog-Scheduled-For") != "2026-03-01T09:00:00Z" {
		t.Errorf("%s %s %s %v %q, %v", got.Method, got.Host, got.URL, got.Header, body, err)
	}
}
