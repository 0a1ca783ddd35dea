package topic

import (
	"context"
	"errors"

	"sundog/internal/queue"
)

// mover moves messages to another queue, with their attributes: sent there and deleted here in one transaction. What that queue will
// never take, because it is too large, becomes a dead letter.
type mover struct{ s *subscription }

func (*mover) workers() int     { return 1 }
func (*mover) batch() int       { return 100 }
func (*mover) maxReceives() int { return untilItWorks }

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
	tx := v.s.topics.store.Begin()
	for _, m := range batch {
		moved := unpack(m)
		if _, err := to.SendTx(tx, queue.Draft{Body: m.Body, Attributes: queue.Traced(moved.Attributes, moved.Trace)}); err != nil {
			return err
		}
		if err := v.s.queue.DeleteTx(tx, m.Receipt); err != nil {
			return err
		}
	}
	return tx.Commit(context.WithoutCancel(ctx))
}

// refused reports whether the other queue will never take a message.
func refused(err error) bool {
	return errors.Is(err, queue.ErrTooLarge) || errors.Is(err, queue.ErrInvalidMessage)
}
