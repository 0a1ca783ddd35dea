package dynamodb_test

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"sundog/internal/dynamodb"
	tables "sundog/internal/embedded/table"

	"sundog/internal/embedded/store"
	"sundog/internal/table"
)

// world is the API over tables in memory.
type world struct {
	tables  *tables.Tables
	service *dynamodb.Service
	now     time.Time
}

func newWorld(t testing.TB) *world {
	t.Helper()
	s, err := store.Open("data", store.Options{FS: vfs.NewMem()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	w := &world{now: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}
	clock := func() time.Time { return w.now }
	if w.tables, err = tables.Open(s, tables.Options{Now: clock}); err != nil {
		t.Fatal(err)
	}
	w.service = dynamodb.New(w.tables, dynamodb.Options{Region: "us-east-1", Account: "000000000000", Now: clock})
	return w
}

// call makes a request, and returns the body of the answer and whether it was a refusal.
func (w *world) call(t testing.TB, operation, body string) (answer string, refused bool) {
	t.Helper()
	do, ok := w.service.Operations()[operation]
	if !ok {
		do, ok = w.service.StreamOperations()[operation]
	}
	if !ok {
		t.Fatalf("there is no operation %s", operation)
	}
	out, err := do(context.Background(), []byte(body))
	if failure, is := errors.AsType[*table.Error](err); is {
		out, refused = dynamodb.FailureOf(failure), true
	} else if err != nil {
		t.Fatalf("%s %s: %v", operation, body, err)
	}
	written, err := json.Marshal(out)
	if err != nil {
		t.Fatal(err)
	}
	return string(written), refused
}

// must makes a request that has to succeed.
func (w *world) must(t testing.TB, operation, body string) string {
	t.Helper()
	answer, refused := w.call(t, operation, body)
	if refused {
		t.Fatalf("%s %s: %s", operation, body, answer)
	}
	return answer
}
