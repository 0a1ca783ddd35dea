package schedule

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

	"sundog/internal/embedded/egress"
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

// request makes the HTTP request of a delivery. 2xx is success; 408, 429 and 5xx, and no answer, are worth another attempt, any other answer is
// not, and neither is an address that requests may not reach. A FIRE_FORGET request that was sent is done a second later.
func (s *Schedules) request(ctx context.Context, d delivery) outcome {
	action := d.Schedule.Action.HTTP
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
	req, err := d.request(limited)
	if err != nil {
		return outcome{failure: err, final: true}
	}
	resp, err := s.client.Do(req)
	if err != nil {
		cause := context.Cause(limited)
		if failed, ok := errors.AsType[*url.Error](err); ok {
			err = failed.Err // without the URL, which may hold a secret
		}
		switch {
		case errors.Is(cause, errForgotten):
			return outcome{}
		case cause != nil:
			err = cause
		}
		return outcome{failure: fmt.Errorf("requesting the URL: %w", err), final: errors.Is(err, egress.ErrRefused)}
	}
	answer, readErr := io.ReadAll(io.LimitReader(resp.Body, maxAnswer)) // however it ended: the status counts
	_ = resp.Body.Close()
	o := outcome{status: resp.StatusCode}
	if o.status >= 200 && o.status < 300 {
		return o
	}
	switch text := excerpt(answer); {
	case text != "":
		o.failure = fmt.Errorf("the URL answered %d: %s", o.status, text)
	case readErr == nil:
		o.failure = fmt.Errorf("the URL answered %d", o.status)
	default:
		o.failure = fmt.Errorf("the URL answered %d, and the rest did not come: %w", o.status, readErr)
	}
	again := o.status == http.StatusRequestTimeout || o.status == http.StatusTooManyRequests || o.status >= 500
	o.final = !again
	if again {
		o.asked = askedPause(resp.Header, s.opts.Now())
	}
	return o
}

// request makes the request of a delivery, with the headers and the payload of the context.
func (d delivery) request(ctx context.Context) (*http.Request, error) {
	action := d.Schedule.Action.HTTP
	method := action.Method
	if method == "" {
		method = http.MethodPost
	}
	var body io.Reader
	if payload := d.Schedule.Context.Payload; payload != "" {
		body = strings.NewReader(payload)
	}
	req, err := http.NewRequestWithContext(ctx, method, action.Target(d.Schedule.ID, d.Point), body)
	if err != nil {
		return nil, errors.New("making a request of the schedule's URL and method") // the URL may hold a secret
	}
	req.Header.Set("User-Agent", "sundog")
	for _, h := range d.Schedule.Context.Headers {
		if strings.EqualFold(h.Name, "Host") {
			req.Host = h.Value
			continue
		}
		req.Header.Add(h.Name, h.Value)
	}
	for _, h := range d.marks() {
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

// functionTime bounds a call of a function, beyond the function's own bound and the time it may wait for its turn.
const functionTime = time.Hour

// call calls the function of a delivery.
func (s *Schedules) call(ctx context.Context, d delivery) outcome {
	name := d.Schedule.Action.Lambda.Function
	event, err := d.functionEvent()
	if err != nil {
		return outcome{failure: err, final: true}
	}
	about, err := d.clientContext()
	if err != nil {
		return outcome{failure: err, final: true}
	}
	if s.opts.Functions == nil {
		return outcome{failure: errors.New("there are no functions here")}
	}
	ctx, cancel := context.WithTimeout(ctx, functionTime)
	defer cancel()
	if err := s.opts.Functions.Call(ctx, name, event, about); err != nil {
		return outcome{failure: fmt.Errorf("function %s: %w", name, err)}
	}
	return outcome{}
}
