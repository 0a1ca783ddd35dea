// Package metrics makes metrics of workflow events, by CloudWatch, as Cirrus does: a Watcher writes a line for each event to a log group, whose
// metric filters count the lines, and a Reader asks for the counts. Both forms are Cirrus's, so that its log groups, filters, dashboards and its own
// functions go on beside these.
//
// The lines are not in the embedded metric format: the filters that a deployment of Cirrus has would count such lines a second time. What the filters
// are is said at AllWorkflows and OneWorkflow.
package metrics

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/google/uuid"

	"sundog/internal/aws/bulk"
	"sundog/internal/event"
)

// Quotas of a call (Amazon CloudWatch Logs API Reference, PutLogEvents).
const (
	maxLines  = 10_000
	maxBytes  = 1 << 20
	lineBytes = 26 // that each line counts for beside its text
)

// recent is how far the time of an event may be from now. Another one is told under the time of now: the service takes no old lines.
const recent = time.Hour

// Watcher writes workflow events to a log group. It is safe for concurrent use.
type Watcher struct {
	client *cloudwatchlogs.Client
	group  string
	stream string
	now    func() time.Time

	mu   sync.Mutex
	made bool // the stream
}

// NewWatcher makes a Watcher for a log group, which exists; now is the clock, time.Now when nil. It writes to a stream of its own, which it makes
// when there is something to write.
func NewWatcher(client *cloudwatchlogs.Client, group string, now func() time.Time) *Watcher {
	if now == nil {
		now = time.Now
	}
	return &Watcher{client: client, group: group, stream: "workflow-metrics-" + uuid.NewString(), now: now}
}

// Watch writes a line for each event, given as the text of its message (event.Event.Message). They are one call unless there are 10,000 or 1 MiB of
// them. With an error some of the lines may have been written; a line that was written twice is counted twice.
func (w *Watcher) Watch(ctx context.Context, events [][]byte) error {
	lines, unread := w.lines(events)
	if len(lines) == 0 {
		return unread
	}
	if err := w.ready(ctx); err != nil {
		return err
	}
	sizes := make([]int, len(lines))
	for i, l := range lines {
		sizes[i] = len(*l.Message) + lineBytes
	}
	err := bulk.Send(ctx, sizes, bulk.Limits{Entries: maxLines, Bytes: maxBytes}, func(ctx context.Context, entries []int) ([]bulk.Failure, error) {
		return nil, w.put(ctx, lines[entries[0]:entries[len(entries)-1]+1])
	})
	if err != nil {
		err = fmt.Errorf("writing events to the log group %s: %w", w.group, err)
	}
	return errors.Join(err, unread)
}

// lines are those of the events, in the order of time.
func (w *Watcher) lines(events [][]byte) (lines []types.InputLogEvent, unread error) {
	now := w.now()
	for _, text := range events {
		e, err := event.Parse(string(text))
		if err != nil {
			unread = cmp.Or(unread, err)
			continue
		}
		at, err := time.Parse(event.TimeLayout, e.Time)
		if err != nil || now.Sub(at).Abs() > recent {
			at = now
		}
		line := e.LogMetric()
		if len(line)+lineBytes > maxBytes {
			unread = cmp.Or(unread, fmt.Errorf("the event %s of %.200q… is too long for a line of a log", e.Type, e.PayloadID))
			continue
		}
		lines = append(lines, types.InputLogEvent{Message: &line, Timestamp: aws.Int64(at.UnixMilli())})
	}
	slices.SortStableFunc(lines, func(a, b types.InputLogEvent) int { return cmp.Compare(*a.Timestamp, *b.Timestamp) })
	return lines, unread
}

// put writes lines. When somebody has deleted the stream, it makes it again.
func (w *Watcher) put(ctx context.Context, lines []types.InputLogEvent) error {
	in := &cloudwatchlogs.PutLogEventsInput{LogGroupName: &w.group, LogStreamName: &w.stream, LogEvents: lines}
	out, err := w.client.PutLogEvents(ctx, in)
	if _, gone := errors.AsType[*types.ResourceNotFoundException](err); gone {
		w.mu.Lock()
		w.made = false
		w.mu.Unlock()
		if err := w.ready(ctx); err != nil {
			return err
		}
		out, err = w.client.PutLogEvents(ctx, in)
	}
	if err != nil {
		return err
	}
	if r := out.RejectedLogEventsInfo; r != nil {
		return errors.New("some of them were rejected for their time: is the clock right, and what is kept longer than nothing?")
	}
	return nil
}

// ready makes the stream.
func (w *Watcher) ready(ctx context.Context) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.made {
		return nil
	}
	_, err := w.client.CreateLogStream(ctx, &cloudwatchlogs.CreateLogStreamInput{LogGroupName: &w.group, LogStreamName: &w.stream})
	if _, exists := errors.AsType[*types.ResourceAlreadyExistsException](err); err != nil && !exists {
		return fmt.Errorf("making a stream in the log group %s: %w", w.group, err)
	}
	w.made = true
	return nil
}
