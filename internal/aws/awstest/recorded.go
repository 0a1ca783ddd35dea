package awstest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/google/go-cmp/cmp"
)

// exchange is a request that is expected, and the answer to it, written by the API reference of the service.
type exchange struct {
	// Operation is as X-Amz-Target has it, Logs_20140328.PutLogEvents, or as the path has it in the protocol with CBOR,
	// GraniteServiceVersion20100801.GetMetricData.
	Operation string `json:"operation"`
	// Request is the whole document. A string like "<stream>" stands for any other, which is the same wherever this one stands.
	Request json.RawMessage `json:"request"`
	Status  int             `json:"status"` // 200 when zero
	// Error is the code of an error; the answer then has its message.
	Error    string          `json:"error"`
	Response json.RawMessage `json:"response"`
}

// Recorded plays services that have no stand-in from recorded documents: a JSON file with a list of exchanges. The requests of the test have to be these, in
// this order, and all of them. The configuration it returns tries nothing twice.
func Recorded(t testing.TB, file string) aws.Config {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	p := &player{t: t, bound: map[string]string{}}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&p.expected); err != nil {
		t.Fatalf("reading %s: %v", file, err)
	}
	server := httptest.NewServer(p)
	t.Cleanup(func() {
		server.Close()
		if p.mu.Lock(); len(p.expected) > 0 {
			t.Errorf("%d requests of %s were not made, the first is %s", len(p.expected), file, p.expected[0].Operation)
		}
		p.mu.Unlock()
	})
	return aws.Config{
		Region: Region, Credentials: credentials.NewStaticCredentialsProvider("sundog", "secret", ""), BaseEndpoint: &server.URL,
		Retryer: func() aws.Retryer { return aws.NopRetryer{} },
	}
}

// player answers requests with what is recorded.
type player struct {
	t testing.TB

	mu       sync.Mutex
	expected []exchange
	bound    map[string]string // what placeholders stand for
}

var rpcPath = regexp.MustCompile(`^/service/(\w+)/operation/(\w+)$`)

// ServeHTTP compares a request with the next one that is expected.
func (p *player) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		p.t.Errorf("reading a request: %v", err)
	}
	form, operation := codec(jsonForm{}), r.Header.Get("X-Amz-Target")
	if m := rpcPath.FindStringSubmatch(r.URL.Path); m != nil {
		form, operation = cborForm{}, m[1]+"."+m[2]
		w.Header().Set("Smithy-Protocol", "rpc-v2-cbor")
	}
	w.Header().Set("Content-Type", r.Header.Get("Content-Type"))
	if len(p.expected) == 0 {
		p.t.Errorf("a request of %s that is not recorded: %q", operation, body)
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	next := p.expected[0]
	p.expected = p.expected[1:]
	got, err := form.decode(body)
	if err != nil {
		p.t.Errorf("%s: %v", operation, err)
	}
	want, err := parse(next.Request)
	if err != nil {
		p.t.Errorf("the recorded request of %s: %v", next.Operation, err)
	}
	if diff := cmp.Diff(map[string]any{next.Operation: want}, map[string]any{operation: p.bind(want, got)}); diff != "" {
		p.t.Errorf("another request than is recorded (-recorded +made):\n%s", diff)
	}
	answer, err := form.encode(next)
	if err != nil {
		p.t.Errorf("the recorded answer of %s: %v", next.Operation, err)
	}
	w.WriteHeader(next.status())
	_, _ = w.Write(answer) // who has gone does not read it
}

func (e exchange) status() int {
	switch {
	case e.Status != 0:
		return e.Status
	case e.Error != "":
		return http.StatusBadRequest
	}
	return http.StatusOK
}

// bind puts the placeholders of what is recorded into what has come, where it holds what they stand for.
func (p *player) bind(want, got any) any {
	switch w := want.(type) {
	case string:
		g, ok := got.(string)
		if !ok || !strings.HasPrefix(w, "<") || !strings.HasSuffix(w, ">") {
			return got
		}
		if bound, ok := p.bound[w]; ok && bound != g {
			return fmt.Sprintf("%s, while %s is %s", g, w, bound)
		}
		p.bound[w] = g
		return w
	case map[string]any:
		if g, ok := got.(map[string]any); ok {
			bound := make(map[string]any, len(g))
			for name, value := range g {
				bound[name] = p.bind(w[name], value)
			}
			return bound
		}
	case []any:
		if g, ok := got.([]any); ok && len(g) == len(w) {
			bound := make([]any, len(g))
			for i := range g {
				bound[i] = p.bind(w[i], g[i])
			}
			return bound
		}
	}
	return got
}

// parse reads JSON with its numbers as they are written.
func parse(text []byte) (v any, err error) {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	return v, decoder.Decode(&v)
}
