package trigger_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"sundog/internal/queue"
	"sundog/internal/topic"
	"sundog/internal/trigger"
)

const change = `{"eventName":"INSERT","dynamodb":{"Keys":{"PK":{"S":"TASK#100"}},"NewImage":{"PK":{"S":"TASK#100"},"n":{"N":"1.50"},"tags":["a","<b>"],"sizes":[{"n":1},{"n":2}]}}}`

func TestTemplate(t *testing.T) {
	for _, c := range []struct{ name, template, want string }{
		{"a value", `"<$.dynamodb.Keys>"`, `{"PK":{"S":"TASK#100"}}`},
		{"the event", `{"all":"<$>"}`, `{"all":` + change + `}`},
		{
			"members and constants", `{"Keys":"<$.dynamodb.Keys>","workflow_step":"NEW","n":1,"on":true,"none":null}`,
			`{"Keys":{"PK":{"S":"TASK#100"}},"n":1,"none":null,"on":true,"workflow_step":"NEW"}`,
		},
		{"within a text", `"task <$.dynamodb.Keys.PK.S>: <$.dynamodb.NewImage.tags>!"`, `"task TASK#100: [\"a\",\"<b>\"]!"`},
		{"nothing there", `["<$.nothing>","no <$.nothing>."]`, `[null,"no ."]`},
		{"in brackets", `"<$['dynamodb']['NewImage']['tags'][1]>"`, `"<b>"`},
		{"a filter", `"<$.dynamodb.NewImage.sizes[?(@.n > 1)]>"`, `[{"n":2}]`},
		{"no placeholder", `"a < b, <b>, \\<$.x>, \\\\"`, `"a < b, <b>, <$.x>, \\\\"`},
		{"names are kept", `{"<$.eventName>":1}`, `{"<$.eventName>":1}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			spec := trigger.Spec{Name: "t", Input: []byte(c.template)}
			tr, err := trigger.New(spec)
			if err != nil {
				t.Fatal(err)
			}
			got, wanted, err := tr.Input(trigger.Event{ID: "1", Body: []byte(change)})
			if err != nil || !wanted || !sameJSON(t, string(got), c.want) {
				t.Errorf("%s, %v, %v, want %s", got, wanted, err, c.want)
			}
		})
	}
}

func TestTemplateErrors(t *testing.T) {
	for template, want := range map[string]string{
		`{"a":[1,"<$.b"]}`: "at /a/1: placeholder \"<$.b\": it does not end in >",
		`{"a/b":"<$.[>"}`:  "at /a~1b: placeholder",
		`{`:                "not JSON",
		`"<$..>"`:          "placeholder",
		strings.Repeat(`[`, 200) + strings.Repeat(`]`, 200): "more than 100 levels deep",
		`"` + strings.Repeat("x", 9000) + `"`:               "more than 8192",
	} {
		_, err := trigger.ParseTemplate([]byte(template))
		if _, ok := errors.AsType[*trigger.TemplateError](err); !ok || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40s: %v, want %s", template, err, want)
		}
	}
}

// TestFilter has an event that is wanted and one that is not; what a pattern can say is tested where patterns are.
func TestFilter(t *testing.T) {
	tr, err := trigger.New(trigger.Spec{Name: "t", Filter: []byte(`{"eventName":["INSERT"],"dynamodb":{"NewImage":{"workflow_status":{"S":[{"exists":false}]}}}}`)})
	if err != nil {
		t.Fatal(err)
	}
	for body, want := range map[string]bool{
		change: true, strings.Replace(change, "INSERT", "MODIFY", 1): false,
		strings.Replace(change, `"n":`, `"workflow_status":{"S":"ACTIVE"},"n":`, 1): false, `[]`: false,
	} {
		input, wanted, err := tr.Input(trigger.Event{Body: []byte(body)})
		if err != nil || wanted != want || wanted && string(input) != body {
			t.Errorf("%s: %s, %v, %v", body, input, wanted, err)
		}
	}
	if _, err := trigger.New(trigger.Spec{Name: "t", Filter: []byte(`{"a":1}`)}); err == nil {
		t.Error("a filter that is no pattern is taken")
	}
}

func TestEventsOfMessages(t *testing.T) {
	at := time.Date(2026, 3, 1, 12, 0, 0, 5e6, time.UTC)
	attributes := map[string]queue.Attribute{"kind": {Type: "String", Value: "new"}}
	for _, c := range []struct{ body, want string }{{`{"n":1.50}`, `{"n":1.50}`}, {"no <JSON>", `"no <JSON>"`}, {"", `""`}, {"\xff", `"` + "\ufffd" + `"`}} {
		e, err := trigger.TopicEvent(topic.Message{ID: "m1", Topic: "news", Time: at, Body: []byte(c.body), Attributes: attributes})
		want := `{"messageId":"m1","topic":"news","timestamp":"2026-03-01T12:00:00.005Z","messageAttributes":{"kind":{"Type":"String","Value":"new"}},"message":` + c.want + `}`
		if err != nil || !sameJSON(t, string(e.Body), want) || e.ID != "m1" || !e.At.Equal(at) {
			t.Errorf("%s, %v, want %s", e.Body, err, want)
		}
		e, err = trigger.QueueEvent("us-east-1", "000000000000", "in", queue.Message{ID: "m1", SentAt: at, ReceiveCount: 2, Body: []byte(c.body), Attributes: attributes})
		want = `{"messageId":"m1","body":` + c.want + `,"attributes":{"SentTimestamp":"1772366400005","ApproximateReceiveCount":"2"},` +
			`"messageAttributes":{"kind":{"stringValue":"new","dataType":"String"}},"eventSource":"aws:sqs","eventSourceARN":"arn:aws:sqs:us-east-1:000000000000:in","awsRegion":"us-east-1"}`
		if err != nil || !sameJSON(t, string(e.Body), want) {
			t.Errorf("%s, %v, want %s", e.Body, err, want)
		}
	}
}

func TestScheduleEvent(t *testing.T) {
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.FixedZone("", 3600))
	e, err := trigger.ScheduleEvent("us-east-1", "000000000000", "tick", "7", at)
	want := `{"version":"0","id":"7","detail-type":"Scheduled Event","source":"aws.events","account":"000000000000","time":"2026-03-01T11:00:00Z",` +
		`"region":"us-east-1","resources":["arn:aws:events:us-east-1:000000000000:rule/tick"],"detail":{}}`
	if err != nil || e.ID != "7" || !e.At.Equal(at) || !sameJSON(t, string(e.Body), want) {
		t.Errorf("%s, %v, want %s", e.Body, err, want)
	}
}

func sameJSON(t *testing.T, a, b string) bool {
	t.Helper()
	normal := func(text string) string {
		var v any
		if err := json.Unmarshal([]byte(text), &v); err != nil {
			t.Fatalf("%v: %s", err, text)
		}
		out, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return string(out)
	}
	return normal(a) == normal(b)
}

// TestNames: names of executions are names, different for different events and replays.
func TestNames(t *testing.T) {
	name := trigger.ExecutionName(strings.Repeat("t", trigger.MaxName), strings.Repeat("1", 36), 0)
	if len(name) > 80 {
		t.Errorf("the longest name has %d characters", len(name))
	}
	rapid.Check(t, func(rt *rapid.T) {
		type event struct {
			id     uint64
			replay int
		}
		draw := func(label string) event {
			return event{rapid.Uint64Range(0, 20).Draw(rt, label), rapid.IntRange(0, 3).Draw(rt, label+" replay")}
		}
		named := func(e event) string { return trigger.ExecutionName("t", digits(e.id), e.replay) }
		a, b := draw("a"), draw("b")
		if (named(a) == named(b)) != (a == b) {
			rt.Fatalf("%v is %s, %v is %s", a, named(a), b, named(b))
		}
	})
}

func digits(n uint64) string {
	const width = 21
	text := make([]byte, width)
	for i := width - 1; i >= 0; i-- {
		text[i] = byte('0' + n%10)
		n /= 10
	}
	return string(text)
}

// TestJoin: a batch is what it says, within its bounds.
func TestJoin(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		tr, err := trigger.New(trigger.Spec{
			Name: "t", BatchSize: rapid.IntRange(0, 5).Draw(rt, "size"),
			Target: trigger.Target{Kind: trigger.ToWorkflow}, // whose bound is the smaller one
		})
		if err != nil {
			rt.Fatal(err)
		}
		var inputs [][]byte
		bytes := 0
		for {
			input := []byte(`"` + strings.Repeat("x", rapid.SampledFrom([]int{0, 10, 100 << 10}).Draw(rt, "input")) + `"`)
			if !tr.Fits(len(inputs), bytes, len(input)) {
				break
			}
			inputs, bytes = append(inputs, input), bytes+len(input)
		}
		joined := tr.Join(inputs)
		if len(inputs) > max(1, tr.BatchSize) || len(inputs) > 1 && len(joined) > tr.Target.Kind.MaxInput() {
			rt.Fatalf("a batch of %d with %d bytes", len(inputs), len(joined))
		}
		var v struct{ Records []json.RawMessage }
		if tr.BatchSize == 0 {
			if string(joined) != string(inputs[0]) {
				rt.Fatalf("without batches it is %.80s", joined)
			}
		} else if err := json.Unmarshal(joined, &v); err != nil || len(v.Records) != len(inputs) {
			rt.Fatalf("%v: %.80s", err, joined)
		}
	})
}

func FuzzTemplate(f *testing.F) {
	for _, seed := range []string{`{"a":"<$.b>"}`, `"<$.a> and <$.b[?(@.c > 1)]>"`, `["\\<$.a>", 1.50, null]`, `"<$"`, `"<$.a>>"`} {
		f.Add([]byte(seed), []byte(change))
	}
	f.Fuzz(func(t *testing.T, template, event []byte) {
		tr, err := trigger.New(trigger.Spec{Name: "t", Input: template})
		if err != nil {
			if _, ok := errors.AsType[*trigger.TemplateError](err); !ok {
				t.Fatalf("%v is no TemplateError", err)
			}
			return
		}
		input, _, err := tr.Input(trigger.Event{Body: event})
		if err == nil && !json.Valid(input) {
			t.Fatalf("the input is no JSON: %q", input)
		}
	})
}
