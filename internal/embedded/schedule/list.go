package schedule

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"iter"
	"slices"

	"sundog/internal/embedded/store"
	"sundog/internal/schedule"
)

// Get returns a schedule, or an error that wraps schedule.ErrNotFound.
func (s *Schedules) Get(_ context.Context, id string) (schedule.Schedule, error) { return s.read(id) }

// maxPassed bounds the schedules that a page looks at.
const maxPassed = 20_000

// List returns schedules in the order in which they fire, or have fired last; after them those that are paused, in the order of their making.
// With a prefix of keys it is the order of the keys. Tokens survive restarts. The error wraps schedule.ErrInvalid.
func (s *Schedules) List(ctx context.Context, q schedule.Query) (schedule.Page, error) {
	var page schedule.Page
	fail := func(err error) error { return fmt.Errorf("listing schedules: %w", err) }
	if err := q.Check(); err != nil {
		return schedule.Page{}, fail(err)
	}
	if q.Limit == 0 {
		q.Limit = schedule.DefaultLimit
	}
	after, err := base64.RawURLEncoding.DecodeString(q.After)
	if err != nil {
		return schedule.Page{}, fail(schedule.Wrong("after", q.After, "the token of the page before"))
	}
	view := s.store.View()
	defer func() { _ = view.Close() }()
	candidates := inOrder(view, q, after)
	if q.KeyPrefix != "" {
		candidates = byKey(view, q, after)
	}
	passed := 0
	for c, err := range candidates {
		if err == nil {
			err = context.Cause(ctx)
		}
		if err != nil {
			return schedule.Page{}, fail(err)
		}
		if len(page.Schedules) == q.Limit || passed == maxPassed {
			page.Next = base64.RawURLEncoding.EncodeToString(after)
			return page, nil
		}
		passed++
		after = c.place
		if c.action != "" && q.Action != "" && c.action != q.Action {
			continue
		}
		rec, err := s.read(c.id)
		if errors.Is(err, schedule.ErrNotFound) {
			continue // since the view was taken
		}
		if err != nil {
			return schedule.Page{}, fail(err)
		}
		if matches(rec, q) {
			page.Schedules = append(page.Schedules, rec)
		}
	}
	return page, nil
}

func matches(rec schedule.Schedule, q schedule.Query) bool {
	switch {
	case q.Status != "" && rec.Status() != q.Status, q.Action != "" && rec.Action.Type != q.Action:
		return false
	case q.From.IsZero() && q.Until.IsZero():
		return true
	case rec.Due.IsZero():
		return false
	}
	return !rec.Due.Before(q.From) && (q.Until.IsZero() || !rec.Due.After(q.Until))
}

// candidate is a schedule that may be part of the answer.
type candidate struct {
	id     string
	action schedule.ActionType // empty when only the record has it
	place  []byte              // where the listing goes on
}

// byKey are the schedules whose keys begin with the prefix.
func byKey(view *store.View, q schedule.Query, after []byte) iter.Seq2[candidate, error] {
	return func(yield func(candidate, error) bool) {
		r := viewOf(viewKey).Partial(q.KeyPrefix).Range()
		if len(after) > 0 {
			r.Low = append(slices.Clone(after), 0)
		}
		for entry, err := range view.Scan(r) {
			if !yield(candidate{id: string(entry.Value), place: slices.Clone(entry.Key)}, err) || err != nil {
				return
			}
		}
	}
}

// inOrder are the schedules that are going to fire and those that have, in one order, and then the paused ones. The place of one is its key without the
// order that it is in: when it fires while somebody pages through, it stays where it was.
func inOrder(view *store.View, q schedule.Query, after []byte) iter.Seq2[candidate, error] {
	return func(yield func(candidate, error) bool) {
		paused := len(after) > 0 && after[0] == orderPaused
		if !paused && q.Status != schedule.Paused {
			orders := []byte{orderDone, orderWaiting}
			if q.Status == schedule.New {
				orders = orders[1:]
			}
			if !merge(view, q, after, orders, yield) {
				return
			}
			after = nil
		}
		timed := !q.From.IsZero() || !q.Until.IsZero()
		if q.Status == "" && !timed || q.Status == schedule.Paused {
			if !paused {
				after = nil
			}
			merge(view, schedule.Query{}, after, []byte{orderPaused}, yield)
		}
	}
}

// merge yields the schedules of some orders as those of one.
func merge(view *store.View, q schedule.Query, after []byte, orders []byte, yield func(candidate, error) bool) bool {
	type head struct {
		candidate
		err  error
		pull func() (candidate, error, bool)
	}
	var heads []head
	for _, order := range orders {
		pull, stop := iter.Pull2(scanOrder(view, q, after, order))
		defer stop()
		if c, err, ok := pull(); ok {
			heads = append(heads, head{c, err, pull})
		}
	}
	for len(heads) > 0 {
		i := 0
		for j := range heads {
			if string(heads[j].place[1:]) < string(heads[i].place[1:]) {
				i = j
			}
		}
		if !yield(heads[i].candidate, heads[i].err) || heads[i].err != nil {
			return false
		}
		c, err, ok := heads[i].pull()
		if !ok {
			heads = slices.Delete(heads, i, i+1)
			continue
		}
		heads[i].candidate, heads[i].err = c, err
	}
	return true
}

// scanOrder are the schedules of an order between the query's bounds, after a place.
func scanOrder(view *store.View, q schedule.Query, after []byte, order byte) iter.Seq2[candidate, error] {
	return func(yield func(candidate, error) bool) {
		r := orderKey(order).Range()
		if !q.From.IsZero() {
			r.Low = orderTime(orderKey(order), q.From)
		}
		if !q.Until.IsZero() {
			r.High = orderTime(orderKey(order), q.Until.Add(1))
		}
		if len(after) > 0 {
			from := append(slices.Concat([]byte(orderKey(order)), after[1:]), 0)
			if string(from) > string(r.Low) {
				r.Low = from
			}
		}
		for entry, err := range view.Scan(r) {
			if err != nil {
				yield(candidate{place: []byte{order}}, err)
				return
			}
			id, err := keyID(entry.Key)
			c := candidate{id: id, action: decodeProgress(entry.Value).action, place: slices.Clone(entry.Key[1:])}
			if !yield(c, err) || err != nil {
				return
			}
		}
	}
}
