package table_test

import (
	"cmp"
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"sundog/internal/table"
)

// TestModel plays random operations, with crashes between them, and compares table, indexes and stream with a map.
func TestModel(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := newModelWorld(rt)
		rt.Repeat(map[string]func(*rapid.T){
			"put":      w.drawPut,
			"update":   w.drawUpdate,
			"delete":   w.drawDelete,
			"transact": w.drawTransact,
			"batch":    w.drawBatch,
			"crash":    func(*rapid.T) { w.crash() },
			"":         w.check,
		})
	})
}

// model is a world and what has to be in it.
type model struct {
	*world
	items map[string]table.Item
	// replayed is what the stream makes of nothing, read up to position.
	replayed map[string]table.Item
	position uint64
}

func newModelWorld(t *rapid.T) *model {
	w := newWorld(t)
	w.create(thingsSchema())
	return &model{world: w, items: map[string]table.Item{}, replayed: map[string]table.Item{}}
}

func keyText(item table.Item) string { return item["p"].Text + "/" + item["s"].Text }

func drawKey(t *rapid.T) table.Item {
	return key(rapid.SampledFrom([]string{"a", "b", "c\x00", "c"}).Draw(t, "p"), rapid.IntRange(-3, 3).Draw(t, "s"))
}

func drawItem(t *rapid.T) table.Item {
	item := drawKey(t)
	if rapid.Bool().Draw(t, "owned") {
		item["owner"] = table.Text(rapid.SampledFrom([]string{"x", "y"}).Draw(t, "owner"))
	}
	if rapid.Bool().Draw(t, "timed") {
		item["moment"] = number(rapid.IntRange(-2, 12).Draw(t, "time"))
	}
	item["n"] = number(rapid.IntRange(0, 100).Draw(t, "n"))
	return item
}

func (m *model) drawPut(t *rapid.T) {
	item := drawItem(t)
	w := &table.Write{Table: things, Kind: table.Put, Item: item, Return: table.ReturnAllOld}
	absent := rapid.Bool().Draw(t, "only when absent")
	if absent {
		w.Condition = m.condition("attribute_not_exists(p)")
	}
	out, err := m.tables.Write(m.Context(), w)
	old := m.items[keyText(item)]
	if absent && old != nil {
		if codeOf(err) != table.ConditionFailed {
			t.Fatalf("a put over an item gives %v", err)
		}
		return
	}
	if err != nil || !out.Attributes.Equal(old) {
		t.Fatalf("put gives %v, %v; there was %v", out.Attributes, err, old)
	}
	m.items[keyText(item)] = item
}

func (m *model) drawUpdate(t *rapid.T) {
	k, by := drawKey(t), rapid.IntRange(-5, 5).Draw(t, "by")
	out, err := m.tables.Write(m.Context(), &table.Write{
		Table: things, Kind: table.Change, Key: k, Update: m.update("ADD n :0 REMOVE moment", number(by)), Return: table.ReturnAllNew,
	})
	if err != nil {
		t.Fatal(err)
	}
	want := with(k, m.items[keyText(k)])
	delete(want, "moment")
	before := 0
	if n, ok := want["n"]; ok {
		if _, err := fmt.Sscan(n.Text, &before); err != nil {
			t.Fatal(err)
		}
	}
	want["n"] = number(before + by)
	if !out.Attributes.Equal(want) {
		t.Fatalf("updated to %v, want %v", out.Attributes, want)
	}
	m.items[keyText(k)] = want
}

func (m *model) drawDelete(t *rapid.T) {
	k := drawKey(t)
	if _, err := m.tables.Write(m.Context(), &table.Write{Table: things, Kind: table.Delete, Key: k}); err != nil {
		t.Fatal(err)
	}
	delete(m.items, keyText(k))
}

// drawTransact puts two items if a third one is there.
func (m *model) drawTransact(t *rapid.T) {
	one, two, guard := drawItem(t), drawItem(t), drawKey(t)
	writes := []table.Write{
		{Table: things, Kind: table.Put, Item: one},
		{Table: things, Kind: table.Put, Item: two},
		{Table: things, Kind: table.Check, Key: guard, Condition: m.condition("attribute_exists(p)")},
	}
	_, err := m.tables.Transact(m.Context(), writes, "", nil)
	texts := []string{keyText(one), keyText(two), keyText(guard)}
	slices.Sort(texts)
	want := ""
	switch {
	case len(slices.Compact(texts)) < 3:
		want = table.Validation
	case m.items[keyText(guard)] == nil:
		want = table.TransactionCanceled
	}
	if codeOf(err) != want {
		t.Fatalf("the transaction gives %v, want %q", err, want)
	}
	if want == "" {
		m.items[keyText(one)], m.items[keyText(two)] = one, two
	}
}

