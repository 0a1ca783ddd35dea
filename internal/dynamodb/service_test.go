package dynamodb_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/tidwall/gjson"
)

const createThings = `{"TableName": "things", "BillingMode": "PAY_PER_REQUEST", "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}], "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
	"StreamSpecification": {"StreamEnabled": true, "StreamViewType": "NEW_AND_OLD_IMAGES"}}`

// step is a request and what the answer has at a path.
type step struct{ operation, body, path, want string }

func (w *world) play(t *testing.T, steps []step) {
	t.Helper()
	for _, s := range steps {
		answer, _ := w.call(t, s.operation, s.body)
		if got := gjson.Get(answer, s.path); got.String() != s.want {
			t.Errorf("%s %s: %s is %q, want %q\n%s", s.operation, s.body, s.path, got.String(), s.want, answer)
		}
	}
}

func TestTablesComeAndGo(t *testing.T) {
	w := newWorld(t)
	w.play(t, []step{
		{"ListTables", `{}`, "TableNames", "[]"},
		{"CreateTable", createThings, "TableDescription.TableStatus", "CREATING"},
		{"CreateTable", createThings, "__type", "com.amazonaws.dynamodb.v20120810#ResourceInUseException"},
		{"DescribeTable", `{"TableName": "things"}`, "Table.TableStatus", "ACTIVE"},
		{"DescribeTable", `{"TableName": "things"}`, "Table.TableArn", "arn:aws:dynamodb:us-east-1:000000000000:table/things"},
		{"DescribeTable", `{"TableName": "things"}`, "Table.StreamSpecification.StreamViewType", "NEW_AND_OLD_IMAGES"},
		{"DescribeTable", `{"TableName": "nothing"}`, "message", "Requested resource not found: Table: nothing not found"},
		{"PutItem", `{"TableName": "things", "Item": {"id": {"S": "1"}, "owner": {"S": "x"}, "expires": {"N": "1"}}}`, "@this", "{}"},
		{"DescribeTable", `{"TableName": "things"}`, "Table.ItemCount", "1"},
		{"UpdateTable", `{"TableName": "things"}`, "__type", "com.amazon.coral.validate#ValidationException"},
		{"UpdateTable", `{"TableName": "things", "AttributeDefinitions": [{"AttributeName": "owner", "AttributeType": "S"}], "GlobalSecondaryIndexUpdates": [{"Create": {"IndexName": "by-owner", "KeySchema": [{"AttributeName": "owner", "KeyType": "HASH"}], "Projection": {"ProjectionType": "KEYS_ONLY"}}}]}`, "TableDescription.GlobalSecondaryIndexes.0.IndexName", "by-owner"},
		{"Query", `{"TableName": "things", "IndexName": "by-owner", "KeyConditionExpression": "#o = :o", "ExpressionAttributeNames": {"#o": "owner"}, "ExpressionAttributeValues": {":o": {"S": "x"}}}`, "Items.0.id.S", "1"},
		{"UpdateTable", `{"TableName": "things", "GlobalSecondaryIndexUpdates": [{"Delete": {"IndexName": "by-owner"}}]}`, "TableDescription.GlobalSecondaryIndexes", ""},
		{"UpdateTable", `{"TableName": "things", "GlobalSecondaryIndexUpdates": [{"Delete": {"IndexName": "by-owner"}}]}`, "__type", "com.amazonaws.dynamodb.v20120810#ResourceNotFoundException"},
		{"DescribeTimeToLive", `{"TableName": "things"}`, "TimeToLiveDescription.TimeToLiveStatus", "DISABLED"},
		{"UpdateTimeToLive", `{"TableName": "things", "TimeToLiveSpecification": {"AttributeName": "expires", "Enabled": true}}`, "TimeToLiveSpecification.Enabled", "true"},
		{"UpdateTimeToLive", `{"TableName": "things", "TimeToLiveSpecification": {"AttributeName": "expires", "Enabled": true}}`, "message", "TimeToLive is already enabled"},
		{"DescribeTimeToLive", `{"TableName": "things"}`, "TimeToLiveDescription.AttributeName", "expires"},
		{"DeleteTable", `{"TableName": "things"}`, "TableDescription.TableStatus", "DELETING"},
		{"GetItem", `{"TableName": "things", "Key": {"id": {"S": "1"}}}`, "message", "Requested resource not found"},
		{"ListTables", `{}`, "TableNames", "[]"},
	})
}

