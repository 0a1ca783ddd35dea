package integration_test

import (
	"strings"
	"testing"

	"github.com/tidwall/gjson"

	embeddedtable "sundog/internal/embedded/table"
	"sundog/internal/table"
)

func newTables(t *testing.T) *services {
	t.Helper()
	s := newServices(t)
	tables, err := embeddedtable.Open(s.Store, embeddedtable.Options{})
	if err != nil {
		t.Fatal(err)
	}
	err = tables.Declare(t.Context(), []table.Schema{{Name: "things", Keys: table.Keys{Partition: table.Key{Name: "id", Type: table.S}}}})
	if err != nil {
		t.Fatal(err)
	}
	s.Tables = tables
	return s
}

func TestTables(t *testing.T) {
	s := newTables(t)
	for _, c := range []struct{ resource, parameters, path, want string }{
		{"dynamodb:putItem", `{"TableName": "things", "Item": {"id": {"S": "1"}, "n": {"N": "1.0"}}}`, "SdkHttpMetadata.HttpHeaders.Content-Length", "2"},
		{"dynamodb:getItem", `{"TableName": "things", "Key": {"id": {"S": "1"}}}`, "Item.n.N", "1"},
		{"dynamodb:updateItem", `{"TableName": "things", "Key": {"id": {"S": "1"}}, "UpdateExpression": "ADD n :one", "ExpressionAttributeValues": {":one": {"N": "1"}}, "ReturnValues": "UPDATED_NEW"}`, "Attributes.n.N", "2"},
		{"dynamodb:deleteItem", `{"TableName": "things", "Key": {"id": {"S": "1"}}, "ReturnValues": "ALL_OLD", "ReturnConsumedCapacity": "TOTAL"}`, "ConsumedCapacity.TableName", "things"},
		{"aws-sdk:dynamodb:putItem", `{"TableName": "things", "Item": {"id": {"S": "2"}}}`, "SdkHttpMetadata", ""},
		{"aws-sdk:dynamodb:transactWriteItems", `{"TransactItems": [{"Delete": {"TableName": "things", "Key": {"id": {"S": "2"}}}}]}`, "@this", "{}"},
		{"aws-sdk:dynamodb:scan", `{"TableName": "things"}`, "Count", "0"},
	} {
		out, err := run(t, s.Runner, arn+c.resource, c.parameters)
		if err != nil || gjson.Get(out, c.path).String() != c.want {
			t.Errorf("%s %s: %s, %v", c.resource, c.parameters, out, err)
		}
	}
}

func TestTablesRefuse(t *testing.T) {
	s := newTables(t)
	for _, c := range []struct{ resource, parameters, want string }{
		{
			"dynamodb:putItem", `{"TableName": "/test-table", "Item": {"id": {"S": "id1"}}}`,
			"DynamoDB.AmazonDynamoDBException: 1 validation error detected: Value '/test-table' at 'tableName' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+ (Service: AmazonDynamoDBv2; Status Code: 400; Error Code: ValidationException; Request ID: ",
		},
		{
			"aws-sdk:dynamodb:putItem", `{"TableName": "test-table", "Item": null}`,
			"DynamoDb.DynamoDbException: 1 validation error detected: Value null at 'item' failed to satisfy constraint: Member must not be null (Service: DynamoDb, Status Code: 400, Request ID: ",
		},
		{
			"dynamodb:updateItem", `{"TableName": "things", "Key": {"id": {"S": "1"}}, "UpdateExpression": "SET a = b"}`,
			"DynamoDB.AmazonDynamoDBException: The provided expression refers to an attribute that does not exist in the item (",
		},
		{
			"dynamodb:putItem", `{"TableName": "things", "Item": {"id": {"S": "1"}}, "ConditionExpression": "attribute_exists(id)"}`,
			"DynamoDB.ConditionalCheckFailedException: The conditional request failed (Service: AmazonDynamoDBv2; Status Code: 400; Error Code: ConditionalCheckFailedException; Request ID: ",
		},
		{"aws-sdk:dynamodb:getItem", `{"TableName": "nothing", "Key": {"id": {"S": "1"}}}`, "DynamoDb.ResourceNotFoundException: Requested resource not found (Service: DynamoDb, "},
	} {
		if _, err := run(t, s.Runner, arn+c.resource, c.parameters); err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%s %s gives %v", c.resource, c.parameters, err)
		}
	}
}
