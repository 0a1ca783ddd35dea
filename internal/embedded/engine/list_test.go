package engine_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"sundog/asl"
	"sundog/internal/embedded/engine"
)

// TestPageIsOfOneMoment lists executions while they end: each is on the page, and once.
func TestPageIsOfOneMoment(t *testing.T) {
	const many = 400
	gate := make(chan struct{})
	w := newWorld(t, vfs.NewMem(), func(ctx context.Context, task engine.Task) (*asl.Document, error) {
		select {
		case <-gate:
		case <-ctx.Done():
		}
		return task.Parameters, nil
	})
	defer w.close()
	for i := range many {
		if _, err := w.engine.Start(t.Context(), engine.StartRequest{Machine: "three", Name: fmt.Sprint("e", i), Input: []byte("{}")}); err != nil {
			t.Fatal(err)
		}
	}
	close(gate)
	for running := many; running > 0; {
		page, next, err := w.engine.List(t.Context(), engine.Filter{Machine: "three", Limit: 1000})
		if err != nil || next != "" {
			t.Fatalf("%q, %v", next, err)
		}
		seen := map[string]bool{}
		running = 0
		for i, d := range page {
			seen[d.ARN] = true
			if d.Status != asl.Running {
				continue
			}
			running++
			if i >= running {
				t.Errorf("%s runs, and comes after one that has ended", d.ARN)
			}
		}
		if len(page) != many || len(seen) != many {
			t.Fatalf("%d executions on a page, %d different ones, of %d", len(page), len(seen), many)
		}
	}
}
