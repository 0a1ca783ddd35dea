package schedule_test

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"sundog/internal/aws/awstest"
	"sundog/internal/queue"
	"sundog/internal/schedule"
)

// TestTheWayOfASchedule follows one that is far away from its request to its topic.
func TestTheWayOfASchedule(t *testing.T) {
	eachTable(t, func(t *testing.T, w *world) {
		id := w.post(time.Hour, "text", requestAction)
		point := w.clock().Add(time.Hour).Unix()
		item := w.item(id)
		slot := item["slot"]
		want := map[string]string{
			"scheduleId": id, "pointInTime": fmt.Sprint(point), "apiKey": "tester", "topicArn": base + "http", "currentStatus": "NEW",
			"actionConfig": `{"method":"POST","url":"https://example.com/a"}`, "context": `{"headers":[{"X-A":"1"}],"payload":"text"}`,
			"actionType": "http-request", "created": "2026-03-01T09:00:00Z", "slot": slot,
		}
		if !reflect.DeepEqual(item, want) || slot == "" {
			t.Errorf("the record is\n%v, want\n%v", item, want)
		}
		w.enqueue(0)
		w.advance(46 * time.Minute)
		w.enqueue(1)
		w.enqueue(0)
		if item := w.item(id); item["currentStatus"] != "PROCESSED" || item["slot"] != "" || item["expires"] != fmt.Sprint(point+3600) {
			t.Errorf("the record is %v", item)
		}
		w.advance(14*time.Minute - time.Second)
		if n := len(w.visible()); n != 0 {
			t.Errorf("%d messages are visible before the time", n)
		}
		w.advance(time.Second)
		before := w.item(id)
		w.dispatch()
		if got := w.item(id); !reflect.DeepEqual(got, before) {
			t.Errorf("dispatching wrote %v", got)
		}
		text := `{"scheduleId":"` + id + `","pointInTime":` + fmt.Sprint(point) + `,"apiKey":"tester","topicArn":"` + base + `http",` +
			`"actionConfig":{"method":"POST","url":"https://example.com/a"},"context":{"headers":[{"X-A":"1"}],"payload":"text"}}`
		if got := w.published[base+"http"]; len(got) != 1 || string(got[0].Body) != text || got[0].Attributes[schedule.HeaderFor].Value != "2026-03-01T10:00:00Z" {
			t.Errorf("published is %s", got)
		}
		if got := w.events(id); got != "created enqueued fired" {
			t.Errorf("told is %s", got)
		}
	})
}

func TestWhatIsNearGoesIntoTheQueueAtOnce(t *testing.T) {
	eachTable(t, func(t *testing.T, w *world) {
		actions := map[string]string{
			`{"type":"sqs-send","sqsSendConfig":{"queueName":"q","payload":"p","messageAttributes":[{"a":"b"}]}}`: "sqs",
			`{"type":"lambda-call","lambdaCallConfig":{"functionName":"f","payload":{"a":1}}}`:                    "lambda",
			`{"type":"custom","customConfig":{"topicArn":"mine","more":[1]}}`:                                     "mine",
			`{"type":"custom","customConfig":{"topicArn":"arn:aws:sns:eu-west-1:000000000001:other"}}`:            "arn:aws:sns:eu-west-1:000000000001:other",
		}
		for action := range actions {
			if id := w.post(14*time.Minute, "text", action); w.item(id)["currentStatus"] != "PROCESSED" || w.events(id) != "created enqueued" {
				t.Errorf("%s is %v, told %s", action, w.item(id), w.events(id))
			}
		}
		w.advance(14 * time.Minute)
		w.dispatch()
		for action, arn := range actions {
			if !strings.HasPrefix(arn, "arn:") {
				arn = base + arn
			}
			if got := w.on(arn); len(got) != 1 || got[0].TopicARN != arn || got[0].Context.Payload != "text" {
				t.Errorf("%s: on %s is %+v", action, arn, got)
			}
		}
	})
}

