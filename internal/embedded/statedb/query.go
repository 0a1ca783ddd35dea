package statedb

import (
	"context"
	"errors"
	"fmt"

	"sundog/internal/embedded/store"
	"sundog/internal/statedb"
	"sundog/payload"
)

// maxScanned bounds the index entries that one page looks at, so that a page costs the same whatever the size of the table.
const maxScanned = 10 * statedb.MaxLimit

// Query returns a page of records. Errors wrap statedb.ErrInvalidQuery when the query is at fault. Records that have the same
// range key come in the order of their item ids.
func (db *DB) Query(ctx context.Context, q statedb.Query) (statedb.Page, error) {
	plan, err := q.Plan()
	if err != nil {
		return statedb.Page{}, err
	}
	if _, _, err := payload.CutPartitionKey(q.Partition); err != nil {
		return statedb.Page{}, fmt.Errorf("%w: %w", statedb.ErrInvalidQuery, err)
	}
	page := statedb.Page{}
	scanned := 0
	var last statedb.Position
	for entry, err := range db.store.Scan(scanRange(q.Partition, &plan)) {
		if err != nil {
			return statedb.Page{}, fmt.Errorf("querying %s: %w", q.Partition, err)
		}
		if err := ctx.Err(); err != nil {
			return statedb.Page{}, context.Cause(ctx)
		}
		if len(page.Records) == plan.Limit || scanned == maxScanned {
			page.Next = plan.Token(last)
			break
		}
		scanned++
		var r statedb.Record
		r, last, err = db.read(ctx, &plan, entry)
		if err != nil && !errors.Is(err, statedb.ErrNotFound) { // it may have been deleted meanwhile
			return statedb.Page{}, fmt.Errorf("querying %s: %w", q.Partition, err)
		}
		if err == nil && plan.Matches(&r) {
			page.Records = append(page.Records, r)
		}
	}
	return page, nil
}

// read returns the record of an index entry, and the entry's position.
func (db *DB) read(ctx context.Context, plan *statedb.Plan, entry store.Entry) (statedb.Record, statedb.Position, error) {
	f := store.Split(entry.Key)
	partition, at := f.String(), statedb.Position{}
	if plan.Index != statedb.ByItemIDs {
		at.Sort = f.String()
	}
	at.ItemIDs = f.String()
	if err := f.Err(); err != nil {
		return statedb.Record{}, at, err
	}
	id, err := payload.IDFromKey(partition, at.ItemIDs)
	if err != nil {
		return statedb.Record{}, at, err
	}
	if plan.Index == statedb.ByItemIDs {
		r, err := decode(id, entry.Value)
		return r, at, err
	}
	r, err := db.Get(ctx, id)
	return r, at, err
}

// scanRange is the range of keys in which the page lies.
func scanRange(partition string, plan *statedb.Plan) store.Range {
	prefix := store.PrefixRecordByTime
	switch plan.Index {
	case statedb.ByStateUpdated:
		prefix = store.PrefixRecordState
	case statedb.ByItemIDs:
		prefix = store.PrefixRecord
	}
	base := func() store.Key { return store.NewKey(prefix).String(partition) }
	r := base().Range()
	if plan.Low != "" {
		r.Low = base().Partial(plan.Low)
	}
	if plan.High != "" {
		r.High = base().String(plan.High).End()
	}
	r.Reverse = !plan.Ascending
	if plan.After == nil {
		return r
	}
	at := base()
	if plan.Index != statedb.ByItemIDs {
		at = at.String(plan.After.Sort)
	}
	at = at.String(plan.After.ItemIDs)
	if plan.Ascending {
		r.Low = at.End()
	} else {
		r.High = at
	}
	return r
}
