package embedded_test

import (
	"context"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"sundog/internal/embedded"
	"sundog/internal/project"
	"sundog/internal/statedb"
)

// BenchmarkPayloads takes payloads of 4 KB from the process queue to SUCCEEDED through three tasks that do nothing, synced to disk.
func BenchmarkPayloads(b *testing.B) {
	dir := b.TempDir()
	p := project.Default(dir, "bench")
	task := `{"Type":"Task","Resource":"arn:aws:states:::lambda:invoke","Parameters":{"FunctionName":"echo","Payload.$":"$"},"OutputPath":"$.Payload",`
	p.Workflows = []project.Workflow{{Name: "three", Definition: []byte(`{"StartAt":"One","States":{"One":` + task + `"Next":"Two"},"Two":` + task + `"Next":"Three"},"Three":` + task + `"End":true}}}`)}}
	p.Functions = []project.Function{{Name: "echo", Kind: project.Builtin, Builtin: "echo", Timeout: time.Minute, Concurrency: 1000}}
	p.Lanes = []project.Lane{{Name: "live", Concurrency: 1000}, {Name: "bulk", Concurrency: 1}}
	platform, err := embedded.Open(b.Context(), p, embedded.Options{Data: dir})
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := platform.Run(ctx); err != nil {
			b.Error(err)
		}
	})
	filler := strings.Repeat("x", 3700)
	b.ResetTimer()
	before := processorTime(b)
	var feeding sync.WaitGroup
	next := make(chan int, b.N)
	for i := range b.N {
		next <- i
	}
	close(next)
	for range 8 {
		feeding.Go(func() {
			var group []embedded.Submission
			flush := func() {
				if _, err := platform.Submit(ctx, group); err != nil {
					b.Error(err)
				}
				group = group[:0]
			}
			for i := range next {
				body := `{"type":"FeatureCollection","features":[{"type":"Feature","stac_version":"1.0.0","id":"` + strconv.Itoa(i) +
					`","collection":"bench","geometry":null,"properties":{"datetime":"2024-05-01T00:00:00Z","note":"` + filler +
					`"},"links":[],"assets":{}}],"process":[{"workflow":"three"}]}`
				group = append(group, embedded.Submission{Body: []byte(body)})
				if len(group) == 50 {
					flush()
				}
			}
			flush()
		})
	}
	feeding.Wait()
	for {
		counts, err := platform.Records.Counts(ctx, "bench_three")
		if err != nil {
			b.Fatal(err)
		}
		done := false
		for _, c := range counts {
			done = done || c.State == statedb.Succeeded && c.Records == int64(b.N)
		}
		if done {
			break
		}
		<-time.After(time.Millisecond)
	}
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "payloads/s")
	b.ReportMetric(float64((processorTime(b)-before).Microseconds())/float64(b.N), "cpu-µs/payload") // says more than the rate on a shared machine
	cancel()
	wg.Wait()
	if err := platform.Close(context.Background()); err != nil {
		b.Error(err)
	}
}

// processorTime is what this process has used of all processors.
func processorTime(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
