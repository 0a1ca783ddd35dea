package schedule

import (
	"cmp"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	awsqueue "sundog/internal/aws/queue"
	"sundog/internal/delayerapi"
	"sundog/internal/errand"
	"sundog/internal/queue"
	"sundog/internal/schedule"
)

// ActionOptions are what actions are carried out with. Only what is used has to be there.
type ActionOptions struct {
	HTTP      *http.Client // see errand.NewClient; its transport says where requests may go
	Queues    *sqs.Client
	Functions *lambda.Client
	// Events is where events are published; nil: nowhere.
	Events Publisher
	// Now is the clock; time.Now when nil.
	Now func() time.Time
	// Log is told what cannot be told anybody else; slog.Default when nil.
	Log *slog.Logger
}

// Actions carry out the actions of schedules that have fired.
type Actions struct {
	opts ActionOptions
	teller
}

// NewActions makes actions.
func NewActions(opts ActionOptions) *Actions {
	if opts.Now == nil {
		opts.Now = time.Now
	}
	opts.Log = cmp.Or(opts.Log, slog.Default())
	return &Actions{opts: opts, teller: teller{opts.Events, opts.Now, opts.Log}}
}

// Carry makes one attempt to carry out an action of a type, for a message that Dispatch has published. Whoever calls tries again after an error
// and keeps the message when it gives up, as Lambda does with what topics send (AWS Lambda Developer Guide, How Lambda handles errors and
// retries with asynchronous invocation). The error wraps schedule.ErrInvalid when the message is not one.
func (a *Actions) Carry(ctx context.Context, t schedule.ActionType, message []byte) error {
	f, err := delayerapi.ReadFiring(message)
	if err != nil {
		return err
	}
	req, err := delayerapi.ParseFiring(t, f)
	if err != nil {
		return err
	}
	attempt := schedule.Delivery{ID: f.ScheduleID, Point: req.Draft.At, Action: req.Draft.Action, Context: req.Draft.Context}
	status, err := a.carry(ctx, attempt)
	if err != nil && ctx.Err() != nil {
		return fmt.Errorf("carrying out schedule %s: %w", f.ScheduleID, errors.Join(err, ctx.Err())) // no fault of the receiver
	}
	told := schedule.Event{Kind: schedule.EventDelivered, ScheduleID: f.ScheduleID, Action: t, PointInTime: attempt.Point, Status: status}
	if err != nil {
		told.Kind, told.Error = schedule.EventFailed, reason(err)
	}
	a.mention(ctx, told)
	if err != nil {
		return fmt.Errorf("carrying out schedule %s: %w", f.ScheduleID, err)
	}
	return nil
}

// carry makes an attempt. The status is that of HTTP, when there was one.
func (a *Actions) carry(ctx context.Context, d schedule.Delivery) (status int, err error) {
	switch {
	case d.Action.HTTP != nil && a.opts.HTTP != nil:
		o := errand.Run(ctx, a.opts.HTTP, d, a.opts.Now)
		return o.Status, o.Failure
	case d.Action.Queue != nil && a.opts.Queues != nil:
		return 0, a.send(ctx, d)
	case d.Action.Lambda != nil && a.opts.Functions != nil:
		return 0, a.call(ctx, d)
	}
	return 0, fmt.Errorf("%w: actions of type %s are not carried out here", schedule.ErrInvalid, d.Action.Type)
}

// send sends the message of a delivery to its queue, which is one of the same account and region.
func (a *Actions) send(ctx context.Context, d schedule.Delivery) error {
	name := d.Action.Queue.Queue
	found, err := a.opts.Queues.GetQueueUrl(ctx, &sqs.GetQueueUrlInput{QueueName: &name})
	if err != nil {
		return fmt.Errorf("looking up queue %s: %w", name, err)
	}
	q := awsqueue.New(a.opts.Queues, aws.ToString(found.QueueUrl), awsqueue.Options{})
	_, err = q.Send(ctx, queue.Draft{Body: []byte(d.Body()), Attributes: d.Attributes(d.Action.Queue.Attributes)})
	return err
}

// call invokes the function of a delivery and waits for it: only so does the function learn which delivery it is, and we whether it failed
// (Lambda API Reference, Invoke: ClientContext, FunctionError).
func (a *Actions) call(ctx context.Context, d schedule.Delivery) error {
	event, err := d.FunctionEvent()
	if err != nil {
		return err
	}
	about, err := d.ClientContext()
	if err != nil {
		return err
	}
	name := d.Action.Lambda.Function
	out, err := a.opts.Functions.Invoke(ctx, &lambda.InvokeInput{
		FunctionName: &name, Payload: event, ClientContext: aws.String(base64.StdEncoding.EncodeToString(about)),
	})
	if err != nil {
		return fmt.Errorf("invoking function %s: %w", name, err)
	}
	if out.FunctionError != nil {
		return fmt.Errorf("function %s failed: %.500s", name, out.Payload)
	}
	return nil
}
