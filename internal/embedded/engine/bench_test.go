package engine_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"sundog/asl"
	"sundog/internal/embedded/engine"
	"sundog/internal/embedded/store"
)

// BenchmarkExecutions runs executions from start to end, synced to disk, 256 at a time, with an input of 5 KB and tasks that do nothing.
func BenchmarkExecutions(b *testing.B) {
	for _, machine := range []string{"pass", "three"} {
		b.Run(machine, func(b *testing.B) {
			s, err := store.Open(b.TempDir(), store.Options{})
			if err != nil {
				b.Fatal(err)
			}
			var ended atomic.Int64
			done := make(chan struct{})
			slots := make(chan struct{}, 256)
			e, err := engine.New(engine.Options{
				Store: s, Runner: runnerFunc(echo), Region: "us-east-1", Account: "000000000000",
				EndHook: func(tx *store.Tx, _ engine.Description, _, _ *asl.Document) error {
					tx.OnCommit(func() {
						<-slots
						if ended.Add(1) == int64(b.N) {
							close(done)
						}
					})
					return nil
				},
			})
			if err != nil {
				b.Fatal(err)
			}
			if err := e.Register(b.Context(), machine, "STANDARD", []byte(machines[machine])); err != nil {
				b.Fatal(err)
			}
			ctx, cancel := context.WithCancel(context.Background())
			var wg sync.WaitGroup
			wg.Go(func() {
				if err := e.Run(ctx); err != nil {
					b.Error(err)
				}
			})
			input := []byte(`{"text":"` + strings.Repeat("x", 5000) + `"}`)
			b.ResetTimer()
			for i := range b.N {
				slots <- struct{}{}
				go func() {
					if _, err := e.Start(ctx, engine.StartRequest{Machine: machine, Name: fmt.Sprint("x", i), Input: input}); err != nil {
						b.Error(err)
					}
				}()
			}
			<-done
			b.StopTimer()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "executions/s")
			cancel()
			wg.Wait()
			if err := s.Close(); err != nil {
				b.Error(err)
			}
		})
	}
}
