package event_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sundog/internal/event"
	"sundog/payload"
)

var moment = time.Date(2025, 3, 31, 23, 36, 41, 123456789, time.FixedZone("", 2*3600))

const arn = "arn:aws:states:us-east-1:1:execution:cirrus-wf:x"

func TestForms(t *testing.T) {
	const console = "https://us-east-1.console.aws.amazon.com/states/home?region=us-east-1#/v2/executions/details/" + arn
	for name, c := range map[string]struct {
		event           event.Event
		message, metric string
		attributes      []payload.Attribute
	}{
		"least": {
			event.New(event.ClaimedProcessing, "c1/workflow-wf/i1", moment),
			`{"event_type": "CLAIMED_PROCESSING", "payload_id": "c1/workflow-wf/i1", "isotimestamp": "2025-03-31T21:36:41.123456+00:00"}`,
			`{"event": "CLAIMED_PROCESSING", "workflow": "wf", "source": "c1", "execution_arn": null}`,
			[]payload.Attribute{{Name: "event_type", Type: "String", Value: "CLAIMED_PROCESSING"}, {Name: "workflow", Type: "String", Value: "wf"}, {Name: "collections", Type: "String", Value: "c1"}},
		},
		"all": {
			event.New(event.Failed, "ü/workflow-wf/i1", moment).WithURLs("s3://b/in", "s3://b/out").WithError("a \"b\"\n").WithExecution(arn),
			`{"event_type": "FAILED", "payload_id": "\u00fc/workflow-wf/i1", "isotimestamp": "2025-03-31T21:36:41.123456+00:00", "input_payload_url": "s3://b/in", "output_payload_url": "s3://b/out", "error": "a \"b\"\n", "execution": "` + console + `"}`,
			`{"event": "FAILED", "workflow": "wf", "source": "\u00fc", "execution_arn": "` + arn + `"}`,
			[]payload.Attribute{{Name: "event_type", Type: "String", Value: "FAILED"}, {Name: "workflow", Type: "String", Value: "wf"}, {Name: "collections", Type: "String", Value: "ü"}, {Name: "error", Type: "String", Value: "a \"b\"\n"}},
		},
		"no id": {
			event.New(event.NotAPayload, "missing", moment),
			`{"event_type": "NOT_A_PROCESS_PAYLOAD", "payload_id": "missing", "isotimestamp": "2025-03-31T21:36:41.123456+00:00"}`,
			`{"event": "NOT_A_PROCESS_PAYLOAD", "workflow": "could not parse", "source": "missing", "execution_arn": null}`,
			[]payload.Attribute{{Name: "event_type", Type: "String", Value: "NOT_A_PROCESS_PAYLOAD"}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			if got := c.event.Message(); got != c.message {
				t.Errorf("message\n %s\nwant\n %s", got, c.message)
			}
			if got := c.event.LogMetric(); got != c.metric {
				t.Errorf("log line\n %s\nwant\n %s", got, c.metric)
			}
			if diff := cmp.Diff(c.attributes, c.event.Attributes()); diff != "" {
				t.Errorf("attributes (-want +got):\n%s", diff)
			}
			back, err := event.Parse(c.message)
			if diff := cmp.Diff(c.event, back); diff != "" || err != nil {
				t.Errorf("read back: %v (-want +got):\n%s", err, diff)
			}
		})
	}
}

func TestParseRefuses(t *testing.T) {
	for _, message := range []string{``, `[]`, `{}`, `{"event_type": "FAILED", "payload_id": "x"}`, `{"payload_id": "x", "isotimestamp": "t"}`, `{"event_type": 5}`} {
		if e, err := event.Parse(message); err == nil {
			t.Errorf("%s is read as %+v", message, e)
		}
	}
}

func TestFormatTime(t *testing.T) {
	if got := event.FormatTime(time.Date(2025, 1, 2, 3, 4, 5, 0, time.UTC)); got != "2025-01-02T03:04:05.000000+00:00" {
		t.Errorf("a whole second is written %s", got)
	}
}

func BenchmarkMessage(b *testing.B) {
	e := event.New(event.Succeeded, "c1/workflow-wf/i1", moment).WithURLs("s3://b/in", "s3://b/out").WithExecution(arn)
	b.ReportAllocs()
	for b.Loop() {
		e.Message()
	}
}
