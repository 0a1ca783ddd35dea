package server_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	streams "github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"
	"github.com/aws/smithy-go"

	"sundog/internal/statedb"
)

// dynamo returns AWS's clients of the server; secret is the token.
func (r *running) dynamo(secret string) (*dynamodb.Client, *dynamodbstreams.Client) {
	keys := credentials.NewStaticCredentialsProvider("sundog", secret, "")
	return dynamodb.New(dynamodb.Options{Region: "us-east-1", BaseEndpoint: aws.String(r.Server()), Credentials: keys, RetryMaxAttempts: 1}),
		dynamodbstreams.New(dynamodbstreams.Options{Region: "us-east-1", BaseEndpoint: aws.String(r.Server()), Credentials: keys, RetryMaxAttempts: 1})
}

func text(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }

type attributes = map[string]types.AttributeValue

// TestClientsOfDynamoDB makes a table and works with it and its stream through AWS's clients, signed with the server's token.
func TestClientsOfDynamoDB(t *testing.T) {
	r := start(t, "secret")
	db, feed := r.dynamo("secret")
	ctx, name := t.Context(), aws.String("orders")
	_, err := db.CreateTable(ctx, &dynamodb.CreateTableInput{
		TableName: name, BillingMode: types.BillingModePayPerRequest,
		AttributeDefinitions: []types.AttributeDefinition{{AttributeName: aws.String("id"), AttributeType: types.ScalarAttributeTypeS}},
		KeySchema:            []types.KeySchemaElement{{AttributeName: aws.String("id"), KeyType: types.KeyTypeHash}},
		StreamSpecification:  &types.StreamSpecification{StreamEnabled: aws.Bool(true), StreamViewType: types.StreamViewTypeNewAndOldImages},
	})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		_, err := db.UpdateItem(ctx, &dynamodb.UpdateItemInput{
			TableName: name, Key: attributes{"id": text("a")}, UpdateExpression: aws.String("ADD n :one"), ConditionExpression: aws.String("attribute_not_exists(n) OR n < :two"),
			ExpressionAttributeValues: attributes{":one": &types.AttributeValueMemberN{Value: "1"}, ":two": &types.AttributeValueMemberN{Value: "2"}},
		})
		var failed *types.ConditionalCheckFailedException
		if i < 2 && err != nil || i == 2 && !errors.As(err, &failed) {
			t.Errorf("update %d: %v", i, err)
		}
	}
	if _, err := db.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{
		{Put: &types.Put{TableName: name, Item: attributes{"id": text("b")}}},
		{Delete: &types.Delete{TableName: name, Key: attributes{"id": text("a")}}},
	}}); err != nil {
		t.Error(err)
	}
	page, err := db.Query(ctx, &dynamodb.QueryInput{TableName: name, KeyConditionExpression: aws.String("id = :id"), ExpressionAttributeValues: attributes{":id": text("b")}})
	if err != nil || page.Count != 1 {
		t.Errorf("%+v, %v", page, err)
	}
	var events string
	for _, record := range r.readStream(feed, "orders") {
		events += string(record.EventName) + " "
	}
	if events != "INSERT MODIFY INSERT REMOVE " && events != "INSERT MODIFY REMOVE INSERT " {
		t.Errorf("the stream has %s", events)
	}

	others, _ := r.dynamo("wrong")
	var refused smithy.APIError
	if _, err := others.ListTables(ctx, &dynamodb.ListTablesInput{}); !errors.As(err, &refused) || refused.ErrorCode() != "InvalidSignatureException" {
		t.Errorf("a wrong secret: %v", err)
	}
}

