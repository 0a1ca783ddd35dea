package trigger

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"sundog/internal/embedded/topic"
)

// A called target is somebody else's, or may fail for a while.
type called interface {
	// call gives it an input under a name that is the same in every attempt.
	call(ctx context.Context, name string, attempt int, input []byte) error
}

// Functions calls functions.
type Functions interface {
	// Invoke calls a function by name and waits until it has succeeded or failed.
	Invoke(ctx context.Context, function string, event []byte) error
}

// function calls a function of the project, which has a time-out of its own.
type function struct {
	functions Functions
	name      string
}

func (f function) call(ctx context.Context, _ string, _ int, input []byte) error {
	if err := f.functions.Invoke(ctx, f.name, input); err != nil {
		return fmt.Errorf("function %s: %w", f.name, err)
	}
	return nil
}

// HeaderTrigger is the header of a webhook request that names the trigger. The others are those of topic.Webhook, as far as there is something to say.
const HeaderTrigger = "Sundog-Trigger"

const (
	webhookTime = 30 * time.Second // of one request
	maxAnswer   = 64 << 10         // bytes of an answer that are read, so that the connection can be used again
)

// webhook posts to an HTTP endpoint.
type webhook struct {
	client  *http.Client
	trigger string
	url     string
	secret  string
	now     func() time.Time
}

func (w webhook) call(ctx context.Context, name string, attempt int, input []byte) error {
	ctx, cancel := context.WithTimeout(ctx, webhookTime)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, w.url, bytes.NewReader(input))
	if err != nil {
		return errors.New("making a request of the webhook's URL") // which may hold a secret
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "sundog")
	req.Header.Set(HeaderTrigger, w.trigger)
	req.Header.Set(topic.HeaderMessageID, name)
	req.Header.Set(topic.HeaderAttempt, strconv.Itoa(attempt))
	if w.secret != "" {
		req.Header.Set(topic.HeaderSignature, topic.Sign([]byte(w.secret), w.now(), input))
	}
	resp, err := w.client.Do(req)
	if err != nil {
		if failed, ok := errors.AsType[*url.Error](err); ok {
			err = failed.Err // without the URL, which may hold a secret
		}
		return fmt.Errorf("posting to the webhook: %w", err)
	}
	_, read := io.Copy(io.Discard, io.LimitReader(resp.Body, maxAnswer))
	read = errors.Join(read, resp.Body.Close())
	if resp.StatusCode < 200 || resp.StatusCode >= 300 {
		return errors.Join(fmt.Errorf("the webhook answered %d", resp.StatusCode), read)
	}
	return nil // however the answer ended
}
