package table_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"sundog/internal/table"
)

func TestWritersOfOneItemComeOneAfterTheOther(t *testing.T) {
	w := newWorld(t)
	w.create(thingsSchema())
	add := w.update("ADD n :0", number(1))
	const writers, each = 16, 25
	var wg sync.WaitGroup
	for range writers {
		wg.Go(func() {
			for range each {
				if _, err := w.tables.Write(t.Context(), &table.Write{Table: things, Kind: table.Change, Key: key("a", 1), Update: add}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if got := w.get(key("a", 1))["n"]; !got.Equal(number(writers * each)) {
		t.Errorf("%d additions make %v", writers*each, got)
	}
}

// Two accounts and transfers between them in both directions: nothing is lost, nobody waits for ever, and readers see the same sum always.
func TestTransactionsAreIsolated(t *testing.T) {
	w := newWorld(t)
	w.create(thingsSchema())
	one, two := key("a", 1), key("b", 1)
	w.put(with(one, table.Item{"n": number(1000)}))
	w.put(with(two, table.Item{"n": number(1000)}))
	plus, minus := w.update("ADD n :0", number(1)), w.update("ADD n :0", number(-1))
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var wg sync.WaitGroup
	for i := range 4 {
		from, to := one, two
		if i%2 == 0 {
			from, to = two, one
		}
		wg.Go(func() {
			for range 50 {
				_, err := w.tables.Transact(t.Context(), []table.Write{
					{Table: things, Kind: table.Change, Key: from, Update: minus}, {Table: things, Kind: table.Change, Key: to, Update: plus},
				}, "", nil)
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for ctx.Err() == nil {
			got, err := w.tables.TransactGet(t.Context(), []table.Get{{Table: things, Key: one}, {Table: things, Key: two}})
			if err != nil {
				t.Error(err)
				return
			}
			x, _ := got[0].Item["n"].Seconds()
			y, _ := got[1].Item["n"].Seconds()
			if x+y != 2000 {
				t.Errorf("%d and %d", x, y)
			}
		}
	}()
	wg.Wait()
	stop()
	<-done
}

func TestTokenMakesATransactionOnce(t *testing.T) {
	w := newWorld(t)
	w.create(thingsSchema())
	add := []table.Write{{Table: things, Kind: table.Change, Key: key("a", 1), Update: w.update("ADD n :0", number(1))}}
	transact := func(token, digest string) string {
		_, err := w.tables.Transact(t.Context(), add, token, []byte(digest))
		return codeOf(err)
	}
	for _, c := range []struct {
		token, digest string
		later         time.Duration
		want          string
		n             int
	}{
		{"one", "x", 0, "", 1},
		{"one", "x", time.Minute, "", 1},
		{"one", "y", time.Minute, table.IdempotentMismatch, 1},
		{"two", "x", 0, "", 2},
		{"one", "y", 9 * time.Minute, "", 3},
	} {
		w.now = w.now.Add(c.later)
		if got := transact(c.token, c.digest); got != c.want {
			t.Errorf("%+v gives %q", c, got)
		}
		if got := w.get(key("a", 1))["n"]; !got.Equal(number(c.n)) {
			t.Errorf("%+v: %v", c, got)
		}
		w.crash()
	}
	w.now = w.now.Add(time.Hour)
	if _, err := w.tables.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := transact("two", "z"); got != "" {
		t.Errorf("a token that was swept gives %q", got)
	}
}

func TestCanceledTransactionTellsWhy(t *testing.T) {
	w := newWorld(t)
	w.create(thingsSchema())
	old := with(key("a", 1), table.Item{"n": number(5)})
	w.put(old)
	_, err := w.tables.Transact(t.Context(), []table.Write{
		{Table: things, Kind: table.Put, Item: key("b", 1)},
		{Table: things, Kind: table.Delete, Key: key("a", 1), Condition: w.condition("n > :0", number(5)), ReturnOnFailure: true},
		{Table: things, Kind: table.Change, Key: key("c", 1), Update: w.update("SET x = y")},
	}, "", nil)
	refused, ok := err.(*table.Error) //nolint:errorlint // it is what callers get
	if !ok || refused.Code != table.TransactionCanceled || !strings.HasSuffix(refused.Message, "[None, ConditionalCheckFailed, ValidationError]") {
		t.Fatal(err)
	}
	if !refused.Reasons[1].Item.Equal(old) || refused.Reasons[2].Message == "" {
		t.Errorf("%+v", refused.Reasons)
	}
	if w.get(key("b", 1)) != nil {
		t.Error("a part of the transaction was made")
	}
}

func TestExpiry(t *testing.T) {
	w := newWorld(t)
	w.create(thingsSchema())
	at := func(d time.Duration) table.Item { return table.Item{"expires": table.Number(w.now.Add(d).Unix())} }
	w.put(with(key("a", 1), at(time.Hour)))
	w.put(with(key("a", 2), at(-time.Hour)))
	w.put(with(key("a", 3), at(-6*365*24*time.Hour))) // too long ago
	w.put(with(key("a", 4), table.Item{"expires": table.Text("1")}))
	w.put(with(key("a", 5), at(time.Minute)))
	w.put(with(key("a", 5), at(3*time.Hour))) // put off
	w.crash()
	for _, c := range []struct {
		later time.Duration
		want  int
	}{{0, 1}, {30 * time.Minute, 0}, {time.Hour, 1}, {time.Hour, 0}, {time.Hour, 1}} {
		w.now = w.now.Add(c.later)
		if got, err := w.tables.Sweep(t.Context()); err != nil || got != c.want {
			t.Errorf("after %v more %d items expired, %v; want %d", c.later, got, err, c.want)
		}
	}
	if left := w.all(table.Query{Scan: true}); len(left) != 2 {
		t.Errorf("left: %v", left)
	}
	records, err := w.tables.Changes(t.Context(), things, 0, 100)
	if err != nil {
		t.Fatal(err)
	}
	expired := 0
	for _, r := range records {
		if r.Expired && r.Event == "REMOVE" {
			expired++
		}
	}
	if expired != 3 {
		t.Errorf("the stream tells of %d expired items", expired)
	}
}

func TestStreamIsTrimmedAndNumbersGoOn(t *testing.T) {
	w := newWorld(t)
	w.create(thingsSchema())
	w.put(key("a", 1))
	first, err := w.tables.Newest(t.Context(), things)
	if err != nil {
		t.Fatal(err)
	}
	w.now = w.now.Add(25 * time.Hour)
	if _, err := w.tables.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.crash()
	if records, err := w.tables.Changes(t.Context(), things, 0, 10); err != nil || len(records) != 0 {
		t.Errorf("%v, %v", records, err)
	}
	w.put(key("a", 1)) // nothing changes
	w.put(key("a", 2))
	records, err := w.tables.Changes(t.Context(), things, first, 10)
	if err != nil || len(records) != 1 || records[0].Event != "INSERT" {
		t.Errorf("after %d: %+v, %v", first, records, err)
	}
}

func TestWaitingForAChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.create(thingsSchema())
		quiet := thingsSchema()
		quiet.Name, quiet.Stream = "quiet", ""
		w.create(quiet)
		done := make(chan error, 1)
		go func() { done <- w.tables.Wait(t.Context(), things, 0) }()
		synctest.Wait()
		select {
		case err := <-done:
			t.Fatalf("it came back before there was a change: %v", err)
		default:
		}
		w.put(key("a", 1))
		if err := <-done; err != nil {
			t.Error(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		newest, err := w.tables.Newest(t.Context(), things)
		if err != nil {
			t.Fatal(err)
		}
		if err := w.tables.Wait(ctx, things, newest); err == nil {
			t.Error("it came back without a change")
		}
		if got := codeOf(w.tables.Wait(t.Context(), "quiet", 0)); got != table.NotFound {
			t.Errorf("a table without a stream gives %q", got)
		}
	})
}

func TestIndexIsBuiltFromWhatIsThere(t *testing.T) {
	w := newWorld(t)
	schema := thingsSchema()
	indexes, ttl := schema.Indexes, schema.TTL
	schema.Indexes, schema.TTL = nil, ""
	w.create(schema)
	var writes []table.Write
	for i := range 1200 { // more than one step of building
		item := with(key("a", i), table.Item{"owner": table.Text("x"), "moment": number(1200 - i), "expires": table.Number(w.now.Add(-time.Minute).Unix())})
		writes = append(writes, table.Write{Table: things, Kind: table.Put, Item: item})
	}
	if _, err := w.tables.WriteAll(t.Context(), writes); err != nil {
		t.Fatal(err)
	}
	_, err := w.tables.Alter(t.Context(), things, func(s *table.Schema) error {
		s.Indexes, s.TTL = indexes, ttl
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	w.crash()
	if got := w.all(table.Query{Scan: true, Index: byOwner}); len(got) != 1200 {
		t.Errorf("the index has %d items", len(got))
	}
	latest := w.all(table.Query{Index: byTime, Terms: []table.Term{{Attribute: "p", Op: "EQ", Values: []table.Value{table.Text("a")}}}})
	if len(latest) != 1200 || !latest[0]["s"].Equal(number(1199)) {
		t.Errorf("%d items, the first is %v", len(latest), latest[0])
	}
	_, err = w.tables.Alter(t.Context(), things, func(s *table.Schema) error {
		s.Indexes = s.Indexes[:1]
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.tables.Query(t.Context(), &table.Query{Table: things, Scan: true, Index: byTime}); codeOf(err) != table.Validation {
		t.Errorf("an index that was removed gives %v", err)
	}
	if got, err := w.tables.Sweep(t.Context()); err != nil || got != 1200 {
		t.Errorf("%d items expired, %v", got, err)
	}
}

func TestDeclaredTables(t *testing.T) {
	w := newWorld(t)
	schema := thingsSchema()
	if err := w.tables.Declare(t.Context(), []table.Schema{schema}); err != nil {
		t.Fatal(err)
	}
	w.put(key("a", 1))
	if _, err := w.tables.Delete(t.Context(), things); codeOf(err) != table.Validation {
		t.Errorf("deleting a declared table gives %v", err)
	}
	other := schema
	other.Keys.Sort.Type = table.S
	if err := w.tables.Declare(t.Context(), []table.Schema{other}); err == nil || !strings.Contains(err.Error(), "keys cannot be changed") {
		t.Errorf("other keys give %v", err)
	}
	w.crash()
	if err := w.tables.Declare(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	if w.get(key("a", 1)) == nil {
		t.Error("the table lost an item with its declaration")
	}
	if _, err := w.tables.Delete(t.Context(), things); err != nil {
		t.Error(err)
	}
	w.create(schema)
	if w.get(key("a", 1)) != nil || len(w.all(table.Query{Scan: true, Index: byTime})) != 0 {
		t.Error("a new table has items of one that was deleted")
	}
	if diff := cmp.Diff([]string{things}, w.tables.Names("", 10)); diff != "" {
		t.Error(diff)
	}
}

func TestPagesAreBounded(t *testing.T) {
	w := newWorld(t)
	w.create(thingsSchema())
	for i := range 5 {
		w.put(with(key("a", i), table.Item{"x": table.Text(strings.Repeat("x", 390<<10))}))
	}
	q := &table.Query{Table: things, Scan: true}
	page, err := w.tables.Query(t.Context(), q)
	if err != nil || len(page.Items) != 3 || page.Last == nil {
		t.Errorf("%d items on a page, %v", len(page.Items), err)
	}
	if got := w.all(*q); len(got) != 5 {
		t.Errorf("%d items on all pages", len(got))
	}
	var gets []table.Get
	for i := range 60 {
		gets = append(gets, table.Get{Table: things, Key: key("a", i%5)})
	}
	got, err := w.tables.GetAll(t.Context(), gets)
	if size := 390 << 10; err != nil || len(got)*size > table.MaxBatchGetBytes || (len(got)+1)*size < table.MaxBatchGetBytes {
		t.Errorf("%d of 60 items were returned, %v", len(got), err)
	}
}