// readStream reads the stream of a table from its beginning.
func (r *running) readStream(feed *dynamodbstreams.Client, name string) []streams.Record {
	r.t.Helper()
	ctx := r.t.Context()
	all, err := feed.ListStreams(ctx, &dynamodbstreams.ListStreamsInput{TableName: &name})
	if err != nil || len(all.Streams) != 1 {
		r.t.Fatal(all, err)
	}
	arn := all.Streams[0].StreamArn
	described, err := feed.DescribeStream(ctx, &dynamodbstreams.DescribeStreamInput{StreamArn: arn})
	if err != nil || len(described.StreamDescription.Shards) != 1 {
		r.t.Fatal(described, err)
	}
	at, err := feed.GetShardIterator(ctx, &dynamodbstreams.GetShardIteratorInput{
		StreamArn: arn, ShardId: described.StreamDescription.Shards[0].ShardId, ShardIteratorType: streams.ShardIteratorTypeTrimHorizon,
	})
	if err != nil {
		r.t.Fatal(err)
	}
	var records []streams.Record
	for next := at.ShardIterator; ; {
		got, err := feed.GetRecords(ctx, &dynamodbstreams.GetRecordsInput{ShardIterator: next, Limit: aws.Int32(2)})
		if err != nil {
			r.t.Fatal(err)
		}
		if len(got.Records) == 0 {
			return records
		}
		records, next = append(records, got.Records...), got.NextShardIterator
	}
}

// TestStateDatabaseAsTable reads records through AWS's client, and is refused to change them.
func TestStateDatabaseAsTable(t *testing.T) {
	r := start(t, "")
	db, _ := r.dynamo("none")
	ctx, name := t.Context(), aws.String(statedb.TableName)
	const n = 7
	for i := range n {
		workflow := "first"
		if i == n-1 {
			workflow = "broken"
		}
		r.submit(payloadOf(fmt.Sprintf("item-%d", i), workflow) + "\n")
	}
	for i := range n - 1 {
		r.waitState(fmt.Sprintf("c/workflow-first/item-%d", i), "SUCCEEDED")
	}
	r.waitState(fmt.Sprintf("c/workflow-broken/item-%d", n-1), "FAILED")

	described, err := db.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: name})
	if err != nil || aws.ToInt64(described.Table.ItemCount) != n || len(described.Table.GlobalSecondaryIndexes) != 2 {
		t.Errorf("%+v, %v", described, err)
	}
	listed, err := db.ListTables(ctx, &dynamodb.ListTablesInput{})
	if err != nil || len(listed.TableNames) != 1 {
		t.Errorf("%+v, %v", listed, err)
	}
	key := attributes{"collections_workflow": text("c_first"), "itemids": text("item-3")}
	got, err := db.GetItem(ctx, &dynamodb.GetItemInput{TableName: name, Key: key})
	if err != nil || got.Item["executions"] == nil || got.Item["claimed_at"] == nil {
		t.Errorf("%+v, %v", got, err)
	}
	batch, err := db.BatchGetItem(ctx, &dynamodb.BatchGetItemInput{RequestItems: map[string]types.KeysAndAttributes{*name: {Keys: []attributes{key, {"collections_workflow": text("no key"), "itemids": text("x")}}}}})
	if err != nil || len(batch.Responses[*name]) != 1 {
		t.Errorf("%+v, %v", batch, err)
	}

	for what, tt := range map[string]struct {
		in   dynamodb.QueryInput
		want int32
	}{
		"a partition":        {dynamodb.QueryInput{KeyConditionExpression: aws.String("collections_workflow = :p")}, n - 1},
		"backwards":          {dynamodb.QueryInput{KeyConditionExpression: aws.String("collections_workflow = :p"), ScanIndexForward: aws.Bool(false)}, n - 1},
		"some of it":         {dynamodb.QueryInput{KeyConditionExpression: aws.String("collections_workflow = :p AND itemids BETWEEN :a AND :b"), ExpressionAttributeValues: attributes{":a": text("item-2"), ":b": text("item-4")}}, 3},
		"by state":           {dynamodb.QueryInput{IndexName: aws.String("state_updated"), KeyConditionExpression: aws.String("collections_workflow = :p AND begins_with(state_updated, :a)"), ExpressionAttributeValues: attributes{":a": text("SUCCEEDED_")}}, n - 1},
		"by another state":   {dynamodb.QueryInput{IndexName: aws.String("state_updated"), KeyConditionExpression: aws.String("collections_workflow = :p AND begins_with(state_updated, :a)"), ExpressionAttributeValues: attributes{":a": text("FAILED_")}}, 0},
		"by time":            {dynamodb.QueryInput{IndexName: aws.String("updated"), KeyConditionExpression: aws.String("collections_workflow = :p AND updated > :a"), ExpressionAttributeValues: attributes{":a": text("2020")}}, n - 1},
		"by time, backwards": {dynamodb.QueryInput{IndexName: aws.String("updated"), KeyConditionExpression: aws.String("collections_workflow = :p"), ScanIndexForward: aws.Bool(false)}, n - 1},
		"filtered":           {dynamodb.QueryInput{KeyConditionExpression: aws.String("collections_workflow = :p"), FilterExpression: aws.String("contains(executions, :a)"), ExpressionAttributeValues: attributes{":a": text("none")}}, 0},
	} {
		t.Run(what, func(t *testing.T) {
			tt.in.TableName, tt.in.Limit = name, aws.Int32(2)
			if tt.in.ExpressionAttributeValues == nil {
				tt.in.ExpressionAttributeValues = attributes{}
			}
			tt.in.ExpressionAttributeValues[":p"] = text("c_first")
			seen := map[string]bool{}
			for pages := dynamodb.NewQueryPaginator(db, &tt.in); pages.HasMorePages(); {
				page, err := pages.NextPage(ctx)
				if err != nil {
					t.Fatal(err)
				}
				for _, found := range page.Items {
					seen[found["itemids"].(*types.AttributeValueMemberS).Value] = true
				}
			}
			if len(seen) != int(tt.want) {
				t.Errorf("%v, want %d", seen, tt.want)
			}
		})
	}
	scanned := 0
	for segment := range int32(2) {
		for pages := dynamodb.NewScanPaginator(db, &dynamodb.ScanInput{TableName: name, Limit: aws.Int32(2), Segment: &segment, TotalSegments: aws.Int32(2)}); pages.HasMorePages(); {
			page, err := pages.NextPage(ctx)
			if err != nil {
				t.Fatal(err)
			}
			scanned += len(page.Items)
		}
	}
	if scanned != n {
		t.Errorf("a scan has %d of %d", scanned, n)
	}
	r.refusedByRecords(db, key)
}

