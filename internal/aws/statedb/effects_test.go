package statedb_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"sundog/internal/aws/awstest"
	"sundog/internal/aws/statedb"
	domain "sundog/internal/statedb"
	"sundog/payload"
)

var (
	id    = payload.ID{Collections: "c", Workflow: "wf", ItemIDs: "i"}
	epoch = time.Date(2026, 3, 1, 12, 0, 0, 1000, time.UTC)
)

const (
	one = "arn:aws:states:us-east-1:000000000000:execution:wf:one"
	two = "arn:aws:states:us-east-1:000000000000:execution:wf:two"
)

func at(n int) time.Time { return epoch.Add(time.Duration(n) * time.Second) }

func told(text string) domain.Effects {
	return domain.Effects{Publish: []domain.Publication{{Topic: "t", Body: []byte(text)}}}
}

// carried are the bodies that a recorder was given.
func (r *recorder) carried() []string {
	var all []string
	for _, e := range r.effects() {
		all = append(all, string(e.Publish[0].Body))
	}
	return all
}

// world is a state database whose requests are counted.
type world struct {
	*statedb.DB
	recorder *recorder
	calls    *awstest.Calls
	client   *dynamodb.Client
	table    string
}

func newWorld(t *testing.T, standin awstest.Standin) *world {
	t.Helper()
	w := &world{recorder: &recorder{}, calls: &awstest.Calls{}}
	cfg := w.calls.Watch(awstest.Start(t, awstest.Options{Standins: []awstest.Standin{standin}}).Config())
	w.client = dynamodb.NewFromConfig(cfg)
	w.fresh(t)
	return w
}

// fresh gives the world a table of its own.
func (w *world) fresh(t *testing.T) {
	t.Helper()
	w.calls.Fail(nil)
	w.table = newTable(t, w.client)
	w.recorder.all, w.recorder.fail, w.recorder.hook = nil, nil, nil
	w.DB = w.other()
	w.calls.Fail(nil)
}

// other is the same database as another process has it.
func (w *world) other() *statedb.DB {
	return statedb.New(statedb.Options{Client: w.client, Table: w.table, Carrier: w.recorder})
}

func (w *world) must(t *testing.T, transitions ...domain.Transition) domain.Record {
	t.Helper()
	var r domain.Record
	for _, tr := range transitions {
		var err error
		if r, err = w.Apply(t.Context(), tr, domain.Effects{}); err != nil {
			t.Fatal(err)
		}
	}
	return r
}

// life is each kind of change with what comes before it.
var life = []struct {
	name   string
	before []domain.Transition
	change func(ctx context.Context, w *world, before domain.Record) error
	// first: the write comes before the effects.
	first bool
}{
	{"claim", nil, apply(domain.Claim(id, one, at(1))), true},
	{"start", []domain.Transition{domain.Claim(id, one, at(1))}, apply(domain.Start(id, one, at(2))), false},
	{"success", []domain.Transition{domain.Claim(id, one, at(1)), domain.Start(id, one, at(2))}, apply(domain.Succeed(id, one, at(3), nil)), false},
	{"failure", []domain.Transition{domain.Claim(id, one, at(1))}, apply(domain.Fail(id, one, at(3), "why")), false},
	{"end without a record", nil, apply(domain.Abort(id, one, at(3))), false},
	{
		"claim again",
		[]domain.Transition{domain.Claim(id, one, at(1)), domain.Fail(id, one, at(2), "why")},
		apply(domain.Claim(id, two, at(3))), true,
	},
	{
		"redrive",
		[]domain.Transition{domain.Claim(id, one, at(1)), domain.Fail(id, one, at(2), "why")},
		apply(domain.Redrive(id, one, at(3), 1)), true,
	},
	{"replace", []domain.Transition{domain.Claim(id, one, at(1))}, func(ctx context.Context, w *world, before domain.Record) error {
		after := before.Clone()
		after.StateUpdated = "ABORTED_" + after.Updated
		return w.Replace(ctx, before, &after, told("effect"))
	}, true},
	{"delete", []domain.Transition{domain.Claim(id, one, at(1))}, func(ctx context.Context, w *world, _ domain.Record) error {
		return w.Delete(ctx, id, told("effect"))
	}, true},
}

func apply(tr domain.Transition) func(context.Context, *world, domain.Record) error {
	return func(ctx context.Context, w *world, _ domain.Record) error {
		_, err := w.Apply(ctx, tr, told("effect"))
		return err
	}
}

// read is what a record looks like, empty when there is none.
func (w *world) read(t *testing.T) string {
	t.Helper()
	r, err := w.Get(t.Context(), id)
	if err != nil && !errors.Is(err, domain.ErrNotFound) {
		t.Fatal(err)
	}
	return r.StateUpdated
}

// TestEffectsFail lets effects fail: what is told before the write keeps the change from happening, and then both happen once.
func TestEffectsFail(t *testing.T) {
	w := newWorld(t, awstest.Dynalite)
	for _, tt := range life {
		t.Run(tt.name, func(t *testing.T) {
			w.fresh(t)
			before := w.must(t, tt.before...)
			was := w.read(t)
			broken := errors.New("broken")
			w.recorder.fail = broken
			if err := tt.change(t.Context(), w, before); !errors.Is(err, broken) {
				t.Fatalf("got %v", err)
			}
			if changed := w.read(t) != was; changed != tt.first {
				t.Errorf("changed: %v, want %v", changed, tt.first)
			}
			w.recorder.fail = nil
			if tt.first {
				return
			}
			if err := tt.change(t.Context(), w, before); err != nil {
				t.Fatal(err)
			}
			if w.read(t) == was || !slices.Equal(w.recorder.carried(), []string{"effect"}) {
				t.Errorf("afterwards: %s, effects %v", w.read(t), w.recorder.carried())
			}
		})
	}
}

