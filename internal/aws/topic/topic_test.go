package topic_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/google/go-cmp/cmp"

	"sundog/internal/aws/awstest"
	"sundog/internal/aws/queue"
	"sundog/internal/aws/topic"
	domainqueue "sundog/internal/queue"
	domain "sundog/internal/topic"
	"sundog/internal/trace"
)

// world is a topic on a stand-in with a queue that gets its messages raw.
type world struct {
	*awstest.AWS
	topic *topic.Topic
	queue *queue.Queue
}

func newWorld(t *testing.T) *world {
	a := awstest.Start(t, awstest.Options{Standins: []awstest.Standin{awstest.Fauxqs}})
	arn := a.Topic(t)
	return &world{a, topic.New(sns.NewFromConfig(a.Config()), arn), queue.New(sqs.NewFromConfig(a.Config()), a.Subscribe(t, arn, true), queue.Options{})}
}

// arrived are the messages that the queue has got, in the order of their bodies.
func (w *world) arrived(t *testing.T, want int) []domainqueue.Message {
	t.Helper()
	var all []domainqueue.Message
	for len(all) < want {
		got, err := w.queue.Receive(t.Context(), domainqueue.Request{Max: 10, Wait: 2 * time.Second})
		if err != nil || len(got) == 0 {
			t.Fatalf("%d of %d messages arrived, then %v", len(all), want, err)
		}
		all = append(all, got...)
	}
	slices.SortFunc(all, func(a, b domainqueue.Message) int { return strings.Compare(string(a.Body), string(b.Body)) })
	return all
}

func TestPublish(t *testing.T) {
	w := newWorld(t)
	drafts := make([]domain.Draft, 23)
	for i := range drafts {
		drafts[i].Body = []byte(fmt.Sprintf("%02d", i))
	}
	drafts[7].Body = []byte("07" + strings.Repeat("x", 200<<10))
	drafts[8].Body = []byte("08" + strings.Repeat("x", 200<<10))
	drafts[2].Subject = "for people"
	drafts[2].Attributes = map[string]domain.Attribute{
		"collection": {Type: "String", Value: "s2"}, "cloud_cover": {Type: "Number", Value: "12.5"}, "raw": {Type: "Binary", Value: "AAH/"}, "tags": {Type: "String.Array", Value: `["a"]`},
	}
	place, err := trace.Parse("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
	if err != nil {
		t.Fatal(err)
	}
	drafts[3].Trace = place
	ids, err := w.topic.Publish(t.Context(), drafts...)
	slices.Sort(ids)
	if err != nil || len(slices.Compact(ids)) != len(drafts) || ids[0] == "" {
		t.Fatalf("%q, %v", ids, err)
	}
	got := w.arrived(t, len(drafts))
	for i, m := range got {
		if string(m.Body) != string(drafts[i].Body) {
			t.Errorf("message %d: %.20q", i, m.Body)
		}
	}
	if diff := cmp.Diff(drafts[2].Attributes, got[2].Attributes); diff != "" {
		t.Error(diff)
	}
	if got[3].Trace() != place {
		t.Errorf("place in the trace: %v", got[3].Trace())
	}
}

// TestTenAttributes publishes a message that has as many as a queue takes: the place in a trace is not worth losing it.
func TestTenAttributes(t *testing.T) {
	w := newWorld(t)
	d := domain.Draft{Body: []byte("item"), Attributes: map[string]domain.Attribute{}}
	for i := range 10 {
		d.Attributes[fmt.Sprint("a", i)] = domain.Attribute{Type: "String", Value: "v"}
	}
	var err error
	if d.Trace, err = trace.Parse("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"); err != nil {
		t.Fatal(err)
	}
	if _, err := w.topic.Publish(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	if got := w.arrived(t, 1)[0]; len(got.Attributes) != 10 || !got.Trace().IsZero() {
		t.Errorf("%+v", got)
	}
}

func TestRefused(t *testing.T) {
	w := newWorld(t)
	for name, tt := range map[string]struct {
		draft domain.Draft
		want  error
	}{
		"size":      {domain.Draft{Body: []byte(strings.Repeat("x", 256<<10+1))}, domain.ErrTooLarge},
		"nothing":   {domain.Draft{}, domain.ErrInvalidMessage},
		"subject":   {domain.Draft{Body: []byte("a"), Subject: "two\nlines"}, domain.ErrInvalidMessage},
		"attribute": {domain.Draft{Body: []byte("a"), Attributes: map[string]domain.Attribute{"a b": {Type: "String", Value: "v"}}}, domain.ErrInvalidMessage},
	} {
		if _, err := w.topic.Publish(t.Context(), domain.Draft{Body: []byte("good")}, tt.draft); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", name, err, tt.want)
		}
	}
	if got, err := w.queue.Receive(t.Context(), domainqueue.Request{Max: 10}); err != nil || len(got) != 0 {
		t.Errorf("refused batches left %+v, %v", got, err)
	}
	cfg := w.Config()
	cfg.Retryer = func() aws.Retryer { return aws.NopRetryer{} }
	missing := topic.New(sns.NewFromConfig(cfg), "arn:aws:sns:us-east-1:000000000000:nothing")
	if _, err := missing.Publish(t.Context(), domain.Draft{Body: []byte("good")}); !errors.Is(err, topic.ErrNoTopic) || !strings.HasPrefix(err.Error(), "publishing on nothing: ") {
		t.Errorf("a topic that is not there: %v", err)
	}
}
