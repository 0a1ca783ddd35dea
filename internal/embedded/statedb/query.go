package statedb

import (
	"context"
	"fmt"
	"iter"

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
	next, stop := iter.Pull2(db.entries(view, &plan))
	defer stop()
	page, scanned := statedb.Page{}, 0
	var last statedb.Position
	for {
		wanted := plan.Limit - len(page.Records) + 1 // one more, to know whether there is more
		batch, err := take(ctx, next, wanted)
		if err != nil {
			return statedb.Page{}, fmt.Errorf("querying records: %w", err)
		}
		records, err := readAll(view, batch)
		if err != nil {
			return statedb.Page{}, fmt.Errorf("querying records: %w", err)
		}
		for i := range records {
			if len(page.Records) == plan.Limit || scanned == maxScanned {
				page.Next = plan.Token(last)
				return page, nil
			}
			scanned++
			if last = batch[i].Position; plan.Matches(&records[i]) {
				page.Records = append(page.Records, records[i])
			}
		}
		if len(batch) < wanted {
			return page, nil
		}
	}
}

// entry is what an index says of a record.
type entry struct {
	statedb.Position
	id    payload.ID
	value []byte // the record, where the index is the table itself
}

// take reads up to n entries.
func take(ctx context.Context, next func() (entry, error, bool), n int) ([]entry, error) {
	var batch []entry
	for len(batch) < n {
		e, err, ok := next()
		if !ok {
			break
		}
		if err == nil {
			err = context.Cause(ctx)
		}
		if err != nil {
			return nil, err
		}
		batch = append(batch, e)
	}
	return batch, nil
}