func (m *model) drawBatch(t *rapid.T) {
	put, gone := drawItem(t), drawKey(t)
	_, err := m.tables.WriteAll(m.Context(), []table.Write{{Table: things, Kind: table.Put, Item: put}, {Table: things, Kind: table.Delete, Key: gone}})
	if keyText(put) == keyText(gone) {
		if codeOf(err) != table.Validation {
			t.Fatalf("a batch with an item twice gives %v", err)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	m.items[keyText(put)] = put
	delete(m.items, keyText(gone))
}

func (m *model) check(t *rapid.T) {
	m.checkItems(t, "scan", m.all(table.Query{Scan: true, Limit: 3}), func(table.Item) bool { return true })
	var segments []table.Item
	for segment := range 3 {
		segments = append(segments, m.all(table.Query{Scan: true, Segment: segment, TotalSegments: 3})...)
	}
	m.checkItems(t, "segments", segments, func(table.Item) bool { return true })
	m.checkItems(t, "index", m.all(table.Query{Scan: true, Index: byTime}), func(i table.Item) bool { return i["moment"].Type != table.None })
	m.checkOrder(t)
	m.checkOwners(t)
	m.checkStream(t)
	info, err := m.tables.Describe(m.Context(), things)
	if err != nil || info.Items != int64(len(m.items)) {
		t.Fatalf("%d items are counted, %v; there are %d", info.Items, err, len(m.items))
	}
}

func (m *model) checkItems(t *rapid.T, how string, got []table.Item, in func(table.Item) bool) {
	want := 0
	for _, item := range m.items {
		if in(item) {
			want++
		}
	}
	for _, item := range got {
		if !item.Equal(m.items[keyText(item)]) {
			t.Fatalf("%s gives %v, want %v", how, item, m.items[keyText(item)])
		}
	}
	if len(got) != want {
		t.Fatalf("%s gives %d items, want %d", how, len(got), want)
	}
}

// checkOrder queries a part of a partition, both ways.
func (m *model) checkOrder(t *rapid.T) {
	low := rapid.IntRange(-4, 4).Draw(t, "low")
	terms := []table.Term{
		{Attribute: "p", Op: "EQ", Values: []table.Value{table.Text("c")}},
		{Attribute: "s", Op: "GE", Values: []table.Value{number(low)}},
	}
	up := m.all(table.Query{Terms: terms, Limit: 2})
	down := m.all(table.Query{Terms: terms, Backward: true})
	slices.Reverse(down)
	if !slices.EqualFunc(up, down, table.Item.Equal) {
		t.Fatalf("forward %v, backward %v", up, down)
	}
	sorts := make([]int, 0, len(up))
	for _, item := range up {
		n := 0
		if _, err := fmt.Sscan(item["s"].Text, &n); err != nil || n < low {
			t.Fatalf("%v is not at least %d", item, low)
		}
		sorts = append(sorts, n)
	}
	if !slices.IsSortedFunc(sorts, cmp.Compare[int]) {
		t.Fatalf("not in order: %v", sorts)
	}
}

func (m *model) checkOwners(t *rapid.T) {
	for _, owner := range []string{"x", "y"} {
		got := m.all(table.Query{Index: byOwner, Terms: []table.Term{{Attribute: "owner", Op: "EQ", Values: []table.Value{table.Text(owner)}}}})
		want := 0
		for _, item := range m.items {
			if item["owner"].Text == owner {
				want++
			}
		}
		for _, entry := range got {
			item := m.items[keyText(entry)]
			if entry["moment"].Type != table.None || !entry["n"].Equal(item["n"]) || item["owner"].Text != owner {
				t.Fatalf("the index has %v for %v", entry, item)
			}
		}
		if len(got) != want {
			t.Fatalf("the index has %d items of %s, want %d", len(got), owner, want)
		}
	}
}

// checkStream goes on with the stream where it has stopped, and has to come to the same items.
func (m *model) checkStream(t *rapid.T) {
	for {
		records, err := m.tables.Changes(m.Context(), things, m.position, 5)
		if err != nil {
			t.Fatal(err)
		}
		if len(records) == 0 {
			break
		}
		for _, r := range records {
			id := keyText(r.Keys)
			if r.Sequence <= m.position || !r.Old.Equal(m.replayed[id]) || (r.Event == "INSERT") != (r.Old == nil) || (r.Event == "REMOVE") != (r.New == nil) {
				t.Fatalf("record %+v after %d, over %v", r, m.position, m.replayed[id])
			}
			m.position = r.Sequence
			if m.replayed[id] = r.New; r.New == nil {
				delete(m.replayed, id)
			}
		}
	}
	if len(m.replayed) != len(m.items) {
		t.Fatalf("the stream makes %d items, there are %d", len(m.replayed), len(m.items))
	}
	for id, item := range m.items {
		if !m.replayed[id].Equal(item) {
			t.Fatalf("the stream makes %v, there is %v", m.replayed[id], item)
		}
	}
}
