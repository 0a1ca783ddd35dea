package statedb_test

import (
	"context"
	"slices"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"sundog/internal/aws/awstest"
	"sundog/internal/aws/statedb"
	domain "sundog/internal/statedb"
	"sundog/internal/statedb/statedbtest"
)

// recorder is a carrier that remembers what it was given.
type recorder struct {
	mu   sync.Mutex
	all  []domain.Effects
	fail error
	hook func() // called while effects are carried
}

func (r *recorder) Carry(_ context.Context, e *domain.Effects) error {
	if r.hook != nil {
		r.hook()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.fail != nil {
		return r.fail
	}
	r.all = append(r.all, *e)
	return nil
}

func (r *recorder) effects() []domain.Effects {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.all)
}

// newTable makes a table and returns its name.
func newTable(t testing.TB, client *dynamodb.Client) string {
	t.Helper()
	name := awstest.Name("state")
	if err := statedb.Create(t.Context(), client, name); err != nil {
		t.Fatal(err)
	}
	return name
}

// TestSuite runs the suite on dynalite, which others wrote, and on Sundog's own tables.
func TestSuite(t *testing.T) {
	for _, standin := range []awstest.Standin{awstest.Dynalite, awstest.Sundog} {
		t.Run(string(standin), func(t *testing.T) {
			client := dynamodb.NewFromConfig(awstest.Start(t, awstest.Options{Standins: []awstest.Standin{standin}}).Config())
			statedbtest.Run(t, func(t *testing.T) statedbtest.Subject {
				r := &recorder{}
				return statedbtest.Subject{DB: statedb.New(statedb.Options{Client: client, Table: newTable(t, client), Carrier: r}), Effects: r.effects}
			})
		})
	}
}
