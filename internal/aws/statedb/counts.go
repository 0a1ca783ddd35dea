package statedb

import (
	"cmp"
	"context"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"sundog/internal/statedb"
	"sundog/payload"
)

// Counts returns how many records there are by workflow, collections and state; without those that are zero. Partition, the
// `collections_workflow`, may be empty for all, up to MaxPartitions. DynamoDB keeps no counts: all that is counted is read by it, which
// costs half a read unit for each 4 KB and a request for each megabyte, though nothing of it is sent.
func (db *DB) Counts(ctx context.Context, partition string) ([]statedb.Count, error) {
	partitions := []string{partition}
	if partition == "" {
		var err error
		if partitions, err = db.Partitions(ctx); err != nil {
			return nil, err
		}
	}
	return db.counts(ctx, partitions)
}

// WorkflowCounts returns how many records there are by workflow and state; without those that are zero. Workflow may be empty for
// all. It costs what Counts does.
func (db *DB) WorkflowCounts(ctx context.Context, workflow string) ([]statedb.WorkflowCount, error) {
	partitions, err := db.Partitions(ctx)
	if err != nil {
		return nil, err
	}
	counts, err := db.counts(ctx, ofWorkflow(partitions, workflow))
	if err != nil {
		return nil, err
	}
	type place struct {
		workflow string
		state    statedb.State
	}
	sums := map[place]int64{}
	for _, c := range counts {
		if _, name, err := payload.CutPartitionKey(c.Partition); err == nil {
			sums[place{name, c.State}] += c.Records
		}
	}
	all := make([]statedb.WorkflowCount, 0, len(sums))
	for at, n := range sums {
		all = append(all, statedb.WorkflowCount{Workflow: at.workflow, State: at.state, Records: n})
	}
	slices.SortFunc(all, func(a, b statedb.WorkflowCount) int {
		return cmp.Or(cmp.Compare(a.Workflow, b.Workflow), cmp.Compare(a.State, b.State))
	})
	return all, nil
}

// counts counts the records of partitions, state by state.
func (db *DB) counts(ctx context.Context, partitions []string) ([]statedb.Count, error) {
	states, err := db.states(ctx, partitions)
	if err != nil {
		return nil, err
	}
	var mu sync.Mutex
	var all []statedb.Count
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(concurrency)
	for _, partition := range partitions {
		for _, state := range states[partition] {
			g.Go(func() error {
				n, err := db.count(ctx, partition, stateName, string(state)+"_")
				if err != nil || n == 0 {
					return err
				}
				mu.Lock()
				defer mu.Unlock()
				all = append(all, statedb.Count{Partition: partition, State: state, Records: n})
				return nil
			})
		}
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	slices.SortFunc(all, func(a, b statedb.Count) int {
		return cmp.Or(cmp.Compare(a.Partition, b.Partition), cmp.Compare(a.State, b.State))
	})
	return all, nil
}
