package golden_test

import (
	"context"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/cockroachdb/pebble/v2/vfs"

	"sundog/internal/aws/awstest"
	"sundog/internal/aws/carrier"
	cloud "sundog/internal/aws/statedb"
	embedded "sundog/internal/embedded/statedb"
	"sundog/internal/embedded/store"
	"sundog/internal/queue"
	"sundog/internal/statedb"
	"sundog/internal/statedb/statedbtest"
	"sundog/internal/topic"
	"sundog/payload"
)

// platform is what a world stands on.
type platform struct {
	name string
	// open makes an empty state database whose effects come to a world.
	open   func(t *testing.T, w *world) statedbtest.DB
	beside bool // see pipeline.Config
}

// onEach runs a test on the embedded platform, in memory, and on AWS, where SUNDOG_STANDINS names stand-ins.
func onEach(t *testing.T, test func(t *testing.T, on platform)) {
	t.Helper()
	t.Run("embedded", func(t *testing.T) { test(t, platform{name: "embedded", open: openEmbedded}) })
	t.Run("aws", func(t *testing.T) {
		a := awstest.Start(t, awstest.Options{Standins: []awstest.Standin{awstest.Dynalite}})
		test(t, platform{name: "aws", beside: true, open: func(t *testing.T, w *world) statedbtest.DB { return openAWS(t, a, w) }})
	})
}

func openEmbedded(t *testing.T, w *world) statedbtest.DB {
	st, err := store.Open("data", store.Options{FS: vfs.NewMem()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	})
	db, err := embedded.Open(st, w)
	if err != nil {
		t.Fatal(err)
	}
	return db
}

func openAWS(t *testing.T, a *awstest.AWS, w *world) statedbtest.DB {
	client := dynamodb.NewFromConfig(a.Config())
	name := awstest.Name("golden")
	if err := cloud.Create(t.Context(), client, name); err != nil {
		t.Fatal(err)
	}
	c := carrier.New(carrier.Options{
		Payloads: w,
		Queues:   func(string) carrier.Queue { return queueOf{w} },
		Topics:   func(arn string) carrier.Topic { return topicOf{w, arn} },
	})
	t.Cleanup(c.Close)
	return cloud.New(cloud.Options{Client: client, Table: name, Carrier: c})
}

// Delete makes the world a bucket from which nothing is deleted.
func (w *world) Delete(context.Context, string) error { return nil }

type queueOf struct{ *world }

func (q queueOf) Send(_ context.Context, drafts ...queue.Draft) ([]string, error) {
	for _, d := range drafts {
		q.queued = append(q.queued, string(d.Body))
	}
	return nil, nil
}

type topicOf struct {
	*world
	arn string
}

func (t topicOf) Publish(_ context.Context, drafts ...topic.Draft) ([]string, error) {
	for _, d := range drafts {
		p := statedb.Publication{Topic: t.arn, Body: d.Body}
		for name, a := range d.Attributes {
			p.Attributes = append(p.Attributes, payload.Attribute{Name: name, Type: a.Type, Value: a.Value})
		}
		t.published = append(t.published, p)
	}
	return nil, nil
}
