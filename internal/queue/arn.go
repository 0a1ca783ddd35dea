package queue

import (
	"fmt"
	"regexp"
)

// ARN is what the ARN of a queue of SQS says.
type ARN struct {
	Region  string `json:"region"`
	Account string `json:"account_id"`
	Name    string `json:"name"`
}

var arnForm = regexp.MustCompile(`^arn:aws:sqs:([-a-z0-9]+):(\d+):([-\w]{1,80})$`)

// ParseARN reads arn:aws:sqs:<region>:<account>:<name>. First-in-first-out queues, whose names end in .fifo, and other partitions than aws are
// not of this platform, so their ARNs are refused: the error wraps ErrNoQueue.
func ParseARN(text string) (ARN, error) {
	m := arnForm.FindStringSubmatch(text)
	if m == nil {
		return ARN{}, fmt.Errorf("%w: %q is no ARN like arn:aws:sqs:us-east-1:000000000000:NAME", ErrNoQueue, text)
	}
	return ARN{m[1], m[2], m[3]}, nil
}
