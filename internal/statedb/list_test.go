package statedb_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"sundog/internal/statedb"
	"sundog/payload"
)

type querier func(q statedb.Query) (statedb.Page, error)

func (f querier) Query(_ context.Context, q statedb.Query) (statedb.Page, error) { return f(q) }

func TestAll(t *testing.T) {
	broken := errors.New("broken")
	asked := 0
	db := querier(func(q statedb.Query) (statedb.Page, error) {
		if asked++; asked > 3 {
			return statedb.Page{}, broken
		}
		if want := fmt.Sprint(asked - 1); q.After != want && asked > 1 || q.Limit != statedb.MaxLimit {
			t.Errorf("page %d asked with %+v", asked, q)
		}
		page := statedb.Page{Next: fmt.Sprint(asked)}
		if asked != 2 { // a page may be empty and not the last
			page.Records = []statedb.Record{{ID: payload.ID{ItemIDs: fmt.Sprint(asked)}}}
		}
		return page, nil
	})
	var got []string
	for r, err := range statedb.All(t.Context(), db, statedb.Query{}) {
		if err != nil {
			if !errors.Is(err, broken) {
				t.Error(err)
			}
			got = append(got, "error")
			continue
		}
		got = append(got, r.ID.ItemIDs)
	}
	if !slices.Equal(got, []string{"1", "3", "error"}) {
		t.Errorf("got %v", got)
	}
	asked = 0
	for range statedb.All(t.Context(), db, statedb.Query{}) {
		break
	}
	if asked != 1 {
		t.Errorf("%d pages were read for one record", asked)
	}
}

func TestMigrateAll(t *testing.T) {
	old := func(id, state string) statedb.Record {
		return statedb.Record{ID: payload.ID{Collections: "c", Workflow: "w", ItemIDs: id}, StateUpdated: state + "_t", Created: "t0"}
	}
	today := old("today", "SUCCEEDED")
	today.ClaimedAt = "t1"
	db := &migrator{records: []statedb.Record{old("a", "COMPLETED"), today, old("busy", "FAILED"), old("gone", "FAILED")}}
	want := statedb.Migration{Seen: 4, Changed: 3}
	if dry, err := statedb.MigrateAll(t.Context(), db, statedb.Query{}, true); err != nil || dry != want || len(db.written) != 0 {
		t.Errorf("dry run: %+v, wrote %v, %v", dry, db.written, err)
	}
	want.Changed, want.Skipped = 1, 2
	if done, err := statedb.MigrateAll(t.Context(), db, statedb.Query{}, false); err != nil || done != want || !slices.Equal(db.written, []string{"SUCCEEDED_t t0"}) {
		t.Errorf("%+v, wrote %v, %v", done, db.written, err)
	}
	db.err = errors.New("broken")
	if _, err := statedb.MigrateAll(t.Context(), db, statedb.Query{}, false); !errors.Is(err, db.err) {
		t.Errorf("got %v", err)
	}
}

type migrator struct {
	records []statedb.Record
	written []string
	err     error
}

func (m *migrator) Query(context.Context, statedb.Query) (statedb.Page, error) {
	return statedb.Page{Records: m.records}, nil
}

func (m *migrator) Replace(_ context.Context, before statedb.Record, after *statedb.Record, _ statedb.Effects) error {
	switch {
	case m.err != nil:
		return m.err
	case before.ID.ItemIDs == "busy":
		return statedb.ErrChanged
	case before.ID.ItemIDs == "gone":
		return statedb.ErrNotFound
	}
	m.written = append(m.written, after.StateUpdated+" "+after.ClaimedAt)
	return nil
}
