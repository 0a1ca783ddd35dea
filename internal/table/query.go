package table

import (
	"errors"
	"slices"
)

// What Query and Scan return of each item.
const (
	SelectAll       = "ALL_ATTRIBUTES"
	SelectProjected = "ALL_PROJECTED_ATTRIBUTES"
	SelectSpecific  = "SPECIFIC_ATTRIBUTES"
	SelectCount     = "COUNT"
)

// Query reads items of one partition, or of the whole table when it is a Scan.
type Query struct {
	Table      string
	Index      string // empty: the table itself
	Terms      []Term // conditions on the key; none for a Scan
	Filter     *Condition
	LegacyName string // "QueryFilter" when the filter is not an expression; for texts
	Projection *Projection
	Limit      int  // items to look at; 0: as many as a page holds
	Start      Item // the LastEvaluatedKey of the page before
	Backward   bool
	Consistent bool
	Select     string

	Scan          bool
	Segment       int // of a Scan: from 0
	TotalSegments int // 0 and 1: all of the table
}

// Page is what a Query or Scan has read.
type Page struct {
	Items   []Item // nil when only the count was asked for
	Count   int    // items that met the filter
	Scanned int    // items that were looked at
	Last    Item   // where the next page begins; nil when there is none
	Table   float64
	Local   bool    // the index is a local one
	IndexOf float64 // read capacity units of the index; Table are those of the table
}

// KeysOf returns the key attributes that a query goes by, and the index when it has one. The query was checked.
func (s *Schema) KeysOf(q *Query) (Keys, *Index) {
	if x, ok := s.Index(q.Index); ok {
		return x.Keys, x
	}
	return s.Keys, nil
}

// StartNames are the attributes of a LastEvaluatedKey: the key of the table, then what the index has beside it.
func (s *Schema) StartNames(keys Keys) []string {
	var names []string
	for _, k := range slices.Concat(s.Keys.All(), keys.All()) {
		if !slices.Contains(names, k.Name) {
			names = append(names, k.Name)
		}
	}
	return names
}

// Term returns the term on an attribute.
func (q *Query) Term(name string) (Term, bool) {
	if i := slices.IndexFunc(q.Terms, func(t Term) bool { return t.Attribute == name }); i >= 0 && name != "" {
		return q.Terms[i], true
	}
	return Term{}, false
}

// Fetches reports whether what the index keeps is not enough, so that each item is read from the table.
func (q *Query) Fetches(x *Index) bool {
	return x != nil && q.Select == SelectAll && x.Project != ProjectAll
}

// CheckQuery refuses a query or scan that does not fit the table.
func (s *Schema) CheckQuery(q *Query) error {
	if _, ok := s.Index(q.Index); !ok && q.Index != "" {
		return Invalid("The table does not have the specified index: %s", q.Index)
	}
	keys, x := s.KeysOf(q)
	if x != nil && !x.Local && q.Consistent {
		return Invalid("Consistent reads are not supported on global secondary indexes")
	}
	const badStart = "The provided starting key is invalid"
	if q.Start != nil && len(q.Start) != len(s.StartNames(keys)) {
		if q.Scan && x == nil {
			return Invalid(badStart + ": " + notTheKey)
		}
		return Invalid(badStart)
	}
	if q.Scan {
		return s.checkScan(q, keys, x)
	}
	if err := q.checkKeys(keys); err != nil {
		return err
	}
	if err := s.checkStart(q, keys); err != nil {
		return err
	}
	if err := s.CheckPaths(q.Projection, nil); err != nil {
		return err
	}
	if q.Filter != nil {
		name := q.LegacyName
		if name == "" {
			name = "Filter Expression"
		}
		for _, k := range keys.All() {
			if slices.Contains(q.Filter.heads, k.Name) {
				return Invalid("%s can only contain non-primary key attributes: Primary key attribute: %s", name, k.Name)
			}
		}
	}
	if err := q.checkFetch(x); err != nil {
		return err
	}
	return s.CheckPaths(nil, q.Filter)
}

