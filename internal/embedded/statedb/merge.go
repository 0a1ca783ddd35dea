package statedb

import (
	"bytes"
	"cmp"
	"fmt"
	"iter"

	"sundog/internal/embedded/store"
	"sundog/internal/statedb"
	"sundog/payload"
)

// scan yields the entries of a group in the order of the plan, those of its spans merged, behind a position if there is one.
func (g *group) scan(view *store.View, plan *statedb.Plan, after *statedb.Position) iter.Seq2[entry, error] {
	if len(g.spans) == 1 {
		return g.spans[0].scan(view, plan, after)
	}
	return func(yield func(entry, error) bool) {
		heads := make([]head, 0, len(g.spans))
		defer func() {
			for _, h := range heads {
				h.stop()
			}
		}()
		for i := range g.spans {
			h := head{}
			h.next, h.stop = iter.Pull2(g.spans[i].scan(view, plan, after))
			if h.advance() {
				heads = append(heads, h)
			}
		}
		for len(heads) > 0 {
			first := 0 // a search would not pay for the few that there are
			for i := range heads {
				if heads[i].before(&heads[first], plan.Ascending) {
					first = i
				}
			}
			if h := &heads[first]; !yield(h.entry, h.err) || h.err != nil {
				return
			}
			if !heads[first].advance() {
				heads = append(heads[:first], heads[first+1:]...)
			}
		}
	}
}

// head is a span that is being read, at its next entry.
type head struct {
	entry
	err  error
	next func() (entry, error, bool)
	stop func()
}

// advance reads on, and reports whether there was something.
func (h *head) advance() bool {
	var ok bool
	if h.entry, h.err, ok = h.next(); !ok {
		h.stop()
	}
	return ok
}

// before reports whether h comes first. An error comes before everything.
func (h *head) before(other *head, ascending bool) bool {
	if h.err != nil || other.err != nil {
		return other.err == nil
	}
	c := cmp.Or(cmp.Compare(h.Sort, other.Sort), cmp.Compare(h.Partition, other.Partition), cmp.Compare(h.ItemIDs, other.ItemIDs))
	if ascending {
		return c < 0
	}
	return c > 0
}

func (s *span) scan(view *store.View, plan *statedb.Plan, after *statedb.Position) iter.Seq2[entry, error] {
	r, skip := s.bounds(plan, after), len(s.base())-1
	return func(yield func(entry, error) bool) {
		for found, err := range view.Scan(r) {
			var e entry
			if err == nil {
				f := store.Split(found.Key[skip:]) // which leaves out one byte, the last of base
				e = s.parse(f, found.Value)
				if err = f.Err(); err != nil {
					err = fmt.Errorf("index key %q: %w", found.Key, err)
				}
			}
			if !yield(e, err) || err != nil {
				return
			}
		}
	}
}

// bounds are the keys in which the page lies.
func (s *span) bounds(plan *statedb.Plan, after *statedb.Position) store.Range {
	r := s.base().Partial(s.lead).Range()
	r.Reverse = !plan.Ascending
	if s.timed && plan.Since != "" {
		r.Low = s.base().Partial(s.lead + plan.Since)
	}
	if s.timed && plan.Until != "" {
		r.High = s.base().String(s.lead + plan.Until).End()
	}
	if after == nil {
		return r
	}
	at := s.place(s.base(), after)
	if plan.Ascending {
		if low := at.End(); bytes.Compare(low, r.Low) > 0 {
			r.Low = low
		}
	} else if bytes.Compare(at, r.High) < 0 {
		r.High = at
	}
	return r
}

// idOf is the id of a record by its keys. A partition key is checked before it is stored, so it can be taken apart.
func idOf(partition, itemIDs string) payload.ID {
	id, err := payload.IDFromKey(partition, itemIDs)
	if err != nil {
		return payload.ID{Collections: partition, ItemIDs: itemIDs}
	}
	return id
}
