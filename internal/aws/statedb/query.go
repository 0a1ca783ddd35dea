package statedb

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"golang.org/x/sync/errgroup"

	"sundog/internal/statedb"
)

// maxScanned bounds the records that one page looks at, so that a page costs the same whatever the size of the table.
const maxScanned = 10 * statedb.MaxLimit

// smallest is how many records are read at once of one of many ranges.
const smallest = 10

// Query returns a page of records. Errors wrap statedb.ErrInvalidQuery when the query is at fault. A page of one partition costs what it
// returns and what a prefix passes over, which is bounded. DynamoDB has no index that goes beyond a partition: a page of a workflow, or of
// everything, costs in addition a small request for each partition (see Partitions, which bounds them), and two for each state of each; or, in the
// order of item ids, one for each partition that it comes to.
//
// Items that cannot be read as records are left out.
func (db *DB) Query(ctx context.Context, q statedb.Query) (statedb.Page, error) {
	plan, err := q.Plan()
	if err != nil {
		return statedb.Page{}, err
	}
	if plan.After != nil && plan.After.ItemIDs == "" {
		return statedb.Page{}, fmt.Errorf("%w: the page token names no record", statedb.ErrInvalidQuery)
	}
	groups, err := db.groups(ctx, &plan, q.ErrorPrefix != "")
	if err != nil {
		return statedb.Page{}, err
	}
	page, scanned := statedb.Page{}, 0
	var last statedb.Position
	for _, g := range groups {
		m, err := newMerge(ctx, g.spans, plan.Ascending)
		if err != nil {
			return statedb.Page{}, err
		}
		for {
			e, err := m.next(ctx)
			if err != nil {
				return statedb.Page{}, err
			}
			if e == nil {
				break
			}
			if len(page.Records) == plan.Limit || scanned == maxScanned {
				page.Next = plan.Token(last)
				return page, nil
			}
			scanned++
			last = g.position(&plan, e)
			if plan.Matches(&e.record) {
				page.Records = append(page.Records, e.record)
			}
		}
	}
	return page, nil
}

// group are ranges that are merged. Groups follow each other in the order of their names.
type group struct {
	name  string
	spans []*span
}

// position is the place of an entry of the group.
func (g *group) position(plan *statedb.Plan, e *entry) statedb.Position {
	at := statedb.Position{ItemIDs: e.record.ID.ItemIDs}
	if plan.Partition == "" {
		at.Partition = e.partition
	}
	if plan.Index == statedb.ByItemIDs {
		return at
	}
	at.Sort = e.sort
	if plan.Partition == "" && plan.Index == statedb.ByStateUpdated && plan.States == nil {
		at.State = statedb.State(g.name)
	}
	return at
}

// groups are the ranges in which the rest of a plan's answer lies, from its position on.
func (db *DB) groups(ctx context.Context, plan *statedb.Plan, sieved bool) ([]group, error) {
	var groups []group
	if plan.Partition != "" {
		groups = []group{{spans: db.inPartition(plan)}}
	} else {
		partitions, err := db.Partitions(ctx)
		if err != nil {
			return nil, err
		}
		if groups, err = db.everywhere(ctx, plan, ofWorkflow(partitions, plan.Workflow)); err != nil {
			return nil, err
		}
	}
	direction := -1
	if plan.Ascending {
		direction = 1
	}
	slices.SortFunc(groups, func(a, b group) int { return direction * cmp.Compare(a.name, b.name) })
	if plan.After != nil {
		groups = slices.DeleteFunc(groups, func(g group) bool { return direction*cmp.Compare(g.name, plan.Leads(*plan.After)) < 0 })
	}
	for _, g := range groups {
		for _, s := range g.spans {
			s.db, s.ascending = db, plan.Ascending
			s.page = int32(max(smallest, min(plan.Limit+1, 2*plan.Limit/len(g.spans)+1))) //nolint:gosec // up to MaxLimit
			if sieved && len(g.spans) <= 2 {
				s.page = statedb.MaxLimit
			}
			if plan.After != nil && g.name == plan.Leads(*plan.After) {
				s.from(placeOf(plan, s))
			}
		}
	}
	return groups, nil
}

