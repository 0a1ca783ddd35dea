package egress_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"sundog/internal/egress"
)

func follow(t *testing.T, url string, header http.Header, allowed ...netip.Prefix) (*http.Response, error) {
	t.Helper()
	transport := egress.NewGuardedTransport(1, allowed)
	t.Cleanup(transport.CloseIdleConnections)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header = header
	resp, err := egress.NewFollower(transport, "Kept").Do(req)
	if err == nil {
		t.Cleanup(func() { _ = resp.Body.Close() })
	}
	return resp, err
}

func TestOwnAddressesAreRefused(t *testing.T) {
	for host, want := range map[string]string{
		"127.0.0.1":                "address of this machine",
		"127.8.8.8:8080":           "address of this machine",
		"[::1]":                    "address of this machine",
		"0.0.0.0":                  "address of this machine",
		"[::ffff:127.0.0.1]":       "address of this machine",
		"169.254.169.254":          "metadata address",
		"[fd00:ec2::254]":          "metadata address",
		"[::ffff:169.254.169.254]": "metadata address",
	} {
		if _, err := follow(t, "http://"+host+"/", nil); !errors.Is(err, egress.ErrRefused) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", host, err)
		}
	}
}

func TestRedirects(t *testing.T) {
	var got http.Header
	other := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = r.Header }))
	t.Cleanup(other.Close)
	mux := http.NewServeMux()
	mux.Handle("/metadata", http.RedirectHandler("http://169.254.169.254/", http.StatusFound))
	mux.Handle("/loop", http.RedirectHandler("/loop", http.StatusFound))
	mux.Handle("/file", http.RedirectHandler("file:///etc/passwd", http.StatusFound))
	mux.Handle("/away", http.RedirectHandler(other.URL, http.StatusFound))
	mux.Handle("/here", http.RedirectHandler("/headers", http.StatusFound))
	mux.HandleFunc("/headers", func(_ http.ResponseWriter, r *http.Request) { got = r.Header })
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	here := netip.MustParsePrefix("127.0.0.0/8")
	for path, want := range map[string]string{"/metadata": "metadata address", "/loop": "10 redirects", "/file": "no HTTP"} {
		if _, err := follow(t, server.URL+path, nil, here); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", path, err)
		}
	}
	for path, secret := range map[string]string{"/away": "", "/here": "s"} {
		if _, err := follow(t, server.URL+path, http.Header{"X-Key": {"s"}, "Kept": {"k"}}, here); err != nil {
			t.Fatal(err)
		}
		if got.Get("X-Key") != secret || got.Get("Kept") != "k" {
			t.Errorf("%s: the headers that arrived are %v", path, got)
		}
	}
}
