package statedb

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"sundog/internal/statedb"
	"sundog/payload"
)

// maxDecisions bounds how often a transition is decided anew because somebody else changed the record in the meantime.
const maxDecisions = 10

// redrivesName is the attribute that counts the redrives of the last execution.
const redrivesName = "redrives"

// Apply makes a transition, with its effects, and returns the record as it then is. It returns a *statedb.ConflictError when the
// transition does not fit. An error of another kind leaves the outcome open: to apply the transition again does no harm.
func (db *DB) Apply(ctx context.Context, t statedb.Transition, effects statedb.Effects) (statedb.Record, error) {
	if err := checkKey(t.ID); err != nil {
		return statedb.Record{}, err
	}
	switch {
	case t.To == statedb.Claimed:
		return db.claim(ctx, &t, &effects)
	case t.To == statedb.Processing && t.Redrives > 0:
		r, err := db.move(ctx, &t, nil)
		if err != nil {
			return r, err
		}
		return r, db.carry(ctx, &effects)
	}
	return db.move(ctx, &t, &effects)
}

// claim makes a claim without reading the record first: its condition is all of the rule (statedb.Transition.Apply).
func (db *DB) claim(ctx context.Context, t *statedb.Transition, effects *statedb.Effects) (statedb.Record, error) {
	first, err := t.Apply(nil)
	if err != nil {
		return statedb.Record{}, err
	}
	at, execution := text(first.Updated), text(t.Execution)
	for range maxDecisions {
		var e expression
		e.set("created", "if_not_exists("+e.name("created")+", "+e.value(at)+")")
		e.set(stateName, e.value(text(first.StateUpdated)))
		e.set(updatedName, e.value(at))
		e.set("claimed_at", e.value(at))
		executions := &types.AttributeValueMemberL{Value: []types.AttributeValue{execution}}
		e.set("executions", "list_append(if_not_exists("+e.name("executions")+", "+e.value(&types.AttributeValueMemberL{Value: []types.AttributeValue{}})+"), "+e.value(executions)+")")
		e.remove("last_error", "outputs", redrivesName)
		e.conditions = []string{
			"NOT " + e.beginsWith(stateName, string(statedb.Claimed)), "NOT " + e.beginsWith(stateName, string(statedb.Processing)),
			"NOT contains(" + e.name("executions") + ", " + e.value(execution) + ")",
		}
		claimed, found, err := db.update(ctx, t, &e)
		switch {
		case err != nil:
			return statedb.Record{}, err
		case claimed == nil && found != nil && made(found, &first, t.Execution):
			claimed = found
		case claimed == nil:
			if _, err := t.Apply(found); err != nil {
				return statedb.Record{}, err
			}
			continue // whatever stood in the way has gone
		}
		db.claims.put(claimed)
		return *claimed, db.carry(ctx, effects)
	}
	return statedb.Record{}, changing(t)
}

// move makes a transition that is decided on the record as it is. Effects are carried out before the write, once; nil stands for none.
func (db *DB) move(ctx context.Context, t *statedb.Transition, effects *statedb.Effects) (statedb.Record, error) {
	before := db.claims.take(t.ID)
	remembered := before != nil && t.To == statedb.Processing && before.HeldBy(t.Execution)
	if !remembered {
		var err error
		if before, err = db.find(ctx, t.ID); err != nil {
			return statedb.Record{}, err
		}
	}
	for range maxDecisions {
		after, err := t.Apply(before)
		if err != nil {
			return statedb.Record{}, err
		}
		if effects != nil {
			if err := db.carry(ctx, effects); err != nil {
				return statedb.Record{}, err
			}
			effects = nil
		}
		e, err := replacing(before, &after)
		if err != nil {
			return statedb.Record{}, err
		}
		written, found, err := db.update(ctx, t, e)
		switch {
		case err != nil:
			return statedb.Record{}, err
		case written != nil:
			return *written, nil
		case found != nil && made(found, &after, after.LastExecution()):
			return *found, nil
		}
		before = found
	}
	return statedb.Record{}, changing(t)
}

// replacing is the update from one record to another, on condition that all that transitions are decided on is as it was.
func replacing(before, after *statedb.Record) (*expression, error) {
	var e expression
	var was item
	var err error
	if before != nil {
		if was, err = encode(before); err != nil {
			return nil, err
		}
	}
	is, err := encode(after)
	if err != nil {
		return nil, err
	}
	e.change(was, is)
	if before == nil {
		e.missing()
	} else {
		e.still(was, stateName, "executions", redrivesName)
	}
	return &e, nil
}

// made reports whether a record is as a transition leaves it. Then the write that was refused had been made: the answer to an earlier
// attempt was lost.
func made(found, after *statedb.Record, execution string) bool {
	return found.StateUpdated == after.StateUpdated && found.LastExecution() == execution && found.Redrives() == after.Redrives()
}

// update writes, and returns the record as it then is; or, when the condition does not hold, the record that was found, nil for none.
func (db *DB) update(ctx context.Context, t *statedb.Transition, e *expression) (written, found *statedb.Record, err error) {
	out, err := db.client.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: db.table, Key: keyOf(t.ID), UpdateExpression: e.update(), ConditionExpression: e.condition(),
		ExpressionAttributeNames: e.names, ExpressionAttributeValues: e.values,
		ReturnValues:                        types.ReturnValueAllNew,
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	})
	if failed, is := errors.AsType[*types.ConditionalCheckFailedException](err); is {
		found, err = db.found(ctx, t.ID, failed)
		return nil, found, err
	}
	if err != nil {
		return nil, nil, fmt.Errorf("setting %s to %s in the table %s: %w", t.ID, t.To, *db.table, err)
	}
	r, err := decode(out.Attributes)
	if err != nil {
		return nil, nil, fmt.Errorf("setting %s to %s: %w", t.ID, t.To, err)
	}
	return &r, nil, nil
}

// found returns the record that a condition did not hold for, nil for none. It is asked for where the service does not send it along.
func (db *DB) found(ctx context.Context, id payload.ID, failed *types.ConditionalCheckFailedException) (*statedb.Record, error) {
	if len(failed.Item) == 0 {
		return db.find(ctx, id)
	}
	r, err := decode(failed.Item)
	if err != nil {
		return nil, fmt.Errorf("reading record %s: %w", id, err)
	}
	return &r, nil
}

func changing(t *statedb.Transition) error {
	return fmt.Errorf("setting %s to %s: %w, %d times: try again", t.ID, t.To, statedb.ErrChanged, maxDecisions)
}
