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

const passChoicePass = `{"StartAt":"A","States":{
	"A":{"Type":"Pass","Next":"B"},
	"B":{"Type":"Choice","Choices":[{"Variable":"$.n","NumericGreaterThan":2,"Next":"C"}],"Default":"C"},
	"C":{"Type":"Pass","End":true}}}`

// BenchmarkExecutions runs executions from start to end, every commit synced to disk, 256 at a time, with tasks that do nothing.
func BenchmarkExecutions(b *testing.B) {
	large := `{"n":3,"text":"` + strings.Repeat("x", 5000) + `"}`
	items := `{"items":[` + strings.Repeat(`{"n":1},`, 99) + `{"n":1}]}`
	for _, c := range []struct{ name, definition, input string }{
		{"PassChoicePass", passChoicePass, `{"n":3}`},
		{"PassChoicePass5KB", passChoicePass, large},
		{"ThreeTasks", machines["three"], `{"n":3}`},
		{"ThreeTasks5KB", machines["three"], large},
		{"Map100", machines["map"], items},
	} {
		b.Run(c.name, func(b *testing.B) { benchmark(b, c.definition, []byte(c.input)) })
	}
}

func benchmark(b *testing.B, definition string, input []byte) {
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
	if err := e.Register(b.Context(), "machine", "STANDARD", []byte(definition)); err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := e.Run(ctx); err != nil {
			b.Error(err)
		}
	})
	before := s.Statistics()
	b.ReportAllocs()
	b.ResetTimer()
	for i := range b.N {
		slots <- struct{}{}
		go func() {
			if _, err := e.Start(ctx, engine.StartRequest{Machine: "machine", Name: fmt.Sprint("x", i), Input: input}); err != nil {
				b.Error(err)
			}
		}()
	}
	<-done
	b.StopTimer()
	after := s.Statistics()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "executions/s")
	b.ReportMetric(float64(after.Commits-before.Commits)/float64(b.N), "commits/op")
	cancel()
	wg.Wait()
	if err := s.Close(); err != nil {
		b.Error(err)
	}
}
