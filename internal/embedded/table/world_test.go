package table_test

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"sundog/internal/embedded/store"
	tables "sundog/internal/embedded/table"
	"sundog/internal/table"
)

// testingT is what tests, benchmarks and rapid's checks have in common.
type testingT interface {
	Helper()
	Fatal(args ...any)
	Error(args ...any)
	Cleanup(f func())
	Context() context.Context
}

// world is a store with tables that can crash.
type world struct {
	testingT
	fs     *vfs.MemFS
	store  *store.Store
	tables *tables.Tables
	now    time.Time
}

func newWorld(t testingT) *world {
	t.Helper()
	w := &world{testingT: t, fs: vfs.NewCrashableMem(), now: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}
	w.open()
	t.Cleanup(w.close)
	return w
}

func (w *world) open() {
	w.Helper()
	var err error
	if w.store, err = store.Open("data", store.Options{FS: w.fs}); err != nil {
		w.Fatal(err)
	}
	if w.tables, err = tables.Open(w.store, tables.Options{Now: func() time.Time { return w.now }}); err != nil {
		w.Fatal(err)
	}
}

func (w *world) close() {
	w.Helper()
	if err := w.store.Close(); err != nil {
		w.Error(err)
	}
}

// crash loses what was not synced, and opens what is left.
func (w *world) crash() {
	w.Helper()
	left := w.fs.CrashClone(vfs.CrashCloneCfg{})
	w.close()
	w.fs = left
	w.open()
}

const (
	things  = "things"
	byOwner = "by-owner"
	byTime  = "by-time"
)

// thingsSchema is a table with all there is.
func thingsSchema() table.Schema {
	p, s := table.Key{Name: "p", Type: table.S}, table.Key{Name: "s", Type: table.N}
	return table.Schema{
		Name: things, Keys: table.Keys{Partition: p, Sort: s}, TTL: "expires", Stream: table.ViewBoth,
		Indexes: []table.Index{
			{Name: byOwner, Keys: table.Keys{Partition: table.Key{Name: "owner", Type: table.S}}, Project: table.ProjectInclude, Include: []string{"n"}},
			{Name: byTime, Local: true, Keys: table.Keys{Partition: p, Sort: table.Key{Name: "moment", Type: table.N}}, Project: table.ProjectAll},
		},
	}
}

func (w *world) create(schema table.Schema) {
	w.Helper()
	if _, err := w.tables.Create(w.Context(), schema); err != nil {
		w.Fatal(err)
	}
}

func number(n int) table.Value { return table.Number(int64(n)) }

func key(p string, s int) table.Item { return table.Item{"p": table.Text(p), "s": number(s)} }

// with is an item with other attributes beside its key.
func with(item table.Item, more table.Item) table.Item {
	out := table.Item{}
	for _, from := range []table.Item{item, more} {
		for name, v := range from {
			out[name] = v
		}
	}
	return out
}

// update reads an update expression with the values :0, :1 and so on.
func (w *world) update(expression string, values ...table.Value) *table.Update {
	w.Helper()
	p, err := table.NewPlaceholders(nil, raws(w, values))
	if err != nil {
		w.Fatal(err)
	}
	u, err := p.ParseUpdate(expression)
	if err != nil {
		w.Fatal(err)
	}
	return u
}

func (w *world) condition(expression string, values ...table.Value) *table.Condition {
	w.Helper()
	p, err := table.NewPlaceholders(nil, raws(w, values))
	if err != nil {
		w.Fatal(err)
	}
	c, err := p.ParseCondition("ConditionExpression", expression)
	if err != nil {
		w.Fatal(err)
	}
	return c
}

func raws(t testingT, values []table.Value) []table.NamedRaw {
	t.Helper()
	var out []table.NamedRaw
	for i, v := range values {
		out = append(out, table.NamedRaw{Name: ":" + strconv.Itoa(i), Raw: table.RawOf(v)})
	}
	return out
}

func (w *world) put(item table.Item) {
	w.Helper()
	if _, err := w.tables.Write(w.Context(), &table.Write{Table: things, Kind: table.Put, Item: item}); err != nil {
		w.Fatal(err)
	}
}

func (w *world) get(k table.Item) table.Item {
	w.Helper()
	got, err := w.tables.Get(w.Context(), &table.Get{Table: things, Key: k})
	if err != nil {
		w.Fatal(err)
	}
	return got.Item
}

// all reads every page of a query.
func (w *world) all(q table.Query) []table.Item {
	w.Helper()
	var items []table.Item
	for q.Table = things; ; {
		page, err := w.tables.Query(w.Context(), &q)
		if err != nil {
			w.Fatal(err)
		}
		items = append(items, page.Items...)
		if q.Start = page.Last; q.Start == nil {
			return items
		}
	}
}

func codeOf(err error) string {
	if refused, ok := errors.AsType[*table.Error](err); ok {
		return refused.Code
	}
	if err != nil {
		return err.Error()
	}
	return ""
}
