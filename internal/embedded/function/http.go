package function

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"syscall"
	"time"
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
		dialer := &net.Dialer{Timeout: 10 * time.Second, Control: refuseLinkLocal}
		p.own = &http.Transport{
			DialContext:            dialer.DialContext,
			TLSHandshakeTimeout:    10 * time.Second,
			MaxIdleConnsPerHost:    s.Concurrency,
			IdleConnTimeout:        90 * time.Second,
			MaxResponseHeaderBytes: 64 << 10,
		}
		transport = p.own
	}
	p.client = &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse // a redirect would turn the POST into a GET somewhere else
	}}
	return p
}

// refuseLinkLocal looks at addresses when they are dialled, after names have been resolved.
func refuseLinkLocal(_, address string, _ syscall.RawConn) error {
	ap, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("function: dialling %s: %w", address, err)
	}
	// fd00:ec2::254 is where EC2 serves metadata over IPv6.
	if a := ap.Addr().Unmap(); a.IsLinkLocalUnicast() || a.IsLinkLocalMulticast() || a == netip.MustParseAddr("fd00:ec2::254") {
		return fmt.Errorf("function: %s is a link-local or metadata address, which functions may not reach", a)
	}
	return nil
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
