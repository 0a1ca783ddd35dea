package egress_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"sundog/internal/egress"
)

func get(t *testing.T, url string) (*http.Response, error) {
	t.Helper()
	transport := egress.NewTransport(1)
	t.Cleanup(transport.CloseIdleConnections)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := egress.NewClient(transport).Do(req)
	if err == nil {
		t.Cleanup(func() { _ = resp.Body.Close() })
	}
	return resp, err
}

func TestMetadataAddressesAreRefused(t *testing.T) {
	for _, host := range []string{
		"169.254.169.254", "169.254.0.1:8080", "[::ffff:169.254.169.254]", "[fe80::1]", "[fd00:ec2::254]", "224.0.0.1", "[ff02::1]",
	} {
		if _, err := get(t, "http://"+host+"/"); err == nil || !strings.Contains(err.Error(), "link-local or metadata address") {
			t.Errorf("%s: %v", host, err)
		}
	}
}

func TestRedirectsAreAnswers(t *testing.T) {
	server := httptest.NewServer(http.RedirectHandler("http://169.254.169.254/", http.StatusTemporaryRedirect))
	t.Cleanup(server.Close)
	resp, err := get(t, server.URL)
	if err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode != http.StatusTemporaryRedirect {
		t.Errorf("the answer is %s", resp.Status)
	}
}
