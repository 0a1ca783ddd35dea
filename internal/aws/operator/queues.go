package operator

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"sundog/internal/api"
	"sundog/internal/aws/queue"
	"sundog/internal/operations"
	domain "sundog/internal/queue"
	"sundog/internal/request"
)

// The queues of a deployment, by the names that they have on every platform.
const (
	processQueue = "process"
	updateQueue  = "update-state"
)

func (o *Operator) queueNames() []string {
	names := []string{processQueue}
	if o.env.UpdateQueueURL != "" {
		names = append(names, updateQueue)
	}
	return names
}

// queueOf is the queue of a name.
func (o *Operator) queueOf(name string) (*queue.Queue, error) {
	switch {
	case name == processQueue:
		return o.process, nil
	case name == updateQueue && o.env.UpdateQueueURL != "":
		return o.opts.Platform.Queue(o.env.UpdateQueueURL), nil
	}
	return nil, fmt.Errorf("%w: %q: there are %v", domain.ErrNoQueue, name, o.queueNames())
}

func (o *Operator) queues(r *http.Request) (api.Queues, error) {
	all := api.Queues{Queues: []api.Queue{}}
	for _, name := range o.queueNames() {
		q, err := o.depth(r.Context(), name)
		if err != nil {
			return all, err
		}
		all.Queues = append(all.Queues, q)
	}
	return all, nil
}

func (o *Operator) queue(r *http.Request) (api.Queue, error) {
	return o.depth(r.Context(), r.PathValue("queue"))
}

// depth is how many messages a queue holds, about.
func (o *Operator) depth(ctx context.Context, name string) (api.Queue, error) {
	q, err := o.queueOf(name)
	if err != nil {
		return api.Queue{}, err
	}
	depth, err := q.Depth(ctx)
	if err != nil {
		return api.Queue{}, err
	}
	out := api.Queue{Name: name, Lanes: []api.Lane{}, DeadLetters: depth.Dead}
	for _, l := range depth.Lanes {
		out.Lanes = append(out.Lanes, api.Lane{Name: l.Name, Ready: l.Ready, Delayed: l.Delayed, InFlight: l.InFlight})
	}
	return out, nil
}

func (o *Operator) sendMessage(r *http.Request) (api.Message, error) {
	q, err := o.queueOf(r.PathValue("queue"))
	if err != nil {
		return api.Message{}, err
	}
	m, draft, err := operations.Draft(r)
	if err != nil {
		return api.Message{}, err
	}
	ids, err := q.Send(r.Context(), draft)
	if err != nil {
		return api.Message{}, err
	}
	return api.Message{ID: ids[0], Body: m.Body, Attributes: m.Attributes, Sent: time.Now().UTC()}, nil
}

func (o *Operator) deadLetters(r *http.Request) (api.DeadLetters, error) {
	q, err := o.queueOf(r.PathValue("queue"))
	if err != nil {
		return api.DeadLetters{}, err
	}
	page, err := request.PageOf(r)
	if err != nil {
		return api.DeadLetters{}, err
	}
	return operations.DeadLettersOf(r.Context(), q, page)
}

func (o *Operator) deadLetter(r *http.Request) (api.Message, error) {
	q, err := o.queueOf(r.PathValue("queue"))
	if err != nil {
		return api.Message{}, err
	}
	id := r.PathValue("id")
	all, err := q.DeadLetters(r.Context(), "", queue.MaxDeadLetters)
	if err != nil {
		return api.Message{}, err
	}
	for i := range all {
		if all[i].ID == id {
			return operations.MessageOf(&all[i]), nil
		}
	}
	return api.Message{}, fmt.Errorf("%w: %q", domain.ErrNoDeadLetter, id)
}

func (o *Operator) deleteDeadLetter(r *http.Request) (api.Moved, error) {
	q, err := o.queueOf(r.PathValue("queue"))
	if err != nil {
		return api.Moved{}, err
	}
	return api.Moved{Count: 1}, q.DeleteDeadLetter(r.Context(), r.PathValue("id"))
}

// purgeDeadLetters deletes all of them, and says how many there were, about.
func (o *Operator) purgeDeadLetters(r *http.Request) (api.Moved, error) {
	q, err := o.queueOf(r.PathValue("queue"))
	if err != nil {
		return api.Moved{}, err
	}
	depth, err := q.Depth(r.Context())
	if err != nil {
		return api.Moved{}, err
	}
	return api.Moved{Count: depth.Dead}, q.Purge(r.Context())
}

func (o *Operator) redriveDeadLetter(r *http.Request) (api.Moved, error) {
	q, err := o.queueOf(r.PathValue("queue"))
	if err != nil {
		return api.Moved{}, err
	}
	_, err = q.SendAgain(r.Context(), r.PathValue("id"))
	return api.Moved{Count: 1}, err
}

func (o *Operator) redriveAll(r *http.Request) (api.Moved, error) {
	q, err := o.queueOf(r.PathValue("queue"))
	if err != nil {
		return api.Moved{}, err
	}
	n, err := q.SendAllAgain(r.Context(), func(int64) {})
	return operations.SomeMoved(n, err, "sent again")
}

// items is how many records there are, as DynamoDB last counted them.
func (o *Operator) items(ctx context.Context) (int64, error) {
	client := dynamodb.NewFromConfig(o.opts.Platform.Config())
	out, err := client.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: &o.env.StateDB})
	if err != nil || out.Table.ItemCount == nil {
		return 0, err
	}
	return *out.Table.ItemCount, nil
}
