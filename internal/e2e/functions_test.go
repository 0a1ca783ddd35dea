package e2e

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/tidwall/gjson"
)

// chained is a payload with two Items whose workflow is first, and then second.
const chained = `{"type":"FeatureCollection","id":"c/workflow-first/a","features":[` +
	`{"type":"Feature","id":"a","collection":"c","stac_version":"1.0.0","geometry":null,"properties":{"datetime":"2026-01-02T03:04:05Z"},"links":[],"assets":{}},` +
	`{"type":"Feature","id":"b","collection":"c","stac_version":"1.0.0","geometry":null,"properties":{"datetime":"2026-01-02T03:04:05Z"},"links":[],"assets":{}}],` +
	`"process":[{"workflow":"first","upload_options":{"path_template":"s3://DATA/${collection}"}},{"workflow":"second"}]}`

// TestFunctions sends payloads the whole way through functions that are the program itself, under the Runtime API: queue, process, execution,
// update-state, output, topics, the next workflow. Whatever may come twice comes twice.
func TestFunctions(t *testing.T) {
	d := deployFunctions(t)
	for _, body := range []string{chained, strings.ReplaceAll(chained, "first", "absent"), `{"no":"payload"}`} {
		if _, err := d.queues.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: &d.process, MessageBody: &body}); err != nil {
			t.Fatal(err)
		}
	}
	for event := d.deliver(); event != nil; event = d.deliver() {
		d.must("process", event) // once more
	}
	one := d.executions("first")
	if len(one) != 1 || d.state("c/workflow-first/a") != "PROCESSING" || d.state("c/workflow-absent/a") != "FAILED" {
		t.Fatalf("executions %v of first, states %s and %s", one, d.state("c/workflow-first/a"), d.state("c/workflow-absent/a"))
	}
	d.ended(one[0], "status-change")
	if got := d.state("c/workflow-first/a"); got != "SUCCEEDED" {
		t.Fatalf("the record is %s", got)
	}
	_, name, _ := strings.Cut(one[0], "first:")
	if output := d.object(d.payloads, "cirrus/executions/c/workflow-first/a/"+name+"/output.json"); gjson.Get(output, "features.#").Int() != 2 {
		t.Errorf("the output is %s", output)
	}
	for d.deliver() != nil { // the payload that follows
	}
	two := d.executions("second")
	if len(two) != 1 {
		t.Fatalf("executions %v of second", two)
	}
	d.ended(two[0], "status-change-large")
	if got := d.state(gjson.Get(chained, "id").Str[:2] + "workflow-second/a/b"); got != "SUCCEEDED" {
		t.Errorf("the record of what follows is %s", got)
	}
	d.checkMessages()
	d.checkAPI()
	d.checkTasks()
	d.checkMistakes()
	d.checkWholeBatch()
}

// checkMessages looks at what was published and what died. Messages were delivered twice: that shows in events of process, and nowhere else.
func (d *functions) checkMessages() {
	d.t.Helper()
	told := map[string]int{}
	for _, m := range d.drain(d.events) {
		told[gjson.Get(*m.Body, "payload_id").Str+" "+gjson.Get(*m.Body, "event_type").Str]++
	}
	for _, want := range []string{
		"c/workflow-first/a CLAIMED_PROCESSING", "c/workflow-first/a STARTED_PROCESSING", "c/workflow-first/a SUCCEEDED",
		"c/workflow-second/a/b CLAIMED_PROCESSING", "c/workflow-second/a/b SUCCEEDED",
	} {
		if told[want] != 1 {
			d.t.Errorf("%s was told %d times: %v", want, told[want], told)
		}
	}
	if told["c/workflow-absent/a FAILED"] == 0 || told["unknown NOT_A_PROCESS_PAYLOAD"] == 0 {
		d.t.Errorf("events of what failed are missing: %v", told)
	}
	items := d.drain(d.items)
	if len(items) != 4 { // two of each workflow
		d.t.Errorf("%d Items were published", len(items))
	}
	var reasons []string
	for _, m := range d.drain(d.dead) {
		reasons = append(reasons, *m.Body)
		if reason := m.MessageAttributes["sundog.reason"].StringValue; reason == nil || *reason == "" {
			d.t.Errorf("a dead letter without a reason: %s", *m.Body)
		}
	}
	if !slices.Contains(reasons, `{"no":"payload"}`) || !slices.ContainsFunc(reasons, func(r string) bool { return strings.Contains(r, "absent") }) {
		d.t.Errorf("dead letters: %v", reasons)
	}
}

