package lambda_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"sundog/internal/aws/lambda"
	"sundog/internal/pipeline"
	"sundog/internal/queue"
)

// verdicts plays the pipeline: a message's body says what becomes of it.
type verdicts struct{ got []queue.Message }

func (v *verdicts) outcome(body string) pipeline.Outcome {
	switch {
	case strings.Contains(body, "retry"):
		return pipeline.Outcome{Verdict: pipeline.Retry, Err: errors.New("it may pass")}
	case strings.Contains(body, "dead"):
		return pipeline.Outcome{Verdict: pipeline.DeadLetter, Err: errors.New("no such workflow")}
	}
	return pipeline.Outcome{Started: 1}
}

func (v *verdicts) Handle(_ context.Context, messages []queue.Message) []pipeline.Outcome {
	v.got = messages
	var all []pipeline.Outcome
	for _, m := range messages {
		all = append(all, v.outcome(string(m.Body)))
	}
	return all
}

func (v *verdicts) HandleMessages(ctx context.Context, messages []queue.Message) []pipeline.Outcome {
	return v.Handle(ctx, messages)
}

func (v *verdicts) HandleEvent(_ context.Context, event []byte, _ string) []pipeline.Outcome {
	return []pipeline.Outcome{v.outcome(string(event))}
}

// queues keeps what is deleted from a queue and sent to the dead letters.
type queues struct {
	asked   []string
	deleted []string
	dead    []string
	err     error
}

func (q *queues) queue(_ context.Context, arn string) (lambda.Deleter, error) {
	q.asked = append(q.asked, arn)
	return q, q.err
}

func (q *queues) Delete(_ context.Context, receipts ...string) error {
	q.deleted = append(q.deleted, receipts...)
	return nil
}

func (q *queues) Bury(_ context.Context, m queue.Message, reason string) error {
	if q.err == nil {
		q.dead = append(q.dead, m.ID+": "+reason)
	}
	return q.err
}

// batchOf is an event of messages m0, m1, … with these bodies.
func batchOf(t *testing.T, bodies ...string) []byte {
	t.Helper()
	var all [][]byte
	for i, body := range bodies {
		event := string(eventOf(t, "sqs", "BODY="+quoted(t, body)))
		event = strings.ReplaceAll(event, "059f36b4-87a3-44ab-83d2-661975830a7d", fmt.Sprintf("m%d", i))
		all = append(all, []byte(strings.ReplaceAll(event, "AQEBwJnKyrHigUMZj6rYigCgxlaS3SLy0a...", fmt.Sprintf("r%d", i))))
	}
	return together(t, all...)
}

