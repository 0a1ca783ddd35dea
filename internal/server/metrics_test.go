package server_test

import (
	"bufio"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"sundog/internal/api"
)

// scrape reads the metrics: by name and labels, as Prometheus' text format has them.
func (r *running) scrape() map[string]float64 {
	r.t.Helper()
	resp := r.get(r.t.Context(), api.PathMetrics, nil)
	if resp.StatusCode != http.StatusOK {
		r.t.Fatal(resp.Status)
	}
	found := map[string]float64{}
	for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
		line := lines.Text()
		at := strings.LastIndexByte(line, ' ')
		if strings.HasPrefix(line, "#") || at < 0 {
			continue
		}
		value, err := strconv.ParseFloat(line[at+1:], 64)
		if err != nil {
			r.t.Errorf("%q: %v", line, err)
		}
		found[line[:at]] = value
	}
	return found
}

func TestMetrics(t *testing.T) {
	r := start(t, "")
	if _, ok := r.scrape()[`sundog_workflow_since_success_seconds{workflow="first"}`]; ok {
		t.Error("a workflow that never ran has succeeded")
	}
	r.submit("{}\n" + payloadOf("a", "first") + "\n" + payloadOf("b", "first") + "\n" + payloadOf("c", "broken") + "\n" + payloadOf("d", "unknown") + "\n")
	r.waitState("c/workflow-first/a", "SUCCEEDED")
	r.waitState("c/workflow-first/b", "SUCCEEDED")
	r.waitState("c/workflow-broken/c", "FAILED")
	r.waitState("c/workflow-unknown/d", "FAILED")
	if _, err := r.Health(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.ask(http.MethodGet, "/nowhere", "", "")
	want := map[string]float64{
		`sundog_executions_total{status="SUCCEEDED",workflow="first"}`:                 2,
		`sundog_executions_total{status="FAILED",workflow="broken"}`:                   1,
		`sundog_execution_seconds_count{workflow="first"}`:                             2,
		`sundog_workflow_events_total{event="CLAIMED_PROCESSING",workflow="first"}`:    2,
		`sundog_workflow_events_total{event="SUCCEEDED",workflow="first"}`:             2,
		`sundog_workflow_events_total{event="FAILED",workflow="other"}`:                1,
		`sundog_records{state="SUCCEEDED",workflow="first"}`:                           2,
		`sundog_records{state="FAILED",workflow="other"}`:                              1,
		`sundog_task_seconds_count{kind="function",name="echo",result="succeeded"}`:    2,
		`sundog_task_seconds_count{kind="function",name="publish",result="succeeded"}`: 2,
		`sundog_queue_messages{lane="live",queue="process",state="ready"}`:             0,
		`sundog_queue_oldest_seconds{lane="bulk",queue="process"}`:                     0,
		`sundog_executions_open{lane="live"}`:                                          0,
		`sundog_http_requests_total{route="GET /v1/health",status="200"}`:              1,
		`sundog_http_requests_total{route="POST /v1/payloads",status="200"}`:           1,
		`sundog_http_requests_total{route="none",status="404"}`:                        1,
		`sundog_http_request_seconds_count{route="GET /v1/health"}`:                    1,
	}
	// A counter counts once its transaction is on disk, which may be a moment after a reader saw it.
	deadline := time.Now().Add(10 * time.Second)
	for {
		found, wrong := r.scrape(), ""
		for name, value := range want {
			if got, ok := found[name]; !ok || got != value {
				wrong += "\n" + name + " is " + strconv.FormatFloat(got, 'g', -1, 64) + ", want " + strconv.FormatFloat(value, 'g', -1, 64)
			}
		}
		for _, name := range []string{"sundog_commit_seconds_count", "sundog_commit_group_transactions_sum", `sundog_store_bytes{in="disk"}`, "go_goroutines"} {
			if found[name] <= 0 {
				wrong += "\n" + name + " is not above 0"
			}
		}
		if age, ok := found[`sundog_workflow_since_success_seconds{workflow="first"}`]; !ok || age > 60 {
			wrong += "\nno success of first"
		}
		if _, ok := found[`sundog_subscription_lag_seconds{subscription="items"}`]; !ok {
			wrong += "\nno lag of the subscription"
		}
		for name := range found {
			if strings.Contains(name, "unknown") || strings.Contains(name, "nowhere") || strings.Contains(name, "c/workflow") {
				wrong += "\na label was made of what came from outside: " + name
			}
		}
		if wrong == "" {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal(wrong)
		}
		<-time.After(5 * time.Millisecond)
	}
	r.compareWithPage()
}

// compareWithPage holds the table of metrics in the documentation against those that there are.
func (r *running) compareWithPage() {
	r.t.Helper()
	described := map[string]bool{}
	for _, row := range regexp.MustCompile("(?m)^\\| `(sundog_[a-z_]+)` \\|").FindAllSubmatch(read(r.t, "../../docs/operations.md"), -1) {
		described[string(row[1])] = true
	}
	for name := range r.scrape() {
		name, _, _ = strings.Cut(name, "{")
		for _, part := range []string{"_bucket", "_sum", "_count"} {
			if whole, ok := strings.CutSuffix(name, part); ok && strings.HasPrefix(name, "sundog_") {
				name = whole
			}
		}
		if strings.HasPrefix(name, "sundog_") && !described[name] {
			r.t.Errorf("docs/operations.md does not describe %s", name)
			described[name] = true
		}
	}
	if len(described) < 10 {
		r.t.Errorf("%d metrics are described", len(described))
	}
}
