package schedule

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"sundog/internal/delayerapi"
	"sundog/internal/schedule"
)

// The attributes of a record. Up to currentStatus they are those of delayer-aws, in its form.
const (
	attrID      = "scheduleId"  // the partition key
	attrPoint   = "pointInTime" // the sort key: Unix seconds
	attrOwner   = "apiKey"
	attrTopic   = "topicArn"
	attrConfig  = "actionConfig" // JSON text
	attrContext = "context"      // JSON text
	attrStatus  = "currentStatus"
	attrExpires = "expires"    // Unix seconds, the table's TTL; not there while it is NEW, however late
	attrAction  = "actionType" // custom when it is not there
	attrCreated = "created"    // RFC 3339
	attrChanged = "changed"    // RFC 3339
	attrSlot    = "slot"       // the partition in the index of what is NEW; not there otherwise
	attrTicket  = "ticket"     // that of the message that is published
)

const slotIndex = "slot"

// slots is how many partitions the index has. One takes 1,000 writes a second.
const slots = 16

// slotOf is the partition of a schedule in the index: any that is the same each time, and even over all schedules.
func slotOf(id string) string {
	h := fnv.New32a()
	_, _ = h.Write([]byte(id)) // a hash takes everything
	return slotName(int(h.Sum32() % slots))
}

func slotName(n int) string { return fmt.Sprintf("%02d", n) }

// A record is a schedule as the table has it.
type record struct {
	Firing  schedule.Firing // what becomes of it when it is due
	Action  schedule.ActionType
	Status  schedule.State
	Ticket  string
	Created time.Time
	Changed time.Time
}

// recordOf makes the record of a schedule that is NEW.
func recordOf(s schedule.Schedule, topic string) (record, error) {
	config, err := delayerapi.ActionConfig(s.Action)
	if err != nil {
		return record{}, err
	}
	return record{
		Firing: schedule.Firing{
			ScheduleID: s.ID, PointInTime: seconds(s.At), APIKey: s.Owner, TopicARN: topic, ActionConfig: config, Context: s.Context.Firing(),
		},
		Action: s.Action.Type, Status: schedule.New, Created: s.Created, Changed: s.Changed,
	}, nil
}

// seconds is a time as Unix seconds, rounded up: nothing fires before its time.
func seconds(t time.Time) int64 {
	if t.Nanosecond() > 0 {
		return t.Unix() + 1
	}
	return t.Unix()
}

func (r *record) point() time.Time { return time.Unix(r.Firing.PointInTime, 0).UTC() }

// schedule is the record as a schedule. The error says that the record is not one of ours.
func (r *record) schedule() (schedule.Schedule, error) {
	req, err := delayerapi.ParseFiring(r.Action, r.Firing)
	if err != nil {
		return schedule.Schedule{}, fmt.Errorf("the record cannot be read: %w", err)
	}
	s := schedule.Schedule{
		ID: r.Firing.ScheduleID, Draft: req.Draft.Complete(), State: r.Status, Owner: r.Firing.APIKey, Created: r.Created, Changed: r.Changed,
	}
	if r.Status == schedule.New {
		s.Next, s.Due = r.point(), r.point()
	}
	return s, nil
}

// key is the key of a record.
func key(id string, point int64) map[string]types.AttributeValue {
	return map[string]types.AttributeValue{attrID: text(id), attrPoint: number(point)}
}

func (r *record) key() map[string]types.AttributeValue {
	return key(r.Firing.ScheduleID, r.Firing.PointInTime)
}

func (r *record) item() (map[string]types.AttributeValue, error) {
	context, err := json.Marshal(r.Firing.Context)
	if err != nil {
		return nil, fmt.Errorf("writing the context of schedule %s: %w", r.Firing.ScheduleID, err)
	}
	item := r.key()
	item[attrTopic] = text(r.Firing.TopicARN)
	item[attrConfig] = text(string(r.Firing.ActionConfig))
	item[attrContext] = text(string(context))
	item[attrStatus] = text(string(r.Status))
	item[attrAction] = text(string(r.Action))
	item[attrCreated] = text(r.Created.Format(time.RFC3339Nano))
	if r.Status == schedule.New {
		item[attrSlot] = text(slotOf(r.Firing.ScheduleID))
	}
	for name, value := range map[string]string{attrOwner: r.Firing.APIKey, attrTicket: r.Ticket} {
		if value != "" {
			item[name] = text(value)
		}
	}
	if !r.Changed.IsZero() {
		item[attrChanged] = text(r.Changed.Format(time.RFC3339Nano))
	}
	return item, nil
}

// readRecord reads the item of a record. One of delayer-aws has no action, status or times.
func readRecord(item map[string]types.AttributeValue) (record, error) {
	var r record
	r.Firing = schedule.Firing{
		ScheduleID: textOf(item, attrID), APIKey: textOf(item, attrOwner), TopicARN: textOf(item, attrTopic),
		ActionConfig: json.RawMessage(textOf(item, attrConfig)),
	}
	r.Status = schedule.State(textOf(item, attrStatus))
	r.Ticket = textOf(item, attrTicket)
	if r.Action = schedule.ActionType(textOf(item, attrAction)); r.Action == "" {
		r.Action = schedule.CustomAction
	}
	var err error
	if n, ok := item[attrPoint].(*types.AttributeValueMemberN); ok {
		r.Firing.PointInTime, err = strconv.ParseInt(n.Value, 10, 64)
	}
	if err == nil && !json.Valid(r.Firing.ActionConfig) {
		err = fmt.Errorf("its %s is not JSON", attrConfig)
	}
	if context := textOf(item, attrContext); err == nil && context != "" {
		err = json.Unmarshal([]byte(context), &r.Firing.Context)
	}
	for name, at := range map[string]*time.Time{attrCreated: &r.Created, attrChanged: &r.Changed} {
		if value := textOf(item, name); err == nil && value != "" {
			*at, err = time.Parse(time.RFC3339Nano, value)
		}
	}
	if err != nil {
		return r, fmt.Errorf("reading the record of schedule %s: %w", r.Firing.ScheduleID, err)
	}
	return r, nil
}

// body is what is published when the schedule is due. Characters that SQS and SNS refuse are escaped.
func (r *record) body() ([]byte, error) {
	body, err := json.Marshal(r.Firing)
	if err != nil {
		return nil, fmt.Errorf("writing schedule %s: %w", r.Firing.ScheduleID, err)
	}
	return []byte(strings.NewReplacer("\ufffe", `\ufffe`, "\uffff", `\uffff`).Replace(string(body))), nil
}

func text(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }

func number(n int64) types.AttributeValue {
	return &types.AttributeValueMemberN{Value: strconv.FormatInt(n, 10)}
}

func textOf(item map[string]types.AttributeValue, name string) string {
	if s, ok := item[name].(*types.AttributeValueMemberS); ok {
		return s.Value
	}
	return ""
}
