package taskstream_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"sundog/internal/aws/taskstream"
	"sundog/internal/pipeline"
	"sundog/internal/problem"
)

const base = "arn:aws:states:us-east-1:000000000000:stateMachine:dev-"

// executor remembers what it was asked for, in the order of each item.
type executor struct {
	mu     sync.Mutex
	starts []string
	fail   map[string]error // by the task that the input names
}

func (e *executor) Start(_ context.Context, req pipeline.StartRequest) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	for task, err := range e.fail {
		if strings.Contains(string(req.Input), "TASK#"+task) {
			return err
		}
	}
	start := strings.TrimPrefix(req.MachineARN, base) + " " + req.Name + " " + string(req.Input)
	if slices.Contains(e.starts, start) {
		return fmt.Errorf("starting: %w", pipeline.ErrAlreadyExists)
	}
	e.starts = append(e.starts, start)
	return nil
}

// change is a record as Lambda gives it to functions. The image is the attributes beside the key.
func change(number int, kind, table, task, image string) string {
	if image != "" {
		image = "," + image
	}
	return fmt.Sprintf(`{"eventID":"e%030d","eventName":%q,"eventVersion":"1.1","eventSource":"aws:dynamodb","awsRegion":"us-east-1",
		"eventSourceARN":"arn:aws:dynamodb:us-east-1:000000000000:table/%s/stream/2026-03-01T09:00:00.000",
		"dynamodb":{"ApproximateCreationDateTime":1772355600,"Keys":{"PK":{"S":"TASK#%s"}},"NewImage":{"PK":{"S":"TASK#%s"}%s},
		"SequenceNumber":"%021d","SizeBytes":26,"StreamViewType":"NEW_AND_OLD_IMAGES"}}`, number, kind, table, task, task, image, number)
}

func event(changes ...string) []byte {
	return []byte(`{"Records":[` + strings.Join(changes, ",") + `]}`)
}

func newStream(t *testing.T, e *executor, triggers string) *taskstream.Stream {
	t.Helper()
	parsed, err := taskstream.Parse([]byte(triggers))
	if err != nil {
		t.Fatal(err)
	}
	return taskstream.New(taskstream.Options{Triggers: parsed, Executor: e, BaseWorkflowARN: base})
}

func sequences(failed []taskstream.Failure) string {
	var all []string
	for _, f := range failed {
		all = append(all, strings.TrimLeft(f.Sequence, "0"))
	}
	return strings.Join(all, " ")
}

func TestTasks(t *testing.T) {
	for name, c := range map[string]struct {
		change string
		want   string // the beginning of what is started; empty: nothing is
	}{
		"a new task":                 {change(1, "INSERT", "tasks", "100", ""), `task new-task-e000000000000000000000000000001 {"Keys":{"PK":{"S":"TASK#100"}},"workflow_step":"NEW"}`},
		"a new task with attributes": {change(2, "INSERT", "tasks", "100", `"a":{"N":"1"}`), `task new-task-e000000000000000000000000000002 {"Keys":{"PK":{"S":"TASK#100"}},"workflow_step":"NEW"}`},
		"one that failed":            {change(3, "MODIFY", "tasks", "100", `"workflow_status":{"S":"FAILED"}`), `task failed-task-e000000000000000000000000000003 {"Keys":{"PK":{"S":"TASK#100"}},"workflow_step":"FAILED"}`},
		"one that is put back":       {change(4, "INSERT", "tasks", "100", `"workflow_status":{"S":"SUCCESS"}`), ""},
		"one that is ACTIVE":         {change(5, "MODIFY", "tasks", "100", `"workflow_status":{"S":"ACTIVE"}`), ""},
		"one that is changed":        {change(6, "MODIFY", "tasks", "100", ""), ""},
		"one that is removed":        {change(7, "REMOVE", "tasks", "100", `"workflow_status":{"S":"FAILED"}`), ""},
	} {
		var e executor
		s := newStream(t, &e, "")
		for range 2 { // the second time changes nothing
			if failed, err := s.Handle(t.Context(), event(c.change)); err != nil || len(failed) != 0 {
				t.Errorf("%s: %v, %v", name, failed, err)
			}
		}
		if got := strings.Join(e.starts, "\n"); got != c.want {
			t.Errorf("%s starts %s, want %s", name, got, c.want)
		}
	}
}

// TestFailures has one item fail: what follows of the same item waits, the others go on.
func TestFailures(t *testing.T) {
	e := executor{fail: map[string]error{"2": errors.New("throttled")}}
	s := newStream(t, &e, "")
	changes := event(
		change(1, "INSERT", "tasks", "1", ""), change(2, "INSERT", "tasks", "2", ""), change(3, "INSERT", "tasks", "3", ""),
		change(4, "MODIFY", "tasks", "2", `"workflow_status":{"S":"ACTIVE"}`), change(5, "MODIFY", "tasks", "3", `"workflow_status":{"S":"FAILED"}`),
	)
	failed, err := s.Handle(t.Context(), changes)
	if err != nil || sequences(failed) != "2 4" || len(e.starts) != 3 {
		t.Fatalf("failed are %v, %v; started is %s", failed, err, e.starts)
	}
	if text := failed[0].Err.Error(); !strings.Contains(text, "trigger new-task") || !strings.Contains(text, "table tasks") || !strings.Contains(text, "throttled") {
		t.Errorf("the error is %q", text)
	}
	e.fail = nil
	if failed, err := s.Handle(t.Context(), changes); err != nil || len(failed) != 0 || len(e.starts) != 4 {
		t.Errorf("again: %v, %v; started is %s", failed, err, e.starts)
	}
}

