package schedule

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"sundog/internal/access"
	"sundog/internal/embedded/store"
	"sundog/internal/queue"
	"sundog/internal/schedule"
)

// Create makes a schedule and returns it once it is on disk. When there is one with the draft's key it returns that, and made is
// false. Errors wrap schedule.ErrInvalid, also when the queue, function or topic of the action is not there, or are the store's.
func (s *Schedules) Create(ctx context.Context, d schedule.Draft) (rec schedule.Schedule, made bool, err error) {
	results, fresh, err := s.create(ctx, []schedule.Draft{d})
	if err == nil {
		err = results[0].Err
	}
	if err != nil {
		return schedule.Schedule{}, false, fmt.Errorf("making a schedule: %w", err)
	}
	return results[0].Schedule, fresh == 1, nil
}

// CreateMany makes schedules in one write and says what came of each draft, in their order, once that is on disk: a schedule, which for a key
// that is there already, or comes twice, is the one that has it; or why there is none. Up to schedule.MaxBatch. With an error none was made.
func (s *Schedules) CreateMany(ctx context.Context, drafts []schedule.Draft) ([]schedule.Made, error) {
	if len(drafts) > schedule.MaxBatch {
		return nil, fmt.Errorf("%w: %d at once; send up to %d", schedule.ErrInvalid, len(drafts), schedule.MaxBatch)
	}
	results, _, err := s.create(ctx, drafts)
	if err != nil {
		return nil, fmt.Errorf("making schedules: %w", err)
	}
	return results, nil
}

func (s *Schedules) create(ctx context.Context, drafts []schedule.Draft) (results []schedule.Made, fresh int, err error) {
	var keys []string
	for _, d := range drafts {
		if d.Key != "" {
			keys = append(keys, keyLock(d.Key))
		}
	}
	unlock, err := s.lockAll(ctx, keys)
	if err != nil {
		return nil, 0, err
	}
	defer unlock()
	results = make([]schedule.Made, len(drafts))
	byKey := make(map[string]int, len(keys)) // of this batch
	tx := s.store.Begin()
	for i, d := range drafts {
		if first, twice := byKey[d.Key]; twice {
			results[i] = results[first]
			continue
		}
		rec, made, err := s.createTx(ctx, tx, d)
		if err != nil && !errors.Is(err, schedule.ErrInvalid) {
			return nil, 0, err
		}
		results[i] = schedule.Made{Schedule: rec, Err: err}
		if made {
			fresh++
		}
		if d.Key != "" && err == nil {
			byKey[d.Key] = i
		}
	}
	if fresh > 0 {
		err = tx.Commit(ctx)
	}
	return results, fresh, err
}

// keyLock is the name of the lock of a client's key, which is no id.
func keyLock(key string) string { return "key/" + key }

// createTx makes a schedule, unless there is one with its key. With an ErrInvalid nothing was added to the transaction.
func (s *Schedules) createTx(ctx context.Context, tx *store.Tx, d schedule.Draft) (rec schedule.Schedule, made bool, err error) {
	if d.Key != "" {
		id, err := s.store.Get(clientKey(d.Key))
		if err == nil {
			if rec, err = s.read(string(id)); err == nil {
				return rec, false, nil
			}
		}
		if !errors.Is(err, store.ErrNotFound) && !errors.Is(err, schedule.ErrNotFound) { // the latter: it has just been cancelled
			return rec, false, err
		}
	}
	now := s.opts.Now().UTC()
	rec, err = schedule.Make(s.opts.NewID(), access.Actor(ctx), d, now)
	if err == nil {
		err = s.checkTarget(ctx, rec.Action)
	}
	if err == nil {
		err = s.tellTx(tx, event(rec, schedule.EventCreated, rec.Next))
	}
	if err == nil {
		rec, err = s.settleTx(tx, rec, now)
	}
	if err == nil {
		err = s.writeTx(tx, rec)
	}
	if err != nil {
		return schedule.Schedule{}, false, err
	}
	if d.Key != "" {
		tx.Set(clientKey(d.Key), []byte(rec.ID))
	}
	return rec, true, nil
}

// checkTarget looks whether what an action names is there.
func (s *Schedules) checkTarget(ctx context.Context, a schedule.Action) error {
	switch {
	case a.Queue != nil:
		if most := queue.MaxAttributes - len(delivery{Attempt: 1}.attempt().Marks()); len(a.Queue.Attributes) > most {
			return schedule.Wrong("action.queue.attributes", fmt.Sprintf("%d entries", len(a.Queue.Attributes)), "at most %d: Sundog adds its own", most)
		}
		if _, err := s.opts.Queues.Queue(ctx, a.Queue.Queue); err != nil || slices.Contains(s.opts.Refused, a.Queue.Queue) {
			return schedule.Wrong("action.queue.queue", a.Queue.Queue, "a queue of the project, which is declared in sundog.yaml")
		}
	case a.Lambda != nil:
		if s.opts.Functions == nil || !s.opts.Functions.Known(a.Lambda.Function) {
			return schedule.Wrong("action.lambda.function", a.Lambda.Function, "a function that is declared in sundog.yaml")
		}
	case a.Custom != nil:
		if !s.opts.Topics.Known(topicName(a.Custom.Topic)) {
			return schedule.Wrong("action.custom.topic", a.Custom.Topic, "a topic that is declared in sundog.yaml or has a subscription")
		}
	case a.Payload != nil:
		q, err := s.opts.Queues.Queue(ctx, s.opts.ProcessQueue)
		if err != nil {
			return err
		}
		if lanes := q.Config().Lanes; a.Payload.Lane != "" && !slices.Contains(lanes, a.Payload.Lane) {
			return schedule.Wrong("action.payload.lane", a.Payload.Lane, "one of %v", lanes)
		}
	}
	return nil
}
