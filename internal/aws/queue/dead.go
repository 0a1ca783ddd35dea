package queue

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"sundog/internal/aws/bulk"
	"sundog/internal/queue"
)

// ErrNoDeadLetters is returned for a queue whose redrive policy names no queue for dead letters.
var ErrNoDeadLetters = errors.New("it has no queue for dead letters")

// ReasonAttribute is the attribute in which a dead letter that was not made by the redrive policy says why it is one. It is taken off when the letter is
// sent again.
const ReasonAttribute = "sundog.reason"

// Bounds of looking at dead letters.
const (
	// MaxDeadLetters is how many are looked at. Those that lie behind them are seen when there are fewer.
	MaxDeadLetters = 1000
	// looking is how long a dead letter that is looked at is hidden from others who look, when whoever looks is stopped in between.
	looking = 30 * time.Second
	// settled is how long to wait before there are no more: without a wait SQS asks a part of its servers only (Amazon SQS Developer Guide, Long polling).
	settled = time.Second
)

// DeadLetter makes a message that was received through this Queue a dead letter at once: it is sent to the queue for dead letters with the reason, then deleted.
// A crash in between leaves it in both. ErrStaleReceipt means that the message is not known any more; it comes again.
func (q *Queue) DeadLetter(ctx context.Context, receipt, reason string) error {
	if receipt == "" {
		return q.fail("burying a message of", queue.ErrInvalidReceipt)
	}
	m, ok := q.held.get(receipt)
	if !ok {
		return q.fail("burying a message of", queue.ErrStaleReceipt)
	}
	if err := q.Bury(ctx, m, reason); err != nil {
		return err
	}
	return q.Delete(ctx, receipt)
}

// Bury sends a message that was received by whatever means to the queue for dead letters, with the reason. Where it came from it is left alone.
func (q *Queue) Bury(ctx context.Context, m queue.Message, reason string) error {
	dead, err := q.deadURL(ctx)
	if err != nil {
		return err
	}
	_, err = q.send(ctx, dead, []queue.Draft{q.buried(m, reason)})
	return err
}

// buried is a message with the reason why it is a dead letter. Where that does not fit, it is cut or left out: the message is worth more.
func (q *Queue) buried(m queue.Message, reason string) queue.Draft {
	d := queue.Draft{Body: m.Body, Attributes: maps.Clone(m.Attributes)}
	if len(d.Attributes) == bulk.MaxAttributes {
		return d
	}
	if d.Attributes == nil {
		d.Attributes = map[string]queue.Attribute{}
	}
	reason = strings.Map(func(c rune) rune {
		if c < ' ' && c != '\n' {
			return ' '
		}
		return c
	}, reason)
	reason = strings.ToValidUTF8(reason[:min(len(reason), queue.MaxReason)], "")
	d.Attributes[ReasonAttribute] = queue.Attribute{Type: "String", Value: cmp.Or(reason, "none given")}
	if _, err := q.check(d); err != nil {
		delete(d.Attributes, ReasonAttribute)
	}
	return d
}

// deadURL finds the queue for dead letters.
func (q *Queue) deadURL(ctx context.Context) (string, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.dead != "" {
		return q.dead, nil
	}
	out, err := q.client.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{QueueUrl: &q.url, AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameRedrivePolicy}})
	if err != nil {
		return "", q.fail("looking for the dead letters of", err)
	}
	var policy struct {
		ARN string `json:"deadLetterTargetArn"`
	}
	text := out.Attributes[string(types.QueueAttributeNameRedrivePolicy)]
	if text == "" {
		return "", q.fail("looking for the dead letters of", ErrNoDeadLetters)
	}
	if err := json.Unmarshal([]byte(text), &policy); err != nil {
		return "", q.fail("reading the redrive policy of", err)
	}
	parts := strings.Split(policy.ARN, ":") // arn:aws:sqs:region:account:name
	if len(parts) != 6 {
		return "", q.fail("reading the redrive policy of", fmt.Errorf("%q is no ARN of a queue", policy.ARN))
	}
	found, err := q.client.GetQueueUrl(ctx, &sqs.GetQueueUrlInput{QueueName: &parts[5], QueueOwnerAWSAccountId: &parts[4]})
	if err != nil {
		return "", q.fail("looking for the dead letters of", fmt.Errorf("%s: %w", policy.ARN, err))
	}
	q.dead = aws.ToString(found.QueueUrl)
	return q.dead, nil
}

