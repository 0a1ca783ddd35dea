package statedb

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"golang.org/x/sync/errgroup"

	"sundog/internal/statedb"
	"sundog/payload"
)

// known are the attributes that a record has fields for, and the count of redrives.
var known = []string{"created", updatedName, stateName, "claimed_at", "executions", "last_error", "outputs", redrivesName}

// Put writes a record as it is, over the one that may be there, whatever others have made of it: it need only have a key and a
// state_updated.
func (db *DB) Put(ctx context.Context, r statedb.Record) error {
	if err := checkKey(r.ID); err != nil {
		return err
	}
	if r.StateUpdated == "" {
		return fmt.Errorf("%w %s: it lacks state_updated", statedb.ErrMalformed, r.ID)
	}
	it, err := encode(&r)
	if err != nil {
		return err
	}
	db.claims.take(r.ID)
	if _, err := db.client.PutItem(ctx, &dynamodb.PutItemInput{TableName: db.table, Item: it}); err != nil {
		return fmt.Errorf("writing record %s into the table %s: %w", r.ID, *db.table, err)
	}
	return nil
}

// Replace writes what differs between the record that was read and another, and then carries effects out; after nil deletes the record. It
// returns statedb.ErrChanged when the record is no longer as it was read, statedb.ErrNotFound when it is gone. Any other error leaves open
// what has become of it.
func (db *DB) Replace(ctx context.Context, before statedb.Record, after *statedb.Record, effects statedb.Effects) error {
	if after != nil {
		if after.ID != before.ID {
			return fmt.Errorf("replacing record %s by %s: %w: they have different ids", before.ID, after.ID, statedb.ErrMalformed)
		}
		if err := after.CheckStored(); err != nil {
			return err
		}
	}
	if err := checkKey(before.ID); err != nil {
		return err
	}
	was, err := encode(&before)
	if err != nil {
		return err
	}
	var e expression
	e.there()
	e.still(was, known...)
	for _, name := range slices.Sorted(maps.Keys(before.Extra)) {
		if name != redrivesName {
			e.still(was, name)
		}
	}
	db.claims.take(before.ID)
	if err := db.replace(ctx, before.ID, was, after, &e); err != nil {
		return err
	}
	return db.carry(ctx, &effects)
}

// replace updates or deletes an item under a condition.
func (db *DB) replace(ctx context.Context, id payload.ID, was item, after *statedb.Record, e *expression) error {
	var err error
	if after == nil {
		_, err = db.client.DeleteItem(ctx, &dynamodb.DeleteItemInput{
			TableName: db.table, Key: keyOf(id), ConditionExpression: e.condition(), ExpressionAttributeNames: e.names, ExpressionAttributeValues: e.values,
			ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
		})
	} else {
		is, errItem := encode(after)
		if errItem != nil {
			return errItem
		}
		e.change(was, is)
		_, err = db.client.UpdateItem(ctx, &dynamodb.UpdateItemInput{
			TableName: db.table, Key: keyOf(id), UpdateExpression: e.update(), ConditionExpression: e.condition(),
			ExpressionAttributeNames: e.names, ExpressionAttributeValues: e.values,
			ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
		})
	}
	failed, is := errors.AsType[*types.ConditionalCheckFailedException](err)
	if !is && err != nil {
		return fmt.Errorf("replacing record %s in the table %s: %w", id, *db.table, err)
	}
	if !is {
		return nil
	}
	found, err := db.found(ctx, id, failed)
	switch {
	case err != nil:
		return err
	case found == nil:
		return fmt.Errorf("%w: %s", statedb.ErrNotFound, id)
	case after != nil && reflect.DeepEqual(*found, *after):
		return nil // the answer to an earlier attempt was lost
	}
	return fmt.Errorf("%w: %s", statedb.ErrChanged, id)
}

// Delete removes the record of a payload, and then carries effects out. It returns statedb.ErrNotFound when there is none, which may also be
// because the answer to an earlier attempt was lost. The payload's objects and executions stay.
func (db *DB) Delete(ctx context.Context, id payload.ID, effects statedb.Effects) error {
	if err := checkKey(id); err != nil {
		return err
	}
	var e expression
	e.there()
	db.claims.take(id)
	_, err := db.client.DeleteItem(ctx, &dynamodb.DeleteItemInput{
		TableName: db.table, Key: keyOf(id), ConditionExpression: e.condition(), ExpressionAttributeNames: e.names,
	})
	if _, is := errors.AsType[*types.ConditionalCheckFailedException](err); is {
		return fmt.Errorf("%w: %s", statedb.ErrNotFound, id)
	}
	if err != nil {
		return fmt.Errorf("deleting record %s from the table %s: %w", id, *db.table, err)
	}
	return db.carry(ctx, &effects)
}

// PutMany brings records in and says what became of each. Each is a write of its own: after an error some are stored, and to bring the same
// in again does no harm. Of records with the same id the last one counts. There may be statedb.MaxPut of them. The error wraps
// statedb.ErrMalformed when one of them cannot be stored; then none is.
func (db *DB) PutMany(ctx context.Context, records []statedb.Record, over statedb.Overwrite) ([]statedb.Brought, error) {
	if len(records) > statedb.MaxPut {
		return nil, fmt.Errorf("storing %d records at once: %d are allowed", len(records), statedb.MaxPut)
	}
	last := make(map[payload.ID]int, len(records))
	items := make([]item, len(records))
	for i := range records {
		err := records[i].CheckStored()
		if err == nil {
			err = checkKey(records[i].ID)
		}
		if err == nil {
			items[i], err = encode(&records[i])
		}
		if err != nil {
			return nil, err
		}
		last[records[i].ID] = i
	}
	brought := make([]statedb.Brought, len(records))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(concurrency)
	for id, i := range last {
		g.Go(func() (err error) {
			brought[i], err = db.bring(ctx, id, items[i], over)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, fmt.Errorf("storing %d records in the table %s: %w", len(records), *db.table, err)
	}
	for i := range records { // earlier ones of the same id
		brought[i] = brought[last[records[i].ID]]
	}
	return brought, nil
}

// bring writes an item if the rule allows it (statedb.Overwrite.Decide).
func (db *DB) bring(ctx context.Context, id payload.ID, it item, over statedb.Overwrite) (statedb.Brought, error) {
	for range maxDecisions {
		var e expression
		if over == statedb.KeepExisting {
			e.missing()
		} else {
			e.conditions = []string{
				"NOT " + e.beginsWith(stateName, string(statedb.Claimed)), "NOT " + e.beginsWith(stateName, string(statedb.Processing)),
			}
		}
		_, err := db.client.PutItem(ctx, &dynamodb.PutItemInput{
			TableName: db.table, Item: it, ConditionExpression: e.condition(), ExpressionAttributeNames: e.names, ExpressionAttributeValues: e.values,
			ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
		})
		failed, is := errors.AsType[*types.ConditionalCheckFailedException](err)
		if !is {
			return statedb.Stored, err
		}
		found, err := db.found(ctx, id, failed)
		if err != nil {
			return 0, err
		}
		if is := over.Decide(found); is != statedb.Stored {
			return is, nil
		}
	}
	return 0, fmt.Errorf("%w: %s, %d times: try again", statedb.ErrChanged, id, maxDecisions)
}
