package statedb

import (
	"context"
	"iter"
)

// Querier answers queries page by page.
type Querier interface {
	Query(ctx context.Context, q Query) (Page, error)
}

// All yields the records of a query, all pages of it, reading as it goes. It holds one page in memory, of q.Limit records or, when that
// is zero, MaxLimit. A record that changes while it runs comes at its old place, its new one, both or neither; one that does not
// change comes once. An error ends it as its last element.
func All(ctx context.Context, db Querier, q Query) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		if q.Limit == 0 {
			q.Limit = MaxLimit
		}
		for {
			page, err := db.Query(ctx, q)
			if err != nil {
				yield(Record{}, err)
				return
			}
			for _, r := range page.Records {
				if !yield(r, nil) {
					return
				}
			}
			if page.Next == "" {
				return
			}
			q.After = page.Next
		}
	}
}
