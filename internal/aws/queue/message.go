package queue

import (
	"context"
	"encoding/base64"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"sundog/internal/aws/bulk"
	"sundog/internal/queue"
)

// failures are those of the entries of a batch.
func failures(entries []int, failed []types.BatchResultErrorEntry) []bulk.Failure {
	all := make([]bulk.Failure, len(failed))
	for i, f := range failed {
		all[i] = bulk.Failure{Entry: bulk.Entry(entries, f.Id), SenderFault: f.SenderFault, Code: aws.ToString(f.Code), Message: aws.ToString(f.Message)}
	}
	return all
}

// seconds rounds up, so that nothing comes before its time.
func seconds(d time.Duration) int32 {
	return int32((d + time.Second - 1) / time.Second)
}

func entryOf(n int, d queue.Draft) types.SendMessageBatchRequestEntry {
	return types.SendMessageBatchRequestEntry{
		Id: bulk.ID(n), MessageBody: aws.String(string(d.Body)), DelaySeconds: seconds(d.Delay), MessageAttributes: attributesTo(d.Attributes),
	}
}

func attributesTo(attributes map[string]queue.Attribute) map[string]types.MessageAttributeValue {
	if len(attributes) == 0 {
		return nil
	}
	all := make(map[string]types.MessageAttributeValue, len(attributes))
	for name, a := range attributes {
		text, binary := bulk.Value(a)
		all[name] = types.MessageAttributeValue{DataType: aws.String(a.Type), StringValue: text, BinaryValue: binary}
	}
	return all
}

// messageOf makes a message of SQS's. What SQS does not say, or not in its form, is zero.
func messageOf(m types.Message) queue.Message {
	out := queue.Message{ID: aws.ToString(m.MessageId), Body: []byte(aws.ToString(m.Body)), Receipt: aws.ToString(m.ReceiptHandle)}
	if ms, err := strconv.ParseInt(m.Attributes[string(types.MessageSystemAttributeNameSentTimestamp)], 10, 64); err == nil {
		out.SentAt = time.UnixMilli(ms).UTC()
	}
	if n, err := strconv.Atoi(m.Attributes[string(types.MessageSystemAttributeNameApproximateReceiveCount)]); err == nil {
		out.ReceiveCount = n
	}
	if len(m.MessageAttributes) > 0 {
		out.Attributes = make(map[string]queue.Attribute, len(m.MessageAttributes))
		for name, a := range m.MessageAttributes {
			value := aws.ToString(a.StringValue)
			if a.BinaryValue != nil {
				value = base64.StdEncoding.EncodeToString(a.BinaryValue)
			}
			out.Attributes[name] = queue.Attribute{Type: aws.ToString(a.DataType), Value: value}
		}
	}
	return out
}

// count asks SQS how many messages a queue has.
func (q *Queue) count(ctx context.Context, url string) (queue.LaneDepth, error) {
	names := []types.QueueAttributeName{
		types.QueueAttributeNameApproximateNumberOfMessages, types.QueueAttributeNameApproximateNumberOfMessagesDelayed,
		types.QueueAttributeNameApproximateNumberOfMessagesNotVisible,
	}
	out, err := q.client.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{QueueUrl: &url, AttributeNames: names})
	if err != nil {
		return queue.LaneDepth{}, q.fail("counting", err)
	}
	var counts [3]int64
	for i, name := range names {
		if counts[i], err = strconv.ParseInt(out.Attributes[string(name)], 10, 64); err != nil {
			return queue.LaneDepth{}, q.fail("counting", err)
		}
	}
	return queue.LaneDepth{Ready: counts[0], Delayed: counts[1], InFlight: counts[2]}, nil
}