func TestProcessBatches(t *testing.T) {
	const none = `{"batchItemFailures":[]}`
	for _, c := range []struct {
		name    string
		bodies  []string
		partial bool
		letters bool // there is a queue of dead letters
		broken  bool // no queue answers
		want    string
		errs    []string
		deleted []string
		dead    int
	}{
		{name: "all done", bodies: []string{"a", "b"}, partial: true, want: none},
		{name: "all done, whole batches", bodies: []string{"a", "b"}, want: none},
		{
			name: "a part failed", bodies: []string{"a", "retry", "b", "dead"}, partial: true,
			want: `{"batchItemFailures":[{"itemIdentifier":"m1"},{"itemIdentifier":"m3"}]}`,
		},
		{
			name: "a part failed, whole batches", bodies: []string{"a", "retry", "b", "dead"},
			errs: []string{"2 of 4 messages were not handled", "message m1: it may pass", "message m3: no such workflow"}, deleted: []string{"r0", "r2"},
		},
		{
			name: "what was done cannot be deleted", bodies: []string{"a", "retry"}, broken: true,
			errs: []string{"message m1: it may pass", "deleting the 1 messages that were handled"},
		},
		{name: "all failed", bodies: []string{"retry", "retry"}, partial: true, errs: []string{"2 of 2"}},
		{name: "all failed, whole batches", bodies: []string{"retry"}, errs: []string{"1 of 1"}},
		{
			name: "dead letters", bodies: []string{"dead", "retry", "a"}, partial: true, letters: true, dead: 1,
			want: `{"batchItemFailures":[{"itemIdentifier":"m1"}]}`,
		},
		{name: "dead letters alone", bodies: []string{"dead"}, letters: true, dead: 1, want: none},
		{name: "dead letters that are not taken", bodies: []string{"dead", "a"}, partial: true, letters: true, broken: true, want: `{"batchItemFailures":[{"itemIdentifier":"m0"}]}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			q := &queues{}
			if c.broken {
				q.err = errors.New("access denied")
			}
			b := lambda.Batches{Partial: c.partial, Queue: q.queue}
			if c.letters {
				b.DeadLetters = q
			}
			for handler, f := range map[string]lambda.Func{"process": lambda.Process(&verdicts{}, b), "update-state": lambda.UpdateState(&verdicts{}, b)} {
				q.deleted, q.dead, q.asked = nil, nil, nil
				answer, err := f(t.Context(), batchOf(t, c.bodies...))
				if string(answer) != c.want || (err == nil) != (c.errs == nil) {
					t.Fatalf("%s: %s, %v", handler, answer, err)
				}
				for _, want := range c.errs {
					if !strings.Contains(err.Error(), want) {
						t.Errorf("%s: %v does not tell of %q", handler, err, want)
					}
				}
				if !slices.Equal(q.deleted, c.deleted) || len(q.dead) != c.dead {
					t.Errorf("%s: deleted %v, dead letters %v", handler, q.deleted, q.dead)
				}
				for _, d := range q.dead {
					if d != "m0: no such workflow" {
						t.Errorf("%s: a dead letter %s", handler, d)
					}
				}
				for _, arn := range q.asked {
					if arn != "arn:aws:sqs:us-east-1:123456789012:cirrus-process" {
						t.Errorf("%s: asked for %s", handler, arn)
					}
				}
			}
		})
	}
}

func TestMessagesAreReadWhole(t *testing.T) {
	v := &verdicts{}
	if _, err := lambda.Process(v, lambda.Batches{})(t.Context(), eventOf(t, "sqs", `BODY="{\"id\":\"x\"}"`)); err != nil {
		t.Fatal(err)
	}
	m := v.got[0]
	if string(m.Body) != `{"id":"x"}` || m.ReceiveCount != 2 || !m.SentAt.Equal(time.UnixMilli(1732200000123)) || m.Trace().IsZero() ||
		m.Attributes["digest"] != (queue.Attribute{Type: "Binary", Value: "AAEC"}) {
		t.Errorf("%+v", m)
	}
}

func TestProcessEvents(t *testing.T) {
	for _, c := range []struct {
		name, event string
		want        string
		err         string
	}{
		{name: "a payload", event: `{"type":"FeatureCollection"}`, want: "1"},
		{name: "SNS", event: string(eventOf(t, "sns", `BODY="{}"`)), want: "1"},
		{name: "SNS that fails", event: string(eventOf(t, "sns", `BODY="retry"`)), err: "1 of 1 payloads were not processed: it may pass"},
		{name: "several sources", event: string(together(t, eventOf(t, "sqs", `BODY="dead"`), eventOf(t, "sns", `BODY="{}"`))), err: "no such workflow"},
		{name: "no JSON", event: `payload`, err: "process takes JSON"},
	} {
		answer, err := lambda.Process(&verdicts{}, lambda.Batches{})(t.Context(), []byte(c.event))
		if string(answer) != c.want || (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
			t.Errorf("%s: %s, %v", c.name, answer, err)
		}
	}
}

func TestUpdateStateEvents(t *testing.T) {
	event := func(status string) []byte {
		return eventOf(t, "status-change", "EXECUTION=arn:aws:states:us-east-1:123456789012:execution:cirrus-wf:x",
			"MACHINE=arn:aws:states:us-east-1:123456789012:stateMachine:cirrus-wf", "NAME=x", "STATUS="+status, "INPUT=null", "OUTPUT=null")
	}
	for _, c := range []struct {
		name    string
		event   []byte
		letters bool
		dead    int
		err     string
	}{
		{name: "applied", event: event("SUCCEEDED")},
		{name: "to be tried again", event: event("retry"), err: "it may pass"},
		{name: "dead", event: event("dead"), err: "no such workflow"},
		{name: "dead letters", event: event("dead"), letters: true, dead: 1},
		{name: "another event", event: eventOf(t, "timer"), err: `the source of this one is "aws.events"`},
		{name: "a payload", event: []byte(`{"type":"FeatureCollection"}`), err: "update-state takes"},
		{name: "a list", event: []byte(`[]`), err: "update-state takes"},
		{name: "SNS", event: eventOf(t, "sns", `BODY="{}"`), err: "update-state takes"},
	} {
		q := &queues{}
		b := lambda.Batches{}
		if c.letters {
			b.DeadLetters = q
		}
		answer, err := lambda.UpdateState(&verdicts{}, b)(t.Context(), c.event)
		if answer != nil || (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) || len(q.dead) != c.dead {
			t.Errorf("%s: %s, %v, %d dead letters", c.name, answer, err, len(q.dead))
		}
	}
}
