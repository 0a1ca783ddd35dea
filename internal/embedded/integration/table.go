package integration

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/tidwall/gjson"
	"github.com/tidwall/sjson"

	"sundog/asl"
	"sundog/internal/dynamodb"
	"sundog/internal/embedded/engine"
	"sundog/internal/embedded/store"
	"sundog/internal/table"
)

// onTable is dynamodb:getItem, putItem, updateItem and deleteItem.
func (r *Runner) onTable(ctx context.Context, task engine.Task) (*asl.Document, error) {
	return r.tableCall(ctx, task, answer, func(e *table.Error) error {
		name := e.Code
		if name == table.Validation || name == table.Serialization {
			name = "AmazonDynamoDBException"
		}
		return invalid("DynamoDB."+name, "%s (Service: AmazonDynamoDBv2; Status Code: 400; Error Code: %s; Request ID: %s; Proxy: null)", e.Message, e.Code, derivedID(task, "request"))
	})
}

// sdkTable is aws-sdk:dynamodb: with any operation.
func (r *Runner) sdkTable(ctx context.Context, task engine.Task) (*asl.Document, error) {
	return r.tableCall(ctx, task, plain, func(e *table.Error) error {
		name := e.Code
		if name == table.Validation || name == table.Serialization {
			name = "DynamoDbException"
		}
		return invalid("DynamoDb."+name, "%s (Service: DynamoDb, Status Code: 400, Request ID: %s)", e.Message, derivedID(task, "request"))
	})
}

// tableCall makes a call to the tables. What writes one item answers the task in the same transaction; a transaction has a token that is
// derived from the task. So neither is done twice.
func (r *Runner) tableCall(ctx context.Context, task engine.Task, shape shaper, fail func(*table.Error) error) (*asl.Document, error) {
	request := task.Parameters.Bytes()
	operation := apiName(strings.TrimSuffix(lastPart(task.Resource), ".waitForTaskToken"))
	if operation == "TransactWriteItems" && !gjson.GetBytes(request, "ClientRequestToken").Exists() {
		var err error
		if request, err = sjson.SetBytes(request, "ClientRequestToken", derivedID(task, "token")); err != nil {
			return nil, fmt.Errorf("giving the transaction a token: %w", err)
		}
	}
	var result *asl.Document
	joined := r.Tables.Joined(func(tx *store.Tx, written table.Written) (err error) {
		if result, err = shaped(task, shape, dynamodb.WriteAnswer(request, written)); err == nil {
			task.AnswerTx(tx, result)
		}
		return err
	})
	var tables dynamodb.Tables = joined
	if r.See != nil {
		tables = r.See(joined)
	}
	service := dynamodb.New(tables, dynamodb.Options{Region: r.Region, Account: r.Account, Now: r.Now})
	out, err := service.Operations()[operation](ctx, request)
	if refused, ok := errors.AsType[*table.Error](err); ok {
		return nil, fail(refused)
	}
	if err != nil {
		return nil, err
	}
	if result != nil {
		return result, nil
	}
	return shaped(task, shape, out)
}

// apiName is the name of an operation in the API: with a capital letter first.
func apiName(operation string) string { return strings.ToUpper(operation[:1]) + operation[1:] }

// shaped makes a result of the answer of an operation.
func shaped(task engine.Task, shape shaper, out any) (*asl.Document, error) {
	text, err := json.Marshal(out)
	if err != nil {
		return nil, fmt.Errorf("writing the result of %s: %w", task.Resource, err)
	}
	fields := map[string]json.RawMessage{}
	if err := json.Unmarshal(text, &fields); err != nil {
		return nil, fmt.Errorf("writing the result of %s: %w", task.Resource, err)
	}
	members := make(map[string]any, len(fields)+2)
	for name, value := range fields {
		members[name] = value
	}
	return shape(task, members)
}
