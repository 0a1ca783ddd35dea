package dynamodb

import (
	"context"
	"crypto/sha256"
	"encoding/json"

	"sundog/internal/table"
)

type batchGetAnswer struct {
	Responses        map[string][]table.Item
	UnprocessedKeys  map[string]*unprocessed
	ConsumedCapacity []*capacity `json:",omitempty"`
}

// unprocessed is what of a BatchGetItem was left for another one.
type unprocessed struct {
	Keys                     []table.Item
	AttributesToGet          []string          `json:",omitempty"`
	ConsistentRead           bool              `json:",omitempty"`
	ProjectionExpression     *string           `json:",omitempty"`
	ExpressionAttributeNames map[string]string `json:",omitempty"`
}

func (s *Service) batchGetItem(ctx context.Context, in *batchGetItem) (*batchGetAnswer, error) {
	var gets []table.Get
	for _, t := range in.RequestItems {
		of, err := t.Value.gets(t.Name)
		if err != nil {
			return nil, err
		}
		if gets = append(gets, of...); len(gets) > table.MaxBatchGet {
			return nil, table.Invalid("Too many items requested for the BatchGetItem call")
		}
	}
	got, err := s.tables.GetAll(ctx, gets)
	if err != nil {
		return nil, err
	}
	out := &batchGetAnswer{Responses: map[string][]table.Item{}, UnprocessedKeys: map[string]*unprocessed{}}
	var cost tally
	for _, t := range in.RequestItems {
		out.Responses[t.Name] = []table.Item{}
	}
	for i, g := range got {
		cost.add(gets[i].Table, g.Units)
		if g.Item != nil {
			out.Responses[gets[i].Table] = append(out.Responses[gets[i].Table], g.Item)
		}
	}
	for _, left := range gets[len(got):] {
		if out.UnprocessedKeys[left.Table] == nil {
			out.UnprocessedKeys[left.Table] = in.left(left.Table)
		}
		out.UnprocessedKeys[left.Table].Keys = append(out.UnprocessedKeys[left.Table].Keys, left.Key)
	}
	out.ConsumedCapacity = cost.consumed(in.ReturnConsumedCapacity)
	return out, nil
}

// left is what a request says of a table, without keys.
func (in *batchGetItem) left(name string) *unprocessed {
	u := &unprocessed{}
	for _, t := range in.RequestItems {
		if t.Name == name {
			u.AttributesToGet, u.ConsistentRead, u.ProjectionExpression = t.Value.AttributesToGet, truth(t.Value.ConsistentRead), t.Value.ProjectionExpression
			for _, n := range t.Value.ExpressionAttributeNames {
				if u.ExpressionAttributeNames == nil {
					u.ExpressionAttributeNames = map[string]string{}
				}
				u.ExpressionAttributeNames[n.Name] = n.Value
			}
		}
	}
	return u
}

// gets are the single requests for a table.
func (k keysAndAttributes) gets(name string) ([]table.Get, error) {
	e := expressions{
		given:  []parameter{{"ProjectionExpression", k.ProjectionExpression != nil}},
		others: []parameter{{"AttributesToGet", k.AttributesToGet != nil}},
		names:  k.ExpressionAttributeNames,
	}
	if err := e.check(); err != nil {
		return nil, err
	}
	if err := duplicate(k.AttributesToGet); err != nil {
		return nil, err
	}
	wanted, err := e.projection(k.ProjectionExpression, k.AttributesToGet)
	if err != nil {
		return nil, err
	}
	gets := make([]table.Get, 0, len(k.Keys))
	seen := map[string]bool{}
	for _, given := range k.Keys {
		key, err := item(given)
		if err != nil {
			return nil, err
		}
		written, err := json.Marshal(key)
		if err != nil {
			return nil, err
		}
		if seen[string(written)] {
			return nil, table.Invalid("Provided list of item keys contains duplicates")
		}
		seen[string(written)] = true
		gets = append(gets, table.Get{Table: name, Key: key, Projection: wanted, Consistent: truth(k.ConsistentRead)})
	}
	return gets, nil
}

type batchWriteAnswer struct {
	UnprocessedItems map[string]struct{}
	ConsumedCapacity []*capacity `json:",omitempty"`
}

func (s *Service) batchWriteItem(ctx context.Context, in *batchWriteItem) (*batchWriteAnswer, error) {
	var writes []table.Write
	for _, t := range in.RequestItems {
		for _, r := range t.Value {
			w, err := r.write(t.Name)
			if err != nil {
				return nil, err
			}
			writes = append(writes, w)
		}
	}
	if len(writes) > table.MaxBatchWrite {
		return nil, table.Invalid("Too many items requested for the BatchWriteItem call")
	}
	written, err := s.tables.WriteAll(ctx, writes)
	if err != nil {
		return nil, err
	}
	return &batchWriteAnswer{UnprocessedItems: map[string]struct{}{}, ConsumedCapacity: costOf(in.ReturnConsumedCapacity, writes, written)}, nil
}

func costOf(asked *string, writes []table.Write, written []table.Written) []*capacity {
	var cost tally
	for i, w := range written {
		cost.add(writes[i].Table, w.Units)
	}
	return cost.consumed(asked)
}

