package schedule_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go/middleware"

	"sundog/internal/access"
	"sundog/internal/aws/awstest"
	awsschedule "sundog/internal/aws/schedule"
	"sundog/internal/queue"
	"sundog/internal/schedule"
	"sundog/internal/topic"
)

var errLost = errors.New("lost")

// world is a deployment whose queue and topics are in memory, at a time that the test says.
type world struct {
	t         *testing.T
	client    *dynamodb.Client
	table     string
	schedules *awsschedule.Schedules

	mu        sync.Mutex
	now       time.Time
	ids       int
	queue     []queue.Message // SentAt is when it becomes visible
	published map[string][]topic.Draft
	requests  map[string]int   // of DynamoDB, by operation
	failSend  func(n int) bool // whether the n-th message of a call is lost; nil: none is
	failTopic map[string]bool
}

const base = "arn:aws:sns:us-east-1:000000000000:"

// eachTable runs a test on each DynamoDB there is.
func eachTable(t *testing.T, test func(t *testing.T, w *world)) {
	for _, s := range []awstest.Standin{awstest.Sundog, awstest.Dynalite} {
		t.Run(string(s), func(t *testing.T) {
			test(t, newWorld(t, s))
		})
	}
}

func newWorld(t *testing.T, s awstest.Standin) *world {
	a := awstest.Start(t, awstest.Options{Standins: []awstest.Standin{s}})
	w := &world{
		t: t, client: dynamodb.NewFromConfig(a.Config()), now: time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC),
		published: map[string][]topic.Draft{}, requests: map[string]int{}, failTopic: map[string]bool{},
	}
	w.table = makeTable(t, w.client)
	w.client = dynamodb.NewFromConfig(a.Config(), func(o *dynamodb.Options) { o.APIOptions = append(o.APIOptions, w.counting) })
	w.schedules = awsschedule.New(awsschedule.Options{
		Client: w.client, Table: w.table, Queue: w, Now: w.clock, Log: quiet(), Events: publisher{w, "events"},
		Topics: func(arn string) awsschedule.Publisher { return publisher{w, arn} },
		Actions: map[schedule.ActionType]string{
			schedule.HTTPAction: base + "http", schedule.QueueAction: base + "sqs", schedule.LambdaAction: base + "lambda",
		},
	})
	return w
}

// counting has the client count what it is asked for.
func (w *world) counting(stack *middleware.Stack) error {
	return stack.Initialize.Add(middleware.InitializeMiddlewareFunc("Counting", func(
		ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler,
	) (middleware.InitializeOutput, middleware.Metadata, error) {
		w.mu.Lock()
		w.requests[middleware.GetOperationName(ctx)]++
		w.mu.Unlock()
		return next.HandleInitialize(ctx, in)
	}), middleware.Before)
}