// TestLostAnswers loses the answer to each request once. The client tries again, finds its own work, and the effects are carried once.
func TestLostAnswers(t *testing.T) {
	for _, standin := range []awstest.Standin{awstest.Dynalite, awstest.Sundog} {
		w := newWorld(t, standin)
		for _, tt := range life {
			for k := 1; ; k++ {
				w.fresh(t)
				before := w.must(t, tt.before...)
				w.calls.Fail(func(n int, _ string) awstest.Loss {
					if n == k {
						return awstest.AnswerLost
					}
					return awstest.Arrives
				})
				err := tt.change(t.Context(), w, before)
				if w.calls.Total() < k {
					break
				}
				if tt.name == "delete" && errors.Is(err, domain.ErrNotFound) {
					continue // what is gone does not tell who took it away
				}
				if carried := w.recorder.carried(); err != nil || !slices.Equal(carried, []string{"effect"}) {
					t.Errorf("%s, %s, request %d: %v, effects %v", standin, tt.name, k, err, carried)
				}
				if k > 20 {
					t.Fatalf("%s takes more than %d requests", tt.name, k)
				}
			}
		}
	}
}

// TestChangedMeanwhile changes the record between the effects of an end and its write: it is decided anew, and the effects are not
// repeated.
func TestChangedMeanwhile(t *testing.T) {
	w := newWorld(t, awstest.Dynalite)
	for _, tt := range []struct {
		name     string
		meantime domain.Transition
		conflict bool
		state    domain.State
	}{
		{"by its start", domain.Start(id, one, at(2)), false, domain.Succeeded},
		{"by another end", domain.Abort(id, one, at(2)), true, domain.Aborted},
		{"by a redrive", domain.Redrive(id, one, at(2), 1), true, domain.Processing},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w.fresh(t)
			w.must(t, domain.Claim(id, one, at(1)))
			w.recorder.hook = func() {
				w.recorder.hook = nil
				if _, err := w.other().Apply(t.Context(), tt.meantime, domain.Effects{}); err != nil {
					t.Error(err)
				}
			}
			_, err := w.Apply(t.Context(), domain.Succeed(id, one, at(3), nil), told("effect"))
			if _, conflict := domain.Conflict(err); conflict != tt.conflict || err != nil && !conflict {
				t.Errorf("got %v", err)
			}
			r, err := w.Get(t.Context(), id)
			if err != nil || r.State() != tt.state || !slices.Equal(w.recorder.carried(), []string{"effect"}) {
				t.Errorf("%s, %v, effects %v", r.StateUpdated, err, w.recorder.carried())
			}
		})
	}
}

// TestClaimAndStartAreTwoRequests counts, and starts a claim that has ended in the meantime.
func TestClaimAndStartAreTwoRequests(t *testing.T) {
	w := newWorld(t, awstest.Sundog)
	w.must(t, domain.Claim(id, one, at(1)), domain.Start(id, one, at(2)))
	if got := w.calls.Counted(); len(got) != 1 || got["DynamoDB.UpdateItem"] != 2 {
		t.Errorf("requests %v", got)
	}
	w.fresh(t)
	w.must(t, domain.Claim(id, one, at(1)))
	if _, err := w.other().Apply(t.Context(), domain.Succeed(id, one, at(2), nil), domain.Effects{}); err != nil {
		t.Fatal(err)
	}
	_, err := w.Apply(t.Context(), domain.Start(id, one, at(3)), told("started"))
	if r, conflict := domain.Conflict(err); !conflict || r == nil || r.State() != domain.Succeeded {
		t.Errorf("got %v", err)
	}
}

// TestServiceFails makes sure that an error of the service comes through, and is no conflict.
func TestServiceFails(t *testing.T) {
	throttled := handlerTransport{http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/x-amz-json-1.0")
		w.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(w, `{"__type": "com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException", "message": "slow down"}`)
	})}
	db := statedb.New(statedb.Options{Table: "t", Client: dynamodb.New(dynamodb.Options{
		Region: "us-east-1", BaseEndpoint: aws.String("http://standin"), Credentials: credentials.NewStaticCredentialsProvider("id", "secret", ""),
		HTTPClient: throttled, DisableValidateResponseChecksum: true, Retryer: aws.NopRetryer{},
	})})
	record := domain.Record{ID: id, StateUpdated: "FAILED_x", Updated: "x"}
	for name, call := range map[string]func() error{
		"get":      func() error { _, err := db.Get(t.Context(), id); return err },
		"get many": func() error { _, err := db.GetMany(t.Context(), []payload.ID{id}); return err },
		"claim": func() error {
			_, err := db.Apply(t.Context(), domain.Claim(id, one, at(1)), domain.Effects{})
			return err
		},
		"end": func() error {
			_, err := db.Apply(t.Context(), domain.Abort(id, one, at(1)), domain.Effects{})
			return err
		},
		"put": func() error { return db.Put(t.Context(), record) },
		"bring in": func() error {
			_, err := db.PutMany(t.Context(), []domain.Record{record}, domain.KeepExisting)
			return err
		},
		"replace": func() error { return db.Replace(t.Context(), record, nil, domain.Effects{}) },
		"delete":  func() error { return db.Delete(t.Context(), id, domain.Effects{}) },
		"query":   func() error { _, err := db.Query(t.Context(), domain.Query{}); return err },
		"counts":  func() error { _, err := db.Counts(t.Context(), "c_wf"); return err },
		"check":   func() error { return db.Check(t.Context()) },
	} {
		err := call()
		_, conflict := domain.Conflict(err)
		var slow *types.ProvisionedThroughputExceededException
		if conflict || !errors.As(err, &slow) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