func (q *Query) checkFetch(x *Index) error {
	if q.Fetches(x) && !x.Local {
		return Invalid(badParameter+"Select type ALL_ATTRIBUTES is not supported for global secondary index %s because its projection type is not ALL", q.Index)
	}
	return nil
}

// checkKeys compares the terms with the keys that the query goes by.
func (q *Query) checkKeys(keys Keys) error {
	for i, k := range keys.All() {
		if q.Start != nil {
			if err := startPiece(q.Start, keys, k); err != nil {
				return err
			}
		}
		if i == 0 && keys.Sort.Name == "" && len(q.Terms) > 1 {
			return Invalid("Query key condition not supported")
		}
		t, ok := q.Term(k.Name)
		if !ok {
			if i == 0 || len(q.Terms) > 1 {
				return Invalid("Query condition missed key schema element: %s", k.Name)
			}
			continue
		}
		if slices.Contains([]string{"NULL", "NOT_NULL", "NE", "CONTAINS", "NOT_CONTAINS", "IN"}, t.Op) {
			return Invalid("Attempted conditional constraint is not an indexable operation")
		}
		if slices.ContainsFunc(t.Values, func(v Value) bool { return v.Type != k.Type }) {
			return Invalid(badParameter + "Condition parameter type does not match schema type")
		}
		if i == 0 && t.Op != "EQ" {
			return Invalid("Query key condition not supported")
		}
	}
	return nil
}

func startPiece(start Item, keys Keys, k Key) error {
	v, ok := start[k.Name]
	if !ok {
		return Invalid("The provided starting key is invalid")
	}
	return checkPiece(k, v, k == keys.Partition)
}

// checkStart refuses a starting key that no page of this query can have ended with.
func (s *Schema) checkStart(q *Query, keys Keys) error {
	if q.Start == nil {
		return nil
	}
	if err := s.checkTableStart(q.Start); err != nil {
		return err
	}
	partition, _ := q.Term(keys.Partition.Name)
	same := q.Start[keys.Partition.Name].Equal(partition.Values[0])
	term, ok := q.Term(keys.Sort.Name)
	switch {
	case !ok && !same:
		return Invalid("The provided starting key is outside query boundaries based on provided conditions")
	case ok && !term.Matches(q.Start[keys.Sort.Name]):
		return Invalid("The provided starting key does not match the range key predicate")
	case ok && !same:
		return Invalid("The query can return at most one row and cannot be restarted")
	}
	return nil
}

// checkTableStart checks the part of a starting key that is the table's key.
func (s *Schema) checkTableStart(start Item) error {
	key := Item{}
	for _, k := range s.Keys.All() {
		if v, ok := start[k.Name]; ok {
			key[k.Name] = v
		}
	}
	if refused, ok := errors.AsType[*Error](s.CheckKey(key)); ok {
		return Invalid("The provided starting key is invalid: %s", refused.Message)
	}
	return nil
}

func (s *Schema) checkScan(q *Query, keys Keys, x *Index) error {
	if x != nil && q.Start != nil {
		for _, k := range keys.All() {
			if err := startPiece(q.Start, keys, k); err != nil {
				return err
			}
		}
	}
	if err := q.checkFetch(x); err != nil {
		return err
	}
	if q.Start != nil {
		if err := s.checkTableStart(q.Start); err != nil {
			return err
		}
		if at := Bucket(q.Start[keys.Partition.Name]); q.TotalSegments > 1 && (at < q.FirstBucket() || at >= q.EndBucket()) {
			return Invalid("The provided starting key is invalid: Invalid ExclusiveStartKey. Please use ExclusiveStartKey with correct Segment. TotalSegments: %d Segment: %d", q.TotalSegments, q.Segment)
		}
	}
	return s.CheckPaths(q.Projection, q.Filter)
}
