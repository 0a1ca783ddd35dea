package golden_test

import (
	"encoding/json"
	"errors"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"sundog/internal/aws/awstest"
	cloud "sundog/internal/aws/statedb"
	"sundog/internal/golden"
	"sundog/internal/statedb"
	"sundog/payload"
)

// TestGoldenRequests makes the recorded requests to a table of DynamoDB, and ours for the same transitions to another one: the items that are
// left are the same.
func TestGoldenRequests(t *testing.T) {
	client := dynamodb.NewFromConfig(awstest.Start(t, awstest.Options{Standins: []awstest.Standin{awstest.Dynalite}}).Config())
	w := twins{client: client, theirs: awstest.Name("theirs"), ours: awstest.Name("ours")}
	for _, name := range []string{w.theirs, w.ours} {
		if err := cloud.Create(t.Context(), client, name); err != nil {
			t.Fatal(err)
		}
	}
	golden.Run(t, "m3_statedb_update_requests.json", w.check)
}

// twins are two tables with the same items.
type twins struct {
	client       *dynamodb.Client
	theirs, ours string
}

func (w twins) check(t *testing.T, c golden.Case) golden.Outcome {
	if c.Error != nil {
		return golden.Passed() // no request was made
	}
	var in request
	golden.Into(t, c.Input, &in)
	var out struct {
		UpdateExpression          string
		ExpressionAttributeValues map[string]json.RawMessage
		ConditionExpression       *string
	}
	golden.Into(t, c.Output, &out)
	id, errID := payload.ParseID(in.PayloadID)
	at, errTime := statedb.ParseTime(in.Time)
	if err := errors.Join(errID, errTime); err != nil {
		return golden.Failed("%v", err)
	}
	values := map[string]types.AttributeValue{}
	for name, raw := range out.ExpressionAttributeValues {
		values[name] = attributeValueOf(t, raw)
	}
	shown := golden.Passed()
	for _, state := range append(statedb.States(), "") {
		before := recordIn(id, state)
		tr, err := in.transition(id, at)
		if err != nil {
			return golden.Failed("%v", err)
		}
		if tr.To == "" {
			return golden.Passed()
		}
		if out.ConditionExpression == nil && before != nil && !state.Open() {
			shown = golden.SetAside(3) // an execution that does not hold the record ends it: see checkRequest
			continue
		}
		w.seed(t, id, before)
		_, theirs := w.client.UpdateItem(t.Context(), &dynamodb.UpdateItemInput{
			TableName: &w.theirs, Key: keyOf(id), UpdateExpression: &out.UpdateExpression, ConditionExpression: out.ConditionExpression, ExpressionAttributeValues: values,
		})
		_, ours := cloud.New(cloud.Options{Client: w.client, Table: w.ours}).Apply(t.Context(), tr, statedb.Effects{})
		_, refused := errors.AsType[*types.ConditionalCheckFailedException](theirs)
		if _, conflict := statedb.Conflict(ours); refused != conflict || (theirs == nil) != (ours == nil) {
			return golden.Failed("from %q: theirs %v, ours %v", state, theirs, ours)
		}
		if diff := cmp.Diff(w.item(t, w.theirs, id), w.item(t, w.ours, id), cmpopts.IgnoreUnexported(
			types.AttributeValueMemberS{}, types.AttributeValueMemberL{})); diff != "" {
			return golden.Failed("from %q (-theirs +ours):\n%s", state, diff)
		}
	}
	return shown
}

// seed puts a record into both tables, or nothing.
func (w twins) seed(t *testing.T, id payload.ID, r *statedb.Record) {
	t.Helper()
	for _, name := range []string{w.theirs, w.ours} {
		var err error
		if r == nil {
			_, err = w.client.DeleteItem(t.Context(), &dynamodb.DeleteItemInput{TableName: &name, Key: keyOf(id)})
		} else {
			err = cloud.New(cloud.Options{Client: w.client, Table: name}).Put(t.Context(), *r)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

func (w twins) item(t *testing.T, table string, id payload.ID) map[string]types.AttributeValue {
	t.Helper()
	out, err := w.client.GetItem(t.Context(), &dynamodb.GetItemInput{TableName: &table, Key: keyOf(id)})
	if err != nil {
		t.Fatal(err)
	}
	return out.Item
}

func keyOf(id payload.ID) map[string]types.AttributeValue {
	return map[string]types.AttributeValue{
		"collections_workflow": &types.AttributeValueMemberS{Value: id.PartitionKey()}, "itemids": &types.AttributeValueMemberS{Value: id.ItemIDs},
	}
}

// attributeValueOf makes an attribute value of a text or a list of texts.
func attributeValueOf(t *testing.T, raw json.RawMessage) types.AttributeValue {
	t.Helper()
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return &types.AttributeValueMemberS{Value: text}
	}
	var texts []string
	golden.Into(t, raw, &texts)
	list := &types.AttributeValueMemberL{Value: []types.AttributeValue{}}
	for _, one := range texts {
		list.Value = append(list.Value, &types.AttributeValueMemberS{Value: one})
	}
	return list
}
