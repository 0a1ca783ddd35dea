package golden_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/cockroachdb/pebble/v2/vfs"

	"sundog/internal/aws/awstest"
	"sundog/internal/aws/carrier"
	"sundog/internal/aws/executor"
	cloud "sundog/internal/aws/statedb"
	embedded "sundog/internal/embedded/statedb"
	"sundog/internal/embedded/store"
	"sundog/internal/pipeline"
	"sundog/internal/statedb/statedbtest"
)

// platform is what a world stands on.
type platform struct {
	name string
	// open makes an empty state database whose effects come to a world, and an executor whose executions are the world's.
	open   func(t *testing.T, w *world) (statedbtest.DB, pipeline.Executor)
	beside bool // see pipeline.Config
}

// onEach runs a test on the embedded platform, in memory, and on AWS, where SUNDOG_STANDINS names stand-ins.
func onEach(t *testing.T, test func(t *testing.T, on platform)) {
	t.Helper()
	t.Run("embedded", func(t *testing.T) { test(t, platform{name: "embedded", open: openEmbedded}) })
	t.Run("aws", func(t *testing.T) { test(t, platform{name: "aws", open: newRegion(t).open, beside: true}) })
}

func openEmbedded(t *testing.T, w *world) (statedbtest.DB, pipeline.Executor) {
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
	return db, w
}

// open makes a table for a world, and gives it the region's services.
func (r *region) open(t *testing.T, w *world) (statedbtest.DB, pipeline.Executor) {
	client := dynamodb.NewFromConfig(r.cfg)
	name := awstest.Name("golden")
	if err := cloud.Create(t.Context(), client, name); err != nil {
		t.Fatal(err)
	}
	c := carrier.New(carrier.Options{
		Payloads: objects{r, w},
		Queues:   func(string) carrier.Queue { return sent{r, w} },
		Topics:   func(name string) carrier.Topic { return published{r, w, name} },
	})
	t.Cleanup(c.Close)
	return cloud.New(cloud.Options{Client: client, Table: name, Carrier: c}), executor.New(r.machines(w))
}
