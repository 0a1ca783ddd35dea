package statedb

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// The table's indexes have the names of their range keys.
var indexes = []string{stateName, updatedName}

// createWait bounds the wait for a new table.
const createWait = 2 * time.Minute

// Create makes the table with its two indexes, as a deployment has it, paid for by request, and waits until it can be used. It is for tests and
// stand-ins; deployments make it from their template.
func Create(ctx context.Context, client *dynamodb.Client, table string) error {
	in := &dynamodb.CreateTableInput{
		TableName: aws.String(table), BillingMode: types.BillingModePayPerRequest, KeySchema: keys(itemName),
	}
	for _, name := range []string{partitionName, itemName, stateName, updatedName} {
		in.AttributeDefinitions = append(in.AttributeDefinitions, types.AttributeDefinition{AttributeName: aws.String(name), AttributeType: types.ScalarAttributeTypeS})
	}
	for _, name := range indexes {
		in.GlobalSecondaryIndexes = append(in.GlobalSecondaryIndexes, types.GlobalSecondaryIndex{
			IndexName: aws.String(name), KeySchema: keys(name), Projection: &types.Projection{ProjectionType: types.ProjectionTypeAll},
		})
	}
	if _, err := client.CreateTable(ctx, in); err != nil {
		return fmt.Errorf("creating the table %s: %w", table, err)
	}
	waiter := dynamodb.NewTableExistsWaiter(client, func(o *dynamodb.TableExistsWaiterOptions) {
		o.MinDelay, o.MaxDelay = 10*time.Millisecond, 5*time.Second
	})
	if err := waiter.Wait(ctx, &dynamodb.DescribeTableInput{TableName: aws.String(table)}, createWait); err != nil {
		return fmt.Errorf("waiting for the table %s: %w", table, err)
	}
	return nil
}

func keys(rangeKey string) []types.KeySchemaElement {
	return []types.KeySchemaElement{
		{AttributeName: aws.String(partitionName), KeyType: types.KeyTypeHash}, {AttributeName: aws.String(rangeKey), KeyType: types.KeyTypeRange},
	}
}

// ErrTable is the error of a table that cannot be a state database.
var ErrTable = errors.New("the table is no state database")

// Check asks for the table's description and says whether it can be worked with: it is there, has the keys and both indexes, all their
// attributes are projected, and they are usable. What it finds wrong wraps ErrTable.
func (db *DB) Check(ctx context.Context) error {
	name := aws.ToString(db.table)
	out, err := db.client.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: db.table})
	if _, missing := errors.AsType[*types.ResourceNotFoundException](err); missing {
		return fmt.Errorf("%w: there is no table %s in this region and account: deploy it, or correct CIRRUS_STATE_DB: %w", ErrTable, name, err)
	}
	if err != nil {
		return fmt.Errorf("looking at the table %s: %w", name, err)
	}
	complain := func(format string, args ...any) error {
		return fmt.Errorf("%w: %s: %s", ErrTable, name, fmt.Sprintf(format, args...))
	}
	d := out.Table
	if d.TableStatus != types.TableStatusActive && d.TableStatus != types.TableStatusUpdating {
		return complain("its status is %s: wait until it is ACTIVE", d.TableStatus)
	}
	if got, want := schemaOf(d.KeySchema), schemaOf(keys(itemName)); got != want {
		return complain("its keys are %s, expected %s: the name is that of another table", got, want)
	}
	for _, a := range d.AttributeDefinitions {
		if a.AttributeType != types.ScalarAttributeTypeS {
			return complain("its key %s has the type %s, expected S", aws.ToString(a.AttributeName), a.AttributeType)
		}
	}
	for _, index := range indexes {
		if err := checkIndex(d.GlobalSecondaryIndexes, index); err != nil {
			return complain("%v", err)
		}
	}
	return nil
}

func checkIndex(all []types.GlobalSecondaryIndexDescription, name string) error {
	for _, i := range all {
		if aws.ToString(i.IndexName) != name {
			continue
		}
		got, want := schemaOf(i.KeySchema), schemaOf(keys(name))
		switch {
		case got != want:
			return fmt.Errorf("the keys of its index %s are %s, expected %s: make the index anew", name, got, want)
		case i.Projection == nil || i.Projection.ProjectionType != types.ProjectionTypeAll:
			return fmt.Errorf("its index %s does not project all attributes: make the index anew", name)
		case i.IndexStatus != types.IndexStatusActive && i.IndexStatus != types.IndexStatusUpdating:
			return fmt.Errorf("the status of its index %s is %s: wait until it is ACTIVE", name, i.IndexStatus)
		}
		return nil
	}
	return fmt.Errorf("it lacks the index %s: add a global secondary index of this name with the keys %s that projects all attributes", name, schemaOf(keys(name)))
}

// schemaOf writes keys as a text.
func schemaOf(elements []types.KeySchemaElement) string {
	parts := make([]string, len(elements))
	for i, e := range elements {
		parts[i] = fmt.Sprintf("%s (%s)", aws.ToString(e.AttributeName), e.KeyType)
	}
	return strings.Join(parts, ", ")
}
