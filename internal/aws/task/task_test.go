package task_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/sfn"

	"sundog/internal/aws/awstest"
	"sundog/internal/aws/executor"
	"sundog/internal/aws/task"
	"sundog/internal/aws/taskstream"
)

// world is a table of tasks.
type world struct {
	t      *testing.T
	aws    *awstest.AWS
	client *dynamodb.Client
	table  string
	tasks  *task.Tasks
}

func newWorld(t *testing.T, s awstest.Standin) *world {
	a := awstest.Start(t, awstest.Options{Standins: []awstest.Standin{s}})
	w := &world{t: t, aws: a, client: dynamodb.NewFromConfig(a.Config()), table: awstest.Name("tasks")}
	_, err := w.client.CreateTable(t.Context(), &dynamodb.CreateTableInput{
		TableName: &w.table, BillingMode: types.BillingModePayPerRequest,
		KeySchema:            []types.KeySchemaElement{{AttributeName: aws.String("PK"), KeyType: types.KeyTypeHash}},
		AttributeDefinitions: []types.AttributeDefinition{{AttributeName: aws.String("PK"), AttributeType: types.ScalarAttributeTypeS}},
		StreamSpecification:  &types.StreamSpecification{StreamEnabled: aws.Bool(true), StreamViewType: types.StreamViewTypeNewAndOldImages},
	})
	if err == nil {
		err = dynamodb.NewTableExistsWaiter(w.client).Wait(t.Context(), &dynamodb.DescribeTableInput{TableName: &w.table}, 60e9)
	}
	if err != nil {
		t.Fatal(err)
	}
	w.tasks = task.New(task.Options{Client: w.client, Table: w.table})
	return w
}

// do makes a request, and returns the status, the headers and the body.
func (w *world) do(method, path, body string) (int, http.Header, string) {
	rec := httptest.NewRecorder()
	w.tasks.Handler().ServeHTTP(rec, httptest.NewRequestWithContext(w.t.Context(), method, path, strings.NewReader(body)))
	return rec.Code, rec.Header(), strings.TrimSpace(rec.Body.String())
}

func TestTasks(t *testing.T) {
	for _, s := range []awstest.Standin{awstest.Sundog, awstest.Dynalite} {
		t.Run(string(s), func(t *testing.T) {
			w := newWorld(t, s)
			const text = `{"a":[1,"b",null,true,{"c":1.5}],"task_id":"10 0"}`
			status, header, body := w.do(http.MethodPost, "/task", text)
			if status != http.StatusCreated || body != text || header.Get("Location") != "/task/10%200" {
				t.Fatalf("%d %v %s", status, header, body)
			}
			if status, _, body = w.do(http.MethodGet, "/task/10%200", ""); status != http.StatusOK || body != text {
				t.Errorf("%d %s", status, body)
			}
			status, _, body = w.do(http.MethodPost, "/task", `{"task_id":"10 0"}`)
			if status != http.StatusConflict || !strings.Contains(body, "GET /task/10%200") {
				t.Errorf("again: %d %s", status, body)
			}
			if _, _, body = w.do(http.MethodGet, "/task/10%200", ""); body != text {
				t.Errorf("it was overwritten: %s", body)
			}
			for _, id := range []string{"200", strings.Repeat("x", 3000)} {
				if status, _, body = w.do(http.MethodGet, "/task/"+id, ""); status != http.StatusNotFound || !json.Valid([]byte(body)) {
					t.Errorf("%d %s", status, body)
				}
			}
		})
	}
}

// TestWhatOthersWrite has attributes that plain JSON has no types for.
func TestWhatOthersWrite(t *testing.T) {
	w := newWorld(t, awstest.Sundog)
	text := func(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }
	if _, err := w.client.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &w.table, Item: map[string]types.AttributeValue{
		"PK": text("TASK#1"), "task_id": text("1"), "bytes": &types.AttributeValueMemberB{Value: []byte("ab")},
		"numbers": &types.AttributeValueMemberNS{Value: []string{"1"}}, "texts": &types.AttributeValueMemberSS{Value: []string{"a"}},
		"sets": &types.AttributeValueMemberBS{Value: [][]byte{[]byte("ab")}}, "list": &types.AttributeValueMemberL{Value: []types.AttributeValue{text("a")}},
	}}); err != nil {
		t.Fatal(err)
	}
	status, _, body := w.do(http.MethodGet, "/task/1", "")
	if want := `{"bytes":"YWI=","list":["a"],"numbers":[1],"sets":["YWI="],"task_id":"1","texts":["a"]}`; status != http.StatusOK || body != want {
		t.Errorf("%d %s, want %s", status, body, want)
	}
}