func (r writeRequest) write(name string) (table.Write, error) {
	w := table.Write{Table: name}
	var err error
	switch {
	case (r.PutRequest == nil) == (r.DeleteRequest == nil):
		return w, table.Invalid("Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes")
	case r.PutRequest != nil:
		w.Kind = table.Put
		if w.Item, err = item(r.PutRequest.Item); err == nil && w.Item.Size() > table.MaxItemBytes {
			err = errTooLarge()
		}
	default:
		w.Kind = table.Delete
		w.Key, err = item(r.DeleteRequest.Key)
	}
	return w, err
}

type transactWriteAnswer struct {
	ConsumedCapacity []*capacity `json:",omitempty"`
}

func (s *Service) transactWriteItems(ctx context.Context, in *transactWriteItems) (*transactWriteAnswer, error) {
	writes := make([]table.Write, 0, len(in.TransactItems))
	size := 0
	for _, t := range in.TransactItems {
		w, err := t.write()
		if err != nil {
			return nil, err
		}
		size += w.Item.Size()
		writes = append(writes, w)
	}
	if size > table.MaxTransactBytes {
		return nil, table.Invalid("Aggregate size of items in the transaction exceeds the limit of 4194304 bytes")
	}
	digest, err := json.Marshal(in.TransactItems)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(digest)
	written, err := s.tables.Transact(ctx, writes, text(in.ClientRequestToken), sum[:])
	if err != nil {
		return nil, err
	}
	return &transactWriteAnswer{ConsumedCapacity: costOf(in.ReturnConsumedCapacity, writes, written)}, nil
}

// write reads the one action of a member of a transaction.
func (t transactWriteItem) write() (table.Write, error) {
	var w table.Write
	var e expressions
	var key attributes
	var update, condition, onFailure *string
	actions := 0
	if a := t.Put; a != nil {
		actions++
		w.Table, w.Kind, key, condition, onFailure = *a.TableName, table.Put, a.Item, a.ConditionExpression, a.ReturnValuesOnConditionCheckFailure
		e.names, e.values = a.ExpressionAttributeNames, a.ExpressionAttributeValues
	}
	if a := t.Update; a != nil {
		actions++
		w.Table, w.Kind, key, condition, onFailure = *a.TableName, table.Change, a.Key, a.ConditionExpression, a.ReturnValuesOnConditionCheckFailure
		e.names, e.values, update = a.ExpressionAttributeNames, a.ExpressionAttributeValues, a.UpdateExpression
	}
	if a := t.Delete; a != nil {
		actions++
		w.Table, w.Kind, key, condition, onFailure = *a.TableName, table.Delete, a.Key, a.ConditionExpression, a.ReturnValuesOnConditionCheckFailure
		e.names, e.values = a.ExpressionAttributeNames, a.ExpressionAttributeValues
	}
	if a := t.ConditionCheck; a != nil {
		actions++
		w.Table, w.Kind, key, condition, onFailure = *a.TableName, table.Check, a.Key, a.ConditionExpression, a.ReturnValuesOnConditionCheckFailure
		e.names, e.values = a.ExpressionAttributeNames, a.ExpressionAttributeValues
	}
	if actions != 1 {
		return w, table.Invalid("TransactItems can only contain one of Check, Put, Update or Delete")
	}
	e.given = []parameter{{"ConditionExpression", condition != nil}}
	if w.Kind == table.Change {
		e.given = append([]parameter{{"UpdateExpression", update != nil}}, e.given...)
	}
	e.valued = true
	if err := e.check(); err != nil {
		return w, err
	}
	attributes, err := item(key)
	if err != nil {
		return w, err
	}
	if w.Key = attributes; w.Kind == table.Put {
		w.Key, w.Item = nil, attributes
		if w.Item.Size() > table.MaxItemBytes {
			return w, errTooLarge()
		}
	}
	w.ReturnOnFailure = text(onFailure) == table.ReturnAllOld
	p, err := e.placeholders()
	if err != nil {
		return w, err
	}
	return w, changes(p, &w, update, condition)
}

type transactGetAnswer struct {
	Responses        []itemAnswer
	ConsumedCapacity []*capacity `json:",omitempty"`
}

func (s *Service) transactGetItems(ctx context.Context, in *transactGetItems) (*transactGetAnswer, error) {
	gets := make([]table.Get, 0, len(in.TransactItems))
	for _, t := range in.TransactItems {
		one := keysAndAttributes{Keys: []attributes{t.Get.Key}, ProjectionExpression: t.Get.ProjectionExpression, ExpressionAttributeNames: t.Get.ExpressionAttributeNames}
		get, err := one.gets(*t.Get.TableName)
		if err != nil {
			return nil, err
		}
		gets = append(gets, get...)
	}
	got, err := s.tables.TransactGet(ctx, gets)
	if err != nil {
		return nil, err
	}
	out := &transactGetAnswer{Responses: make([]itemAnswer, 0, len(got))}
	var cost tally
	for i, g := range got {
		out.Responses = append(out.Responses, itemAnswer{Item: found(g.Item)})
		cost.add(gets[i].Table, g.Units)
	}
	out.ConsumedCapacity = cost.consumed(in.ReturnConsumedCapacity)
	return out, nil
}
