package function

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"

	"sundog/internal/egress"
	"sundog/internal/trace"
)

// poster posts events to a URL.
type poster struct {
	spec   *Spec
	gate   *gate
	client *http.Client
	own    *http.Transport // nil when the transport is the caller's
}

func newPoster(h *Host, s *Spec) *poster {
	p := &poster{spec: s, gate: newGate(s, h.opts.MaxWaiting)}
	transport := h.opts.Transport
	if transport == nil {
		p.own = egress.NewTransport(s.Concurrency)
		transport = p.own
	}
	p.client = egress.NewClient(transport)
	return p
}

func (p *poster) run(ctx context.Context, c *call) (outcome, error) {
	if err := p.gate.enter(ctx, c); err != nil {
		return outcome{}, err
	}
	defer p.gate.leave()
	inner, cancel := context.WithTimeoutCause(ctx, p.spec.Timeout, errTimedOut)
	defer cancel()
	status, body, err := p.post(inner, c)
	switch {
	case err != nil && ctx.Err() != nil:
		return outcome{}, fmt.Errorf("function: %s was given up: %w", p.spec.Name, context.Cause(ctx))
	case err != nil && inner.Err() != nil:
		return timedOut(c.id, p.spec.Timeout), nil
	case err != nil:
		return failure(ErrorHTTPSocket, c.id, "%v", err), nil
	case len(body) > p.spec.MaxResponse:
		return tooLarge(p.spec.MaxResponse), nil
	case status >= 200 && status < 300:
		return p.spec.response(c.id, bytes.TrimSpace(body)), nil
	}
	own := outcome{payload: bytes.TrimSpace(body), failed: true}
	if own.err().Type != ErrorUnknown {
		return own, nil
	}
	return report(ErrorHTTPStatus+strconv.Itoa(status), excerpt(body)), nil
}

func (p *poster) post(ctx context.Context, c *call) (status int, body []byte, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.spec.URL, bytes.NewReader(c.payload))
	if err != nil {
		return 0, nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Sundog-Request-Id", c.id)
	if c.traceID != "" {
		req.Header.Set("X-Amzn-Trace-Id", c.traceID)
	}
	if place := trace.From(ctx); !place.IsZero() {
		req.Header.Set(trace.Header, place.String())
	}
	resp, err := p.client.Do(req)
	if err != nil {
		return 0, nil, err
	}
	body, err = io.ReadAll(io.LimitReader(resp.Body, int64(p.spec.MaxResponse)+1))
	return resp.StatusCode, body, errors.Join(err, resp.Body.Close())
}

func (p *poster) load() (running, waiting, processes int) {
	running, waiting = p.gate.load()
	return running, waiting, 0
}

func (p *poster) close() {
	if p.own != nil {
		p.own.CloseIdleConnections()
	}
}
