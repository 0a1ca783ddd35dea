package statedb

import (
	"context"
	"fmt"

	"sundog/internal/embedded/store"
	"sundog/internal/statedb"
	"sundog/payload"
)

// maxScanned bounds the index entries that one page looks at, so that a page costs the same whatever the size of the table.
const maxScanned = 10 * statedb.MaxLimit

// Query returns a page of records, all as they were at one moment. Errors wrap statedb.ErrInvalidQuery when the query is at fault.
// A page costs what it returns and what a prefix passes over, which is bounded, plus in a query of more than one partition a look-up
// for each state of each workflow, or in the order of item ids for each partition.
func (db *DB) Query(ctx context.Context, q statedb.Query) (_ statedb.Page, err error) {
	plan, err := q.Plan()
	if err != nil {
		return statedb.Page{}, err
	}
	view := db.store.View()
	defer func() {
		if closing := view.Close(); err == nil {
			err = closing
		}
	}()
	page := statedb.Page{}
	scanned := 0
	var last statedb.Position
	for e, err := range db.entries(view, &plan) {
		if err == nil {
			err = context.Cause(ctx)
		}
		if err != nil {
			return statedb.Page{}, fmt.Errorf("querying records: %w", err)
		}
		if len(page.Records) == plan.Limit || scanned == maxScanned {
			page.Next = plan.Token(last)
			break
		}
		scanned++
		r, err := e.read(view)
		if err != nil {
			return statedb.Page{}, fmt.Errorf("querying records: %w", err)
		}
		if last = e.Position; plan.Matches(&r) {
			page.Records = append(page.Records, r)
		}
	}
	return page, nil
}

// entry is what an index says of a record.
type entry struct {
	statedb.Position
	id    payload.ID
	value []byte // the record, where the index is the table itself
}

func (e *entry) read(view *store.View) (statedb.Record, error) {
	value := e.value
	if value == nil {
		var err error
		if value, err = view.Get(recordKey(e.id)); err != nil {
			return statedb.Record{}, fmt.Errorf("reading record %s, which is in an index: %w", e.id, err)
		}
	}
	return decode(e.id, value)
}
