package operations_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"sundog/internal/api"
	"sundog/internal/client"
	"sundog/internal/operations"
	"sundog/internal/problem"
	"sundog/internal/statedb"
	"sundog/payload"
)

// faulty is a state database whose second page cannot be read.
type faulty struct {
	operations.Database
	failure error
}

func (f faulty) Query(_ context.Context, q statedb.Query) (statedb.Page, error) {
	if q.After != "" {
		return statedb.Page{}, f.failure
	}
	id := payload.ID{Collections: "c", Workflow: "w", ItemIDs: "i"}
	return statedb.Page{Records: []statedb.Record{{ID: id, StateUpdated: "FAILED_2026"}}, Next: "second"}, nil
}

// answering makes a handler of records that fail so.
func answering(failure error, frank bool) http.Handler {
	surface := &operations.Surface{Classify: operations.Classify, Logger: slog.New(slog.DiscardHandler), Frank: frank}
	records := &operations.Records{Surface: surface, DB: faulty{failure: failure}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+api.PathRecords, records.Page)
	return mux
}

// TestCutOff: of a list that breaks off nobody believes that it is whole. In the same process it is told why.
func TestCutOff(t *testing.T) {
	throttled := problem.New(problem.Limit, "the table is throttled").WithHint("wait")
	server := httptest.NewServer(answering(throttled, false))
	t.Cleanup(server.Close)
	remote, err := client.New(server.URL, "")
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name string
		c    *client.Client
		kind problem.Kind
		hint string
	}{
		{"over a network", remote, problem.Unavailable, ""},
		{"in this process", client.NewLocal(answering(throttled, true), "prod"), problem.Limit, "wait"},
	} {
		seen := 0
		err := tt.c.EachRecord(t.Context(), client.RecordQuery{}, func(api.Record) error {
			seen++
			return nil
		})
		if seen != 1 || !problem.Is(err, tt.kind) || problem.HintOf(err) != tt.hint || !strings.Contains(err.Error(), "there are more records") {
			t.Errorf("%s: %d records, %v, hint %q", tt.name, seen, err, problem.HintOf(err))
		}
	}
}

// TestFrank: what is internal is told where there is no log to look into, and else not.
func TestFrank(t *testing.T) {
	secret := errors.New("a detail of the disk")
	for _, frank := range []bool{true, false} {
		c := client.NewLocal(answering(secret, frank), "prod")
		_, err := c.Records(t.Context(), client.RecordQuery{Next: "second"})
		if !problem.Is(err, problem.Internal) || strings.Contains(err.Error(), secret.Error()) != frank {
			t.Errorf("frank is %t: %v", frank, err)
		}
	}
}
