package dynamodb

import (
	"context"
	"strings"

	"sundog/internal/table"
)

type pageAnswer struct {
	Items            *[]table.Item `json:",omitempty"`
	Count            int
	ScannedCount     int
	LastEvaluatedKey table.Item `json:",omitempty"`
	ConsumedCapacity *capacity  `json:",omitempty"`
}

func (s *Service) query(ctx context.Context, in *query) (*pageAnswer, error) {
	e := expressions{
		given: []parameter{
			{"ProjectionExpression", in.ProjectionExpression != nil},
			{"FilterExpression", in.FilterExpression != nil},
			{"KeyConditionExpression", in.KeyConditionExpression != nil},
		},
		others: []parameter{
			{"AttributesToGet", in.AttributesToGet != nil},
			{"QueryFilter", in.QueryFilter != nil},
			{"ConditionalOperator", in.ConditionalOperator != nil},
			{"KeyConditions", in.KeyConditions != nil && in.KeyConditionExpression != nil},
		},
		names: in.ExpressionAttributeNames, values: in.ExpressionAttributeValues, valued: true,
	}
	if err := e.check(); err != nil {
		return nil, err
	}
	q := &table.Query{
		Table: *in.TableName, Index: text(in.IndexName), Limit: number(in.Limit), Select: text(in.Select),
		Backward: in.ScanIndexForward != nil && !*in.ScanIndexForward, Consistent: truth(in.ConsistentRead),
	}
	if err := filter(q, "QueryFilter", in.QueryFilter, in.ConditionalOperator); err != nil {
		return nil, err
	}
	if err := duplicate(in.AttributesToGet); err != nil {
		return nil, err
	}
	var err error
	if q.Start, err = start(in.ExclusiveStartKey); err != nil {
		return nil, err
	}
	if in.KeyConditions == nil && in.KeyConditionExpression == nil {
		return nil, table.Invalid("Either the KeyConditions or KeyConditionExpression parameter must be specified in the request.")
	}
	if err := in.expressions(e, q); err != nil {
		return nil, err
	}
	return s.page(ctx, q, in.ReturnConsumedCapacity)
}

// expressions reads the expressions and key conditions of a query.
func (in *query) expressions(e expressions, q *table.Query) error {
	p, err := e.placeholders()
	if err != nil {
		return err
	}
	var key []table.Term
	var refused error // what is written properly may still be no condition on keys; that is told after the rest
	if in.KeyConditionExpression != nil {
		key, refused, err = p.ParseKeyCondition(*in.KeyConditionExpression)
		if err != nil {
			return err
		}
	}
	if err := expressionsOf(p, q, in.FilterExpression, in.ProjectionExpression, in.AttributesToGet); err != nil {
		return err
	}
	if refused != nil {
		return refused
	}
	if in.KeyConditionExpression == nil {
		if key, err = terms(in.KeyConditions); err != nil {
			return err
		}
	} else if err := table.CheckTerms(key); err != nil {
		return err
	}
	if len(key) != 1 && len(key) != 2 {
		return table.Invalid("Conditions can be of length 1 or 2 only")
	}
	q.Terms = key
	return nil
}

func expressionsOf(p *table.Placeholders, q *table.Query, filter, projection *string, list []string) (err error) {
	if filter != nil {
		if q.Filter, err = p.ParseCondition("FilterExpression", *filter); err != nil {
			return err
		}
	}
	if q.Projection, err = parseProjection(p, projection, list); err != nil {
		return err
	}
	return p.Unused()
}

// filter reads a filter that is no expression.
func filter(q *table.Query, name string, given object[condition], operator *string) error {
	if given == nil {
		return nil
	}
	list, err := terms(given)
	if err != nil {
		return err
	}
	q.Filter, q.LegacyName = table.Filter(list, text(operator) == "OR"), name
	return nil
}

// start reads an ExclusiveStartKey.
func start(given attributes) (table.Item, error) {
	if given == nil {
		return nil, nil
	}
	for _, m := range given {
		problem := m.Value.Problem()
		if problem == "" {
			continue
		}
		for _, alone := range []string{"contains duplicates", "number set", "numeric value", "significant digits", "number with magnitude"} {
			if strings.Contains(problem, alone) {
				return nil, table.Invalid("%s", problem)
			}
		}
		return nil, table.Invalid("The provided starting key is invalid: %s", problem)
	}
	return item(given)
}

func (s *Service) scan(ctx context.Context, in *scan) (*pageAnswer, error) {
	e := expressions{
		given: []parameter{
			{"ProjectionExpression", in.ProjectionExpression != nil},
			{"FilterExpression", in.FilterExpression != nil},
		},
		others: []parameter{
			{"AttributesToGet", in.AttributesToGet != nil},
			{"ScanFilter", in.ScanFilter != nil},
			{"ConditionalOperator", in.ConditionalOperator != nil},
		},
		names: in.ExpressionAttributeNames, values: in.ExpressionAttributeValues, valued: true,
	}
	if err := e.check(); err != nil {
		return nil, err
	}
	if err := duplicate(in.AttributesToGet); err != nil {
		return nil, err
	}
	q := &table.Query{
		Scan: true, Table: *in.TableName, Index: text(in.IndexName), Limit: number(in.Limit), Select: text(in.Select),
		Consistent: truth(in.ConsistentRead), Segment: number(in.Segment), TotalSegments: number(in.TotalSegments),
	}
	if err := filter(q, "ScanFilter", in.ScanFilter, in.ConditionalOperator); err != nil {
		return nil, err
	}
	var err error
	if q.Start, err = start(in.ExclusiveStartKey); err != nil {
		return nil, err
	}
	switch {
	case in.Segment != nil && in.TotalSegments == nil:
		return nil, table.Invalid("The TotalSegments parameter is required but was not present in the request when Segment parameter is present")
	case in.TotalSegments != nil && in.Segment == nil:
		return nil, table.Invalid("The Segment parameter is required but was not present in the request when parameter TotalSegments is present")
	case in.Segment != nil && *in.Segment >= *in.TotalSegments:
		return nil, table.Invalid("The Segment parameter is zero-based and must be less than parameter TotalSegments: Segment: %d is not less than TotalSegments: %d", *in.Segment, *in.TotalSegments)
	}
	p, err := e.placeholders()
	if err != nil {
		return nil, err
	}
	if err := expressionsOf(p, q, in.FilterExpression, in.ProjectionExpression, in.AttributesToGet); err != nil {
		return nil, err
	}
	return s.page(ctx, q, in.ReturnConsumedCapacity)
}

func (s *Service) page(ctx context.Context, q *table.Query, asked *string) (*pageAnswer, error) {
	page, err := s.tables.Query(ctx, q)
	if err != nil {
		return nil, err
	}
	out := &pageAnswer{Count: page.Count, ScannedCount: page.Scanned, LastEvaluatedKey: page.Last}
	if page.Items != nil {
		out.Items = &page.Items
	}
	if out.ConsumedCapacity = consumed(asked, q.Table, page.Table+page.IndexOf); out.ConsumedCapacity == nil || text(asked) != "INDEXES" {
		return out, nil
	}
	out.ConsumedCapacity.Table = &units{page.Table}
	if q.Index != "" {
		index := map[string]units{q.Index: {page.IndexOf}}
		if page.Local {
			out.ConsumedCapacity.LocalSecondaryIndexes = index
		} else {
			out.ConsumedCapacity.GlobalSecondaryIndexes = index
		}
	}
	return out, nil
}
