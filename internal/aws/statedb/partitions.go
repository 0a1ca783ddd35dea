package statedb

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"golang.org/x/sync/errgroup"

	"sundog/internal/statedb"
	"sundog/payload"
)

// MaxPartitions bounds the partitions, which are workflows on sets of collections, that a question to more than one of them may go to.
const MaxPartitions = 500

// segments is into how many parts the table is cut to look for its partitions in all of them at one time.
const segments = 4

// Partitions returns the values of `collections_workflow` that there are, sorted. It costs a small request for each, whatever the number of
// records: a scan that goes on behind the last key that a partition can have. More than MaxPartitions are an error.
func (db *DB) Partitions(ctx context.Context) ([]string, error) {
	found := make([][]string, segments)
	g, ctx := errgroup.WithContext(ctx)
	for n := range segments {
		g.Go(func() (err error) {
			found[n], err = db.segment(ctx, n)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, fmt.Errorf("listing the workflows of the table %s: %w", *db.table, err)
	}
	all := slices.Concat(found...)
	slices.Sort(all)
	if len(all) > MaxPartitions {
		return nil, tooMany()
	}
	return all, nil
}

func tooMany() error {
	return fmt.Errorf("there are more than %d pairs of collections and a workflow: name one of them", MaxPartitions)
}

// segment lists the partitions in one part of the table.
func (db *DB) segment(ctx context.Context, n int) ([]string, error) {
	var all []string
	in := &dynamodb.ScanInput{
		TableName: db.table, Segment: aws.Int32(int32(n)), TotalSegments: aws.Int32(segments), Limit: aws.Int32(1), //nolint:gosec // few
		ProjectionExpression: aws.String(partitionName + ", " + itemName),
	}
	for {
		out, err := db.client.Scan(ctx, in)
		if err != nil {
			return nil, err
		}
		for _, it := range out.Items {
			if name, is := it[partitionName].(*types.AttributeValueMemberS); is && !slices.Contains(all, name.Value) {
				all = append(all, name.Value)
			}
		}
		if len(out.LastEvaluatedKey) == 0 {
			return all, nil
		}
		if len(all) > MaxPartitions {
			return nil, tooMany()
		}
		in.ExclusiveStartKey = out.LastEvaluatedKey
		in.ExclusiveStartKey[itemName] = text(above(""))
	}
}

// maxStates bounds the states in which the records of one partition may be.
const maxStates = 50

// states returns the states in which there are records of partitions, by partition. It costs a small request for each and one more.
func (db *DB) states(ctx context.Context, partitions []string) (map[string][]statedb.State, error) {
	found := make([][]statedb.State, len(partitions))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(concurrency)
	for i, partition := range partitions {
		g.Go(func() (err error) {
			found[i], err = db.statesOf(ctx, partition)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	byPartition := make(map[string][]statedb.State, len(partitions))
	for i, partition := range partitions {
		byPartition[partition] = found[i]
	}
	return byPartition, nil
}

func (db *DB) statesOf(ctx context.Context, partition string) ([]statedb.State, error) {
	var all []statedb.State
	for after := "\x00"; ; {
		var e expression
		condition := e.name(partitionName) + " = " + e.value(text(partition)) + " AND " + e.name(stateName) + " > " + e.value(text(after))
		out, err := db.client.Query(ctx, &dynamodb.QueryInput{
			TableName: db.table, IndexName: aws.String(stateName), Limit: aws.Int32(1), KeyConditionExpression: &condition,
			ExpressionAttributeNames: e.names, ExpressionAttributeValues: e.values,
		})
		if err != nil {
			return nil, fmt.Errorf("listing the states of %s in the table %s: %w", partition, *db.table, err)
		}
		if len(out.Items) == 0 {
			return all, nil
		}
		key, _ := out.Items[0][stateName].(*types.AttributeValueMemberS) // it was found by it
		state, _, isStamped := strings.Cut(key.Value, "_")
		if !isStamped { // not a record's
			after = above(key.Value)
			continue
		}
		if all = append(all, statedb.State(state)); len(all) > maxStates {
			return nil, fmt.Errorf("%w: the records of %s are in more than %d states", statedb.ErrMalformed, partition, maxStates)
		}
		after = above(state + "_")
	}
}

// ofWorkflow keeps the partitions of one workflow, or all when it is empty.
func ofWorkflow(partitions []string, workflow string) []string {
	if workflow == "" {
		return partitions
	}
	return slices.DeleteFunc(partitions, func(partition string) bool {
		_, name, err := payload.CutPartitionKey(partition)
		return err != nil || name != workflow
	})
}

// above is the last sort key that begins with a prefix.
func above(prefix string) string {
	return prefix + strings.Repeat("\U0010FFFF", (maxSortKey-len(prefix))/4)
}
