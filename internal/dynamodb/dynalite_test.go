package dynamodb_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sundog/internal/aws/awstest"
)

// other is another implementation of the API, at an endpoint.
type other struct{ url string }

func (o other) call(t *testing.T, operation, body string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(context.Background(), http.MethodPost, o.url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X-Amz-Target", "DynamoDB_20120810."+operation)
	req.Header.Set("Content-Type", "application/x-amz-json-1.0")
	req.Header.Set("X-Amz-Date", "20260102T030405Z")
	req.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=a/20260102/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=b")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatalf("%s %s: %v", operation, body, err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(answer)
}

// What the other one tells of syntax errors is its parser's own, not DynamoDB's, and it cannot show maps.
var syntaxError = regexp.MustCompile(`(?s)(Syntax error; [^k]|lower bound operand).*`)

func normal(t *testing.T, answer string) any {
	t.Helper()
	dec := json.NewDecoder(bytes.NewReader([]byte(answer)))
	dec.UseNumber()
	var v map[string]any
	if err := dec.Decode(&v); err != nil {
		t.Fatalf("%s: %v", answer, err)
	}
	if text, ok := v["message"].(string); ok {
		v["message"] = syntaxError.ReplaceAllString(text, "...")
	}
	if responses, ok := v["Responses"].(map[string]any); ok { // of a batch, which has no order
		for _, items := range responses {
			slices.SortFunc(items.([]any), func(a, b any) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
		}
	}
	return v
}

// TestSameAsDynalite makes the same requests of an implementation that others wrote, and compares the answers. A difference names its seed:
// SUNDOG_DYNALITE_SEED=N makes the requests of that seed, and of those that follow it.
func TestSameAsDynalite(t *testing.T) {
	theirs := other{awstest.Start(t, awstest.Options{Standins: []awstest.Standin{awstest.Dynalite}}).URL(awstest.Dynalite)}
	first := uint64(0)
	if text := os.Getenv("SUNDOG_DYNALITE_SEED"); text != "" {
		var err error
		if first, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	for seed := first; seed < first+seeds; seed++ {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) { compareAll(t, theirs, seed) })
	}
}

// seeds and perSeed say how many requests are generated.
const (
	seeds   = 5
	perSeed = 2000
)

// becomesActive waits for a new table of the other one.
func (o other) becomesActive(t *testing.T, name string) {
	t.Helper()
	for began := time.Now(); time.Since(began) < time.Minute; {
		if strings.Contains(o.call(t, "DescribeTable", fmt.Sprintf(`{"TableName": %q}`, name)), `"ACTIVE"`) {
			return
		}
	}
	t.Fatalf("the table %s does not become active", name)
}

func compareAll(t *testing.T, theirs other, seed uint64) {
	ours := newWorld(t)
	prefix := fmt.Sprintf("t%d", time.Now().UnixNano())
	g := &generator{rand: rand.New(rand.NewPCG(seed, 2)), table: prefix, hashed: prefix + "h"}
	for _, body := range g.tables() {
		ours.must(t, "CreateTable", body)
		theirs.call(t, "CreateTable", body)
	}
	theirs.becomesActive(t, g.table)
	theirs.becomesActive(t, g.hashed)
	var requests []request
	if seed == 0 {
		requests = g.fixed()
	}
	for range perSeed {
		requests = append(requests, g.request())
	}
	wrong := 0
	for _, r := range requests {
		got, _ := ours.call(t, r.operation, r.body)
		want := theirs.call(t, r.operation, r.body)
		if diff := cmp.Diff(normal(t, want), normal(t, got)); diff != "" {
			t.Errorf("%s %.600s (-theirs +ours):\n%.1500s", r.operation, r.body, diff)
			if wrong++; wrong > 4 {
				t.Fatal("too many differences")
			}
		}
	}
	t.Logf("%d requests", len(requests))
}
