package statedb

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// Migrate returns a record of version 1 as version 2 has it, and whether that is another: SUCCEEDED for COMPLETED, `claimed_at` as
// `created` where it is missing, `last_error` only when FAILED, `outputs` only when SUCCEEDED.
func Migrate(r Record) (Record, bool) {
	after, changed := r.Clone(), false
	if rest, old := strings.CutPrefix(r.StateUpdated, string(Completed)); old {
		after.StateUpdated, changed = string(Succeeded)+rest, true
	}
	if r.ClaimedAt == "" && r.Created != "" {
		after.ClaimedAt, changed = r.Created, true
	}
	if r.LastError != nil && after.State() != Failed {
		after.LastError, changed = nil, true
	}
	if r.Outputs != nil && after.State() != Succeeded {
		after.Outputs, changed = nil, true
	}
	return after, changed
}

// Migrator is a database whose records are migrated.
type Migrator interface {
	Querier
	Replace(ctx context.Context, before Record, after *Record, effects Effects) error
}

// Migration counts what a migration has done, or would do.
type Migration struct {
	Seen    int64 // records that were looked at
	Changed int64 // records that were rewritten, or would be
	// Skipped are records that somebody else changed or deleted at the same time. What is claimed today is of version 2.
	Skipped int64
}

// MigrateAll migrates the records of a query. A dry run changes nothing. What was done when an error ends it stays done; to do it again
// does no harm.
func MigrateAll(ctx context.Context, db Migrator, q Query, dryRun bool) (Migration, error) {
	var done Migration
	q.Index, q.Ascending = ByItemIDs, true // an order that migrating does not change
	for r, err := range All(ctx, db, q) {
		if err != nil {
			return done, fmt.Errorf("migrating records: %w", err)
		}
		done.Seen++
		after, changed := Migrate(r)
		if !changed {
			continue
		}
		if !dryRun {
			err = db.Replace(ctx, r, &after, Effects{})
		}
		switch {
		case errors.Is(err, ErrChanged) || errors.Is(err, ErrNotFound):
			done.Skipped++
		case err != nil:
			return done, fmt.Errorf("migrating %s: %w", r.ID, err)
		default:
			done.Changed++
		}
	}
	return done, nil
}