// placeOf is the position of a plan as one of a span.
func placeOf(plan *statedb.Plan, s *span) *entry {
	at := plan.After
	e := &entry{sort: at.Sort, partition: at.Partition}
	e.record.ID.ItemIDs = at.ItemIDs
	switch {
	case plan.Index == statedb.ByItemIDs:
		e.sort, e.partition = at.ItemIDs, s.partition
	case plan.Partition == "":
	case at.State != "" && string(at.State)+"_" > s.lead: // of a state outside of the answer, which lies behind this span's or before it
		e.sort, e.partition = above(""), plan.Partition
	case at.State != "":
		e.sort, e.partition = "", plan.Partition
	default:
		e.partition = plan.Partition
	}
	return e
}

// inPartition are the ranges of a query of one partition.
func (db *DB) inPartition(plan *statedb.Plan) []*span {
	switch {
	case plan.Index == statedb.ByItemIDs:
		return []*span{ofItems(plan.Partition, plan.ItemPrefix)}
	case plan.Index == statedb.ByUpdated:
		return []*span{ofTimes(plan, plan.Partition, updatedName, "")}
	case plan.States == nil:
		return []*span{ofTimes(plan, plan.Partition, stateName, "")}
	}
	var spans []*span
	for _, state := range plan.States {
		spans = append(spans, ofTimes(plan, plan.Partition, stateName, string(state)+"_"))
	}
	return spans
}

// everywhere are the ranges of a query of several partitions. Those by time are in the index by state, for a record may lack `updated`.
func (db *DB) everywhere(ctx context.Context, plan *statedb.Plan, partitions []string) ([]group, error) {
	var groups []group
	if plan.Index == statedb.ByItemIDs {
		for _, p := range partitions {
			groups = append(groups, group{p, []*span{ofItems(p, plan.ItemPrefix)}})
		}
		return groups, nil
	}
	states := map[string][]statedb.State{}
	if plan.States == nil {
		var err error
		if states, err = db.states(ctx, partitions); err != nil {
			return nil, err
		}
	}
	byName := map[string][]*span{}
	for _, p := range partitions {
		for _, state := range append(states[p], plan.States...) {
			name := ""
			if plan.Index == statedb.ByStateUpdated && plan.States == nil {
				name = string(state)
			}
			byName[name] = append(byName[name], ofTimes(plan, p, stateName, string(state)+"_"))
		}
	}
	for name, spans := range byName {
		groups = append(groups, group{name, spans})
	}
	return groups, nil
}

func ofItems(partition, prefix string) *span {
	return &span{partition: partition, key: itemName, low: cmp.Or(prefix, "\x00"), high: above(prefix)}
}

// ofTimes is a range of an index whose range keys begin with lead.
func ofTimes(plan *statedb.Plan, partition, key, lead string) *span {
	s := &span{partition: partition, key: key, lead: lead, low: cmp.Or(lead+plan.Since, "\x00"), high: above(lead)}
	if plan.Until != "" {
		s.high = lead + plan.Until
	}
	return s
}

// merge gives out the entries of spans in one order.
type merge struct {
	spans     []*span
	heads     []*entry // nil where there is none
	direction int
}

// newMerge reads the first page of all spans, several at one time.
func newMerge(ctx context.Context, spans []*span, ascending bool) (*merge, error) {
	m := &merge{spans: spans, heads: make([]*entry, len(spans)), direction: -1}
	if ascending {
		m.direction = 1
	}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(concurrency)
	for i, s := range spans {
		g.Go(func() (err error) {
			m.heads[i], err = s.next(ctx)
			return err
		})
	}
	return m, g.Wait()
}

// next returns the next entry, or nil after the last.
func (m *merge) next(ctx context.Context) (*entry, error) {
	first := -1
	for i, e := range m.heads {
		if e != nil && (first < 0 || m.direction*e.compare(m.heads[first]) < 0) {
			first = i
		}
	}
	if first < 0 {
		return nil, nil
	}
	e := m.heads[first]
	var err error
	m.heads[first], err = m.spans[first].next(ctx)
	return e, err
}
