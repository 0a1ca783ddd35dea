package e2e

import (
	"context"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"sundog/internal/api"
	"sundog/internal/embedded/telemetry/telemetrytest"
	"sundog/internal/trace"
)

const traceProject = `
name: traced
workflows:
  first: { definition: echo.asl.json }
  second: { definition: echo.asl.json }
functions:
  echo: { type: builtin, builtin: echo }
subscriptions:
  - { name: catalog, topic: publish, webhook: { url: "WEBHOOK" } }
`

// received are the places in traces that a webhook was called with.
type received struct {
	mu     sync.Mutex
	places []string
}

func (r *received) ServeHTTP(_ http.ResponseWriter, req *http.Request) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.places = append(r.places, req.Header.Get(trace.Header))
}

func (r *received) all() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.places)
}

// TestTrace follows a payload whose sender has begun a trace, over a restart of the server, to the webhook that gets its Item, and the payload
// that is chained to it.
func TestTrace(t *testing.T) {
	collector := telemetrytest.New(t)
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.URL)
	hook := &received{}
	receiver := httptest.NewServer(hook)
	t.Cleanup(receiver.Close)
	s := newServer(t, map[string]string{"sundog.yaml": strings.ReplaceAll(traceProject, "WEBHOOK", receiver.URL), "echo.asl.json": echoWorkflow})
	s.start()
	const sender, span = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
	req, err := http.NewRequestWithContext(context.Background(), http.MethodPost, s.url+api.PathPayloads,
		strings.NewReader(payloadOf("i", `{"workflow":"first"},{"workflow":"second"}`, "")))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set(trace.Header, "00-"+sender+"-"+span+"-01")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	if err := resp.Body.Close(); err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s, %v", resp.Status, err)
	}
	s.stop() // wherever the payload has come by now
	s.start()
	s.until(30*time.Second, "both Items are delivered", func() bool { return len(hook.all()) >= 2 })
	s.drain(30 * time.Second)
	s.stop() // which sends what has ended

	spans := map[string]telemetrytest.Span{} // of the sender's trace, by id
	var chained []telemetrytest.Span
	for _, s := range collector.Spans() {
		switch {
		case s.Service != "traced" || s.Error != "":
			t.Errorf("span %+v", s)
		case s.Trace == sender:
			spans[s.Self] = s
		default:
			chained = append(chained, s)
		}
	}
	// From the webhook back to the sender, by parents.
	want := []string{"publish catalog", "update-state", "execution first", "process", "submit"}
	place, err := trace.Parse(hook.all()[0])
	if err != nil {
		t.Fatalf("the webhook got %q: %v", hook.all(), err)
	}
	at := strings.Split(place.String(), "-")[2]
	for _, name := range want {
		found, ok := spans[at]
		if !ok || found.Name != name {
			t.Fatalf("span %s is %+v, want %q; there are %+v", at, found, name, spans)
		}
		if id := found.Attributes[trace.PayloadID]; id != "" && id != "c/workflow-first/i" {
			t.Errorf("%s is about %q", name, id)
		}
		at = found.Parent
	}
	if at != span {
		t.Errorf("the first span is below %s", at)
	}
	tasks := 0
	for _, s := range spans {
		if s.Name == "task Echo" && spans[s.Parent].Name == "execution first" {
			tasks++
		}
	}
	if tasks == 0 {
		t.Errorf("no task among %+v", spans)
	}
	checkChained(t, chained, spans)
}

// checkChained expects the trace of the chained payload, which begins with a link to the update-state that sent it.
func checkChained(t *testing.T, chained []telemetrytest.Span, before map[string]telemetrytest.Span) {
	t.Helper()
	var names, traces []string
	for _, s := range chained {
		names, traces = append(names, s.Name), append(traces, s.Trace)
		if s.Name != "chain" {
			continue
		}
		if len(s.Links) != 1 || s.Parent != "" {
			t.Errorf("chain: %+v", s)
			continue
		}
		if _, id, _ := strings.Cut(s.Links[0], " "); before[id].Name != "update-state" {
			t.Errorf("chain has a link to %+v", before[id])
		}
	}
	slices.Sort(traces)
	if traces = slices.Compact(traces); len(traces) != 1 {
		t.Errorf("the chained payload is in the traces %v", traces)
	}
	for _, want := range []string{"chain", "process", "execution second", "task Echo", "update-state", "publish catalog"} {
		if !slices.Contains(names, want) {
			t.Errorf("no %q among %v", want, names)
		}
	}
}
