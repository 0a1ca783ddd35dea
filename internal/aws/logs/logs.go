// Package logs reads what jobs have logged, from CloudWatch Logs.
package logs

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
)

// Group is a log group. It is safe for concurrent use.
type Group struct {
	client *cloudwatchlogs.Client
	name   string
}

// New gives the group of a name.
func New(client *cloudwatchlogs.Client, name string) *Group { return &Group{client, name} }

// maxPages bounds how far LastLine looks back: pages may be empty before the first event comes ("GetLogEvents", Amazon CloudWatch Logs API
// Reference).
const maxPages = 10

// LastLine returns the last event of a stream, which may have several lines; ok is false when there is no such stream or nothing in it.
func (g *Group) LastLine(ctx context.Context, stream string) (line string, ok bool, err error) {
	in := &cloudwatchlogs.GetLogEventsInput{LogGroupName: &g.name, LogStreamName: &stream, Limit: aws.Int32(1), StartFromHead: aws.Bool(false)}
	for range maxPages {
		out, err := g.client.GetLogEvents(ctx, in)
		if _, missing := errors.AsType[*types.ResourceNotFoundException](err); missing {
			return "", false, nil
		}
		if err != nil {
			return "", false, fmt.Errorf("reading the end of the log %s of %s: %w", stream, g.name, err)
		}
		if n := len(out.Events); n > 0 {
			return aws.ToString(out.Events[n-1].Message), true, nil
		}
		if aws.ToString(out.NextBackwardToken) == aws.ToString(in.NextToken) { // the same token again: this is the beginning
			break
		}
		in.NextToken = out.NextBackwardToken
	}
	return "", false, nil
}
