// Package schedule is delayer-aws on DynamoDB and SQS: schedules with one point in time (package sundog/internal/schedule says what a schedule is
// and promises; requests have the form of package delayerapi). What comes again is the business of EventBridge.
//
// The table holds what is not yet in the delay queue. A schedule is NEW there until its time is no further away than the queue can delay a
// message; then a message goes into the queue, the record becomes PROCESSED, and it is not written again. When the message becomes visible, it is
// published on the topic of its action, where a function carries it out.
//
// # Promises
//
//   - What was acknowledged is in the table. Each step is repeated until it is done: a crash before the record is PROCESSED leaves it NEW,
//     for the next minute. What is NEW does not expire, however late it is.
//   - A message has a ticket, and the conditional write that makes the record PROCESSED names it. Only the message with that ticket is
//     published. So it does not matter how often, or from how stale an index, a schedule is put into the queue.
//   - A message that SQS hands out twice, or whose publication was not acknowledged, is published again. Each delivery has the schedule's id and
//     point in time.
//   - Nobody reads the whole table. The index "slot" has what is NEW, in 16 partitions, in the order of time: a minute costs 16 queries, and what
//     was missed for however long is found by the next.
//   - An event is published before what it tells of a step that is repeated (enqueued, fired), so that none is lost and some come twice. Those of
//     requests and deliveries (created, changed, cancelled; delivered, failed) are published after what they tell; one that cannot be is logged.
package schedule

import (
	"cmp"
	"context"
	"crypto/rand"
	"log/slog"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/google/uuid"

	"sundog/internal/queue"
	"sundog/internal/schedule"
	"sundog/internal/topic"
)

// Window is how long before its point in time a schedule goes into the queue: a minute less than SQS can delay a message (SQS API Reference,
// SendMessage, DelaySeconds).
const Window = 14 * time.Minute

// Sender is a queue. It returns the id of each message that was sent, empty for those that were not.
type Sender interface {
	Send(ctx context.Context, drafts ...queue.Draft) ([]string, error)
}

// Publisher is a topic. It returns the id of each message that was published, empty for those that were not.
type Publisher interface {
	Publish(ctx context.Context, drafts ...topic.Draft) ([]string, error)
}

// Options are the parts of a deployment that schedules need.
type Options struct {
	Client *dynamodb.Client
	Table  string
	// Queue is where schedules wait for the last minutes.
	Queue Sender
	// Topics makes a topic of an ARN.
	Topics func(arn string) Publisher
	// Actions are the ARNs of the topics that what is due is published on, by type; not of custom actions, which name theirs. Only who makes
	// and changes schedules needs them.
	Actions map[schedule.ActionType]string
	// Events is where events are published; nil: nowhere.
	Events Publisher
	// Now is the clock; time.Now when nil.
	Now func() time.Time
	// Log is told what cannot be told anybody else; slog.Default when nil.
	Log *slog.Logger
}

// Schedules are the schedules of a table. They are safe for concurrent use.
type Schedules struct {
	opts  Options
	store store
	teller
}

// New makes schedules of a table and a queue that exist.
func New(opts Options) *Schedules {
	if opts.Now == nil {
		opts.Now = time.Now
	}
	opts.Log = cmp.Or(opts.Log, slog.Default())
	return &Schedules{opts: opts, store: store{opts.Client, opts.Table}, teller: teller{opts.Events, opts.Now, opts.Log}}
}

func newID() string { return uuid.NewString() }

func newTicket() string { return rand.Text() }
