package template_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"sundog/internal/aws/template"
)

const without = `-- sundog.yaml --
functions:
  shell: { type: command, command: [sh, -c, "true"] }
  served: { type: http, url: "http://127.0.0.1:9000/" }
  echo: { type: builtin, builtin: echo }
  script: { type: lambda, command: [sh, run.sh] }
jobs:
  short: { command: [sh, run.sh], timeout: 5s }
queues: [q]
topics: [t]
tables: { items: { partition_key: id, stream: true } }
resources: { /item: { table: items, id: id } }
connections: { open: { headers: { A: b } } }
subscriptions:
  - { name: file, topic: publish, file: out.ndjson }
  - { name: bus, topic: default, queue: q }
  - { name: hook, topic: publish, webhook: { url: "https://example.com/", secret: x } }
triggers:
  posted: { source: { queue: q }, target: { webhook: { url: "https://example.com/" } } }
  told: { source: { topic: t }, target: { queue: q } }
  ended: { source: { events: }, target: { queue: q } }
  quick: { source: { schedule: rate(10 seconds) }, target: { queue: q } }
  timed: { source: { schedule: rate(1 hour) }, filter: { a: [b] }, input: { id: <$.id> }, target: { queue: q } }
schedules:
  asked: { expression: rate(1 hour), request: { url: "https://example.com/" } }
  both: { expression: 0 0 1 * 1, queue: q }
  headed: { expression: 0 0 * * */2, queue: q, headers: { a: b } }
workflows:
  w: { definition: w.asl.yaml }
retention: { records: { SUCCEEDED: 1d } }
egress: { allow: [10.0.0.1] }
-- run.sh --
-- w.asl.yaml --
StartAt: Put
States:
  Put: { Type: Task, Resource: "arn:aws:states:::events:putEvents", Parameters: { Entries: [{ EventBusName: t, Detail: {} }] }, Next: Ask }
  Ask: { Type: Task, Resource: "arn:aws:states:::http:invoke", Parameters: { ApiEndpoint: "https://example.com/", Method: GET }, Next: Scan }
  Scan: { Type: Task, Resource: "arn:aws:states:::aws-sdk:sagemaker:listModels", Parameters: {}, End: true }
`

// TestComplaints lists what has no counterpart on AWS, each at its place, and checks that the rest of the template stands.
func TestComplaints(t *testing.T) {
	p, opts := load(t, unpack(t, txtar.Parse([]byte(without))))
	plan, diagnostics := template.Plan(p, opts)
	var got []string
	for _, d := range diagnostics {
		place, reason, _ := strings.Cut(d.String(), ": warning: ")
		reason, _, _ = strings.Cut(reason, " (")
		got = append(got, strings.TrimPrefix(place, "sundog.yaml:")+" "+reason)
	}
	want := []string{
		"2:12 function shell is a command, which Lambda does not run",
		"3:13 function served is an HTTP server",
		"4:11 function echo is the builtin echo, which a deployment does not have",
		`5:27 function script runs "sh", which Lambda's runtime does not have`,
		"7:35 job short: an attempt has at least 60 s on AWS",
		"11:14 resource /item is served by a server alone",
		"12:16 connection open shows no credentials, and one of AWS has to",
		"14:35 subscription file writes a file, for which there is nothing on AWS",
		"15:5 subscription bus is of the event bus, whose targets are rules",
		"16:35 subscription hook: SNS calls webhooks in its own form",
		"18:45 trigger posted calls a webhook, which needs an API destination",
		"19:11 trigger told watches a topic, whose messages have another form on AWS",
		"20:12 trigger ended watches a topic, whose messages have another form on AWS",
		"21:22 EventBridge has no rate in seconds: rate(10 seconds)",
		"22:48 trigger timed: a schedule of EventBridge has no filter",
		"22:68 trigger timed: a schedule of EventBridge knows its time alone",
		"24:38 schedule asked makes a request, which schedules of EventBridge do not",
		`25:11 a day of the month or of the week, as in "0 0 1 * 1", cannot be said to EventBridge`,
		"26:48 schedule headed: messages of EventBridge have no attributes",
		"28:3 workflow w calls aws-sdk:sagemaker:listModels, whose permissions are not known here",
		"28:3 workflow w puts events on the bus t, which is a topic here and an event bus there",
		"28:3 workflow w makes requests without a connection, which AWS does not",
		"29:1 records are kept for good on AWS",
		"30:1 egress is that of a server alone",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("complaints (-want +got):\n%s", diff)
	}
	if plan == nil {
		t.Fatal("there is no template")
	}
	text, err := plan.YAML()
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), "ShellFunctionArn") || !strings.Contains(string(text), "cron(0 0 ? * */2 *)") {
		t.Errorf("what stands for a command, or the expression of a schedule, is not in\n%s", text)
	}
}

// TestRefused makes no template of what would be refused.
func TestRefused(t *testing.T) {
	name := strings.Repeat("w", 78)
	p, opts := load(t, unpack(t, txtar.Parse([]byte("-- sundog.yaml --\nworkflows: { "+name+": { definition: w.asl.yaml } }\n-- w.asl.yaml --\nStartAt: P\nStates: { P: { Type: Succeed } }\n"))))
	if plan, diagnostics := template.Plan(p, opts); plan != nil || diagnostics.Errors() != 1 || diagnostics[0].Line != 1 {
		t.Errorf("a name that is too long made %v and %v", plan, diagnostics)
	}
	for _, prefix := range []string{"", "a", "Upper", "1st", "ends-", strings.Repeat("a", 20)} {
		if err := (template.Options{Prefix: prefix}).Check(); err == nil {
			t.Errorf("the prefix %q is taken", prefix)
		}
	}
}
