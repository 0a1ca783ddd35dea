package table

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"sundog/internal/embedded/store"
)

// SweepEvery is the time between two sweeps of Run.
const SweepEvery = time.Minute

// expiryHorizon is how long ago an item may have expired to be deleted; later ones are left alone, as by DynamoDB.
const expiryHorizon = 5 * 365 * 24 * time.Hour

// Run sweeps until ctx ends.
func (t *Tables) Run(ctx context.Context, logger *slog.Logger) error {
	ticker := time.NewTicker(SweepEvery)
	defer ticker.Stop()
	for {
		if _, err := t.Sweep(ctx); err != nil && ctx.Err() == nil {
			logger.Error("could not remove what has expired from tables", "error", err)
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// Sweep deletes the items whose time has come, records of streams that are older than KeepChanges, and client tokens that count no more. It
// returns how many items were deleted. What was deleted stays deleted when Sweep fails on its way.
func (t *Tables) Sweep(ctx context.Context) (int, error) {
	deleted := 0
	for _, name := range t.Names("", MaxTables) {
		n, err := t.sweepTable(ctx, name)
		if deleted += n; err != nil {
			return deleted, fmt.Errorf("sweeping table %s: %w", name, err)
		}
	}
	return deleted, t.sweepTokens(ctx)
}

func (t *Tables) sweepTable(ctx context.Context, name string) (int, error) {
	s, release, err := t.use(name)
	if err != nil {
		return 0, nil // it was deleted meanwhile
	}
	defer release()
	deleted := 0
	now := t.now()
	if s.Schema.TTL != "" {
		r := s.expiries().Range()
		r.Low = s.expiryKey(now.Add(-expiryHorizon), nil)
		r.High = s.expiryKey(now, nil)
		for entry, err := range t.store.Scan(r) {
			if err == nil {
				err = ctx.Err()
			}
			if err != nil {
				return deleted, err
			}
			key := append(store.Key(nil), entry.Key[len(s.expiryKey(now, nil)):]...)
			gone, err := t.expire(ctx, s, key, now)
			if err != nil {
				return deleted, err
			}
			if gone {
				deleted++
			}
		}
	}
	if s.Schema.Stream != "" {
		return deleted, t.trim(ctx, s, now.Add(-KeepChanges))
	}
	return deleted, nil
}

// expire deletes an item if its time has come.
func (t *Tables) expire(ctx context.Context, s *state, key store.Key, now time.Time) (bool, error) {
	unlock, err := t.locks.Lock(ctx, string(key))
	if err != nil {
		return false, err
	}
	defer unlock()
	item, err := t.read(key)
	if err != nil {
		return false, err
	}
	if at, ok := expiry(s.Schema.TTL, item); !ok || !at.Before(now) {
		return false, nil
	}
	c := change{key: key, old: item, expired: true}
	tx := t.store.Begin()
	t.changeTx(tx, s, c)
	return true, t.commit(context.WithoutCancel(ctx), tx, []recorded{{s, c}})
}

// trim removes the records from before a time.
func (t *Tables) trim(ctx context.Context, s *state, before time.Time) error {
	end := uint64(0)
	for entry, err := range t.store.Scan(s.changes().Range()) {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return err
		}
		record, err := decodeChange(entry)
		if err != nil {
			return err
		}
		if !record.At.Before(before) {
			break
		}
		end = record.Sequence
	}
	if end == 0 {
		return nil
	}
	tx := t.store.Begin()
	tx.DeleteRange(s.changes(), s.changeKey(end).End())
	return tx.CommitLazily(ctx)
}

func (t *Tables) sweepTokens(ctx context.Context) error {
	for entry, err := range t.store.Scan(store.NewKey(store.PrefixTransaction).Range()) {
		if err == nil {
			err = t.sweepToken(ctx, append(store.Key(nil), entry.Key...))
		}
		if err != nil {
			return fmt.Errorf("sweeping client tokens: %w", err)
		}
	}
	return nil
}

// sweepToken removes a token that counts no more. Whoever uses it again meanwhile holds its lock.
func (t *Tables) sweepToken(ctx context.Context, key store.Key) error {
	unlock, err := t.locks.Lock(ctx, string(key))
	if err != nil {
		return err
	}
	defer unlock()
	value, err := t.store.Get(key)
	if err != nil {
		return err
	}
	if at := time.Unix(0, store.Decode(value).Varint()); t.now().Sub(at) <= keepTokens {
		return nil
	}
	tx := t.store.Begin()
	tx.Delete(key)
	return tx.CommitLazily(ctx)
}