// TestOrder has many changes of a few items in one event.
func TestOrder(t *testing.T) {
	var e executor
	var changes []string
	for n := range 200 {
		changes = append(changes, change(n, "MODIFY", "tasks", fmt.Sprint(n%7), `"workflow_status":{"S":"FAILED"}`))
	}
	failed, err := newStream(t, &e, "").Handle(t.Context(), event(changes...))
	if err != nil || len(failed) != 0 || len(e.starts) != len(changes) {
		t.Fatalf("%v, %v, %d", failed, err, len(e.starts))
	}
	last := map[string]string{}
	for _, start := range e.starts {
		words := strings.SplitN(start, " ", 3)
		if words[1] < last[words[2]] {
			t.Errorf("%s comes after %s", words[1], last[words[2]])
		}
		last[words[2]] = words[1]
	}
}

func TestTriggersOfOneTable(t *testing.T) {
	var e executor
	s := newStream(t, &e, `[{"name":"a","source":{"table":"tasks"},"target":{"workflow":"w"}},
		{"name":"b","source":{"table":"others"},"target":{"workflow":"w"},"input":{"id":"<$.eventID>"}}]`)
	failed, err := s.Handle(t.Context(), event(change(1, "INSERT", "others", "1", ""), change(2, "INSERT", "dev-tasks", "1", ""), change(3, "INSERT", "old-tasks", "1", "")))
	slices.Sort(e.starts)
	if err != nil || sequences(failed) != "3" || !strings.Contains(failed[0].Err.Error(), "no trigger watches") || len(e.starts) != 2 || e.starts[1] != `w b-e000000000000000000000000000001 {"id":"e000000000000000000000000000001"}` {
		t.Fatalf("%v, %v, %s", failed, err, e.starts)
	}
	if _, text, _ := strings.Cut(e.starts[0], "{"); !json.Valid([]byte("{"+text)) || !strings.HasPrefix(e.starts[0], "w a-e000000000000000000000000000002 {") {
		t.Errorf("an event as it is: %s", e.starts[0])
	}
}

func TestEventsThatAreRefused(t *testing.T) {
	var e executor
	s := newStream(t, &e, "")
	good := change(1, "INSERT", "tasks", "1", "")
	for _, text := range []string{
		``, `[]`, `{}`, `{"Records":null}`, `{"Records":{}}`, `{"Records":["a"]}`, `{"Records":[{"body":"{}","eventSource":"aws:sqs","messageId":"a"}]}`,
		string(event(good, strings.Replace(good, `"eventID"`, `"id"`, 1))), string(event(good, strings.Replace(good, `"SequenceNumber"`, `"number"`, 1))),
	} {
		if failed, err := s.Handle(t.Context(), []byte(text)); !problem.Is(err, problem.Invalid) || strings.Contains(err.Error(), "Go value") || failed != nil || len(e.starts) != 0 {
			t.Errorf("%.60s: %v, %v, started %s", text, failed, err, e.starts)
		}
	}
	if failed, err := s.Handle(t.Context(), []byte(`{"Records":[]}`)); err != nil || len(failed) != 0 {
		t.Errorf("an event without records: %v, %v", failed, err)
	}
}

func TestTriggersThatAreRefused(t *testing.T) {
	for text, want := range map[string]string{
		`{`:                             "unexpected",
		`{}`:                            "cannot unmarshal",
		`[]`:                            "there are none",
		`[] []`:                         "more than one",
		`[{"name":"a"}]`:                "target.workflow",
		`[{"target":{"workflow":"w"}}]`: "trigger 1 cannot be named",
		`[{"name":"a","target":{"workflow":"w"}},{"name":"a","target":{"workflow":"w"}}]`:  `two triggers "a"`,
		`[{"name":"a","target":{"workflow":"w"},"batch":{"size":2}}]`:                      "batch",
		`[{"name":"a","target":{"queue":"w"}}]`:                                            "queue",
		`[{"name":"a","target":{"workflow":"w"},"filter":{"eventName":"INSERT"}}]`:         "trigger a: filter",
		`[{"name":"a","target":{"workflow":"w"},"input":{"x":"<$.dynamodb"}}]`:             "trigger a: input",
		`[{"name":"` + strings.Repeat("a", 41) + `","target":{"workflow":"w"}}]`:           "at most 40",
		`[{"name":"a","target":{"workflow":"arn:aws:states:us-east-1:0:stateMachine:w"}}]`: "name of a workflow",
	} {
		_, err := taskstream.Parse([]byte(text))
		if !problem.Is(err, problem.Invalid) || !strings.Contains(err.Error(), want) || problem.HintOf(err) == "" {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}

func FuzzHandle(f *testing.F) {
	f.Add(event(change(1, "INSERT", "tasks", "1", "")))
	f.Add(event(change(2, "MODIFY", "tasks", "1", `"workflow_status":{"S":"FAILED"}`)))
	f.Add([]byte(`{"Records":[{"eventSource":"aws:dynamodb","eventID":"a","dynamodb":{"SequenceNumber":"1","Keys":null}}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		e := executor{fail: map[string]error{"": errors.New("no")}} // whatever has a key of a task fails
		failed, err := newStream(t, &e, "").Handle(t.Context(), text)
		if err != nil && (failed != nil || len(e.starts) > 0) {
			t.Errorf("%v, but %v failed and %s were started", err, failed, e.starts)
		}
		for _, x := range failed {
			if x.Sequence == "" || x.Err == nil {
				t.Errorf("a failure %+v", x)
			}
		}
	})
}
