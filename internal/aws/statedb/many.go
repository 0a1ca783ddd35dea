package statedb

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"golang.org/x/sync/errgroup"

	"sundog/internal/statedb"
	"sundog/payload"
)

// maxGet is how many items one request reads (Amazon DynamoDB API Reference, BatchGetItem).
const maxGet = 100

// Waits before keys are asked for again that the service did not get to, because of its load or the size of the answer.
const (
	minWait = 20 * time.Millisecond
	maxWait = 2 * time.Second
)

// maxRounds bounds how often keys are asked for again.
const maxRounds = 12

// concurrency bounds the requests that one call makes at one time.
const concurrency = 16

// GetMany returns the records of payloads, in the order of the ids: each with its own error, statedb.ErrNotFound or
// statedb.ErrMalformed. One request reads up to 100 of them.
func (db *DB) GetMany(ctx context.Context, ids []payload.ID) ([]statedb.Found, error) {
	found := make([]statedb.Found, len(ids))
	places := make(map[payload.ID][]int, len(ids))
	var keys []item
	for i, id := range ids {
		if err := checkKey(id); err != nil {
			found[i].Err = err
			continue
		}
		found[i].Err = fmt.Errorf("%w: %s", statedb.ErrNotFound, id)
		if places[id] == nil {
			keys = append(keys, keyOf(id))
		}
		places[id] = append(places[id], i)
	}
	batches := make([][]item, (len(keys)+maxGet-1)/maxGet)
	g, ctx2 := errgroup.WithContext(ctx)
	g.SetLimit(concurrency)
	for n := range batches {
		g.Go(func() (err error) {
			batches[n], err = db.getBatch(ctx2, keys[n*maxGet:min(len(keys), (n+1)*maxGet)])
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, fmt.Errorf("reading %d records of the table %s: %w", len(ids), *db.table, err)
	}
	for _, items := range batches {
		for _, it := range items {
			id, err := idOf(it)
			if err != nil {
				return nil, fmt.Errorf("reading %d records: %w", len(ids), err)
			}
			r, err := decode(it)
			for _, i := range places[id] {
				found[i] = statedb.Found{Record: r, Err: err}
			}
		}
	}
	return found, nil
}

// getBatch reads the items of up to maxGet keys.
func (db *DB) getBatch(ctx context.Context, keys []item) ([]item, error) {
	table := aws.ToString(db.table)
	var items []item
	asked := map[string]types.KeysAndAttributes{table: {Keys: keys, ConsistentRead: aws.Bool(true)}}
	wait := minWait
	for range maxRounds {
		out, err := db.client.BatchGetItem(ctx, &dynamodb.BatchGetItemInput{RequestItems: asked})
		if err != nil {
			return nil, err
		}
		for _, read := range out.Responses {
			items = append(items, read...)
		}
		if len(out.UnprocessedKeys) == 0 {
			return items, nil
		}
		asked = out.UnprocessedKeys
		if err := pause(ctx, wait); err != nil {
			return nil, err
		}
		wait = min(2*wait, maxWait)
	}
	return nil, fmt.Errorf("the table left keys unread %d times: it is asked for more than it may give, see its capacity", maxRounds)
}

// pause waits, or returns why it was not worth it.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// idOf is the id of an item.
func idOf(it item) (payload.ID, error) {
	partition, okPartition := it[partitionName].(*types.AttributeValueMemberS)
	items, okItems := it[itemName].(*types.AttributeValueMemberS)
	if !okPartition || !okItems {
		return payload.ID{}, fmt.Errorf("%w: an item without %s or %s", statedb.ErrMalformed, partitionName, itemName)
	}
	return payload.IDFromKey(partition.Value, items.Value)
}