func TestListsOfTablesHavePages(t *testing.T) {
	w := newWorld(t)
	for i := range 5 {
		w.must(t, "CreateTable", strings.Replace(createThings, `"things"`, fmt.Sprintf(`"things%d"`, i), 1))
	}
	w.play(t, []step{
		{"ListTables", `{"Limit": 2}`, "@this", `{"TableNames":["things0","things1"],"LastEvaluatedTableName":"things1"}`},
		{"ListTables", `{"Limit": 3, "ExclusiveStartTableName": "things1"}`, "@this", `{"TableNames":["things2","things3","things4"]}`},
	})
	w.play(t, []step{
		{"ListStreams", `{"Limit": 1}`, "Streams.0.TableName", "things0"},
		{"ListStreams", `{"TableName": "things3"}`, "Streams.#", "1"},
	})
}

func TestStreams(t *testing.T) {
	w := newWorld(t)
	w.must(t, "CreateTable", createThings)
	arn := gjson.Get(w.must(t, "DescribeTable", `{"TableName": "things"}`), "Table.LatestStreamArn").Str
	shard := gjson.Get(w.must(t, "DescribeStream", fmt.Sprintf(`{"StreamArn": %q}`, arn)), "StreamDescription.Shards.0.ShardId").Str
	iterator := func(rest string) string {
		t.Helper()
		return gjson.Get(w.must(t, "GetShardIterator", fmt.Sprintf(`{"StreamArn": %q, "ShardId": %q, %s}`, arn, shard, rest)), "ShardIterator").Str
	}
	records := func(iterator string) gjson.Result {
		t.Helper()
		return gjson.Parse(w.must(t, "GetRecords", fmt.Sprintf(`{"ShardIterator": %q}`, iterator)))
	}
	horizon := iterator(`"ShardIteratorType": "TRIM_HORIZON"`)
	w.must(t, "PutItem", `{"TableName": "things", "Item": {"id": {"S": "1"}, "n": {"N": "1"}}}`)
	w.must(t, "PutItem", `{"TableName": "things", "Item": {"id": {"S": "1"}, "n": {"N": "1.0"}}}`) // no change
	w.must(t, "UpdateItem", `{"TableName": "things", "Key": {"id": {"S": "1"}}, "UpdateExpression": "ADD n :n", "ExpressionAttributeValues": {":n": {"N": "1"}}}`)
	w.must(t, "DeleteItem", `{"TableName": "things", "Key": {"id": {"S": "1"}}}`)
	first := records(horizon)
	if got := first.Get("Records.#.eventName").String(); got != `["INSERT","MODIFY","REMOVE"]` {
		t.Fatalf("%s: %s", got, first)
	}
	if got := first.Get(`Records.1.dynamodb`); got.Get("OldImage.n.N").Str != "1" || got.Get("NewImage.n.N").Str != "2" || got.Get("Keys.id.S").Str != "1" {
		t.Errorf("%s", got)
	}
	if again := records(first.Get("NextShardIterator").Str); again.Get("Records.#").Int() != 0 || again.Get("NextShardIterator").Str == "" {
		t.Errorf("%s", again)
	}
	second := first.Get("Records.1.dynamodb.SequenceNumber").Str
	for kind, want := range map[string]string{"AT": "MODIFY", "AFTER": "REMOVE"} {
		got := records(iterator(fmt.Sprintf(`"ShardIteratorType": "%s_SEQUENCE_NUMBER", "SequenceNumber": %q`, kind, second)))
		if got.Get("Records.0.eventName").Str != want {
			t.Errorf("%s gives %s", kind, got)
		}
	}
	latest := iterator(`"ShardIteratorType": "LATEST"`)
	w.must(t, "PutItem", `{"TableName": "things", "Item": {"id": {"S": "2"}}}`)
	if got := records(latest); got.Get("Records.#.dynamodb.Keys.id.S").String() != `["2"]` {
		t.Errorf("%s", got)
	}
	w.now = w.now.Add(25 * time.Hour)
	if got := records(horizon); got.Get("Records.#").Int() != 0 {
		t.Errorf("after a day there are %s", got)
	}
	w.must(t, "UpdateTable", `{"TableName": "things", "StreamSpecification": {"StreamEnabled": false}}`)
	w.play(t, []step{
		{"GetRecords", fmt.Sprintf(`{"ShardIterator": %q}`, latest), "__type", "com.amazonaws.dynamodb.v20120810#ResourceNotFoundException"},
		{"GetRecords", `{"ShardIterator": "x"}`, "message", "Invalid ShardIterator."},
		{"DescribeStream", fmt.Sprintf(`{"StreamArn": %q}`, arn), "__type", "com.amazonaws.dynamodb.v20120810#ResourceNotFoundException"},
	})
}