// refusedByRecords makes every change that there is of the state database.
func (r *running) refusedByRecords(db *dynamodb.Client, key attributes) {
	r.t.Helper()
	ctx, name := r.t.Context(), aws.String(statedb.TableName)
	_, put := db.PutItem(ctx, &dynamodb.PutItemInput{TableName: name, Item: key})
	_, update := db.UpdateItem(ctx, &dynamodb.UpdateItemInput{TableName: name, Key: key, UpdateExpression: aws.String("REMOVE executions")})
	_, remove := db.DeleteItem(ctx, &dynamodb.DeleteItemInput{TableName: name, Key: key})
	_, batch := db.BatchWriteItem(ctx, &dynamodb.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{*name: {{PutRequest: &types.PutRequest{Item: key}}}}})
	_, transaction := db.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{{Put: &types.Put{TableName: name, Item: key}}}})
	_, drop := db.DeleteTable(ctx, &dynamodb.DeleteTableInput{TableName: name})
	_, ttl := db.UpdateTimeToLive(ctx, &dynamodb.UpdateTimeToLiveInput{TableName: name, TimeToLiveSpecification: &types.TimeToLiveSpecification{AttributeName: aws.String("x"), Enabled: aws.Bool(true)}})
	for what, err := range map[string]error{"put": put, "update": update, "delete": remove, "batch": batch, "transaction": transaction, "drop": drop, "ttl": ttl} {
		var refused smithy.APIError
		if !errors.As(err, &refused) || refused.ErrorCode() != "AccessDeniedException" {
			r.t.Errorf("%s: %v", what, err)
		}
	}
}