// count compares what is requested, sent and published meanwhile.
func (w *world) count(meanwhile func(), want map[string]int) {
	w.t.Helper()
	w.requests = map[string]int{}
	before := map[string]int{"queue": len(w.queue)}
	for arn, drafts := range w.published {
		before[arn] = len(drafts)
	}
	meanwhile()
	got := w.requests
	got["queue"] = len(w.queue)
	for arn, drafts := range w.published {
		got[arn] = len(drafts)
	}
	for name := range got {
		if got[name] -= before[name]; got[name] == 0 {
			delete(got, name)
		}
	}
	if !reflect.DeepEqual(got, want) {
		w.t.Errorf("it took %v, want %v", got, want)
	}
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// makeTable makes a table as deployments have it.
func makeTable(t *testing.T, client *dynamodb.Client) string {
	name := awstest.Name("schedule")
	attribute := func(name string, kind types.ScalarAttributeType) types.AttributeDefinition {
		return types.AttributeDefinition{AttributeName: &name, AttributeType: kind}
	}
	key := func(hash, sort string) []types.KeySchemaElement {
		return []types.KeySchemaElement{{AttributeName: &hash, KeyType: types.KeyTypeHash}, {AttributeName: &sort, KeyType: types.KeyTypeRange}}
	}
	_, err := client.CreateTable(t.Context(), &dynamodb.CreateTableInput{
		TableName: &name, BillingMode: types.BillingModePayPerRequest, KeySchema: key("scheduleId", "pointInTime"),
		AttributeDefinitions: []types.AttributeDefinition{
			attribute("scheduleId", types.ScalarAttributeTypeS), attribute("pointInTime", types.ScalarAttributeTypeN), attribute("slot", types.ScalarAttributeTypeS),
		},
		GlobalSecondaryIndexes: []types.GlobalSecondaryIndex{{
			IndexName: aws.String("slot"), KeySchema: key("slot", "pointInTime"), Projection: &types.Projection{ProjectionType: types.ProjectionTypeAll},
		}},
	})
	if err == nil {
		err = dynamodb.NewTableExistsWaiter(client, func(o *dynamodb.TableExistsWaiterOptions) { o.MinDelay = 10 * time.Millisecond }).
			Wait(t.Context(), &dynamodb.DescribeTableInput{TableName: &name}, time.Minute)
	}
	if err != nil {
		t.Fatalf("making a table: %v", err)
	}
	return name
}

func (w *world) clock() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

func (w *world) advance(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

// Send is the delay queue.
func (w *world) Send(_ context.Context, drafts ...queue.Draft) ([]string, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	ids := make([]string, len(drafts))
	var err error
	for i, d := range drafts {
		if d.Delay > 15*time.Minute || d.Delay < 0 {
			w.t.Errorf("a delay of %v", d.Delay)
		}
		if w.failSend != nil && w.failSend(i) {
			err = errLost
			continue
		}
		w.ids++
		ids[i] = fmt.Sprint(w.ids)
		w.queue = append(w.queue, queue.Message{ID: ids[i], Body: d.Body, Attributes: d.Attributes, SentAt: w.now.Add(d.Delay)})
	}
	return ids, err
}

// visible returns the messages that can be received. They stay in the queue.
func (w *world) visible() []queue.Message {
	w.mu.Lock()
	defer w.mu.Unlock()
	var found []queue.Message
	for _, m := range w.queue {
		if !m.SentAt.After(w.now) {
			found = append(found, m)
		}
	}
	return found
}

func (w *world) dispatch() {
	w.t.Helper()
	for i, err := range w.schedules.Dispatch(w.t.Context(), w.visible()) {
		if err != nil {
			w.t.Errorf("message %d: %v", i, err)
		}
	}
}

func (w *world) enqueue(want int) {
	w.t.Helper()
	if got, err := w.schedules.Enqueue(w.t.Context()); got != want || err != nil {
		w.t.Errorf("%d were moved into the queue, want %d, %v", got, want, err)
	}
}

// publisher is a topic.
type publisher struct {
	w   *world
	arn string
}

func (p publisher) Publish(_ context.Context, drafts ...topic.Draft) ([]string, error) {
	p.w.mu.Lock()
	defer p.w.mu.Unlock()
	if p.w.failTopic[p.arn] {
		return make([]string, len(drafts)), errLost
	}
	ids := make([]string, len(drafts))
	for i, d := range drafts {
		p.w.published[p.arn] = append(p.w.published[p.arn], d)
		ids[i] = fmt.Sprint(len(p.w.published[p.arn]))
	}
	return ids, nil
}

// on returns the firings that were published on a topic.
func (w *world) on(arn string) []schedule.Firing {
	w.mu.Lock()
	defer w.mu.Unlock()
	var all []schedule.Firing
	for _, d := range w.published[arn] {
		var f schedule.Firing
		if err := json.Unmarshal(d.Body, &f); err != nil {
			w.t.Fatal(err)
		}
		all = append(all, f)
	}
	return all
}

// events returns what was told of a schedule, in its order.
func (w *world) events(id string) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var kinds []string
	for _, d := range w.published["events"] {
		var e schedule.Event
		if err := json.Unmarshal(d.Body, &e); err != nil {
			w.t.Fatal(err)
		}
		if e.ScheduleID == id {
			kinds = append(kinds, string(e.Kind))
		}
	}
	return strings.Join(kinds, " ")
}

// do makes a request, and returns the status and what the answer says.
func (w *world) do(method, path, body string) (int, map[string]any) {
	w.t.Helper()
	r := httptest.NewRequestWithContext(access.WithActor(w.t.Context(), "tester"), method, path, strings.NewReader(body))
	rec := httptest.NewRecorder()
	w.schedules.Handler().ServeHTTP(rec, r)
	var answer map[string]any
	if rec.Body.Len() > 0 {
		d := json.NewDecoder(bytes.NewReader(rec.Body.Bytes()))
		if err := d.Decode(&answer); err != nil || rec.Header().Get("Content-Type") != "application/json" {
			w.t.Fatalf("%s %s is answered with %q, %v", method, path, rec.Body, err)
		}
	}
	return rec.Code, answer
}

const requestAction = `{"type":"http-request","httpRequestConfig":{"method":"POST","url":"https://example.com/a"}}`

// request is a request for a schedule in so much time.
func (w *world) request(in time.Duration, payload, action string) string {
	return fmt.Sprintf(`{"schedule":{"pointInTime":%d},"context":{"headers":[{"X-A":"1"}],"payload":%q},"action":%s}`, w.clock().Add(in).Unix(), payload, action)
}

// post makes a schedule and returns its id.
func (w *world) post(in time.Duration, payload, action string) string {
	w.t.Helper()
	status, answer := w.do(http.MethodPost, "/schedule", w.request(in, payload, action))
	id, _ := answer["scheduleId"].(string)
	if status != http.StatusCreated || id == "" {
		w.t.Fatalf("making a schedule: %d %v", status, answer)
	}
	return id
}

// item returns the attributes of a schedule that are texts or numbers; nil when it was cancelled.
func (w *world) item(id string) map[string]string {
	w.t.Helper()
	out, err := w.client.Query(w.t.Context(), &dynamodb.QueryInput{
		TableName: &w.table, KeyConditionExpression: aws.String("scheduleId = :id"), FilterExpression: aws.String("currentStatus <> :c"),
		ExpressionAttributeValues: map[string]types.AttributeValue{":id": &types.AttributeValueMemberS{Value: id}, ":c": &types.AttributeValueMemberS{Value: "CANCELLED"}},
		ConsistentRead:            aws.Bool(true),
	})
	if err != nil || len(out.Items) > 1 {
		w.t.Fatal(len(out.Items), err)
	}
	if len(out.Items) == 0 {
		return nil
	}
	item := map[string]string{}
	for name, v := range out.Items[0] {
		switch v := v.(type) {
		case *types.AttributeValueMemberS:
			item[name] = v.Value
		case *types.AttributeValueMemberN:
			item[name] = v.Value
		}
	}
	return item
}

// forget deletes a message from the queue.
func (w *world) forget(id string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.queue = slices.DeleteFunc(w.queue, func(m queue.Message) bool { return m.ID == id })
}
