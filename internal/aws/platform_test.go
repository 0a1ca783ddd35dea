package aws_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"sundog/internal/aws"
	"sundog/internal/aws/awstest"
	"sundog/internal/bucket"
	"sundog/internal/event"
	"sundog/internal/queue"
	"sundog/internal/statedb"
	"sundog/payload"
)

// open opens a deployment on stand-ins.
func open(t *testing.T, a *awstest.AWS, e aws.Environment) *aws.Platform {
	t.Helper()
	p := aws.Open(aws.Options{Config: a.Config(), Environment: e})
	t.Cleanup(p.Close)
	return p
}

func TestFetch(t *testing.T) {
	a := awstest.Start(t, awstest.Options{Standins: []awstest.Standin{awstest.Gofakes3}})
	name := a.Bucket(t)
	p := open(t, a, aws.Environment{PayloadBucket: name})
	if _, err := p.Bucket(name).Put(t.Context(), "a?b#c/x.json", []byte(`{}`), bucket.PutOptions{}); err != nil {
		t.Fatal(err)
	}
	if text, err := p.Fetch(t.Context(), "s3://"+name+"/a?b#c/x.json"); err != nil || string(text) != `{}` {
		t.Errorf("%s, %v", text, err)
	}
	for _, url := range []string{"s3://" + name + "/none", "s3://" + awstest.Name("nobody") + "/x", "s3://" + name + "/../x", "https://example.com/x", "", "s3://"} {
		if text, err := p.Fetch(t.Context(), url); !errors.Is(err, payload.ErrUnresolvable) {
			t.Errorf("%q: %s, %v", url, text, err)
		}
	}
}

func TestQueues(t *testing.T) {
	a := awstest.Start(t, awstest.Options{Standins: []awstest.Standin{awstest.Fauxqs}})
	url, dead := a.Queue(t, nil), a.Queue(t, nil)
	p := open(t, a, aws.Environment{DeadLetterQueueURL: dead})
	q, err := p.QueueOf(t.Context(), awstest.QueueARN(url))
	if err != nil || q != p.Queue(q.URL()) {
		t.Fatalf("%v, %v", q, err)
	}
	if _, err := q.Send(t.Context(), queue.Draft{Body: []byte("a")}); err != nil {
		t.Error(err)
	}
	if err := p.DeadLetters().Bury(t.Context(), queue.Message{Body: []byte("b")}, "for a test"); err != nil {
		t.Error(err)
	}
	for url, want := range map[string]string{url: "a", dead: "b"} {
		out, err := sqs.NewFromConfig(a.Config()).ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: &url})
		if err != nil || len(out.Messages) != 1 || *out.Messages[0].Body != want {
			t.Errorf("%s holds %v, %v", url, out, err)
		}
	}
	for _, arn := range []string{"", "queue", awstest.QueueARN("http://x/none")} {
		if _, err := p.QueueOf(t.Context(), arn); err == nil || !strings.Contains(err.Error(), arn) {
			t.Errorf("%q: %v", arn, err)
		}
	}
	if open(t, a, aws.Environment{}).DeadLetters() != nil {
		t.Error("dead letters go somewhere")
	}
}

// TestEventsWithoutATopic has the log group get workflow events in a deployment without a topic for them.
func TestEventsWithoutATopic(t *testing.T) {
	for _, c := range []struct {
		name string
		e    aws.Environment
		told bool
	}{
		{"nowhere", aws.Environment{}, false},
		{"a log group", aws.Environment{WorkflowLogGroup: "group"}, true},
		{"a topic", aws.Environment{EventTopicARN: "arn:aws:sns:us-east-1:123456789012:events"}, true},
	} {
		p := aws.Open(aws.Options{Environment: c.e})
		config := p.PipelineConfig()
		if got := config.EventTopic != ""; got != c.told || c.e.EventTopicARN != "" && config.EventTopic != c.e.EventTopicARN {
			t.Errorf("%s: events go to %q", c.name, config.EventTopic)
		}
		p.Close()
	}
}

// TestWorkflowEventsAreCounted sends an event where only the log group hears of it.
func TestWorkflowEventsAreCounted(t *testing.T) {
	cfg := awstest.Recorded(t, "testdata/workflow-event.json")
	p := aws.Open(aws.Options{
		Config: cfg, Environment: aws.Environment{WorkflowLogGroup: "workflows", PayloadBucket: "payloads"},
		Now: func() time.Time { return time.Date(2026, 1, 2, 3, 4, 6, 0, time.UTC) },
	})
	defer p.Close()
	e := event.Event{Type: event.Succeeded, PayloadID: "c/workflow-w/i", Time: "2026-01-02T03:04:05.678901+00:00"}
	err := p.Records().Emit(t.Context(), statedb.Effects{Publish: []statedb.Publication{{Topic: p.PipelineConfig().EventTopic, Body: []byte(e.Message())}}})
	if err != nil {
		t.Error(err)
	}
}

// TestPublishedURLs: other partitions of AWS have other domains.
func TestPublishedURLs(t *testing.T) {
	a := awstest.Start(t, awstest.Options{Standins: []awstest.Standin{awstest.Gofakes3}})
	for region, want := range map[string]string{
		"us-west-2": "https://%s.s3.us-west-2.amazonaws.com/", "us-gov-west-1": "https://%s.s3.us-gov-west-1.amazonaws.com/",
		"cn-north-1": "https://%s.s3.cn-north-1.amazonaws.com.cn/",
	} {
		data := a.Bucket(t)
		cfg := a.Config()
		cfg.Region = region
		p := aws.Open(aws.Options{Config: cfg, Environment: aws.Environment{PayloadBucket: data, PayloadRoot: "cirrus", DataBucket: data, CatalogID: "catalog"}})
		t.Cleanup(p.Close)
		out, err := p.Publish()(t.Context(), []byte(`{"type":"FeatureCollection","id":"c/workflow-w/i","process":[{"workflow":"w","upload_options":{}}],
			"features":[{"type":"Feature","stac_version":"1.0.0","id":"i","collection":"c","geometry":null,"properties":{"datetime":"2026-01-01T00:00:00Z"},"links":[],"assets":{}}]}`))
		if want = fmt.Sprintf(want, data); err != nil || !strings.Contains(string(out), want) {
			t.Errorf("%s: %v, want %s in %s", region, err, want, out)
		}
	}
}
