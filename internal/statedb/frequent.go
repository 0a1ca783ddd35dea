package statedb

import (
	"cmp"
	"context"
	"fmt"
	"slices"
)

// Bounds of a look at errors.
const (
	DefaultErrorRecords = 20_000    // records that are looked at, the latest first
	MaxErrorRecords     = 1_000_000 // that may be asked for
	maxErrorGroups      = 1_000     // groups that are kept apart
)

// ErrorQuery asks for the most frequent errors.
type ErrorQuery struct {
	// Query says of which records; its state, when it has one, is one that records with errors have. Order and page do not matter.
	Query
	// Records bounds how many are looked at, DefaultErrorRecords when zero.
	Records int
}

// ErrorGroup are errors that look the same.
type ErrorGroup struct {
	Type, Shape string // see ErrorShape
	Records     int64
	First, Last string // times of the earliest and the latest
	// Example is the latest one's record.
	Example Record
}

// FrequentErrors is the answer to an ErrorQuery.
type FrequentErrors struct {
	Groups []ErrorGroup // the largest first
	// Records is how many errors were counted, Other how many of them are in no group because there were too many groups.
	Records, Other int64
	// Complete is false when there are more records than were to be looked at; those left out are the oldest.
	Complete bool
}

// CountErrors groups the errors of records. It looks at the records themselves, as the latest first as the bound allows, and keeps
// nothing: groups kept as records change would cost every failure another write, and a bound on their number would make them
// wrong for good.
func CountErrors(ctx context.Context, db Querier, q ErrorQuery) (FrequentErrors, error) {
	left := cmp.Or(q.Records, DefaultErrorRecords)
	if left < 0 || left > MaxErrorRecords {
		return FrequentErrors{}, fmt.Errorf("%w: %d records are not within 1 to %d", ErrInvalidQuery, q.Records, MaxErrorRecords)
	}
	states := []State{Failed, Invalid, Aborted}
	if q.State != "" {
		states = []State{q.State}
	}
	result := FrequentErrors{Complete: true}
	groups := map[[2]string]*ErrorGroup{}
	for _, state := range states {
		q.State, q.Ascending, q.Limit, q.After = state, false, 0, ""
		for r, err := range All(ctx, db, q.Query) {
			if err != nil {
				return FrequentErrors{}, fmt.Errorf("counting errors: %w", err)
			}
			if left == 0 {
				result.Complete = false
				break
			}
			left--
			result.add(groups, r)
		}
	}
	for _, g := range groups {
		result.Groups = append(result.Groups, *g)
	}
	slices.SortFunc(result.Groups, func(a, b ErrorGroup) int {
		return cmp.Or(cmp.Compare(b.Records, a.Records), cmp.Compare(b.Last, a.Last), cmp.Compare(a.Type, b.Type), cmp.Compare(a.Shape, b.Shape))
	})
	return result, nil
}

func (f *FrequentErrors) add(groups map[[2]string]*ErrorGroup, r Record) {
	if r.LastError == nil || *r.LastError == "" {
		return
	}
	f.Records++
	kind, shape := ErrorShape(*r.LastError)
	g, at := groups[[2]string{kind, shape}], r.Stamp()
	switch {
	case g == nil && len(groups) == maxErrorGroups:
		f.Other++
		return
	case g == nil:
		g = &ErrorGroup{Type: kind, Shape: shape, First: at, Last: at, Example: r}
		groups[[2]string{kind, shape}] = g
	}
	g.Records++
	g.First = min(g.First, at)
	if at > g.Last {
		g.Last, g.Example = at, r
	}
}
