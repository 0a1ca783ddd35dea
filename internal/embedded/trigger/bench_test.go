package trigger_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"sundog/internal/dynamodb"
	domain "sundog/internal/trigger"
)

const changesPerSecond = 1000

// BenchmarkLatency makes 1,000 changes of a table a second, synced to disk, each of which starts a workflow. It reports the time from the answer to
// the write until the first task of the workflow begins, two transactions later.
func BenchmarkLatency(b *testing.B) {
	spec := things("start", domain.Target{Kind: domain.ToWorkflow, Name: "task"})
	spec.Filter = []byte(`{"eventName":["INSERT"],"dynamodb":{"NewImage":{"status":{"S":[{"exists":false}]}}}}`)
	w := open(b, nil, nil, spec)
	defer w.close()
	var (
		mu       sync.Mutex
		written  = make([]time.Time, b.N)
		took     []time.Duration
		complete = make(chan struct{})
	)
	begun := make([]time.Time, b.N)
	note := func(n int, at time.Time, times []time.Time) { // the later of the two moments makes the duration known
		mu.Lock()
		defer mu.Unlock()
		times[n] = at
		if written[n].IsZero() || begun[n].IsZero() {
			return
		}
		if took = append(took, max(0, begun[n].Sub(written[n]))); len(took) == b.N {
			close(complete)
		}
	}
	w.started = func(input string) {
		at := time.Now()
		var change struct{ ID string }
		if err := json.Unmarshal([]byte(input), &change); err != nil {
			b.Error(err)
			return
		}
		n, err := strconv.Atoi(change.ID)
		if err != nil {
			b.Error(err)
			return
		}
		note(n, at, begun)
	}
	w.run()
	put := dynamodb.New(w.tables, dynamodb.Options{Now: time.Now}).Operations()["PutItem"]
	due := make(chan int, b.N) // so that a slow write delays no other
	var writers sync.WaitGroup
	for range 64 {
		writers.Go(func() {
			for n := range due {
				if _, err := put(b.Context(), fmt.Appendf(nil, `{"TableName":"things","Item":{"id":{"S":"%d"},"n":{"N":"1"}}}`, n)); err != nil {
					b.Error(err)
				}
				note(n, time.Now(), written)
			}
		})
	}
	b.ResetTimer()
	pace := time.NewTicker(time.Second / changesPerSecond)
	defer pace.Stop()
	for n := range b.N {
		<-pace.C
		due <- n
	}
	close(due)
	if writers.Wait(); b.Failed() {
		b.FailNow()
	}
	<-complete
	b.StopTimer()
	slices.Sort(took)
	for _, percent := range []int{50, 99} {
		b.ReportMetric(float64(took[(len(took)-1)*percent/100].Microseconds())/1000, fmt.Sprintf("p%d-ms", percent))
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "changes/s")
}