// DeadLetters returns up to limit dead letters (queue.MaxPage when limit is not positive or larger) that come after the one with the id after, in the order in which
// they were sent. It looks at MaxDeadLetters at most, and hides them from others who look until it returns.
func (q *Queue) DeadLetters(ctx context.Context, after string, limit int) (letters []queue.DeadLetter, err error) {
	if limit <= 0 || limit > queue.MaxPage {
		limit = queue.MaxPage
	}
	look, err := q.look(ctx, func(queue.Message) bool { return false })
	if err != nil {
		return nil, err
	}
	if err := look.release(ctx); err != nil {
		return nil, err
	}
	slices.SortFunc(look.seen, func(a, b queue.Message) int { return cmp.Or(a.SentAt.Compare(b.SentAt), cmp.Compare(a.ID, b.ID)) })
	if after != "" {
		look.seen = look.seen[slices.IndexFunc(look.seen, func(m queue.Message) bool { return m.ID == after })+1:]
	}
	for _, m := range look.seen[:min(limit, len(look.seen))] {
		letters = append(letters, letterOf(m))
	}
	return letters, nil
}

// letterOf takes the reason off a dead letter. When one died that the redrive policy has moved is not known.
func letterOf(m queue.Message) queue.DeadLetter {
	m.Receipt = ""
	letter := queue.DeadLetter{Message: m}
	if reason, ok := m.Attributes[ReasonAttribute]; ok {
		letter.Reason, letter.DiedAt = reason.Value, m.SentAt
		letter.Attributes = withoutReason(m.Attributes)
	}
	return letter
}

func withoutReason(attributes map[string]queue.Attribute) map[string]queue.Attribute {
	if len(attributes) == 0 {
		return nil
	}
	kept := maps.Clone(attributes)
	delete(kept, ReasonAttribute)
	if len(kept) == 0 {
		return nil
	}
	return kept
}

// SendAgain sends a dead letter to the queue as a new message and returns its id. A crash in between leaves it in both. It returns
// queue.ErrNoDeadLetter when the letter is not among those that are looked at.
func (q *Queue) SendAgain(ctx context.Context, id string) (string, error) {
	var sent string
	err := q.withLetter(ctx, id, func(m queue.Message, dead string) error {
		ids, err := q.Send(ctx, queue.Draft{Body: m.Body, Attributes: withoutReason(m.Attributes)})
		if err != nil {
			return err
		}
		sent = ids[0]
		return q.delete(ctx, dead, []string{m.Receipt})
	})
	return sent, err
}

// DeleteDeadLetter deletes a dead letter. It returns queue.ErrNoDeadLetter when the letter is not among those that are looked at.
func (q *Queue) DeleteDeadLetter(ctx context.Context, id string) error {
	return q.withLetter(ctx, id, func(m queue.Message, dead string) error { return q.delete(ctx, dead, []string{m.Receipt}) })
}

func (q *Queue) withLetter(ctx context.Context, id string, do func(m queue.Message, dead string) error) error {
	look, err := q.look(ctx, func(m queue.Message) bool { return m.ID == id })
	if err != nil {
		return err
	}
	if look.found == nil {
		err = q.fail("looking at the dead letters of", fmt.Errorf("%w: %s", queue.ErrNoDeadLetter, id))
	} else {
		err = do(*look.found, look.url)
	}
	return errors.Join(err, look.release(ctx))
}

