package topic

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"sundog/internal/egress"
	"sundog/internal/topic"
	"sundog/internal/trace"
)

// Webhook is an HTTP endpoint. Each message is a POST of its body, with these headers:
//
//	Sundog-Message-Id     the message's id, the same in every attempt
//	Sundog-Topic          the topic
//	Sundog-Subscription   the subscription
//	Sundog-Attempt        1 for the first
//	Sundog-Timestamp      when the message was published (RFC 3339)
//	Sundog-Subject        its subject, when it has one
//	Sundog-Attributes     its attributes, as JSON in ASCII, when it has any
//	traceparent           where the delivery stands in its trace (W3C Trace Context), when there is one
//	Sundog-Signature      t=<unix seconds>,v1=<hexadecimal HMAC-SHA256 of "<t>.<body>" with Secret>, when there is a secret
//
// An answer of 2xx ends the delivery. Any other, a redirect included, is a failure; its Retry-After is kept to.
type Webhook struct {
	URL    string // http or https
	Secret string // empty: requests are not signed
}

// Headers of a webhook request.
const (
	HeaderMessageID    = "Sundog-Message-Id"
	HeaderTopic        = "Sundog-Topic"
	HeaderSubscription = "Sundog-Subscription"
	HeaderAttempt      = "Sundog-Attempt"
	HeaderTimestamp    = "Sundog-Timestamp"
	HeaderSubject      = "Sundog-Subject"
	HeaderAttributes   = "Sundog-Attributes"
	HeaderSignature    = "Sundog-Signature"
)

const (
	maxAnswer  = 64 << 10 // bytes that are read, so that the connection can be used again
	maxExcerpt = 200      // bytes of a failure's answer that go into the reason
)

func newWebhook(s *subscription) (target, error) {
	u, err := url.Parse(s.Webhook.URL)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return nil, errors.New("a webhook needs a URL that begins with http:// or https://") // which may hold a secret
	}
	client := egress.NewClient(s.topics.opts.Transport)
	return &attempts{s, trace.Client, func(ctx context.Context, m topic.Message, attempt int) error {
		req, err := s.webhookRequest(ctx, m, attempt)
		if err != nil {
			return err
		}
		return post(client, req, s.topics.opts.Now)
	}}, nil
}

func (s *subscription) webhookRequest(ctx context.Context, m topic.Message, attempt int) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.Webhook.URL, bytes.NewReader(m.Body))
	if err != nil {
		return nil, errors.New("making a request of the webhook's URL") // which may hold a secret
	}
	h := req.Header
	h.Set("Content-Type", "application/octet-stream")
	if json.Valid(m.Body) {
		h.Set("Content-Type", "application/json")
	}
	h.Set("User-Agent", "sundog")
	h.Set(HeaderMessageID, m.ID)
	h.Set(HeaderTopic, m.Topic)
	h.Set(HeaderSubscription, s.Name)
	h.Set(HeaderAttempt, strconv.Itoa(attempt))
	h.Set(HeaderTimestamp, m.Time.Format(time.RFC3339Nano))
	if m.Subject != "" {
		h.Set(HeaderSubject, m.Subject)
	}
	if len(m.Attributes) > 0 {
		text, err := json.Marshal(m.Attributes)
		if err != nil {
			return nil, fmt.Errorf("writing the attributes: %w", err)
		}
		h.Set(HeaderAttributes, ascii(text))
	}
	if place := trace.From(ctx); !place.IsZero() {
		h.Set(trace.Header, place.String())
	}
	if s.Webhook.Secret != "" {
		h.Set(HeaderSignature, Sign([]byte(s.Webhook.Secret), s.topics.opts.Now(), m.Body))
	}
	return req, nil
}

// post makes the request; an error says why the delivery failed.
func post(client *http.Client, req *http.Request, now func() time.Time) error {
	resp, err := client.Do(req)
	if err != nil {
		if failed, ok := errors.AsType[*url.Error](err); ok {
			err = failed.Err // without the URL, which may hold a secret
		}
		return fmt.Errorf("posting to the webhook: %w", err)
	}
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	err = errors.Join(err, resp.Body.Close())
	if resp.StatusCode >= 200 && resp.StatusCode < 300 {
		return nil // however the answer ended
	}
	failure := fmt.Errorf("the webhook answered %d: %s", resp.StatusCode, excerpt(answer))
	if err != nil {
		failure = fmt.Errorf("the webhook answered %d: %w", resp.StatusCode, err)
	}
	if pause, ok := askedPause(resp.Header, now()); ok {
		return &retryAfter{failure, pause}
	}
	return failure
}

// askedPause reads the Retry-After header (RFC 9110, 10.2.3).
func askedPause(h http.Header, now time.Time) (time.Duration, bool) {
	value := h.Get("Retry-After")
	if seconds, err := strconv.ParseUint(value, 10, 31); err == nil {
		return time.Duration(seconds) * time.Second, true
	}
	at, err := http.ParseTime(value)
	return at.Sub(now), err == nil
}

// Sign returns the signature of a webhook request: receivers compute it from the t that the header names, and compare.
func Sign(secret []byte, now time.Time, body []byte) string {
	t := strconv.FormatInt(now.Unix(), 10)
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(t + "."))
	mac.Write(body)
	return "t=" + t + ",v1=" + hex.EncodeToString(mac.Sum(nil))
}

// ascii escapes what JSON may hold and a header may not.
func ascii(text []byte) string {
	var b strings.Builder
	for _, r := range string(text) {
		switch {
		case r < 0x7F:
			b.WriteRune(r)
		case r < 0x10000:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			r -= 0x10000
			fmt.Fprintf(&b, `\u%04x\u%04x`, 0xD800+r>>10, 0xDC00+r&0x3FF)
		}
	}
	return b.String()
}

func excerpt(answer []byte) string {
	text := strings.ToValidUTF8(string(answer[:min(len(answer), maxExcerpt)]), "")
	return strings.Join(strings.Fields(text), " ")
}
