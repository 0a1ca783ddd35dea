package statedb_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	embedded "sundog/internal/embedded/statedb"
	"sundog/internal/embedded/store"
	"sundog/internal/statedb"
)

// checkCounts compares the counts with what counting gives, and every index with every other. It returns the number of records.
func checkCounts(t *testing.T, db *embedded.DB) int {
	t.Helper()
	want := map[string]int64{}
	sum := 0
	for i, q := range []statedb.Query{
		{Index: statedb.ByItemIDs},
		{Index: statedb.ByUpdated},
		{Index: statedb.ByStateUpdated},
		{Workflow: "ingest"},
		{Partition: id(0).PartitionKey()},
		{Partition: id(0).PartitionKey(), Index: statedb.ByStateUpdated},
	} {
		counted, n := map[string]int64{}, 0
		for r, err := range statedb.All(t.Context(), db, q) {
			if err != nil {
				t.Fatal(err)
			}
			n++
			counted[r.ID.PartitionKey()+" "+string(r.State())]++
		}
		if i == 0 {
			want, sum = counted, n
		} else if fmt.Sprint(counted) != fmt.Sprint(want) {
			t.Errorf("%+v finds %v, the first one found %v", q, counted, want)
		}
	}
	counts, err := db.Counts(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	kept := map[string]int64{}
	for _, c := range counts {
		kept[c.Partition+" "+string(c.State)] = c.Records
	}
	if fmt.Sprint(kept) != fmt.Sprint(want) {
		t.Errorf("counts are %v, counted %v", kept, want)
	}
	return sum
}

// TestCountsAfterACrash writes from many sides, crashes at moments of its choice, and counts what is left.
func TestCountsAfterACrash(t *testing.T) {
	fs := vfs.NewCrashableMem()
	var commits atomic.Int64
	var mu sync.Mutex
	var left []*vfs.MemFS
	st := openStore(t, "data", store.Options{FS: fs, BeforeCommit: func(int64) error {
		if n := commits.Add(1); n%37 == 0 {
			mu.Lock()
			defer mu.Unlock()
			left = append(left, fs.CrashClone(vfs.CrashCloneCfg{}))
		}
		return nil
	}})
	db := openDB(t, st, nil)
	var wg sync.WaitGroup
	for writer := range 8 {
		wg.Go(func() {
			for n := range 30 {
				record := writer*30 + n
				claim := statedb.Claim(id(record), execution(record), time.Now())
				steps := []statedb.Transition{claim, statedb.Start(claim.ID, claim.Execution, time.Now()), statedb.Fail(claim.ID, claim.Execution, time.Now(), "E")}
				for _, tr := range steps[:1+n%3] {
					if _, err := db.Apply(context.Background(), tr, statedb.Effects{}); err != nil {
						t.Error(err)
					}
				}
				if n%7 == 0 {
					if err := db.Delete(context.Background(), claim.ID, statedb.Effects{}); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	wg.Wait()
	if len(left) < 5 {
		t.Fatalf("%d crashes in %d commits", len(left), commits.Load())
	}
	var sizes []int
	for _, fs := range left {
		sizes = append(sizes, checkCounts(t, openDB(t, openStore(t, "data", store.Options{FS: fs}), nil)))
	}
	if sizes[len(sizes)-1] == 0 {
		t.Errorf("the crashes left %v records", sizes)
	}
	if n := checkCounts(t, db); n != 8*25 {
		t.Errorf("%d records in the end", n)
	}
}

// TestUpgrade takes a database back to before there was the index by workflow.
func TestUpgrade(t *testing.T) {
	const n = 4500 // more than two transactions of an upgrade
	st := openStore(t, "data", store.Options{FS: vfs.NewMem(), NoSync: true})
	db := openDB(t, st, nil)
	records := make([]statedb.Record, 0, n)
	for i := range n {
		records = append(records, statedb.Record{ID: id(i), StateUpdated: "FAILED_t", Created: "t", Updated: "t"})
	}
	for chunk := range slices.Chunk(records, statedb.MaxPut) {
		if _, err := db.PutMany(t.Context(), chunk, statedb.KeepExisting); err != nil {
			t.Fatal(err)
		}
	}
	tx := st.Begin()
	index := store.NewKey(store.PrefixRecordFlow)
	tx.DeleteRange(index, index.End())
	store.SetVersionTx(tx, "statedb", 1)
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := checkCounts(t, openDB(t, st, nil)); got != n {
		t.Errorf("%d records", got)
	}
	tx = st.Begin()
	store.SetVersionTx(tx, "statedb", 99)
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := embedded.Open(st, nil); err == nil {
		t.Error("the database of a newer program was opened")
	}
}