// SendAllAgain sends all dead letters that there are when it begins to the queue as new messages, about in the order in which they were sent. It tells
// progress how many it has sent, and returns that number. What was sent before an error stays sent; a crash may leave some in both queues.
func (q *Queue) SendAllAgain(ctx context.Context, progress func(sent int64)) (sent int64, err error) {
	dead, err := q.deadURL(ctx)
	if err != nil {
		return 0, err
	}
	letters := New(q.client, dead, Options{MaxBytes: q.opts.MaxBytes})
	began, err := letters.clock(ctx)
	if err != nil {
		return 0, err
	}
	for {
		page, err := letters.Receive(ctx, queue.Request{Max: maxEntries, Visibility: looking, Wait: settled})
		if err != nil || len(page) == 0 {
			return sent, err
		}
		var drafts []queue.Draft
		var again, later []string
		for _, m := range page {
			if m.SentAt.After(began) { // what was sent again has died again
				later = append(later, m.Receipt)
				continue
			}
			drafts, again = append(drafts, queue.Draft{Body: m.Body, Attributes: withoutReason(m.Attributes)}), append(again, m.Receipt)
		}
		if err := letters.unhide(ctx, later); err != nil || len(drafts) == 0 {
			return sent, err
		}
		if _, err := q.Send(ctx, drafts...); err != nil {
			return sent, err
		}
		if err := letters.Delete(ctx, again...); err != nil {
			return sent, err
		}
		sent += int64(len(drafts))
		progress(sent)
	}
}

// clock is what time it is for SQS, to the second, and never before it.
func (q *Queue) clock(ctx context.Context) (time.Time, error) {
	out, err := q.client.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{QueueUrl: &q.url})
	if err != nil {
		return time.Time{}, q.fail("looking at", err)
	}
	now, ok := awsmiddleware.GetServerTime(out.ResultMetadata)
	if !ok {
		now = time.Now()
	}
	return now.Add(time.Second), nil
}

// Purge deletes all dead letters, in one call; SQS takes up to a minute for it (Amazon SQS API Reference, PurgeQueue).
func (q *Queue) Purge(ctx context.Context) error {
	dead, err := q.deadURL(ctx)
	if err != nil {
		return err
	}
	if _, err := q.client.PurgeQueue(ctx, &sqs.PurgeQueueInput{QueueUrl: &dead}); err != nil {
		return q.fail("deleting the dead letters of", err)
	}
	return nil
}

// look is dead letters that are being looked at, hidden from others.
type look struct {
	*Queue // of dead letters
	seen   []queue.Message
	found  *queue.Message
}

// look receives dead letters until there are no more, until it has seen as many as it looks at, or until one is found.
func (q *Queue) look(ctx context.Context, found func(queue.Message) bool) (*look, error) {
	dead, err := q.deadURL(ctx)
	if err != nil {
		return nil, err
	}
	l := &look{Queue: New(q.client, dead, Options{})}
	for len(l.seen) < MaxDeadLetters && l.found == nil {
		page, err := l.Receive(ctx, queue.Request{Max: maxEntries, Visibility: looking, Wait: settled})
		if err != nil {
			return nil, errors.Join(err, l.release(ctx))
		}
		if len(page) == 0 {
			break
		}
		for _, m := range page {
			if l.found == nil && found(m) {
				l.found = &m
			} else {
				l.seen = append(l.seen, m)
			}
		}
	}
	return l, nil
}

// release lets others see what was looked at.
func (l *look) release(ctx context.Context) error {
	receipts := make([]string, len(l.seen))
	for i, m := range l.seen {
		receipts[i] = m.Receipt
	}
	return l.unhide(ctx, receipts)
}

// unhide makes messages visible. Those that are not held any more are visible already, or gone.
func (q *Queue) unhide(ctx context.Context, receipts []string) error {
	for chunk := range slices.Chunk(receipts, maxEntries) {
		batch := make([]types.ChangeMessageVisibilityBatchRequestEntry, len(chunk))
		for i := range chunk {
			batch[i] = types.ChangeMessageVisibilityBatchRequestEntry{Id: bulk.ID(i), ReceiptHandle: &chunk[i]}
		}
		if _, err := q.client.ChangeMessageVisibilityBatch(ctx, &sqs.ChangeMessageVisibilityBatchInput{QueueUrl: &q.url, Entries: batch}); err != nil {
			return q.fail("showing messages of", err)
		}
	}
	return nil
}