func TestTransactions(t *testing.T) {
	w := newWorld(t)
	w.must(t, "CreateTable", createThings)
	put := func(id string) string {
		return fmt.Sprintf(`{"Put": {"TableName": "things", "Item": {"id": {"S": %q}, "n": {"N": "1"}}, "ConditionExpression": "attribute_not_exists(id)", "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}}`, id)
	}
	w.play(t, []step{
		{"TransactWriteItems", `{"TransactItems": [` + put("1") + `, ` + put("2") + `], "ClientRequestToken": "a", "ReturnConsumedCapacity": "TOTAL"}`, "ConsumedCapacity.0.CapacityUnits", "4"},
		{"TransactWriteItems", `{"TransactItems": [` + put("1") + `, ` + put("2") + `], "ClientRequestToken": "a"}`, "@this", "{}"},
		{"TransactWriteItems", `{"TransactItems": [` + put("1") + `], "ClientRequestToken": "a"}`, "__type", "com.amazonaws.dynamodb.v20120810#IdempotentParameterMismatchException"},
		{"TransactWriteItems", `{"TransactItems": [` + put("3") + `, ` + put("2") + `]}`, "message", "Transaction cancelled, please refer cancellation reasons for specific reasons [None, ConditionalCheckFailed]"},
		{"TransactWriteItems", `{"TransactItems": [` + put("3") + `, ` + put("2") + `]}`, "CancellationReasons.1.Item.n.N", "1"},
		{"TransactWriteItems", `{"TransactItems": [` + put("3") + `, ` + put("3") + `]}`, "message", "Transaction request cannot include multiple operations on one item"},
		{"TransactWriteItems", `{"TransactItems": [{}]}`, "message", "TransactItems can only contain one of Check, Put, Update or Delete"},
		{"TransactWriteItems", `{"TransactItems": []}`, "message", "1 validation error detected: Value '[]' at 'transactItems' failed to satisfy constraint: Member must have length greater than or equal to 1"},
		{"TransactWriteItems", `{"TransactItems": [{"Update": {"TableName": "things", "Key": {"id": {"S": "1"}}, "UpdateExpression": "SET n = n + :n", "ExpressionAttributeValues": {":n": {"N": "4"}}}}, {"Delete": {"TableName": "things", "Key": {"id": {"S": "2"}}}}, {"ConditionCheck": {"TableName": "things", "Key": {"id": {"S": "9"}}, "ConditionExpression": "attribute_not_exists(id)"}}]}`, "@this", "{}"},
		{"TransactGetItems", `{"TransactItems": [{"Get": {"TableName": "things", "Key": {"id": {"S": "1"}}, "ProjectionExpression": "n"}}, {"Get": {"TableName": "things", "Key": {"id": {"S": "2"}}}}]}`, "Responses", `[{"Item":{"n":{"N":"5"}}},{}]`},
		{"TransactGetItems", `{"TransactItems": [{"Get": {"TableName": "things", "Key": {"no": {"S": "1"}}}}]}`, "CancellationReasons.0.Code", "ValidationError"},
		{"PutItem", `{"TableName": "things", "Item": {"id": {"S": "1"}}, "ConditionExpression": "n = :n", "ExpressionAttributeValues": {":n": {"N": "1"}}, "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}`, "Item.n.N", "5"},
	})
}

