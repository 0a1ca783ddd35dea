package statedb

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"time"
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

// Query asks for records of one workflow on one set of collections.
type Query struct {
	// Partition is the `collections_workflow` (payload.PartitionKey).
	Partition string
	// State keeps the records in this state, by their text in the table. Empty: all.
	State State
	// Since and Until bound the time of the last transition, both included. Zero: no bound.
	Since, Until time.Time
	// ErrorPrefix keeps the records whose last_error begins so.
	ErrorPrefix string
	// Index is the order. A query with a state is always answered from the index by state, one with a bound of time and no state
	// always by time, as the original does.
	Index Index
	// Ascending turns the order round: without it the largest, which is the latest, comes first.
	Ascending bool
	// Limit is the number of records of a page: 1 to MaxLimit, DefaultLimit when zero.
	Limit int
	// After is the token of the page before, or empty.
	After string
}

// Page is an answer to a query. With an ErrorPrefix it may hold fewer records than asked for, even none, while Next says that
// there is more: a page reads a bounded number of records.
type Page struct {
	Records []Record
	// Next is the token of the next page, empty after the last. Where the platform cannot tell, as DynamoDB cannot, a full page has
	// one though nothing may follow.
	Next string
}

// Position is a place in an index: that of a record as it was when it was listed. A page token is the text of one, so a record
// that changes meanwhile does not shift the pages.
type Position struct {
	Sort    string // value of the index's range key; empty in ByItemIDs
	ItemIDs string
}

// Plan is how a query is carried out: a range of one index, and what remains to be looked at in each record.
type Plan struct {
	Index Index
	// Low and High bound the range key by text, both included; High empty: no bound. In ByItemIDs both are empty.
	Low, High string
	After     *Position
	Limit     int
	Ascending bool
	query     Query
}

// Plan checks a query and says how to carry it out. Its errors wrap ErrInvalidQuery.
func (q Query) Plan() (Plan, error) {
	p := Plan{Index: q.Index, Limit: q.Limit, Ascending: q.Ascending, query: q}
	switch {
	case q.Partition == "":
		return p, fmt.Errorf("%w: it names no collections and workflow", ErrInvalidQuery)
	case q.State != "" && !q.State.Known():
		return p, fmt.Errorf("%w: unknown state %q", ErrInvalidQuery, q.State)
	case q.Limit < 0 || q.Limit > MaxLimit:
		return p, fmt.Errorf("%w: limit %d is not within 1 to %d", ErrInvalidQuery, q.Limit, MaxLimit)
	case q.Index > ByItemIDs:
		return p, fmt.Errorf("%w: unknown index %d", ErrInvalidQuery, q.Index)
	case q.Limit == 0:
		p.Limit = DefaultLimit
	}
	prefix := ""
	if q.State != "" {
		p.Index, prefix = ByStateUpdated, string(q.State)+"_"
	} else if !q.Since.IsZero() || !q.Until.IsZero() {
		p.Index = ByUpdated
	}
	p.Low = prefix
	if prefix != "" {
		p.High = string(q.State) + "`" // the character after the underscore
	}
	if !q.Since.IsZero() {
		p.Low = prefix + FormatTime(q.Since)
	}
	if !q.Until.IsZero() {
		p.High = prefix + FormatTime(q.Until)
	}
	if q.After != "" {
		position, err := parsePosition(q.After, p.Index)
		if err != nil {
			return p, err
		}
		p.After = &position
	}
	return p, nil
}

// Matches reports whether a record belongs to the answer. A record that changed after it was met in the index may not.
func (p *Plan) Matches(r *Record) bool {
	switch p.Index {
	case ByUpdated:
		if r.Updated == "" || r.Updated < p.Low || p.High != "" && r.Updated > p.High {
			return false
		}
	case ByStateUpdated:
		if r.StateUpdated == "" || r.StateUpdated < p.Low || p.High != "" && r.StateUpdated > p.High {
			return false
		}
	}
	if p.query.ErrorPrefix == "" {
		return true
	}
	return r.LastError != nil && strings.HasPrefix(*r.LastError, p.query.ErrorPrefix)
}

// Token is the page token for what follows a position.
func (p *Plan) Token(at Position) string {
	text, err := json.Marshal([3]string{indexNames[p.Index], at.Sort, at.ItemIDs})
	if err != nil {
		panic(fmt.Sprintf("statedb: writing a page token: %v", err)) // strings always marshal
	}
	return base64.RawURLEncoding.EncodeToString(text)
}

var indexNames = [...]string{ByUpdated: "updated", ByStateUpdated: "state_updated", ByItemIDs: "itemids"}

// String is the name of the index: that of its range key.
func (i Index) String() string {
	if int(i) < len(indexNames) {
		return indexNames[i]
	}
	return fmt.Sprintf("index %d", i)
}

func parsePosition(token string, index Index) (Position, error) {
	var fields [3]string
	text, err := base64.RawURLEncoding.DecodeString(token)
	if err == nil {
		err = json.Unmarshal(text, &fields)
	}
	if err != nil {
		return Position{}, fmt.Errorf("%w: %q is not a page token; use the one of the page before, or none", ErrInvalidQuery, token)
	}
	if fields[0] != indexNames[index] {
		return Position{}, fmt.Errorf("%w: the page token belongs to a query on %s, this one is on %s", ErrInvalidQuery, fields[0], index)
	}
	return Position{Sort: fields[1], ItemIDs: fields[2]}, nil
}

// Count is the number of records of a workflow, on one set of collections, that are in a state.
type Count struct {
	Partition string
	State     State
	Records   int64
}

// Found is what a batch read found for one id.
type Found struct {
	Record Record
	// Err is nil, or wraps ErrNotFound or ErrMalformed.
	Err error
}
