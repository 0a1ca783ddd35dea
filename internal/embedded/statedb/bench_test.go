package statedb_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	embedded "sundog/internal/embedded/statedb"
	"sundog/internal/embedded/store"
	"sundog/internal/statedb"
	"sundog/payload"
)

// benchRecords is how many records the benchmarks of a large table have: 100,000, or what SUNDOG_BENCH_RECORDS says.
func benchRecords(b *testing.B) int {
	b.Helper()
	text := os.Getenv("SUNDOG_BENCH_RECORDS")
	if text == "" {
		return 100_000
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		b.Fatal(err)
	}
	return n
}

// numbered is a record of a large table: 20 workflows on 5 collections, in all states, one in ten failed.
func numbered(n int) statedb.Record {
	states := []statedb.State{
		statedb.Succeeded, statedb.Succeeded, statedb.Succeeded, statedb.Failed, statedb.Succeeded, statedb.Completed, statedb.Succeeded,
		statedb.Invalid, statedb.Succeeded, statedb.Processing,
	}
	state := states[n/100%len(states)]
	at := statedb.FormatTime(time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(n) * time.Second))
	r := statedb.Record{
		ID: payload.ID{
			Collections: fmt.Sprintf("sentinel-2-c%d", n%5), Workflow: fmt.Sprintf("workflow%02d", n/5%20), ItemIDs: fmt.Sprintf("S2A_T07HFE_%010d", n),
		},
		StateUpdated: string(state) + "_" + at, Created: at, Updated: at, ClaimedAt: at, Executions: []string{execution(n)},
	}
	if state == statedb.Failed {
		text := fmt.Sprintf("ValueError: band B%02d of S2A_T07HFE_%010d is missing", n%13, n)
		r.LastError = &text
	}
	return r
}

// items reads as a file with records as lines.
type items struct {
	next, end int
	rest      []byte
}

func (s *items) Read(p []byte) (int, error) {
	if len(s.rest) == 0 {
		if s.next == s.end {
			return 0, io.EOF
		}
		s.rest = append(numbered(s.next).MarshalItem(), '\n')
		s.next++
	}
	n := copy(p, s.rest)
	s.rest = s.rest[n:]
	return n, nil
}

// BenchmarkLargeTable asks a table of many records.
func BenchmarkLargeTable(b *testing.B) {
	total := benchRecords(b)
	db := openDB(b, openStore(b, b.TempDir(), store.Options{}), nil)
	for from := 0; from < total; from += statedb.MaxPut {
		batch := make([]statedb.Record, 0, statedb.MaxPut)
		for n := from; n < min(total, from+statedb.MaxPut); n++ {
			batch = append(batch, numbered(n))
		}
		if _, err := db.PutMany(b.Context(), batch, statedb.KeepExisting); err != nil {
			b.Fatal(err)
		}
	}
	b.Run("counts", func(b *testing.B) {
		for b.Loop() {
			if all, err := db.Counts(b.Context(), ""); err != nil || len(all) == 0 {
				b.Fatal(err)
			}
		}
	})
	b.Run("counts by workflow", func(b *testing.B) {
		for b.Loop() {
			if all, err := db.WorkflowCounts(b.Context(), ""); err != nil || len(all) == 0 {
				b.Fatal(err)
			}
		}
	})
	since := time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(total/2) * time.Second)
	for name, q := range map[string]statedb.Query{
		"page of a partition":               {Partition: numbered(0).ID.PartitionKey()},
		"page of a partition by state":      {Partition: numbered(0).ID.PartitionKey(), State: statedb.Failed},
		"page of a workflow by state":       {Workflow: "workflow07", State: statedb.Failed},
		"page of a workflow since":          {Workflow: "workflow07", Since: since, Ascending: true},
		"page of everything":                {},
		"page of everything by state":       {State: statedb.Failed},
		"page of everything by succeeded":   {State: statedb.Succeeded},
		"page of everything by item prefix": {ItemPrefix: "S2A_T07HFE_00004242"},
	} {
		b.Run(name, func(b *testing.B) { benchmarkPages(b, db, q) })
	}
	b.Run("errors of 20,000 failures", func(b *testing.B) {
		for b.Loop() {
			if e, err := statedb.CountErrors(b.Context(), db, statedb.ErrorQuery{}); err != nil || len(e.Groups) != 1 {
				b.Fatal(e, err)
			}
		}
	})
}

// benchmarkPages reads one page after the other, and reports the slowest of a hundred.
func benchmarkPages(b *testing.B, db *embedded.DB, q statedb.Query) {
	var took []time.Duration
	for b.Loop() {
		begin := time.Now()
		page, err := db.Query(b.Context(), q)
		if err != nil || len(page.Records) == 0 {
			b.Fatalf("%d records, %v", len(page.Records), err)
		}
		took = append(took, time.Since(begin))
		q.After = page.Next
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "µs/p99")
}

// BenchmarkImport imports new records as lines, and reports how many in a second.
func BenchmarkImport(b *testing.B) {
	const n = 100_000
	db := openDB(b, openStore(b, b.TempDir(), store.Options{}), nil)
	next := 0
	for b.Loop() {
		b.StopTimer()
		source, err := io.ReadAll(&items{next: next, end: next + n})
		if err != nil {
			b.Fatal(err)
		}
		next += n
		b.StartTimer()
		done, err := statedb.Import(context.Background(), db, bytes.NewReader(source), statedb.KeepExisting)
		if err != nil || done.Stored != n {
			b.Fatalf("%+v, %v", done, err)
		}
	}
	b.ReportMetric(n*float64(b.N)/b.Elapsed().Seconds(), "records/s")
}
