package table

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"time"

	"sundog/internal/embedded/store"
	"sundog/internal/table"
)

// Joined is Tables whose Write is one transaction with something else.
type Joined struct {
	*Tables
	also func(tx *store.Tx, answer table.Written) error
}

// Joined returns the tables with a Write to whose transaction also adds, when it knows what the Write will answer. Its error takes the
// Write back.
func (t *Tables) Joined(also func(tx *store.Tx, answer table.Written) error) Joined {
	return Joined{t, also}
}

// Write is Tables.Write together with something else.
func (j Joined) Write(ctx context.Context, w *table.Write) (table.Written, error) {
	return j.write(ctx, w, j.also)
}

// Write changes an item, if it meets the condition. Errors that DynamoDB answers with are *table.Error.
func (t *Tables) Write(ctx context.Context, w *table.Write) (table.Written, error) {
	return t.write(ctx, w, nil)
}

func (t *Tables) write(ctx context.Context, w *table.Write, also func(*store.Tx, table.Written) error) (table.Written, error) {
	s, release, err := t.use(w.Table)
	if err != nil {
		return table.Written{}, err
	}
	defer release()
	if err := s.Schema.CheckWrite(w); err != nil {
		return table.Written{}, err
	}
	key := s.itemKey(w.KeyOf(s.Schema))
	unlock, err := t.locks.Lock(ctx, string(key))
	if err != nil {
		return table.Written{}, err
	}
	defer unlock()
	old, err := t.read(key)
	if err != nil {
		return table.Written{}, fmt.Errorf("reading an item of table %s: %w", w.Table, err)
	}
	item, err := s.Schema.Decide(w, old)
	if err != nil {
		return table.Written{}, err
	}
	tx := t.store.Begin()
	c := change{key: key, old: old, item: item}
	t.changeTx(tx, s, c)
	answer := w.Answer(old, item)
	if also != nil {
		if err := also(tx, answer); err != nil {
			return table.Written{}, err
		}
	}
	// Whoever gives up waiting must not give up the lock: the outcome has to be known before the next one reads.
	if err := t.commit(context.WithoutCancel(ctx), tx, []recorded{{s, c}}); err != nil {
		return table.Written{}, fmt.Errorf("writing an item of table %s: %w", w.Table, err)
	}
	return answer, nil
}

// change is what happens to an item; old or item is nil when there is none.
type change struct {
	key       store.Key
	old, item table.Item
	expired   bool // it was removed because its time had come
}

// changeTx writes an item, its entries in the indexes, its time of expiry and the counts of the table.
func (t *Tables) changeTx(tx *store.Tx, s *state, c change) {
	if c.item != nil {
		tx.Set(c.key, encode(c.item))
	} else if c.old != nil {
		tx.Delete(c.key)
	}
	for i := range s.Schema.Indexes {
		s.indexTx(tx, &s.Schema.Indexes[i], c.old, c.item)
	}
	s.expiryTx(tx, c)
	items := int64(0)
	if c.item != nil {
		items++
	}
	if c.old != nil {
		items--
	}
	if items != 0 {
		tx.Add(s.countKey(countItems), items)
	}
	if grown := int64(c.item.Size() - c.old.Size()); grown != 0 {
		tx.Add(s.countKey(countBytes), grown)
	}
}

// indexTx brings an index from one item to another, writing only what differs.
func (s *state) indexTx(tx *store.Tx, x *table.Index, old, item table.Item) {
	var oldKey store.Key
	var oldEntry []byte
	if x.Has(old) {
		oldKey, oldEntry = s.entryKey(x, old), encode(s.Schema.Entry(x, old))
	}
	if !x.Has(item) {
		if oldKey != nil {
			tx.Delete(oldKey)
		}
		return
	}
	key, entry := s.entryKey(x, item), encode(s.Schema.Entry(x, item))
	if oldKey != nil && !bytes.Equal(oldKey, key) {
		tx.Delete(oldKey)
		oldEntry = nil
	}
	if oldEntry == nil || !bytes.Equal(oldEntry, entry) {
		tx.Set(key, entry)
	}
}

func (s *state) expiryTx(tx *store.Tx, c change) {
	if s.Schema.TTL == "" {
		return
	}
	before, had := expiry(s.Schema.TTL, c.old)
	after, has := expiry(s.Schema.TTL, c.item)
	if had && (!has || !before.Equal(after)) {
		tx.Delete(s.expiryKey(before, c.key))
	}
	if has && (!had || !before.Equal(after)) {
		tx.Set(s.expiryKey(after, c.key), nil)
	}
}

// recorded is a change of an item of a table.
type recorded struct {
	table  *state
	change change
}

// commit commits a transaction with the stream records of its changes. What changes nothing is no change.
func (t *Tables) commit(ctx context.Context, tx *store.Tx, changes []recorded) error {
	at := t.now()
	for _, r := range changes {
		if r.table.Schema.Stream != "" && !r.change.old.Equal(r.change.item) {
			tx.Append(r.table.changes(), encodeChange(r.table.Schema.Stream, r, at))
		}
	}
	return tx.Commit(ctx)
}

// encodeChange is a record of the stream: what happened, when, and the key and images that the view asks for.
func encodeChange(view string, r recorded, at time.Time) []byte {
	kind := byte(eventModify)
	switch {
	case r.change.old == nil:
		kind = eventInsert
	case r.change.expired:
		kind = eventExpire
	case r.change.item == nil:
		kind = eventRemove
	}
	key := r.change.item
	if key == nil {
		key = r.change.old
	}
	old, item := r.change.old, r.change.item
	if view != table.ViewBoth && view != table.ViewOld {
		old = nil
	}
	if view != table.ViewBoth && view != table.ViewNew {
		item = nil
	}
	b := binary.AppendVarint([]byte{codecVersion, kind}, at.UnixMilli())
	for _, image := range []table.Item{r.table.Schema.KeyOf(key), old, item} {
		if image == nil {
			b = append(b, 0)
			continue
		}
		b = appendItem(append(b, 1), image)
	}
	return b
}

// expiry is the time at which an item expires, if its attribute is a number of seconds that is a time.
func expiry(attribute string, item table.Item) (time.Time, bool) {
	v := item[attribute]
	if v.Type != table.N {
		return time.Time{}, false
	}
	seconds, ok := v.Seconds()
	if !ok || seconds > math.MaxInt64/int64(time.Second) {
		return time.Time{}, false
	}
	return time.Unix(seconds, 0), true
}
