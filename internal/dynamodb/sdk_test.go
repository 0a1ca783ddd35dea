package dynamodb_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	client "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"sundog/internal/dynamodb"
	"sundog/internal/table"
)

// ServeHTTP is as much of the JSON protocol as a client needs.
func (w *world) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	_, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(err)
	}
	status := http.StatusOK
	out, err := w.service.Operations()[operation](r.Context(), body)
	if refused, ok := errors.AsType[*table.Error](err); ok {
		out, status = dynamodb.FailureOf(refused), http.StatusBadRequest
	} else if err != nil {
		panic(err)
	}
	rw.Header().Set("Content-Type", "application/x-amz-json-1.0")
	rw.WriteHeader(status)
	if err := json.NewEncoder(rw).Encode(out); err != nil {
		panic(err)
	}
}

// TestClientOfAWS uses the API through AWS's own client, which reads every answer into its types.
func TestClientOfAWS(t *testing.T) {
	w := newWorld(t)
	server := httptest.NewServer(w)
	defer server.Close()
	c := client.New(client.Options{
		Region: "us-east-1", BaseEndpoint: aws.String(server.URL), Credentials: credentials.NewStaticCredentialsProvider("id", "secret", ""), RetryMaxAttempts: 1,
	})
	ctx, things := t.Context(), aws.String("things")
	created, err := c.CreateTable(ctx, &client.CreateTableInput{
		TableName: things, BillingMode: types.BillingModePayPerRequest,
		AttributeDefinitions: []types.AttributeDefinition{{AttributeName: aws.String("id"), AttributeType: types.ScalarAttributeTypeS}},
		KeySchema:            []types.KeySchemaElement{{AttributeName: aws.String("id"), KeyType: types.KeyTypeHash}},
	})
	if err != nil || created.TableDescription.CreationDateTime == nil {
		t.Fatal(created, err)
	}
	item := map[string]types.AttributeValue{
		"id": &types.AttributeValueMemberS{Value: "1"}, "n": &types.AttributeValueMemberN{Value: "1e2"}, "b": &types.AttributeValueMemberB{Value: []byte{1, 2}}, "z": &types.AttributeValueMemberNULL{Value: true},
		"l": &types.AttributeValueMemberL{Value: []types.AttributeValue{&types.AttributeValueMemberBOOL{Value: true}}}, "s": &types.AttributeValueMemberSS{Value: []string{"a", "b"}},
		"m": &types.AttributeValueMemberM{Value: map[string]types.AttributeValue{"k": &types.AttributeValueMemberS{Value: "<&>"}}},
	}
	if _, err := c.PutItem(ctx, &client.PutItemInput{TableName: things, Item: item, ReturnConsumedCapacity: types.ReturnConsumedCapacityIndexes}); err != nil {
		t.Fatal(err)
	}
	_, err = c.PutItem(ctx, &client.PutItemInput{
		TableName: things, Item: item, ConditionExpression: aws.String("attribute_not_exists(id)"), ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	})
	var failed *types.ConditionalCheckFailedException
	if !errors.As(err, &failed) || len(failed.Item) != len(item) {
		t.Errorf("a condition that fails gives %v", err)
	}
	got, err := c.GetItem(ctx, &client.GetItemInput{TableName: things, Key: map[string]types.AttributeValue{"id": item["id"]}})
	if err != nil || len(got.Item) != len(item) || got.Item["n"].(*types.AttributeValueMemberN).Value != "100" {
		t.Errorf("%+v, %v", got, err)
	}
	batch, err := c.BatchWriteItem(ctx, &client.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{"things": {{DeleteRequest: &types.DeleteRequest{Key: map[string]types.AttributeValue{"id": item["id"]}}}}}})
	if err != nil || len(batch.UnprocessedItems) != 0 {
		t.Errorf("%+v, %v", batch, err)
	}
	page, err := c.Scan(ctx, &client.ScanInput{TableName: things})
	if err != nil || page.Count != 0 || page.LastEvaluatedKey != nil {
		t.Errorf("%+v, %v", page, err)
	}
	_, err = c.TransactWriteItems(ctx, &client.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{{ConditionCheck: &types.ConditionCheck{
		TableName: things, Key: map[string]types.AttributeValue{"id": item["id"]}, ConditionExpression: aws.String("attribute_exists(id)"),
	}}}})
	var canceled *types.TransactionCanceledException
	if !errors.As(err, &canceled) || len(canceled.CancellationReasons) != 1 || aws.ToString(canceled.CancellationReasons[0].Code) != "ConditionalCheckFailed" {
		t.Errorf("a transaction that is cancelled gives %v", err)
	}
	_, err = c.DescribeTable(ctx, &client.DescribeTableInput{TableName: aws.String("nothing")})
	var missing *types.ResourceNotFoundException
	if !errors.As(err, &missing) {
		t.Errorf("a table that is not there gives %v", err)
	}
}
