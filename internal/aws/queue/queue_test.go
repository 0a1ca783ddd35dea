package queue_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/google/go-cmp/cmp"

	"sundog/internal/aws/awstest"
	"sundog/internal/aws/bulk"
	"sundog/internal/aws/queue"
	"sundog/internal/pipeline"
	domain "sundog/internal/queue"
	"sundog/internal/queue/queuetest"
)

var _ pipeline.Queue = (*queue.Queue)(nil)

// world is queues on a stand-in.
type world struct {
	*awstest.AWS
	client *sqs.Client
}

func newWorld(t *testing.T) *world {
	t.Parallel() // most of the time is spent waiting
	a := awstest.Start(t, awstest.Options{Standins: []awstest.Standin{awstest.Fauxqs}})
	cfg := a.Config()
	cfg.Retryer = func() aws.Retryer { return aws.NopRetryer{} }
	return &world{a, sqs.NewFromConfig(cfg)}
}

// queue makes one with a queue for dead letters.
func (w *world) queue(t *testing.T, visibility time.Duration, receives int) *queue.Queue {
	url, _ := w.QueueWithDeadLetters(t, visibility, receives)
	return queue.New(w.client, url, queue.Options{})
}

func TestConformance(t *testing.T) {
	w := newWorld(t)
	queuetest.RunCore(t,
		func(t *testing.T) queuetest.Core { return w.queue(t, queuetest.Visibility, queuetest.MaxReceives) },
		func(t *testing.T, f func(*testing.T)) {
			t.Parallel() // it takes the time that it takes
			f(t)
		})
}

func texts(n int) []domain.Draft {
	drafts := make([]domain.Draft, n)
	for i := range drafts {
		drafts[i].Body = []byte(fmt.Sprint(i))
	}
	return drafts
}

// drain receives until there are as many as wanted, and returns their bodies in order.
func drain(t *testing.T, q *queue.Queue, want int) []string {
	t.Helper()
	bodies := []string{}
	for len(bodies) < want {
		got, err := q.Receive(t.Context(), domain.Request{Max: 10, Wait: 2 * time.Second})
		if err != nil || len(got) == 0 {
			t.Fatalf("%d of %d messages came, then %v", len(bodies), want, err)
		}
		for _, m := range got {
			bodies = append(bodies, string(m.Body))
		}
	}
	slices.Sort(bodies)
	return bodies
}

func TestBatches(t *testing.T) {
	w := newWorld(t)
	q := w.queue(t, time.Minute, 3)
	drafts := texts(23)
	for i := range 5 { // each more than half of what fits into a batch
		drafts[4*i].Body = []byte(strings.Repeat(string(rune('a'+i)), 150<<10))
	}
	ids, err := q.Send(t.Context(), drafts...)
	slices.Sort(ids)
	if err != nil || len(slices.Compact(ids)) != len(drafts) || ids[0] == "" {
		t.Fatalf("%q, %v", ids, err)
	}
	var want []string
	for _, d := range drafts {
		want = append(want, string(d.Body))
	}
	slices.Sort(want)
	if diff := cmp.Diff(want, drain(t, q, len(drafts))); diff != "" {
		t.Errorf("%.1000s", diff)
	}
	depth, err := q.Depth(t.Context())
	if err != nil || depth.Lanes[0].InFlight != 23 || depth.Total() != 23 || depth.Dead != 0 {
		t.Errorf("%+v, %v", depth, err)
	}
}

func TestRefused(t *testing.T) {
	w := newWorld(t)
	q := w.queue(t, time.Minute, 3)
	many := map[string]domain.Attribute{}
	for i := range 11 {
		many[fmt.Sprint("a", i)] = domain.Attribute{Type: "String", Value: "v"}
	}
	for name, tt := range map[string]struct {
		draft domain.Draft
		want  error
	}{
		"lane":            {domain.Draft{Body: []byte("a"), Lane: "bulk"}, domain.ErrUnknownLane},
		"size":            {domain.Draft{Body: make([]byte, queue.DefaultMaxBytes+1)}, domain.ErrInvalidMessage}, // of zeros
		"text":            {domain.Draft{Body: []byte(strings.Repeat("a", queue.DefaultMaxBytes+1))}, domain.ErrTooLarge},
		"long delay":      {domain.Draft{Body: []byte("a"), Delay: 16 * time.Minute}, domain.ErrInvalidMessage},
		"negative delay":  {domain.Draft{Body: []byte("a"), Delay: -time.Second}, domain.ErrInvalidMessage},
		"nothing":         {domain.Draft{}, domain.ErrInvalidMessage},
		"many attributes": {domain.Draft{Body: []byte("a"), Attributes: many}, domain.ErrInvalidMessage},
	} {
		if _, err := q.Send(t.Context(), domain.Draft{Body: []byte("good")}, tt.draft); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", name, err, tt.want)
		}
	}
	if got, err := q.Receive(t.Context(), domain.Request{}); err != nil || len(got) != 0 {
		t.Errorf("refused batches left %+v, %v", got, err)
	}
	if _, err := q.Receive(t.Context(), domain.Request{Lanes: []string{"live"}}); !errors.Is(err, domain.ErrUnknownLane) {
		t.Errorf("receiving from a lane: %v", err)
	}
	for name, err := range map[string]error{
		"delete": q.Delete(t.Context(), ""), "retry": q.Retry(t.Context(), "", 0, ""), "dead letter": q.DeadLetter(t.Context(), "", ""),
	} {
		if !errors.Is(err, domain.ErrInvalidReceipt) {
			t.Errorf("%s without a receipt: %v", name, err)
		}
	}
	if err := q.DeadLetter(t.Context(), "somebody's", "no"); !errors.Is(err, domain.ErrStaleReceipt) {
		t.Errorf("a dead letter that nobody has: %v", err)
	}
}

