package statedb

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"sundog/internal/statedb"
)

// maxTies bounds the records of one partition, and of one state where the index is by state, that have the same time.
const maxTies = 20_000

// entry is a record at its place in an order.
type entry struct {
	record    statedb.Record
	sort      string // what the range key has behind the span's lead
	partition string
}

func (e *entry) compare(o *entry) int {
	return cmp.Or(cmp.Compare(e.sort, o.sort), cmp.Compare(e.partition, o.partition), cmp.Compare(e.record.ID.ItemIDs, o.record.ID.ItemIDs))
}

// span is a range of one partition of the table or an index: the range keys from low to high, both included. It is read page by page.
//
// The service says nothing about the order of records with the same key in an index. So those are gathered and sorted before any of
// them is given out.
type span struct {
	db        *DB
	partition string
	key       string // the name of the range key
	lead      string // what all range keys begin with and that does not count
	low, high string
	ascending bool
	after     *entry // what was given out before; nil for nothing
	page      int32  // records of a request

	ready, ties []entry
	start       item
	done        bool
}

// next returns the next entry, or nil after the last.
func (s *span) next(ctx context.Context) (*entry, error) {
	for len(s.ready) == 0 && !s.done {
		if err := s.fill(ctx); err != nil {
			return nil, err
		}
	}
	if len(s.ready) == 0 {
		return nil, nil
	}
	e := &s.ready[0]
	s.ready = s.ready[1:]
	return e, nil
}

// fill reads a page.
func (s *span) fill(ctx context.Context) error {
	if s.low > s.high {
		s.done = true
		return nil
	}
	var e expression
	condition := fmt.Sprintf("%s = %s AND %s BETWEEN %s AND %s",
		e.name(partitionName), e.value(text(s.partition)), e.name(s.key), e.value(text(s.low)), e.value(text(s.high)))
	in := &dynamodb.QueryInput{
		TableName: s.db.table, KeyConditionExpression: &condition, ExpressionAttributeNames: e.names, ExpressionAttributeValues: e.values,
		ScanIndexForward: &s.ascending, Limit: &s.page, ExclusiveStartKey: s.start,
	}
	if s.key != itemName {
		in.IndexName = &s.key
	}
	out, err := s.db.client.Query(ctx, in)
	if err != nil {
		return fmt.Errorf("reading records of %s in the table %s: %w", s.partition, *s.db.table, err)
	}
	for _, it := range out.Items {
		if err := s.add(it); err != nil {
			return err
		}
	}
	if s.start = out.LastEvaluatedKey; len(s.start) == 0 {
		s.done = true
		s.flush()
	}
	return nil
}

// add takes an item. What cannot be read as a record is left out: one item that others spoilt must not hide the rest.
func (s *span) add(it item) error {
	r, err := decode(it)
	if err != nil {
		return nil //nolint:nilerr // see above
	}
	key, _ := it[s.key].(*types.AttributeValueMemberS) // it was found by it
	e := entry{record: r, sort: strings.TrimPrefix(key.Value, s.lead), partition: s.partition}
	if len(s.ties) > 0 && s.ties[0].sort != e.sort {
		s.flush()
	}
	if len(s.ties) == maxTies {
		return fmt.Errorf("%w: more than %d records of %s have the same %s %q: ask in the order of %s", statedb.ErrInvalidQuery, maxTies, s.partition, s.key, key.Value, itemName)
	}
	s.ties = append(s.ties, e)
	return nil
}

// flush makes the records with the same range key ready, without those that were given out before.
func (s *span) flush() {
	slices.SortFunc(s.ties, func(a, b entry) int { return s.direction() * a.compare(&b) })
	for _, e := range s.ties {
		if s.after == nil || s.direction()*e.compare(s.after) > 0 {
			s.ready = append(s.ready, e)
		}
	}
	s.ties = nil
}

func (s *span) direction() int {
	if s.ascending {
		return 1
	}
	return -1
}

// from makes the span begin behind a place.
func (s *span) from(at *entry) {
	s.after = at
	if s.ascending {
		s.low = max(s.low, s.lead+at.sort)
	} else {
		s.high = min(s.high, s.lead+at.sort)
	}
}

// count is how many records are in the span.
func (db *DB) count(ctx context.Context, partition, index, prefix string) (int64, error) {
	var e expression
	condition := e.name(partitionName) + " = " + e.value(text(partition)) + " AND " + e.beginsWith(index, prefix)
	in := &dynamodb.QueryInput{
		TableName: db.table, IndexName: aws.String(index), Select: types.SelectCount,
		KeyConditionExpression: &condition, ExpressionAttributeNames: e.names, ExpressionAttributeValues: e.values,
	}
	total := int64(0)
	for {
		out, err := db.client.Query(ctx, in)
		if err != nil {
			return 0, fmt.Errorf("counting records of %s in the table %s: %w", partition, *db.table, err)
		}
		total += int64(out.Count)
		if in.ExclusiveStartKey = out.LastEvaluatedKey; len(in.ExclusiveStartKey) == 0 {
			return total, nil
		}
	}
}