// TestACrashRepeatsNothing stops Enqueue between the queue and the table.
func TestACrashRepeatsNothing(t *testing.T) {
	for _, again := range []bool{true, false} { // whether the next minute comes before the time
		eachTable(t, func(t *testing.T, w *world) {
			id := w.post(time.Hour, "text", requestAction)
			w.advance(50 * time.Minute)
			ctx, cancel := context.WithCancel(t.Context())
			w.failSend = func(int) bool { cancel(); return false } // the message is sent, and that is all
			if n, err := w.schedules.Enqueue(ctx); n != 0 || err == nil || w.item(id)["currentStatus"] != "NEW" || len(w.queue) != 1 {
				t.Fatalf("%d, %v, %v", n, err, w.item(id))
			}
			w.failSend = nil
			if again {
				w.enqueue(1)
			}
			w.advance(10 * time.Minute)
			w.dispatch()
			w.enqueue(0)
			if got := w.on(base + "http"); len(got) != 1 || w.item(id)["currentStatus"] != "PROCESSED" {
				t.Errorf("it has fired %d times and is %v", len(got), w.item(id))
			}
		})
	}
}

func TestMessagesThatComeEarly(t *testing.T) {
	w := newWorld(t, awstest.Sundog)
	w.post(10*time.Minute, "text", requestAction)
	early := w.queue[0]
	w.queue = nil
	w.advance(4 * time.Minute)
	if err := w.schedules.Dispatch(t.Context(), []queue.Message{early})[0]; err != nil {
		t.Error(err)
	}
	if len(w.on(base+"http")) != 0 || len(w.queue) != 1 || !w.queue[0].SentAt.Equal(w.clock().Add(6*time.Minute)) {
		t.Errorf("fired, or not sent again: %+v", w.queue)
	}
	w.advance(6 * time.Minute)
	w.dispatch()
	if n := len(w.on(base + "http")); n != 1 {
		t.Errorf("it fired %d times", n)
	}
}

// TestMessagesThatComeLate are those whose record has expired. Without a record in its hour a schedule was cancelled.
func TestMessagesThatComeLate(t *testing.T) {
	for after, want := range map[time.Duration]int{10 * time.Minute: 0, 69 * time.Minute: 0, 70 * time.Minute: 1} {
		w := newWorld(t, awstest.Sundog)
		w.post(10*time.Minute, "text", requestAction)
		point := w.clock().Add(10 * time.Minute).Unix()
		if _, err := w.client.DeleteItem(t.Context(), &dynamodb.DeleteItemInput{TableName: &w.table, Key: map[string]types.AttributeValue{
			"scheduleId": &types.AttributeValueMemberS{Value: w.scheduleOf(0)}, "pointInTime": &types.AttributeValueMemberN{Value: fmt.Sprint(point)},
		}}); err != nil {
			t.Fatal(err)
		}
		w.advance(after)
		w.dispatch()
		if n := len(w.on(base + "http")); n != want {
			t.Errorf("after %v it fired %d times, want %d", after, n, want)
		}
	}
}

// scheduleOf is the id in the n-th message of the queue.
func (w *world) scheduleOf(n int) string {
	var f schedule.Firing
	if err := json.Unmarshal(w.queue[n].Body, &f); err != nil {
		w.t.Fatal(err)
	}
	return f.ScheduleID
}

// TestMessagesOfDelayer are of the program that Sundog takes the place of: they have no ticket, and their record was deleted.
func TestMessagesOfDelayer(t *testing.T) {
	w := newWorld(t, awstest.Sundog)
	body := fmt.Sprintf(`{"scheduleId":"a","pointInTime":%d,"topicArn":"%sold","actionConfig":"{\"a\": 1}","context":"{\"payload\":\"p\"}"}`, w.clock().Unix(), base)
	if err := w.schedules.Dispatch(t.Context(), []queue.Message{{ID: "1", Body: []byte(body)}})[0]; err != nil {
		t.Error(err)
	}
	if got := w.on(base + "old"); len(got) != 1 || got[0].ScheduleID != "a" || string(got[0].ActionConfig) != `{"a":1}` || got[0].Context.Payload != "p" {
		t.Errorf("published is %+v", got)
	}
}

