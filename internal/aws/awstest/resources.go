package awstest

import (
	"fmt"
	"path"
	"strconv"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// Bucket makes an empty bucket and returns its name.
func (a *AWS) Bucket(t testing.TB) (name string) {
	t.Helper()
	name = Name("bucket")
	if _, err := s3.NewFromConfig(a.Config()).CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: &name}); err != nil {
		t.Fatalf("making a bucket: %v", err)
	}
	return name
}

// Queue makes an empty queue with attributes of SQS's CreateQueue, such as VisibilityTimeout, and returns its URL.
func (a *AWS) Queue(t testing.TB, attributes map[string]string) (url string) {
	t.Helper()
	name := Name("queue")
	out, err := sqs.NewFromConfig(a.Config()).CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: &name, Attributes: attributes})
	if err != nil {
		t.Fatalf("making a queue: %v", err)
	}
	return *out.QueueUrl
}

// QueueWithDeadLetters makes two queues, of which the second gets what was received from the first as often as receives says, and returns their
// URLs.
func (a *AWS) QueueWithDeadLetters(t testing.TB, visibility time.Duration, receives int) (url, dead string) {
	t.Helper()
	dead = a.Queue(t, nil)
	return a.Queue(t, map[string]string{
		string(types.QueueAttributeNameVisibilityTimeout): strconv.Itoa(int(visibility.Seconds())),
		string(types.QueueAttributeNameRedrivePolicy):     fmt.Sprintf(`{"deadLetterTargetArn":%q,"maxReceiveCount":%d}`, QueueARN(dead), receives),
	}), dead
}

// QueueARN is the ARN of a queue with this URL.
func QueueARN(url string) string {
	return "arn:aws:sqs:" + Region + ":" + Account + ":" + path.Base(url)
}

// Topic makes a topic and returns its ARN.
func (a *AWS) Topic(t testing.TB) (arn string) {
	t.Helper()
	name := Name("topic")
	out, err := sns.NewFromConfig(a.Config()).CreateTopic(t.Context(), &sns.CreateTopicInput{Name: &name})
	if err != nil {
		t.Fatalf("making a topic: %v", err)
	}
	return *out.TopicArn
}

// Subscribe makes a queue that gets what is published on a topic, raw (the body as it is, the attributes as the message's) or in SNS's envelope,
// and returns its URL.
func (a *AWS) Subscribe(t testing.TB, topic string, raw bool) (url string) {
	t.Helper()
	url = a.Queue(t, nil)
	protocol, endpoint := "sqs", QueueARN(url)
	_, err := sns.NewFromConfig(a.Config()).Subscribe(t.Context(), &sns.SubscribeInput{
		TopicArn: &topic, Protocol: &protocol, Endpoint: &endpoint, Attributes: map[string]string{"RawMessageDelivery": strconv.FormatBool(raw)},
	})
	if err != nil {
		t.Fatalf("subscribing to %s: %v", topic, err)
	}
	return url
}
