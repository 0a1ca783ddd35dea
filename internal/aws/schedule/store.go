package schedule

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"sundog/internal/schedule"
)

// store is the table.
type store struct {
	client *dynamodb.Client
	table  string
}

// errChanged says that a record is not any more, or not yet, what a write depends on.
var errChanged = errors.New("the record has changed")

// cancelled is the state of a record whose schedule was cancelled or has another time: what is left of it for a message of which nobody knows
// whether it was sent. For everybody else it is not there.
const cancelled schedule.State = "CANCELLED"

// keptCancelled is how long such a record is kept after its point in time: longer than any queue keeps a message (SQS API Reference,
// SetQueueAttributes, MessageRetentionPeriod).
const keptCancelled = 15 * 24 * time.Hour

// What writes depend on. The client may repeat a write whose answer was lost; it then finds what it has written.
const (
	isNew      = attrStatus + " = :new"
	isNewOrOur = attrStatus + " = :new OR " + attrTicket + " = :ticket"
	isToCome   = attrStatus + " IN (:new, :cancelled) OR " + attrPoint + " > :now"
)

// values of expressions, by name.
type values map[string]types.AttributeValue

// put writes a new record. Its id is nobody else's, so there is nothing to depend on, and the client may repeat it.
func (s store) put(ctx context.Context, r *record) error {
	item, err := r.item()
	if err != nil {
		return err
	}
	_, err = s.client.PutItem(ctx, &dynamodb.PutItemInput{TableName: &s.table, Item: item})
	return s.failed("writing", r.Firing.ScheduleID, err)
}

// find returns the record with an id. One that has expired is not there, though DynamoDB takes its time to delete it.
func (s store) find(ctx context.Context, id string, now time.Time) (record, error) {
	pages := dynamodb.NewQueryPaginator(s.client, &dynamodb.QueryInput{
		TableName: &s.table, KeyConditionExpression: aws.String(attrID + " = :id"),
		FilterExpression:          aws.String("NOT " + attrStatus + " = :cancelled AND NOT " + attrExpires + " <= :now"),
		ExpressionAttributeValues: values{":id": text(id), ":cancelled": text(string(cancelled)), ":now": number(now.Unix())}, ConsistentRead: aws.Bool(true),
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return record{}, s.failed("reading", id, err)
		}
		if len(page.Items) > 0 {
			return readRecord(page.Items[0])
		}
	}
	return record{}, fmt.Errorf("%w: %s", schedule.ErrNotFound, id)
}

// get returns the record with an id and a point in time, and whether there is one.
func (s store) get(ctx context.Context, id string, point int64) (record, bool, error) {
	out, err := s.client.GetItem(ctx, &dynamodb.GetItemInput{TableName: &s.table, Key: key(id, point), ConsistentRead: aws.Bool(true)})
	if err != nil || out.Item == nil {
		return record{}, false, s.failed("reading", id, err)
	}
	r, err := readRecord(out.Item)
	return r, err == nil, err
}

// process makes a record that is NEW PROCESSED by a ticket. Otherwise the error is errChanged.
func (s store) process(ctx context.Context, r *record, ticket string) error {
	_, err := s.client.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: &s.table, Key: r.key(),
		UpdateExpression:    aws.String("SET " + attrStatus + " = :processed, " + attrTicket + " = :ticket, " + attrExpires + " = :expires REMOVE " + attrSlot),
		ConditionExpression: aws.String(isNewOrOur),
		ExpressionAttributeValues: values{
			":new": text(string(schedule.New)), ":processed": text(string(schedule.Processed)), ":ticket": text(ticket), ":expires": expires(r, schedule.Kept),
		},
	})
	return s.failed("handing on", r.Firing.ScheduleID, err)
}

// cancel cancels a record that has not fired. Otherwise the error is errChanged.
func (s store) cancel(ctx context.Context, r *record, now time.Time) error {
	_, err := s.client.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: &s.table, Key: r.key(), UpdateExpression: aws.String(setCancelled), ConditionExpression: aws.String(isToCome),
		ExpressionAttributeValues: values{
			":new": text(string(schedule.New)), ":now": number(now.Unix()), ":cancelled": text(string(cancelled)), ":expires": expires(r, keptCancelled),
		},
	})
	return s.failed("cancelling", r.Firing.ScheduleID, err)
}

const setCancelled = "SET " + attrStatus + " = :cancelled, " + attrExpires + " = :expires REMOVE " + attrSlot + ", " + attrTicket

func expires(r *record, kept time.Duration) types.AttributeValue {
	return number(r.Firing.PointInTime + int64(kept/time.Second))
}

// replace puts a record in the place of one that is NEW. Otherwise the error is errChanged.
func (s store) replace(ctx context.Context, old, r *record) error {
	item, err := r.item()
	if err != nil {
		return err
	}
	if old.Firing.PointInTime == r.Firing.PointInTime {
		_, err = s.client.PutItem(ctx, &dynamodb.PutItemInput{
			TableName: &s.table, Item: item, ConditionExpression: aws.String(isNew),
			ExpressionAttributeValues: values{":new": text(string(schedule.New))},
		})
		return s.failed("changing", r.Firing.ScheduleID, err)
	}
	_, err = s.client.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{
		{Update: &types.Update{
			TableName: &s.table, Key: old.key(), UpdateExpression: aws.String(setCancelled), ConditionExpression: aws.String(isNew),
			ExpressionAttributeValues: values{":new": text(string(schedule.New)), ":cancelled": text(string(cancelled)), ":expires": expires(old, keptCancelled)},
		}},
		{Put: &types.Put{TableName: &s.table, Item: item}},
	}})
	return s.failed("changing", r.Firing.ScheduleID, err)
}

// due calls do with the records of a partition of the index that are NEW and whose point in time is not after until, in their order, a page of up to
// 1 MB at a time. One that cannot be read is left where it is, and told of in the error.
func (s store) due(ctx context.Context, slot string, until time.Time, do func([]record) error) error {
	pages := dynamodb.NewQueryPaginator(s.client, &dynamodb.QueryInput{
		TableName: &s.table, IndexName: aws.String(slotIndex),
		KeyConditionExpression:    aws.String(attrSlot + " = :slot AND " + attrPoint + " <= :until"),
		ExpressionAttributeValues: values{":slot": text(slot), ":until": number(until.Unix())},
	})
	var unreadable error // the first
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return fmt.Errorf("reading what is due from the index %s of table %s: %w", slotIndex, s.table, err)
		}
		all := make([]record, 0, len(page.Items))
		for _, item := range page.Items {
			r, err := readRecord(item)
			if err != nil {
				unreadable = cmp.Or(unreadable, err)
				continue
			}
			all = append(all, r)
		}
		if err := do(all); err != nil {
			return err
		}
	}
	return unreadable
}

// failed says what a request was about. A condition that did not hold is errChanged.
func (s store) failed(doing, id string, err error) error {
	if err == nil {
		return nil
	}
	if _, ok := errors.AsType[*types.ConditionalCheckFailedException](err); ok {
		err = errChanged
	}
	if cancelled, ok := errors.AsType[*types.TransactionCanceledException](err); ok {
		for _, reason := range cancelled.CancellationReasons {
			if code := aws.ToString(reason.Code); code == "ConditionalCheckFailed" {
				err = errChanged
			}
		}
	}
	return fmt.Errorf("%s schedule %s in table %s: %w", doing, id, s.table, err)
}