// checkAPI asks the HTTP API.
func (d *functions) checkAPI() {
	d.t.Helper()
	for path, want := range map[string]struct {
		status int64
		path   string
		value  string
	}{
		"/c/workflow-first/items": {200, "items.0.payload_id", "c/workflow-first/a"},
		"/c/workflow-first/a":     {200, "state", "SUCCEEDED"},
		"/c/workflow-first":       {200, "workflow", "first"},
		"/c/workflow-first/none":  {404, "error.#", "1"},
		"/stats":                  {404, "error.#", "1"},
	} {
		for _, event := range []string{"rest-api", "http-api", "function-url"} {
			answer := d.must("cirrus-dev-api", document(d.t, event, "PATH="+path))
			body := gjson.Get(answer, "body").Str
			if gjson.Get(answer, "statusCode").Int() != want.status || gjson.Get(body, want.path).String() != want.value {
				d.t.Errorf("%s by %s: %s", path, event, answer)
			}
		}
	}
}

// checkTasks calls the functions that workflows call.
func (d *functions) checkTasks() {
	d.t.Helper()
	told := d.must("pre-batch", []byte(chained))
	key := strings.TrimPrefix(gjson.Get(told, "url").Str, "s3://"+d.payloads+"/")
	if stored := d.object(d.payloads, key); gjson.Get(stored, "id").Str != "c/workflow-first/a" {
		d.t.Errorf("pre-batch tells %s, where %s lies", told, stored)
	}
	result := d.must("post-batch", []byte(fmt.Sprintf(`{"Parameters":{"url_out":%q}}`, gjson.Get(told, "url").Str)))
	if gjson.Get(result, "features.#").Int() != 2 {
		d.t.Errorf("post-batch gives %s", result)
	}
	published := d.must("publish", []byte(strings.ReplaceAll(chained, "DATA", d.data)))
	if gjson.Get(published, "features.0.links.#").Int() == 0 || gjson.Get(d.object(d.data, "c/a.json"), "id").Str != "a" {
		d.t.Errorf("publish gives %s", published)
	}
}

// checkMistakes has each be an error that says what is wrong.
func (d *functions) checkMistakes() {
	d.t.Helper()
	for _, c := range []struct {
		function  string
		event     []byte
		errorType string
		says      []string
	}{
		{"update-state", []byte(chained), "InvalidEvent", []string{"Step Functions Execution Status Change"}},
		{"cirrus-dev-api", document(d.t, "timer"), "InvalidEvent", []string{"no path"}},
		{"pre-batch", []byte(`{"Records":[]}`), "stactask.exceptions.InvalidInput", []string{"0 payloads"}},
		{"post-batch", []byte(`{"error":{"Error":"States.TaskFailed","Cause":"{}"}}`), "Error", []string{"not attempted"}},
		{"process", []byte(`{"url":"s3://nobody-has-this/x.json"}`), "Error", []string{"1 of 1 payloads", "s3://nobody-has-this/x.json"}},
		{"bare", []byte(`{}`), "Error", []string{"CIRRUS_STATE_DB is not set", `CIRRUS_LOG_LEVEL cannot be "LOUD"`}},
		{"typo", []byte(`{}`), "Error", []string{`there is no handler "procession"`, "update-state"}},
	} {
		answer, err := d.invoke(c.function, c.event)
		var failed struct{ ErrorType, ErrorMessage string }
		if jsonErr := json.Unmarshal([]byte(answer), &failed); err == nil || jsonErr != nil || failed.ErrorType != c.errorType {
			d.t.Errorf("%s(%.60s) answers %s, %v", c.function, c.event, answer, err)
		}
		for _, want := range c.says {
			if !strings.Contains(failed.ErrorMessage, want) {
				d.t.Errorf("%s(%.60s) does not say %q: %s", c.function, c.event, want, failed.ErrorMessage)
			}
		}
	}
}

// checkWholeBatch has a batch fail in a deployment whose mapping does not listen to partial responses, and which names no dead letters, as those of
// Cirrus: what was done is gone from the queue, and the rest is not.
func (d *functions) checkWholeBatch() {
	d.t.Helper()
	good := strings.ReplaceAll(chained, "workflow-first/a", "workflow-first/whole")
	const bad = `{"another":"thing"}`
	for _, body := range []string{good, bad} {
		if _, err := d.queues.SendMessage(d.t.Context(), &sqs.SendMessageInput{QueueUrl: &d.process, MessageBody: &body}); err != nil {
			d.t.Fatal(err)
		}
	}
	if answer, err := d.invoke("whole", d.receive()); err == nil || !strings.Contains(answer, "1 of 2 messages were not handled") {
		d.t.Errorf("a batch of which a part failed is answered with %s, %v", answer, err)
	}
	if got := d.state("c/workflow-first/whole"); got != "PROCESSING" {
		d.t.Errorf("the record is %s", got)
	}
	eventually(d.t, "what failed comes again", func() bool {
		event := d.receive()
		if event == nil {
			return false
		}
		if n := gjson.GetBytes(event, "Records.#").Int(); n != 1 || gjson.GetBytes(event, "Records.0.body").Str != bad {
			d.t.Errorf("%d messages come again: %s", n, event)
		}
		return true
	})
}