func TestFailures(t *testing.T) {
	eachTable(t, func(t *testing.T, w *world) {
		first, second := w.post(time.Hour, "1", requestAction), w.post(time.Hour, "2", `{"type":"lambda-call","lambdaCallConfig":{"functionName":"f"}}`)
		w.advance(50 * time.Minute)
		w.failSend = func(int) bool { return true }
		if n, err := w.schedules.Enqueue(t.Context()); n != 0 || err == nil {
			t.Errorf("a queue that takes nothing: %d, %v", n, err)
		}
		near := w.post(time.Minute, "3", requestAction)
		if item := w.item(near); item["currentStatus"] != "NEW" {
			t.Errorf("a schedule that no queue takes is %v", item)
		}
		w.failSend = nil
		w.enqueue(3)
		w.advance(10 * time.Minute)
		w.failTopic[base+"http"] = true
		messages := append(w.visible(), queue.Message{ID: "x", Body: []byte("{}")})
		failed := 0
		for i, err := range w.schedules.Dispatch(t.Context(), messages) {
			if err != nil {
				failed++
			} else if w.scheduleOf(i) != second {
				t.Errorf("message %d is done", i)
			}
		}
		if failed != 3 || len(w.on(base+"lambda")) != 1 {
			t.Errorf("%d messages failed, published is %+v", failed, w.published)
		}
		w.failTopic[base+"http"], w.failTopic["events"] = false, true
		for _, err := range w.schedules.Dispatch(t.Context(), w.visible()) {
			if err == nil {
				t.Error("a message is done that nobody was told of")
			}
		}
		w.failTopic["events"] = false
		w.dispatch()
		if n := len(w.on(base + "http")); n != 2 {
			t.Errorf("%d have fired", n)
		}
		if got := w.events(first); got != "created enqueued fired failed fired" {
			t.Errorf("told is %s", got)
		}
	})
}

func TestATableWithoutTheIndex(t *testing.T) {
	w := newWorld(t, awstest.Sundog)
	if _, err := w.client.UpdateTable(t.Context(), &dynamodb.UpdateTableInput{TableName: &w.table, GlobalSecondaryIndexUpdates: []types.GlobalSecondaryIndexUpdate{
		{Delete: &types.DeleteGlobalSecondaryIndexAction{IndexName: aws.String("slot")}},
	}}); err != nil {
		t.Fatal(err)
	}
	if n, err := w.schedules.Enqueue(t.Context()); n != 0 || err == nil || !strings.Contains(err.Error(), "the index slot of table "+w.table) {
		t.Errorf("%d, %v", n, err)
	}
}

func TestEnqueueMovesAll(t *testing.T) {
	w := newWorld(t, awstest.Sundog)
	const many = 250
	for range many {
		w.post(time.Hour, strings.Repeat("x", 12<<10), requestAction) // three pages of a query
	}
	w.post(2*time.Hour, "", requestAction)
	w.advance(50 * time.Minute)
	w.enqueue(many)
	w.enqueue(0)
	w.advance(10 * time.Minute)
	w.dispatch()
	if n := len(w.on(base + "http")); n != many {
		t.Errorf("%d have fired", n)
	}
}

// TestASpoiltRecordStopsNoOther: somebody has written into the table what cannot be put into the queue. The others of its partition are.
func TestASpoiltRecordStopsNoOther(t *testing.T) {
	w := newWorld(t, awstest.Sundog)
	spoilt := w.post(30*time.Minute, "", requestAction)
	item := w.item(spoilt)
	if _, err := w.client.UpdateItem(t.Context(), &dynamodb.UpdateItemInput{
		TableName: &w.table, UpdateExpression: aws.String("SET actionConfig = :c"),
		Key: map[string]types.AttributeValue{
			"scheduleId": &types.AttributeValueMemberS{Value: spoilt}, "pointInTime": &types.AttributeValueMemberN{Value: item["pointInTime"]},
		},
		ExpressionAttributeValues: map[string]types.AttributeValue{":c": &types.AttributeValueMemberS{Value: "{"}},
	}); err != nil {
		t.Fatal(err)
	}
	const many = 100 // in 16 partitions
	for range many {
		w.post(31*time.Minute, "", requestAction)
	}
	w.advance(20 * time.Minute)
	if moved, err := w.schedules.Enqueue(t.Context()); moved != many || err == nil || !strings.Contains(err.Error(), spoilt) {
		t.Errorf("%d were moved: %v", moved, err)
	}
}

// TestWhatItCosts counts the requests that a hundred schedules make of DynamoDB, and the messages, which go out ten at a time.
func TestWhatItCosts(t *testing.T) {
	w := newWorld(t, awstest.Sundog)
	const many = 100
	w.count(func() {
		for range many {
			w.post(time.Hour, "text", requestAction)
		}
	}, map[string]int{"PutItem": many, "events": many})
	w.advance(50 * time.Minute)
	w.count(func() { w.enqueue(many) }, map[string]int{"Query": 16, "UpdateItem": many, "queue": many, "events": many})
	w.count(func() { w.enqueue(0) }, map[string]int{"Query": 16})
	w.advance(10 * time.Minute)
	w.count(w.dispatch, map[string]int{"GetItem": many, "events": many, base + "http": many})
}
