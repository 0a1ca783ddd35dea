package table_test

import (
	"fmt"
	"sync"
	"testing"

	"sundog/internal/embedded/store"
	tables "sundog/internal/embedded/table"
	"sundog/internal/table"
)

// kinds are tables by what a write of them writes beside the item.
var kinds = []struct {
	name   string
	adjust func(*table.Schema)
}{
	{"plain", func(s *table.Schema) { s.Stream, s.Indexes = "", nil }},
	{"stream", func(s *table.Schema) { s.Indexes = nil }},
	{"stream and index", func(s *table.Schema) { s.Indexes = s.Indexes[:1] }},
}

// benchmarkKinds is a benchmark for each kind of table.
func benchmarkKinds(b *testing.B, workers int, prepare func(*world), work func(w *world, worker, i int) error) {
	for _, k := range kinds {
		b.Run(k.name, func(b *testing.B) { benchmarkOn(b, k.adjust, workers, prepare, work) })
	}
}

// benchmark runs on a table with a stream and an index.
func benchmark(b *testing.B, workers int, prepare func(*world), work func(w *world, worker, i int) error) {
	benchmarkOn(b, kinds[len(kinds)-1].adjust, workers, prepare, work)
}

// benchmarkOn runs work with so many workers on a table on the real disk.
func benchmarkOn(b *testing.B, adjust func(*table.Schema), workers int, prepare func(*world), work func(w *world, worker, i int) error) {
	s, err := store.Open(b.TempDir(), store.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	opened, err := tables.Open(s, tables.Options{})
	if err != nil {
		b.Fatal(err)
	}
	w := &world{testingT: b, store: s, tables: opened}
	schema := thingsSchema()
	schema.TTL = ""
	adjust(&schema)
	w.create(schema)
	if prepare != nil {
		prepare(w)
	}
	var wg sync.WaitGroup
	next := make(chan int, workers)
	b.ResetTimer()
	for worker := range workers {
		wg.Go(func() {
			for i := range next {
				if err := work(w, worker, i); err != nil {
					b.Error(err)
				}
			}
		})
	}
	for i := range b.N {
		next <- i
	}
	close(next)
	wg.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "op/s")
}

func BenchmarkPut(b *testing.B) {
	benchmarkKinds(b, 64, nil, func(w *world, _, i int) error {
		item := table.Item{"p": table.Text(fmt.Sprintf("task-%d", i)), "s": number(i), "owner": table.Text("somebody"), "n": number(1)}
		_, err := w.tables.Write(w.Context(), &table.Write{Table: things, Kind: table.Put, Item: item})
		return err
	})
}

func BenchmarkConditionalUpdate(b *testing.B) {
	var update *table.Update
	var condition *table.Condition
	prepare := func(w *world) {
		update, condition = w.update("SET workflow_status = :0 ADD attempts :1", table.Text("ACTIVE"), number(1)), w.condition("attempts < :0 OR attribute_not_exists(attempts)", number(1<<40))
	}
	benchmarkKinds(b, 64, prepare, func(w *world, worker, _ int) error {
		_, err := w.tables.Write(w.Context(), &table.Write{Table: things, Kind: table.Change, Key: key("a", worker), Update: update, Condition: condition, Return: table.ReturnAllNew})
		return err
	})
}

// fill puts 10,000 items, 100 to the partition.
func fill(w *world) {
	for i := 0; i < 10_000; i += 25 {
		var writes []table.Write
		for j := range 25 {
			item := with(key(fmt.Sprintf("p%d", (i+j)/100), i+j), table.Item{"owner": table.Text("somebody"), "text": table.Text("about as long as an attribute is, more or less")})
			writes = append(writes, table.Write{Table: things, Kind: table.Put, Item: item})
		}
		if _, err := w.tables.WriteAll(w.Context(), writes); err != nil {
			w.Fatal(err)
		}
	}
}

func BenchmarkGet(b *testing.B) {
	benchmark(b, 64, fill, func(w *world, _, i int) error {
		n := i * 7919 % 10_000
		_, err := w.tables.Get(w.Context(), &table.Get{Table: things, Key: key(fmt.Sprintf("p%d", n/100), n)})
		return err
	})
}

func BenchmarkQueryOf100Items(b *testing.B) {
	benchmark(b, 8, fill, func(w *world, _, i int) error {
		term := table.Term{Attribute: "p", Op: "EQ", Values: []table.Value{table.Text(fmt.Sprintf("p%d", i%100))}}
		page, err := w.tables.Query(w.Context(), &table.Query{Table: things, Terms: []table.Term{term}})
		if err == nil && page.Count != 100 {
			err = fmt.Errorf("%d items", page.Count)
		}
		return err
	})
}
