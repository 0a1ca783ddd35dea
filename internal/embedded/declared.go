package embedded

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"sundog/internal/schedule"
)

// declareSchedules keeps the schedules of the project in step with its file: new ones are made, changed ones changed, and those that it does
// not name any more cancelled. One that stays as it was keeps its id, its next point in time, and, when it is paused, its pause. Each step
// is a write of its own: a start that is cut off leaves the rest to the next.
func (p *Platform) declareSchedules(ctx context.Context) error {
	declared := make(map[string]bool, len(p.Project.Schedules))
	for _, s := range p.Project.Schedules {
		d := s.Draft
		d.Key = schedule.ProjectKey(s.Name)
		declared[d.Key] = true
		err := p.declareSchedule(ctx, d)
		if errors.Is(err, schedule.ErrInvalid) { // it never fires again, say: no reason not to start
			p.logger.Warn("a schedule of the project does not fire", "schedule", s.Name, "error", err)
			continue
		}
		if err != nil {
			return fmt.Errorf("schedule %s of the project: %w", s.Name, err)
		}
	}
	for q := (schedule.Query{KeyPrefix: schedule.ProjectKey(""), Limit: schedule.MaxLimit}); ; {
		page, err := p.Schedules.List(ctx, q)
		if err != nil {
			return fmt.Errorf("looking for schedules that the project does not name any more: %w", err)
		}
		for _, s := range page.Schedules {
			if declared[s.Key] {
				continue
			}
			if err := p.Schedules.Cancel(ctx, s.ID); err != nil && !errors.Is(err, schedule.ErrProcessed) && !errors.Is(err, schedule.ErrNotFound) {
				return fmt.Errorf("schedule %s, which the project does not name any more: %w", s.Name, err)
			}
		}
		if page.Next == "" {
			return nil
		}
		q.After = page.Next
	}
}

func (p *Platform) declareSchedule(ctx context.Context, d schedule.Draft) error {
	there, made, err := p.Schedules.Create(ctx, d)
	if err != nil || made {
		return err
	}
	same, err := sameDraft(there.Draft, d)
	if err != nil || same {
		return err
	}
	_, err = p.Schedules.Change(ctx, there.ID, d)
	return err
}

// sameDraft says whether a schedule is what a draft asks for.
func sameDraft(a, b schedule.Draft) (bool, error) {
	one, err := json.Marshal(a.Complete())
	if err != nil {
		return false, err
	}
	other, err := json.Marshal(b.Complete())
	return bytes.Equal(one, other), err
}
