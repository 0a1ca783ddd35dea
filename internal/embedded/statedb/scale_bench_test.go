package statedb_test

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	embedded "sundog/internal/embedded/statedb"
	"sundog/internal/embedded/store"
	"sundog/internal/statedb"
)

// BenchmarkScale fills a table by an import, and measures in one run what must not depend on how much there is: pages and counts,
// and claims, which are compared with those of empty tables before and after.
func BenchmarkScale(b *testing.B) {
	total := benchRecords(b)
	for range b.N {
		before := claimsOfEmpty(b)
		full := measureFull(b, total)
		after := claimsOfEmpty(b)
		b.ReportMetric((before.rate+after.rate)/2, "claims/s-empty")
		b.ReportMetric(full.rate, "claims/s-full")
		b.ReportMetric((before.cost+after.cost)/2, "cpu-µs/claim-empty") // says more than the rate on a shared machine
		b.ReportMetric(full.cost, "cpu-µs/claim-full")
	}
	b.ReportMetric(float64(peakMemory(b))/1e6, "MB-peak")
}

// A speed is how many in a second, and how many microseconds of processor time each took.
type speed struct{ rate, cost float64 }

// speedOf measures what does something n times.
func speedOf(b *testing.B, n int, run func() error) speed {
	b.Helper()
	var before, after syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &before); err != nil {
		b.Fatal(err)
	}
	begin := time.Now()
	if err := run(); err != nil {
		b.Fatal(err)
	}
	took := time.Since(begin)
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &after); err != nil {
		b.Fatal(err)
	}
	used := time.Duration(after.Utime.Nano() + after.Stime.Nano() - before.Utime.Nano() - before.Stime.Nano())
	return speed{float64(n) / took.Seconds(), float64(used.Microseconds()) / float64(n)}
}

func claimsOfEmpty(b *testing.B) speed {
	b.Helper()
	st, err := store.Open(b.TempDir(), store.Options{})
	if err != nil {
		b.Fatal(err)
	}
	rate := claims(b, openDB(b, st, nil))
	if err := st.Close(); err != nil {
		b.Fatal(err)
	}
	return rate
}

// claims makes new records with 64 writers.
func claims(b *testing.B, db *embedded.DB) speed {
	b.Helper()
	const writers, each = 64, 1000
	var next atomic.Int64
	return speedOf(b, writers*each, func() error {
		g, ctx := errgroup.WithContext(b.Context())
		for range writers {
			g.Go(func() error {
				for range each {
					n := int(next.Add(1))
					if _, err := db.Apply(ctx, statedb.Claim(id(n), execution(n), time.Now()), statedb.Effects{}); err != nil {
						return err
					}
				}
				return nil
			})
		}
		return g.Wait()
	})
}

// measureFull imports records, asks for them, and returns the speed of claims beside them.
func measureFull(b *testing.B, total int) speed {
	b.Helper()
	st, err := store.Open(b.TempDir(), store.Options{})
	if err != nil {
		b.Fatal(err)
	}
	db := openDB(b, st, nil)
	imported := speedOf(b, total, func() error {
		done, err := statedb.Import(b.Context(), db, &items{end: total}, statedb.KeepExisting)
		if err == nil && done.Stored != int64(total) {
			err = fmt.Errorf("%+v", done)
		}
		return err
	})
	b.ReportMetric(imported.rate, "imported/s")
	b.ReportMetric(imported.cost, "cpu-µs/imported")

	const pages, asked = 500, 200
	q := statedb.Query{State: statedb.Failed}
	turned := took(b, pages, func(ctx context.Context) error {
		page, err := db.Query(ctx, q)
		if err == nil && len(page.Records) == 0 {
			err = fmt.Errorf("an empty page")
		}
		q.After = page.Next
		return err
	})
	first := took(b, asked, func(ctx context.Context) error {
		_, err := db.Query(ctx, statedb.Query{State: statedb.Failed})
		return err
	})
	counted := took(b, asked, func(ctx context.Context) error {
		_, err := db.Counts(ctx, "")
		return err
	})
	report := func(what string, times []time.Duration) {
		for _, percent := range []int{50, 99} {
			b.ReportMetric(float64(times[len(times)*percent/100].Microseconds())/1000, fmt.Sprintf("ms-%s-p%d", what, percent))
		}
	}
	report("page", turned)
	report("first-page", first)
	report("counts", counted)
	claimed := claims(b, db)
	if err := st.Close(); err != nil {
		b.Fatal(err)
	}
	return claimed
}

// took runs something some times, and returns how long it took, the shortest first.
func took(b *testing.B, times int, run func(context.Context) error) []time.Duration {
	b.Helper()
	all := make([]time.Duration, times)
	for i := range all {
		begin := time.Now()
		if err := run(b.Context()); err != nil {
			b.Fatal(err)
		}
		all[i] = time.Since(begin)
	}
	slices.Sort(all)
	return all
}

// peakMemory is the most that the process has had in memory, in bytes, as Linux counts it.
func peakMemory(b *testing.B) int64 {
	b.Helper()
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		b.Skipf("no /proc: %v", err)
	}
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kilobytes, err := strconv.ParseInt(strings.Fields(value)[0], 10, 64)
			if err != nil {
				b.Fatal(err)
			}
			return kilobytes * 1024
		}
	}
	b.Fatal("the kernel does not tell")
	return 0
}
