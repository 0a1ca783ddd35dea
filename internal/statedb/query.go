package statedb

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"sundog/payload"
)

// Index is an order of the records of one workflow.
type Index uint8

// The orders, which are those of the table and its two global secondary indexes.
const (
	ByUpdated      Index = iota // by the time of the last transition
	ByStateUpdated              // by state, then by that time
	ByItemIDs                   // by item ids
)

// Limits of a query.
const (
	DefaultLimit = 100
	MaxLimit     = 1000
)

// Query asks for records: of one workflow on one set of collections (Partition), of one workflow (Workflow), or, when neither is
// given, of all that there are. Zero values ask for nothing in particular.
type Query struct {
	// Partition is the `collections_workflow` (payload.PartitionKey).
	Partition string
	// Workflow is a workflow's name, whatever the collections. Not with a Partition.
	Workflow string
	// State keeps the records in this state. Succeeded and Completed are the same here: both are kept.
	State State
	// Since and Until bound the time of the last transition, both included.
	Since, Until time.Time
	// ErrorPrefix keeps the records whose last_error begins so.
	ErrorPrefix string
	// ItemPrefix keeps the records whose item ids begin so. Such a query is always answered in the order of item ids.
	ItemPrefix string
	// Index is the order. A query with a state is otherwise always answered from the index by state, one with a bound of time and no
	// state always by time, as the original does.
	Index Index
	// Ascending turns the order round: without it the largest, which is the latest, comes first.
	Ascending bool
	// Limit is the number of records of a page: 1 to MaxLimit, DefaultLimit when zero.
	Limit int
	// After is the token of the page before, or empty.
	After string
}

// Page is an answer to a query. With a prefix it may hold fewer records than asked for, even none, while Next says that there is
// more: a page reads a bounded number of records.
type Page struct {
	Records []Record
	// Next is the token of the next page, empty after the last. Where the platform cannot tell, as DynamoDB cannot, a full page has
	// one though nothing may follow.
	Next string
}

// Plan is how a query is carried out: what is read of which index, and what remains to be looked at in each record.
//
// The order of an index is that of these fields, compared as texts. In a query of one partition they are those of the table and its
// two global secondary indexes:
//
//	ByItemIDs       item ids
//	ByUpdated       updated, item ids
//	ByStateUpdated  state_updated, item ids; with a state: the time in state_updated, item ids
//
// and otherwise, with Record.Stamp for the time, so that no record is left out:
//
//	ByItemIDs       partition, item ids
//	ByUpdated       time, partition, item ids
//	ByStateUpdated  state, time, partition, item ids; with a state: time, partition, item ids
type Plan struct {
	Partition, Workflow string
	Index               Index
	// States are those that are asked for, by their text in the table. Nil: all.
	States []State
	// Since and Until bound the time as text, both included; empty: no bound.
	Since, Until string
	ItemPrefix   string
	After        *Position
	Limit        int
	Ascending    bool
	errorPrefix  string
}

// Plan checks a query and says how to carry it out. Its errors wrap ErrInvalidQuery.
func (q Query) Plan() (Plan, error) {
	p := Plan{
		Partition: q.Partition, Workflow: q.Workflow, Index: q.Index, ItemPrefix: q.ItemPrefix, Limit: q.Limit, Ascending: q.Ascending,
		errorPrefix: q.ErrorPrefix,
	}
	if err := q.check(); err != nil {
		return p, err
	}
	if q.Limit == 0 {
		p.Limit = DefaultLimit
	}
	if q.State != "" {
		p.States = q.State.alike()
	}
	if !q.Since.IsZero() {
		p.Since = FormatTime(q.Since)
	}
	if !q.Until.IsZero() {
		p.Until = FormatTime(q.Until)
	}
	switch {
	case q.ItemPrefix != "":
		p.Index = ByItemIDs
	case q.State != "":
		p.Index = ByStateUpdated
	case p.Since != "" || p.Until != "":
		p.Index = ByUpdated
	}
	if q.After != "" {
		position, err := p.parsePosition(q.After)
		if err != nil {
			return p, err
		}
		p.After = &position
	}
	return p, nil
}

func (q *Query) check() error {
	switch {
	case q.Partition != "" && q.Workflow != "":
		return fmt.Errorf("%w: it names both a workflow and a workflow with collections; leave one out", ErrInvalidQuery)
	case q.State != "" && !q.State.Known():
		return fmt.Errorf("%w: unknown state %q", ErrInvalidQuery, q.State)
	case q.Limit < 0 || q.Limit > MaxLimit:
		return fmt.Errorf("%w: limit %d is not within 1 to %d", ErrInvalidQuery, q.Limit, MaxLimit)
	case q.Index > ByItemIDs:
		return fmt.Errorf("%w: unknown index %d", ErrInvalidQuery, q.Index)
	case q.Partition != "":
		if _, _, err := payload.CutPartitionKey(q.Partition); err != nil {
			return fmt.Errorf("%w: %w", ErrInvalidQuery, err)
		}
	}
	return nil
}

// Matches reports whether a record belongs to the answer, whatever the index in which it was met.
func (p *Plan) Matches(r *Record) bool {
	if p.States != nil && !slices.Contains(p.States, r.State()) {
		return false
	}
	if p.Since != "" || p.Until != "" {
		at := p.timeOf(r)
		if at == "" || at < p.Since || p.Until != "" && at > p.Until {
			return false
		}
	}
	if !strings.HasPrefix(r.ID.ItemIDs, p.ItemPrefix) {
		return false
	}
	return p.errorPrefix == "" || r.LastError != nil && strings.HasPrefix(*r.LastError, p.errorPrefix)
}

// timeOf is the time that the plan's index has of a record.
func (p *Plan) timeOf(r *Record) string {
	switch {
	case p.Partition == "" || p.Index == ByItemIDs:
		return r.Stamp()
	case p.Index == ByStateUpdated:
		_, at, _ := strings.Cut(r.StateUpdated, "_")
		return at
	}
	return r.Updated
}

// Count is the number of records of a workflow, on one set of collections, that are in a state.
type Count struct {
	Partition string
	State     State
	Records   int64
}

// WorkflowCount is the number of records of a workflow, on whatever collections, that are in a state.
type WorkflowCount struct {
	Workflow string
	State    State
	Records  int64
}

// Found is what a batch read found for one id.
type Found struct {
	Record Record
	// Err is nil, or wraps ErrNotFound or ErrMalformed.
	Err error
}
