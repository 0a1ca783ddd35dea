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
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
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
	return v
}

// TestSameAsDynalite makes the same requests of an implementation that others wrote, and compares the answers. SUNDOG_DYNALITE is its
// endpoint: npm install dynalite@4.0.0; npx dynalite --createTableMs 0 --deleteTableMs 0.
func TestSameAsDynalite(t *testing.T) {
	endpoint := os.Getenv("SUNDOG_DYNALITE")
	if endpoint == "" {
		t.Skip("SUNDOG_DYNALITE names no endpoint")
	}
	for seed := range uint64(seeds) {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) { compareAll(t, other{endpoint}, seed) })
	}
}

// seeds and perSeed say how many requests are generated.
const (
	seeds   = 5
	perSeed = 2000
)

func compareAll(t *testing.T, theirs other, seed uint64) {
	ours := newWorld(t)
	prefix := fmt.Sprintf("t%d", time.Now().UnixNano())
	g := &generator{rand: rand.New(rand.NewPCG(seed, 2)), table: prefix, hashed: prefix + "h"}
	for _, body := range g.tables() {
		ours.must(t, "CreateTable", body)
		theirs.call(t, "CreateTable", body)
	}
	for _, name := range []string{g.table, g.hashed} {
		for range 100 { // it takes a moment
			if strings.Contains(theirs.call(t, "DescribeTable", fmt.Sprintf(`{"TableName": %q}`, name)), `"ACTIVE"`) {
				break
			}
		}
	}
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
			t.Errorf("%s %.600s\n theirs: %.300s\n ours:   %.300s", r.operation, r.body, want, got)
			if wrong++; wrong > 4 {
				t.Fatal("too many differences")
			}
		}
	}
	t.Logf("%d requests", len(requests))
}
