// Package egress makes the HTTP requests that a project asks for: calls of functions, webhooks, and requests of schedules.
//
// # Promises
//
//   - A request goes to the address that its URL names, through no proxy, and no answer can send it elsewhere: redirects are answers. Only
//     NewFollower's clients follow them, and every address on the way is looked at.
//   - Link-local and metadata addresses, where clouds hand out credentials, are refused when they are dialled, whatever name led
//     there.
//   - Connecting and header lines are bounded. The time of a whole request is the caller's to bound, by its context, and so is the body
//     of an answer.
package egress

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"syscall"
	"time"
)

// ErrRefused is why a request is not made to an address. It will be refused again.
var ErrRefused = errors.New("refused")

const (
	connectTime = 10 * time.Second // to connect, and again to agree on TLS
	idleTime    = 90 * time.Second
	maxHeader   = 64 << 10
)

// NewTransport returns a transport that keeps up to idlePerHost unused connections to a host.
func NewTransport(idlePerHost int) *http.Transport { return newTransport(idlePerHost, refuseMetadata) }

func newTransport(idlePerHost int, control func(_, address string, _ syscall.RawConn) error) *http.Transport {
	dialer := &net.Dialer{Timeout: connectTime, Control: control}
	return &http.Transport{
		DialContext:            dialer.DialContext,
		TLSHandshakeTimeout:    connectTime,
		MaxIdleConnsPerHost:    idlePerHost,
		IdleConnTimeout:        idleTime,
		MaxResponseHeaderBytes: maxHeader,
		ForceAttemptHTTP2:      true,
	}
}

// NewClient returns a client that takes a redirect for an answer: following it would make another request of it, somewhere else.
func NewClient(transport http.RoundTripper) *http.Client {
	return &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse
	}}
}

// refuseMetadata looks at addresses when they are dialled, after names have been resolved.
func refuseMetadata(_, address string, _ syscall.RawConn) error {
	ap, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("dialling %s: %w", address, err)
	}
	// fd00:ec2::254 is where EC2 serves metadata over IPv6.
	if a := ap.Addr().Unmap(); a.IsLinkLocalUnicast() || a.IsLinkLocalMulticast() || a.WithZone("") == netip.MustParseAddr("fd00:ec2::254") {
		return fmt.Errorf("%w: %s is a link-local or metadata address, which requests may not reach", ErrRefused, a)
	}
	return nil
}
