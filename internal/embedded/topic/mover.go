package topic

import (
	"context"
	"errors"

	"sundog/internal/queue"
)

// mover moves messages to another queue: sent there and deleted here in one transaction.
type mover struct{ s *subscription }

const moveBatch = 100

func (*mover) batch() int   { return moveBatch }
func (*mover) workers() int { return 1 }

func (v *mover) deliver(ctx context.Context, batch []queue.Message) error {
	err := v.move(ctx, batch...)
	if !refused(err) {
		return err
	}
	for _, m := range batch { // one of them is at fault
		err := v.move(ctx, m)
		if refused(err) {
			err = v.s.queue.DeadLetter(ctx, m.Receipt, err.Error())
		}
		if err != nil && !errors.Is(err, queue.ErrStaleReceipt) {
			return err
		}
	}
	return nil
}

func (v *mover) move(ctx context.Context, batch ...queue.Message) error {
	to, err := v.s.topics.queues.Queue(ctx, v.s.Queue)
	if err != nil {
		return err
	}
	drafts := make([]queue.Draft, len(batch))
	receipts := make([]string, len(batch))
	for i, m := range batch {
		drafts[i] = queue.Draft{Body: m.Body, Attributes: unpack(m).Attributes}
		receipts[i] = m.Receipt
	}
	tx := v.s.topics.store.Begin()
	if _, err := to.SendTx(tx, drafts...); err != nil {
		return err
	}
	if err := v.s.queue.DeleteTx(tx, receipts...); err != nil {
		return err
	}
	return tx.Commit(ctx)
}

// refused reports whether the other queue will never take the message.
func refused(err error) bool {
	return errors.Is(err, queue.ErrTooLarge) || errors.Is(err, queue.ErrInvalidMessage)
}