func TestRequestsThatAreRefused(t *testing.T) {
	w := newWorld(t, awstest.Sundog)
	for _, c := range []struct {
		method, path, body string
		status             int
		want               string
	}{
		{"POST", "/task", ``, 400, "no JSON"},
		{"POST", "/task", `{"task_id":"1"`, 400, "no JSON"},
		{"POST", "/task", `[]`, 400, "no JSON object"},
		{"POST", "/task", `{}`, 400, "no text"},
		{"POST", "/task", `{"task_id":1}`, 400, "no text"},
		{"POST", "/task", `{"task_id":""}`, 400, "no text"},
		{"POST", "/task", `{"task_id":"1","PK":"TASK#2"}`, 400, "the task's key"},
		{"POST", "/task", `{"task_id":"` + strings.Repeat("x", 2044) + `"}`, 400, "2043 are allowed"},
		{"POST", "/task", `{"task_id":"1","a":"` + strings.Repeat("x", 400<<10) + `"}`, 413, "409600 are allowed"},
		{"POST", "/task", strings.Repeat(" ", 1<<20), 413, "larger than"},
		{"PUT", "/task/1", `{}`, 404, "GET /task/ID"},
		{"GET", "/task", ``, 404, "GET /task/ID"},
	} {
		status, header, body := w.do(c.method, c.path, c.body)
		if status != c.status || !strings.Contains(body, c.want) || header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s %s %.60s: %d %s, want %d %s", c.method, c.path, c.body, status, body, c.status, c.want)
		}
	}
	gone := task.New(task.Options{Client: w.client, Table: "nothing"})
	rec := httptest.NewRecorder()
	gone.Handler().ServeHTTP(rec, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/task/1", http.NoBody))
	if rec.Code != http.StatusInternalServerError || strings.Contains(rec.Body.String(), "ResourceNotFound") {
		t.Errorf("without the table: %d %s", rec.Code, rec.Body)
	}
}

// TestFromTaskToExecution takes the records of a real stream to a real executor.
func TestFromTaskToExecution(t *testing.T) {
	w := newWorld(t, awstest.Sundog)
	machine := w.aws.StateMachine(t, "dev-task", `{"StartAt":"A","States":{"A":{"Type":"Succeed"}}}`)
	triggers, err := taskstream.Parse(nil)
	if err != nil {
		t.Fatal(err)
	}
	executions := sfn.NewFromConfig(w.aws.Config())
	stream := taskstream.New(taskstream.Options{
		Triggers: triggers, Executor: executor.New(executions), BaseWorkflowARN: strings.TrimSuffix(machine, "task"),
	})
	for _, id := range []string{"1", "2"} {
		if _, _, err := w.tasks.Create(t.Context(), []byte(`{"task_id":"`+id+`"}`)); err != nil {
			t.Fatal(err)
		}
	}
	for _, status := range []string{"ACTIVE", "FAILED", "ACTIVE"} {
		if _, err := w.client.UpdateItem(t.Context(), &dynamodb.UpdateItemInput{
			TableName: &w.table, Key: map[string]types.AttributeValue{"PK": &types.AttributeValueMemberS{Value: "TASK#1"}},
			UpdateExpression: aws.String("SET workflow_status = :s"), ExpressionAttributeValues: map[string]types.AttributeValue{":s": &types.AttributeValueMemberS{Value: status}},
		}); err != nil {
			t.Fatal(err)
		}
	}
	event := w.records()
	for range 3 {
		if failed, err := stream.Handle(t.Context(), event); err != nil || len(failed) != 0 {
			t.Fatal(failed, err)
		}
	}
	out, err := executions.ListExecutions(t.Context(), &sfn.ListExecutionsInput{StateMachineArn: &machine})
	if err != nil || len(out.Executions) != 3 {
		t.Errorf("%d executions, want 3: %v", len(out.Executions), err)
	}
}

// records are all records of the table's stream, as Lambda gives them to a function.
func (w *world) records() []byte {
	described, err := w.client.DescribeTable(w.t.Context(), &dynamodb.DescribeTableInput{TableName: &w.table})
	if err != nil {
		w.t.Fatal(err)
	}
	arn := aws.ToString(described.Table.LatestStreamArn)
	var description struct {
		StreamDescription struct{ Shards []struct{ ShardID string } }
	}
	w.ask("DescribeStream", map[string]any{"StreamArn": arn}, &description)
	var iterator struct{ ShardIterator string }
	w.ask("GetShardIterator", map[string]any{
		"StreamArn": arn, "ShardId": description.StreamDescription.Shards[0].ShardID, "ShardIteratorType": "TRIM_HORIZON",
	}, &iterator)
	var got struct{ Records []map[string]any }
	w.ask("GetRecords", map[string]any{"ShardIterator": iterator.ShardIterator}, &got)
	for _, r := range got.Records {
		r["eventSourceARN"] = arn
	}
	text, err := json.Marshal(got)
	if err != nil || len(got.Records) != 5 {
		w.t.Fatal(len(got.Records), err)
	}
	return text
}

// ask makes a request of the API of streams. The client of AWS's SDK does not give records in the form of Lambda.
func (w *world) ask(operation string, in, out any) {
	body, err := json.Marshal(in)
	if err != nil {
		w.t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(w.t.Context(), http.MethodPost, w.aws.URL(awstest.Sundog), bytes.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-amz-json-1.0")
	req.Header.Set("X-Amz-Target", "DynamoDBStreams_20120810."+operation)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK || json.Unmarshal(text, out) != nil {
		w.t.Fatalf("%s: %d %s, %v", operation, resp.StatusCode, text, err)
	}
}
