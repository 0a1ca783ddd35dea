package egress

import (
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"syscall"
)

// NewGuardedTransport returns a transport for URLs that whoever may call the API can choose: beside link-local and metadata addresses it refuses
// this machine's own (loopback, and the unspecified address, which leads there). Addresses in allowed are not refused, whatever they are.
func NewGuardedTransport(idlePerHost int, allowed []netip.Prefix) *http.Transport {
	return newTransport(idlePerHost, func(network, address string, conn syscall.RawConn) error {
		ap, err := netip.ParseAddrPort(address)
		if err != nil {
			return fmt.Errorf("dialling %s: %w", address, err)
		}
		a := ap.Addr().Unmap().WithZone("")
		for _, prefix := range allowed {
			if prefix.Contains(a) {
				return nil
			}
		}
		if a.IsLoopback() || a.IsUnspecified() {
			return fmt.Errorf("%w: %s is an address of this machine, which requests of schedules may reach only where egress allows it", ErrRefused, a)
		}
		return refuseMetadata(network, address, conn)
	})
}

// maxRedirects is how many redirects a follower's request goes through.
const maxRedirects = 10

// NewFollower returns a client that follows up to 10 redirects over HTTP. Headers other than those in keep stay with the host that they were
// meant for.
func NewFollower(transport http.RoundTripper, keep ...string) *http.Client {
	return &http.Client{Transport: transport, CheckRedirect: func(req *http.Request, via []*http.Request) error {
		if len(via) > maxRedirects {
			return fmt.Errorf("stopped after %d redirects", maxRedirects)
		}
		if req.URL.Scheme != "http" && req.URL.Scheme != "https" {
			return errors.New("the answer redirects to something that is no HTTP")
		}
		if req.URL.Host == via[0].URL.Host && req.URL.Scheme == via[0].URL.Scheme {
			return nil
		}
		kept := http.Header{}
		for _, name := range append([]string{"Content-Type", "User-Agent"}, keep...) {
			if values := req.Header.Values(name); len(values) > 0 {
				kept[http.CanonicalHeaderKey(name)] = values
			}
		}
		req.Header = kept
		return nil
	}}
}
