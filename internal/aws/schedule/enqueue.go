package schedule

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"sundog/internal/queue"
	"sundog/internal/schedule"
)

// The attributes of a message in the delay queue.
const (
	attributeTicket = "Sundog-Ticket"
	attributeAction = "Sundog-Action"
)

const (
	chunk     = 100 // schedules that are moved at a time, so that delays are right when they are sent
	partition = 4   // partitions of the index that are read at a time
	writes    = 16  // records of a chunk that are written at a time
)

// Enqueue moves the schedules whose time has come into the delay window from the table to the queue, and returns how many. It is called every
// minute, and may be called at any time and by several. What it could not move, for the error or because ctx ended, is moved the next time.
func (s *Schedules) Enqueue(ctx context.Context) (moved int, err error) {
	until := s.opts.Now().Add(Window)
	var sum atomic.Int64
	failures := make([]error, slots)
	var g errgroup.Group
	g.SetLimit(partition)
	for n := range slots {
		g.Go(func() error {
			failures[n] = s.store.due(ctx, slotName(n), until, func(page []record) error {
				for len(page) > 0 {
					size := min(chunk, len(page))
					n, err := s.move(ctx, page[:size])
					sum.Add(int64(n))
					if err != nil {
						return err
					}
					page = page[size:]
				}
				return nil
			})
			return nil // the other partitions go on
		})
	}
	_ = g.Wait()
	failed := slices.DeleteFunc(failures, func(err error) bool { return err == nil })
	if len(failed) > 0 { // mostly all for one reason
		return int(sum.Load()), fmt.Errorf("moving schedules into the queue, in %d of %d partitions: %w", len(failed), slots, failed[0])
	}
	return int(sum.Load()), nil
}

// move puts schedules that are NEW into the queue and makes them PROCESSED. It returns how many of them were.
func (s *Schedules) move(ctx context.Context, records []record) (moved int, err error) {
	now := s.opts.Now()
	drafts := make([]queue.Draft, len(records))
	tickets := make([]string, len(records))
	for i := range records {
		tickets[i] = newTicket()
		if drafts[i], err = records[i].draft(tickets[i], now); err != nil {
			return 0, err
		}
	}
	ids, sendErr := s.opts.Queue.Send(ctx, drafts...)
	var sent []int
	var events []schedule.Event
	for i, id := range ids {
		if id != "" {
			sent = append(sent, i)
			events = append(events, records[i].event(schedule.EventEnqueued))
		}
	}
	if err := s.tell(ctx, events...); err != nil {
		return 0, errors.Join(sendErr, err)
	}
	var sum atomic.Int64
	var g errgroup.Group
	g.SetLimit(writes)
	for _, i := range sent {
		g.Go(func() error {
			err := s.store.process(ctx, &records[i], tickets[i])
			if errors.Is(err, errChanged) { // somebody else moved, changed or cancelled it: the message will come to nothing
				return nil
			}
			if err == nil {
				sum.Add(1)
			}
			return err
		})
	}
	err = g.Wait()
	return int(sum.Load()), errors.Join(sendErr, err)
}

// draft is the message of a schedule in the delay queue.
func (r *record) draft(ticket string, now time.Time) (queue.Draft, error) {
	body, err := r.body()
	if err != nil {
		return queue.Draft{}, err
	}
	return queue.Draft{Body: body, Delay: min(max(0, r.point().Sub(now)), Window), Attributes: map[string]queue.Attribute{
		attributeTicket: {Type: "String", Value: ticket}, attributeAction: {Type: "String", Value: string(r.Action)},
	}}, nil
}
