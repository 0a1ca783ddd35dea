package statedb

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// Position is a place in an order of records: that of a record as it was when it was listed. A page token is the text of one, so a
// record that changes meanwhile does not shift the pages, and a token outlives whoever gave it out.
type Position struct {
	// State is the record's when the order begins with it. In a query for a state it is empty, but for a place outside of the answer.
	State State
	Sort  string // the time, or state_updated in a query of one partition that is in the order of it; empty in ByItemIDs
	// Partition is empty in a query of one partition.
	Partition string
	ItemIDs   string
}

// Position is the place that a record has in the order of a plan as it is now, whether it belongs to the answer or not.
func (p *Plan) Position(r Record) Position {
	at := Position{ItemIDs: r.ID.ItemIDs}
	if p.Partition == "" {
		at.Partition = r.ID.PartitionKey()
	}
	if p.Index == ByItemIDs {
		return at
	}
	at.Sort = p.timeOf(&r)
	switch {
	case p.Index != ByStateUpdated:
	case p.States == nil && p.Partition != "":
		at.Sort = r.StateUpdated
	case p.States == nil || !slices.Contains(p.States, r.State()):
		at.State = r.State()
	}
	return at
}

// Leads is what comes first in the order of a plan, at a position: a state, a partition, or nothing when that is the same for all. Records that
// agree in it follow each other.
func (p *Plan) Leads(at Position) string {
	switch {
	case p.Partition != "":
		return ""
	case p.Index == ByItemIDs:
		return at.Partition
	case p.States != nil:
		return ""
	}
	return string(at.State)
}

// Token is the page token for what follows a position.
func (p *Plan) Token(at Position) string {
	text, err := json.Marshal([5]string{p.order(), string(at.State), at.Sort, at.Partition, at.ItemIDs})
	if err != nil {
		panic(fmt.Sprintf("statedb: writing a page token: %v", err)) // strings always marshal
	}
	return base64.RawURLEncoding.EncodeToString(text)
}

// order names the order of a plan, so that a token is not taken for one of another query.
func (p *Plan) order() string {
	name := p.Index.String()
	if p.Partition == "" {
		name += " everywhere"
	}
	if p.States != nil && p.Index == ByStateUpdated {
		name += " of " + string(p.States[0])
	}
	return name
}

func (p *Plan) parsePosition(token string) (Position, error) {
	var fields [5]string
	text, err := base64.RawURLEncoding.DecodeString(token)
	if err == nil {
		err = json.Unmarshal(text, &fields)
	}
	if err != nil {
		return Position{}, fmt.Errorf("%w: %q is not a page token; use the one of the page before, or none", ErrInvalidQuery, token)
	}
	if fields[0] != p.order() {
		return Position{}, fmt.Errorf("%w: the page token belongs to a query on %s, this one is on %s", ErrInvalidQuery, fields[0], p.order())
	}
	return Position{State: State(fields[1]), Sort: fields[2], Partition: fields[3], ItemIDs: fields[4]}, nil
}

var indexNames = [...]string{ByUpdated: "updated", ByStateUpdated: "state_updated", ByItemIDs: "itemids"}

// String is the name of the index: that of its range key.
func (i Index) String() string {
	if int(i) < len(indexNames) {
		return indexNames[i]
	}
	return fmt.Sprintf("index %d", i)
}

// ParseIndex reads the name of an index. The error wraps ErrInvalidQuery.
func ParseIndex(name string) (Index, error) {
	if i := slices.Index(indexNames[:], name); i >= 0 {
		return Index(i), nil
	}
	return 0, fmt.Errorf("%w: unknown index %q: use one of %s", ErrInvalidQuery, name, strings.Join(indexNames[:], ", "))
}
