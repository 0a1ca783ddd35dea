package dynamodb

import (
	"context"

	"github.com/tidwall/gjson"

	"sundog/internal/table"
)

type itemAnswer struct {
	Item             *table.Item `json:",omitempty"`
	ConsumedCapacity *capacity   `json:",omitempty"`
}

type attributesAnswer struct {
	Attributes       *table.Item `json:",omitempty"`
	ConsumedCapacity *capacity   `json:",omitempty"`
}

func (s *Service) getItem(ctx context.Context, in *getItem) (*itemAnswer, error) {
	e := expressions{
		given:  []parameter{{"ProjectionExpression", in.ProjectionExpression != nil}},
		others: []parameter{{"AttributesToGet", in.AttributesToGet != nil}},
		names:  in.ExpressionAttributeNames,
	}
	if err := e.check(); err != nil {
		return nil, err
	}
	get := &table.Get{Table: *in.TableName, Consistent: truth(in.ConsistentRead)}
	var err error
	if get.Key, err = item(in.Key); err != nil {
		return nil, err
	}
	if err := duplicate(in.AttributesToGet); err != nil {
		return nil, err
	}
	if get.Projection, err = e.projection(in.ProjectionExpression, in.AttributesToGet); err != nil {
		return nil, err
	}
	got, err := s.tables.Get(ctx, get)
	if err != nil {
		return nil, err
	}
	return &itemAnswer{Item: found(got.Item), ConsumedCapacity: consumed(in.ReturnConsumedCapacity, get.Table, got.Units)}, nil
}

// found is an item as answers have it: one without attributes is there, a missing one is not.
func found(item table.Item) *table.Item {
	if item == nil {
		return nil
	}
	return &item
}

// projection reads the projection of a request that has no other expression.
func (e expressions) projection(text *string, list []string) (*table.Projection, error) {
	p, err := e.placeholders()
	if err != nil {
		return nil, err
	}
	out, err := parseProjection(p, text, list)
	if err != nil {
		return nil, err
	}
	return out, p.Unused()
}

func (s *Service) putItem(ctx context.Context, in *putItem) (*attributesAnswer, error) {
	e := expressions{
		given:  []parameter{{"ConditionExpression", in.ConditionExpression != nil}},
		others: []parameter{{"Expected", in.Expected != nil}},
		names:  in.ExpressionAttributeNames, values: in.ExpressionAttributeValues, valued: true,
	}
	if err := e.check(); err != nil {
		return nil, err
	}
	w := &table.Write{Table: *in.TableName, Kind: table.Put, Return: text(in.ReturnValues)}
	var err error
	if w.Item, err = item(in.Item); err != nil {
		return nil, err
	}
	if w.Return != "" && w.Return != table.ReturnAllOld && w.Return != table.ReturnNone {
		return nil, table.Invalid("ReturnValues can only be ALL_OLD or NONE")
	}
	if w.Item.Size() > table.MaxItemBytes {
		return nil, errTooLarge()
	}
	if err := e.conditions(w, in.Expected, in.ConditionalOperator, in.ConditionExpression, in.ReturnValuesOnConditionCheckFailure); err != nil {
		return nil, err
	}
	return s.write(ctx, w, in.ReturnConsumedCapacity)
}

func errTooLarge() error { return table.Invalid("Item size has exceeded the maximum allowed size") }

// conditions reads what a write is to meet, when it has no update expression.
func (e expressions) conditions(w *table.Write, expected object[expectedAttributeValue], operator, condition, onFailure *string) error {
	p, err := e.expected(w, expected, operator, onFailure)
	if err != nil {
		return err
	}
	if condition != nil {
		if w.Condition, err = p.ParseCondition("ConditionExpression", *condition); err != nil {
			return err
		}
	}
	return p.Unused()
}

// expected reads the condition of a write that is no expression, and then the placeholders.
func (e expressions) expected(w *table.Write, expected object[expectedAttributeValue], operator, onFailure *string) (*table.Placeholders, error) {
	w.ReturnOnFailure = text(onFailure) == table.ReturnAllOld
	var err error
	if w.Condition, err = expect(expected, operator); err != nil {
		return nil, err
	}
	return e.placeholders()
}

