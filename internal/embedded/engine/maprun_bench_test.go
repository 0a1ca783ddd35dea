package engine_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"

	"sundog/asl"
	"sundog/asl/asltest"
	"sundog/internal/embedded/engine"
	"sundog/internal/embedded/store"
)

// BenchmarkDistributedMap runs a distributed Map over 100,000 lines of JSON, whose children are one Pass state, synced to disk, with the results
// made and thrown away. It reports items/s and the peak memory of the process. The items are in memory, and part of that.
func BenchmarkDistributedMap(b *testing.B) {
	const items = 100_000
	for _, kind := range []string{"STANDARD", "EXPRESS"} {
		b.Run(strings.ToLower(kind), func(b *testing.B) {
			var lines bytes.Buffer
			for i := range items {
				fmt.Fprintf(&lines, "{\"id\":%d,\"text\":\"an item of a dataset\"}\n", i)
			}
			objects := &lockedObjects{}
			objects.all.Add("in", "all", asltest.StoredObject{Body: lines.Bytes()})
			s, err := store.Open(b.TempDir(), store.Options{})
			if err != nil {
				b.Fatal(err)
			}
			e, err := engine.New(engine.Options{Store: s, Runner: runnerFunc(echo), Region: "us-east-1", Account: "000000000000", Objects: thrownAway{objects}})
			if err != nil {
				b.Fatal(err)
			}
			definition := strings.Replace(distributed(readKey+write, passItem), `"ExecutionType":"STANDARD"`, `"ExecutionType":"`+kind+`"`, 1)
			if err := e.Register(b.Context(), "m", "STANDARD", []byte(definition)); err != nil {
				b.Fatal(err)
			}
			ctx, cancel := context.WithCancel(context.Background())
			var wg sync.WaitGroup
			wg.Go(func() {
				if err := e.Run(ctx); err != nil {
					b.Error(err)
				}
			})
			b.ResetTimer()
			for i := range b.N {
				d, err := e.Start(ctx, engine.StartRequest{Machine: "m", Name: fmt.Sprint("x", i), Input: []byte(`{"key":"all"}`)})
				if err != nil {
					b.Fatal(err)
				}
				if d, _, _, err = e.Wait(ctx, d.ARN); err != nil || d.Status != asl.Succeeded {
					b.Fatalf("%+v %v", d, err)
				}
			}
			b.StopTimer()
			b.ReportMetric(float64(b.N)*items/b.Elapsed().Seconds(), "items/s")
			b.ReportMetric(peakMemory(b), "MB-peak")
			cancel()
			wg.Wait()
			if err := s.Close(); err != nil {
				b.Error(err)
			}
		})
	}
}

// thrownAway takes results and keeps none.
type thrownAway struct{ *lockedObjects }

func (thrownAway) Put(context.Context, string, string, []byte) error { return nil }

// peakMemory is the largest that the process has been, in megabytes; 0 where the system does not say.
func peakMemory(b *testing.B) float64 {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		b.Log("peak memory is not known:", err)
		return 0
	}
	for line := range strings.Lines(string(status)) {
		if value, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kilobytes, err := strconv.ParseFloat(strings.Fields(value)[0], 64)
			if err != nil {
				b.Fatal(err)
			}
			return kilobytes / 1000
		}
	}
	return 0
}