func TestRequestsThatAreNoRequests(t *testing.T) {
	w := newWorld(t)
	const refused = "com.amazon.coral.service#SerializationException"
	for _, body := range []string{``, `{`, `[]`, `"x"`, `null`, "{\"TableName\": \"\xff\"}", strings.Repeat("[", 1<<20), `{"Item": ` + strings.Repeat(`{"L": [`, 200) + strings.Repeat(`]}`, 200) + `}`, `{"TableName": "\ud800"} x`} {
		for operation := range w.service.Operations() {
			if answer, _ := w.call(t, operation, body); gjson.Get(answer, "__type").Str != refused {
				t.Errorf("%s %.40s gives %s", operation, body, answer)
			}
		}
	}
	deep := `{"TableName": "things", "Item": {"id": {"S": "1"}, "a": ` + strings.Repeat(`{"L": [`, 33) + `{"N": "1"}` + strings.Repeat(`]}`, 33) + `}}`
	w.must(t, "CreateTable", createThings)
	w.play(t, []step{{"PutItem", deep, "message", "Nesting Levels have exceeded supported limits"}})
}

// TestComplaintsComeInOrder makes requests with two mistakes each.
func TestComplaintsComeInOrder(t *testing.T) {
	w := newWorld(t)
	w.must(t, "CreateTable", `{"TableName": "things", "BillingMode": "PAY_PER_REQUEST", "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}, {"AttributeName": "g", "AttributeType": "N"}],
		"KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}], "GlobalSecondaryIndexes": [{"IndexName": "by-g", "KeySchema": [{"AttributeName": "g", "KeyType": "HASH"}], "Projection": {"ProjectionType": "ALL"}}]}`)
	w.must(t, "PutItem", `{"TableName": "things", "Item": {"id": {"S": "1"}, "a": {"S": "x"}}}`)
	update := func(expression string) string {
		return fmt.Sprintf(`{"TableName": "things", "Key": {"id": {"S": "1"}}, "UpdateExpression": %q}`, expression)
	}
	const first, again, mistyped = `{"PutRequest": {"Item": {"id": {"S": "2"}}}}`, `{"DeleteRequest": {"Key": {"id": {"S": "2"}}}}`, `{"PutRequest": {"Item": {"id": {"S": "3"}, "g": {"S": "x"}}}}`
	batch := func(writes ...string) string {
		return `{"RequestItems": {"things": [` + strings.Join(writes, ", ") + `]}}`
	}
	w.play(t, []step{
		{"UpdateItem", update("SET g = a, b.x = a"), "message", "The update expression attempted to update the secondary index key to unsupported type"},
		{"UpdateItem", update("SET b.x = a, g = a"), "message", "The document path provided in the update expression is invalid for update"},
		{"UpdateItem", update("SET b.x = a, c = d"), "message", "The provided expression refers to an attribute that does not exist in the item"},
		{"BatchWriteItem", batch(first, again, mistyped), "message", "Provided list of item keys contains duplicates"},
		{"BatchWriteItem", batch(first, mistyped, again), "message", "One or more parameter values were invalid: Type mismatch for Index Key g Expected: N Actual: S IndexName: by-g"},
		{"GetItem", `{"Key": [], "TableName": 5, "AttributesToGet": "a"}`, "Message", "Unexpected field type"},
		{"GetItem", `{"Key": [], "TableName": 5}`, "Message", "NUMBER_VALUE cannot be converted to String"},
		{"GetItem", `{"TableName": "things", "Key": {"id": {"S": "2"}}}`, "@this", "{}"}, // nothing of the batches was written
	})
}