// TestPartlySent sends to a queue that takes only short messages, which Options do not know.
func TestPartlySent(t *testing.T) {
	w := newWorld(t)
	q := queue.New(w.client, w.Queue(t, map[string]string{"MaximumMessageSize": "1024"}), queue.Options{})
	drafts := texts(12)
	drafts[3].Body, drafts[10].Body = []byte(strings.Repeat("x", 2000)), []byte(strings.Repeat("y", 2000))
	ids, err := q.Send(t.Context(), drafts...)
	unsent, ok := errors.AsType[*bulk.UnsentError](err)
	if !ok || !slices.Equal(unsent.Entries, []int{3, 10}) || ids[3] != "" || ids[4] == "" || !strings.Contains(err.Error(), "sending to the queue "+q.Name()+": 2 of 12, the first of them the one at 3: InvalidParameterValue") {
		t.Errorf("%q, %v", ids, err)
	}
	drain(t, q, 10)
}

func TestNoQueue(t *testing.T) {
	w := newWorld(t)
	q := queue.New(w.client, w.URL(awstest.Fauxqs)+"/000000000000/nothing", queue.Options{})
	_, sendErr := q.Send(t.Context(), texts(1)...)
	_, receiveErr := q.Receive(t.Context(), domain.Request{})
	_, depthErr := q.Depth(t.Context())
	for _, err := range []error{sendErr, receiveErr, depthErr, q.Delete(t.Context(), "r")} {
		if !errors.Is(err, domain.ErrNoQueue) || !strings.Contains(err.Error(), "the queue nothing") {
			t.Errorf("%v", err)
		}
	}
	alone := queue.New(w.client, w.Queue(t, nil), queue.Options{})
	if _, err := alone.DeadLetters(t.Context(), "", 0); !errors.Is(err, queue.ErrNoDeadLetters) {
		t.Errorf("dead letters of a queue without: %v", err)
	}
	if depth, err := alone.Depth(t.Context()); err != nil || depth.Dead != 0 {
		t.Errorf("%+v, %v", depth, err)
	}
}

// TestConsumer settles messages as pipeline.Consumer does: what is done goes, what is to be tried again comes again, what cannot be done is buried.
func TestConsumer(t *testing.T) {
	w := newWorld(t)
	q := w.queue(t, time.Minute, 5)
	if _, err := q.Send(t.Context(), texts(12)...); err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	left := 13 // one comes twice
	ctx, stop := context.WithTimeout(t.Context(), 30*time.Second)
	defer stop()
	err := pipeline.NewConsumer(pipeline.ConsumerOptions{Queue: q, Batch: 10, Handle: func(_ context.Context, messages []domain.Message) []pipeline.Outcome {
		mu.Lock()
		defer mu.Unlock()
		outcomes := make([]pipeline.Outcome, len(messages))
		for i, m := range messages {
			switch body := string(m.Body); {
			case body == "3":
				outcomes[i] = pipeline.Outcome{Verdict: pipeline.DeadLetter, Err: errors.New("never")}
			case body == "5" && m.ReceiveCount == 1:
				outcomes[i] = pipeline.Outcome{Verdict: pipeline.Retry, After: time.Second, Err: errors.New("later")}
			}
		}
		if left -= len(messages); left == 0 {
			stop()
		}
		return outcomes
	}}).Run(ctx)
	if err != nil || left != 0 {
		t.Fatalf("%d messages did not come: %v", left, err)
	}
	dead, err := q.DeadLetters(t.Context(), "", 0)
	if err != nil || len(dead) != 1 || string(dead[0].Body) != "3" || dead[0].Reason != "never" {
		t.Errorf("%+v, %v", dead, err)
	}
	if depth, err := q.Depth(t.Context()); err != nil || depth.Total() != 0 {
		t.Errorf("%+v, %v", depth, err)
	}
}
