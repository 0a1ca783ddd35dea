// Package errand makes the HTTP request of a schedule that has fired, and says what came of it. It makes one attempt; whether there is another is
// for the platform to say.
//
// # Promises
//
//   - A status of 2xx is success. 408, 429 and 5xx, and no answer, are worth another attempt. Any other answer is not, and neither is an address
//     that requests may not reach.
//   - An attempt takes no longer than the action says, and reads no more of an answer than connections are worth.
//   - No error has the URL, which may hold a secret.
package errand

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strconv"
	"strings"
	"time"

	"sundog/internal/egress"
	"sundog/internal/schedule"
)

const (
	defaultTimeout = 30 * time.Second
	forgetAfter    = time.Second // after a request was sent that nobody waits for
	maxAnswer      = 64 << 10    // bytes that are read, so that the connection can be used again
	maxExcerpt     = 200         // bytes of a failure's answer that go into the reason
)

// errForgotten is why nobody waits any longer for the answer to a request that was sent.
var errForgotten = errors.New("nobody waits for the answer")

// Outcome is how an attempt ended.
type Outcome struct {
	Failure error         // nil: it was delivered
	Status  int           // of HTTP, 0 without one
	Final   bool          // another attempt cannot help
	Asked   time.Duration // how long the receiver wants to be left alone; 0 when it did not say
}

// NewClient returns a client for requests of schedules. It follows redirects, and keeps the headers that tell deliveries apart.
func NewClient(transport http.RoundTripper) *http.Client {
	return egress.NewFollower(transport, schedule.HeaderID, schedule.HeaderAttempt, schedule.HeaderFor)
}

// Run makes the request of a delivery, whose action is an HTTPAction. A FIRE_FORGET request that was sent is done a second later. now is for a
// receiver that says until when it wants to be left alone.
func Run(ctx context.Context, client *http.Client, d schedule.Delivery, now func() time.Time) Outcome {
	action := d.Action.HTTP
	timeout := defaultTimeout
	if action.TimeoutSeconds > 0 {
		timeout = time.Duration(action.TimeoutSeconds) * time.Second
	}
	limited, cancel := context.WithTimeoutCause(ctx, timeout, fmt.Errorf("no answer within %v", timeout))
	defer cancel()
	limited, forget := context.WithCancelCause(limited)
	defer forget(nil)
	if action.RequestType == schedule.FireForget {
		limited = httptrace.WithClientTrace(limited, &httptrace.ClientTrace{WroteRequest: func(w httptrace.WroteRequestInfo) {
			if w.Err == nil {
				timer := time.AfterFunc(forgetAfter, func() { forget(errForgotten) })
				context.AfterFunc(limited, func() { timer.Stop() })
			}
		}})
	}
	req, err := request(limited, d)
	if err != nil {
		return Outcome{Failure: err, Final: true}
	}
	resp, err := client.Do(req)
	if err != nil {
		return unanswered(err, context.Cause(limited))
	}
	answer, readErr := io.ReadAll(io.LimitReader(resp.Body, maxAnswer)) // however it ended: the status counts
	_ = resp.Body.Close()
	o := Outcome{Status: resp.StatusCode}
	if o.Status >= 200 && o.Status < 300 {
		return o
	}
	switch text := excerpt(answer); {
	case text != "":
		o.Failure = fmt.Errorf("the URL answered %d: %s", o.Status, text)
	case readErr == nil:
		o.Failure = fmt.Errorf("the URL answered %d", o.Status)
	default:
		o.Failure = fmt.Errorf("the URL answered %d, and the rest did not come: %w", o.Status, readErr)
	}
	again := o.Status == http.StatusRequestTimeout || o.Status == http.StatusTooManyRequests || o.Status >= 500
	o.Final = !again
	if again {
		o.Asked = askedPause(resp.Header, now())
	}
	return o
}

// unanswered is the outcome of a request without an answer. cause is why its context ended, or nil.
func unanswered(err, cause error) Outcome {
	if failed, ok := errors.AsType[*url.Error](err); ok {
		err = failed.Err // without the URL
	}
	switch {
	case errors.Is(cause, errForgotten):
		return Outcome{}
	case cause != nil:
		err = cause
	}
	return Outcome{Failure: fmt.Errorf("requesting the URL: %w", err), Final: errors.Is(err, egress.ErrRefused)}
}

// request makes the request of a delivery, with the headers and the payload of the context.
func request(ctx context.Context, d schedule.Delivery) (*http.Request, error) {
	action := d.Action.HTTP
	method := action.Method
	if method == "" {
		method = http.MethodPost
	}
	var body io.Reader
	if payload := d.Context.Payload; payload != "" {
		body = strings.NewReader(payload)
	}
	req, err := http.NewRequestWithContext(ctx, method, action.Target(d.ID, d.Point), body)
	if err != nil {
		return nil, errors.New("making a request of the schedule's URL and method")
	}
	req.Header.Set("User-Agent", "sundog")
	for _, h := range d.Context.Headers {
		if strings.EqualFold(h.Name, "Host") {
			req.Host = h.Value
			continue
		}
		req.Header.Add(h.Name, h.Value)
	}
	for _, h := range d.Marks() {
		req.Header.Set(h.Name, h.Value)
	}
	return req, nil
}

// askedPause reads the Retry-After header (RFC 9110, 10.2.3); 0 when there is none.
func askedPause(h http.Header, now time.Time) time.Duration {
	value := h.Get("Retry-After")
	if seconds, err := strconv.ParseUint(value, 10, 31); err == nil {
		return time.Duration(seconds) * time.Second
	}
	at, err := http.ParseTime(value)
	if err != nil {
		return 0
	}
	return max(0, at.Sub(now))
}

func excerpt(answer []byte) string {
	text := strings.ToValidUTF8(string(answer[:min(len(answer), maxExcerpt)]), "")
	return strings.Join(strings.Fields(text), " ")
}
