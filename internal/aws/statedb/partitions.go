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
		return nil, fmt.Errorf("listing the workflows of the state database: %w", err)
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
