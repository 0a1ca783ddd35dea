package operator

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/google/uuid"

	"sundog/internal/api"
	"sundog/internal/audit"
	"sundog/internal/aws/queue"
	"sundog/internal/bucket"
	"sundog/internal/operations"
	"sundog/internal/problem"
	domainqueue "sundog/internal/queue"
	"sundog/internal/statedb"
	"sundog/payload"
)

// Bounds of payloads, in bytes.
const (
	maxPayload = 64 << 20                       // that is taken at all
	maxInline  = queue.DefaultMaxBytes - 16<<10 // that goes through the queue as it is, with room for attributes
	workTime   = 2 * time.Second                // that one request works on a job
)

// CheckLane implements operations.Intake: a queue on SQS has no lanes.
func (o *Operator) CheckLane(lane string) error {
	if lane != "" {
		return fmt.Errorf("%w: %q: queues on AWS have none", domainqueue.ErrUnknownLane, lane)
	}
	return nil
}

// CheckPayload implements operations.Intake.
func (o *Operator) CheckPayload(doc []byte) (id string, err error) {
	if len(doc) > maxPayload {
		return "", fmt.Errorf("the payload has more than %d bytes; send a reference to it: {\"url\": \"s3://…\"}", maxPayload)
	}
	return payload.Check(doc)
}

// Submit implements operations.Intake. With an error some of the payloads may be in the queue.
func (o *Operator) Submit(ctx context.Context, _ string, docs [][]byte) ([]string, error) {
	drafts := make([]domainqueue.Draft, len(docs))
	for i, doc := range docs {
		body, err := o.fit(ctx, doc)
		if err != nil {
			return nil, err
		}
		drafts[i] = domainqueue.Draft{Body: body}
	}
	if len(drafts) == 0 {
		return nil, nil
	}
	return o.process.Send(ctx, drafts...)
}

func (o *Operator) send(ctx context.Context, drafts []domainqueue.Draft) error {
	_, err := o.process.Send(ctx, drafts...)
	return err
}

// fit returns a payload as it can go through the queue: one that is too long is stored, and a reference takes its place.
func (o *Operator) fit(ctx context.Context, doc []byte) ([]byte, error) {
	if len(doc) <= maxInline {
		return doc, nil
	}
	at := o.env.Layout().Oversized(uuid.NewString())
	if _, err := o.records.Payloads.Put(ctx, at.Key, doc, bucket.PutOptions{ContentType: "application/json"}); err != nil {
		return nil, fmt.Errorf("storing a payload that is too long for the queue: %w", err)
	}
	return payload.Reference(at.String()), nil
}

// workJob works on a job for a while: on AWS nobody does but who waits for it.
func (o *Operator) workJob(r *http.Request) (api.Job, error) {
	return operations.JobOf(o.reruns.Work(r.Context(), r.PathValue("id"), workTime))
}

// deleteRecord deletes a record with its stored payloads. Its executions go when Step Functions forgets them.
func (o *Operator) deleteRecord(ctx context.Context, id payload.ID, d statedb.Deletion) error {
	r, err := o.db.Get(ctx, id)
	if err == nil {
		err = d.Check(&r)
	}
	if err == nil {
		entry := audit.Entry{At: o.opts.Now(), Kind: audit.Delete, Actor: d.Actor, Subject: id.String(), Reason: d.Reason}
		err = o.db.Replace(ctx, r, nil, statedb.Effects{Audit: []audit.Entry{entry}, Remove: r.Stored(o.env.Layout())})
	}
	if err != nil {
		return fmt.Errorf("deleting %s: %w", id, err)
	}
	return nil
}

// note tells the log what was done: CloudTrail has who called what.
func (o *Operator) note(r *http.Request, err error, kind audit.Kind, subject, reason string) error {
	o.opts.Logger.InfoContext(r.Context(), "done", "kind", kind, "actor", o.opts.Actor, "subject", subject, "reason", reason)
	return err
}

// health looks whether the state database can be worked with. How many records there are is what DynamoDB last counted, up to six hours ago.
func (o *Operator) health(r *http.Request) (api.Health, error) {
	if err := o.db.Check(r.Context()); err != nil {
		return api.Health{}, err
	}
	depth, err := o.process.Depth(r.Context())
	if err != nil {
		return api.Health{}, err
	}
	records, err := o.items(r.Context())
	if err != nil {
		return api.Health{}, problem.Wrap(problem.KindOf(classify(err)), err, "looking at the table")
	}
	return api.Health{Status: "ok", Version: o.opts.Version, Project: o.opts.Name, Records: records, Queued: depth.Total()}, nil
}
