package cirrusapi

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"sundog/internal/statedb"
	"sundog/payload"
)

// parameters are the query parameters that all paths understand.
type parameters struct {
	state     string
	since     time.Time // zero: none
	limit     *int
	nextKey   string
	ascending bool
	index     statedb.Index
}

func (a *API) parameters(q url.Values) (parameters, error) {
	p := parameters{state: q.Get("state"), nextKey: q.Get("nextkey"), index: statedb.ByUpdated}
	if q.Has("limit") {
		n, err := strconv.Atoi(q.Get("limit"))
		if err != nil || n < 0 {
			return p, bad("limit %q is no whole number from 0", q.Get("limit"))
		}
		p.limit = &n
	}
	if q.Has("sort_ascending") {
		n, err := strconv.Atoi(q.Get("sort_ascending"))
		if err != nil {
			return p, bad("sort_ascending %q is neither 0 nor 1", q.Get("sort_ascending"))
		}
		p.ascending = n != 0
	}
	if text := q.Get("since"); text != "" {
		since, err := payload.ParseSince(text)
		if err != nil {
			return p, bad("%v", err)
		}
		p.since = since.Before(a.now())
	}
	switch index := q.Get("sort_index"); index {
	case "", "updated":
	case "state_updated":
		p.index = statedb.ByStateUpdated
	case "default":
		p.index = statedb.ByItemIDs
	default:
		return p, bad("sort_index %q is not known: use updated, state_updated or default", index)
	}
	return p, nil
}

// states are those whose names begin with the text of the parameter: the original compares it as a prefix.
func (p *parameters) states() []statedb.State {
	if p.state == "" {
		return []statedb.State{""}
	}
	all := append(statedb.States(), statedb.Completed)
	if p.state == string(statedb.Succeeded) || p.state == string(statedb.Completed) { // one and the same
		return []statedb.State{statedb.Succeeded}
	}
	return slices.DeleteFunc(all, func(s statedb.State) bool { return !strings.HasPrefix(string(s), p.state) })
}

// errNothingFollows says that the place after which a page is to begin is behind all records.
var errNothingFollows = errors.New("nothing follows")

// query is the question for the records of one workflow. After is set by nextkey, a page token or, as the original has it, the payload
// id of the last record that was shown; then the page begins after the place that this record now has. The original compares places with
// their partition, so one of another partition is before or after all of this one.
func (a *API) query(ctx context.Context, partition string, p parameters, state statedb.State) (statedb.Query, error) {
	q := statedb.Query{Partition: partition, State: state, Since: p.since, Index: p.index, Ascending: p.ascending}
	if p.limit != nil {
		if q.Limit = *p.limit; q.Limit < 1 || q.Limit > statedb.MaxLimit {
			return q, bad("limit %d is not within 1 to %d", q.Limit, statedb.MaxLimit)
		}
	}
	if p.nextKey == "" {
		return q, nil
	}
	id, isID := payload.CutID(p.nextKey)
	if !isID {
		q.After = p.nextKey
		return q, nil
	}
	r, err := a.Records.Get(ctx, id)
	if errors.Is(err, statedb.ErrNotFound) {
		return q, bad("nextkey %q: there is no such payload", p.nextKey)
	}
	if err != nil {
		return q, err
	}
	if other := id.PartitionKey(); other != partition {
		if (other > partition) == p.ascending {
			return q, errNothingFollows
		}
		return q, nil
	}
	plan, err := q.Plan()
	if err != nil {
		return q, bad("%v", err)
	}
	q.After = plan.Token(plan.Position(r))
	return q, nil
}