func (s *Service) deleteItem(ctx context.Context, in *deleteItem) (*attributesAnswer, error) {
	e := expressions{
		given:  []parameter{{"ConditionExpression", in.ConditionExpression != nil}},
		others: []parameter{{"Expected", in.Expected != nil}},
		names:  in.ExpressionAttributeNames, values: in.ExpressionAttributeValues, valued: true,
	}
	if err := e.check(); err != nil {
		return nil, err
	}
	w := &table.Write{Table: *in.TableName, Kind: table.Delete, Return: text(in.ReturnValues)}
	var err error
	if w.Key, err = item(in.Key); err != nil {
		return nil, err
	}
	if err := e.conditions(w, in.Expected, in.ConditionalOperator, in.ConditionExpression, in.ReturnValuesOnConditionCheckFailure); err != nil {
		return nil, err
	}
	return s.write(ctx, w, in.ReturnConsumedCapacity)
}

func (s *Service) updateItem(ctx context.Context, in *updateItem) (*attributesAnswer, error) {
	e := expressions{
		given:  []parameter{{"UpdateExpression", in.UpdateExpression != nil}, {"ConditionExpression", in.ConditionExpression != nil}},
		others: []parameter{{"AttributeUpdates", in.AttributeUpdates != nil}, {"Expected", in.Expected != nil}},
		names:  in.ExpressionAttributeNames, values: in.ExpressionAttributeValues, valued: true,
	}
	if err := e.check(); err != nil {
		return nil, err
	}
	w := &table.Write{Table: *in.TableName, Kind: table.Change, Return: text(in.ReturnValues)}
	var err error
	if w.Key, err = item(in.Key); err != nil {
		return nil, err
	}
	if w.Update, err = attributeUpdates(in.AttributeUpdates); err != nil {
		return nil, err
	}
	p, err := e.expected(w, in.Expected, in.ConditionalOperator, in.ReturnValuesOnConditionCheckFailure)
	if err != nil {
		return nil, err
	}
	if err := changes(p, w, in.UpdateExpression, in.ConditionExpression); err != nil {
		return nil, err
	}
	return s.write(ctx, w, in.ReturnConsumedCapacity)
}

func attributeUpdates(given object[attributeValueUpdate]) (*table.Update, error) {
	if given == nil {
		return nil, nil
	}
	list := make([]table.AttributeUpdate, 0, len(given))
	for _, u := range given {
		list = append(list, table.AttributeUpdate{Attribute: u.Name, Action: text(u.Value.Action), Value: u.Value.Value})
	}
	return table.UpdateOf(list)
}

// changes reads the expressions of an update.
func changes(p *table.Placeholders, w *table.Write, update, condition *string) (err error) {
	if update != nil {
		if w.Update, err = p.ParseUpdate(*update); err != nil {
			return err
		}
	}
	if condition != nil {
		if w.Condition, err = p.ParseCondition("ConditionExpression", *condition); err != nil {
			return err
		}
	}
	return p.Unused()
}

func (s *Service) write(ctx context.Context, w *table.Write, asked *string) (*attributesAnswer, error) {
	written, err := s.tables.Write(ctx, w)
	if err != nil {
		return nil, err
	}
	return answerOf(w.Table, asked, written), nil
}

func answerOf(name string, asked *string, written table.Written) *attributesAnswer {
	return &attributesAnswer{Attributes: found(written.Attributes), ConsumedCapacity: consumed(asked, name, written.Units)}
}

// WriteAnswer is the answer of PutItem, UpdateItem or DeleteItem before it is given, for those who have to know it then. The request is one
// that the operation has read.
func WriteAnswer(request []byte, written table.Written) any {
	asked := gjson.GetBytes(request, "ReturnConsumedCapacity")
	return answerOf(gjson.GetBytes(request, "TableName").Str, &asked.Str, written)
}
