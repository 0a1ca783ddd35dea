package schedule

import (
	"cmp"
	"fmt"
	"time"
	"unicode/utf8"
)

// Make makes a schedule of a draft. The error wraps ErrInvalid: a point in time that is not after now, or an expression that never fires, is
// refused here.
func Make(id, owner string, d Draft, now time.Time) (Schedule, error) {
	return Schedule{ID: id, Owner: owner, State: New, Created: now}.with(d, now)
}

// Change is the schedule with another draft. Its id, key and owner stay, and it stays paused. The error wraps ErrInvalid or ErrProcessed.
func (s Schedule) Change(d Draft, now time.Time) (Schedule, error) {
	if s.State != New {
		return s, fmt.Errorf("changing schedule %s: %w", s.ID, ErrProcessed)
	}
	d.Key, s.Changed = s.Key, now
	changed, err := s.with(d, now)
	if err != nil {
		return s, err
	}
	return changed, nil
}

func (s Schedule) with(d Draft, now time.Time) (Schedule, error) {
	if err := d.Check(); err != nil {
		return s, err
	}
	s.Draft = d.Complete()
	plan, err := s.Plan()
	if err != nil {
		return s, err
	}
	next, ok := plan.Next(now)
	switch {
	case ok && s.Paused:
		next = time.Time{}
	case ok:
	case !plan.at.IsZero():
		field, value := "at", d.At.Format(time.RFC3339Nano)
		if d.Expression != "" {
			field, value = "expression", d.Expression
		}
		return s, Wrong(field, value, "a time after now, %s%s", now.Format(time.RFC3339), d.until())
	default:
		return s, Wrong("expression", d.Expression, "it never fires after %s%s", now.Format(time.RFC3339), d.until())
	}
	return s.at(plan, next), nil
}

func (d Draft) until() string {
	if d.End.IsZero() {
		return ""
	}
	return " until " + d.End.Format(time.RFC3339)
}

// at sets the next point in time.
func (s Schedule) at(p Plan, next time.Time) Schedule {
	s.Next, s.Due = next, time.Time{}
	if !next.IsZero() {
		s.Due = p.Due(s.ID, next)
	}
	return s
}

// Complete is the draft with the defaults that a schedule writes down.
func (d Draft) Complete() Draft {
	if d.CatchUp == "" {
		d.CatchUp = CatchUpLast
	}
	return d
}

// Check looks at everything but whether there is a point in time to come. The error wraps ErrInvalid and names the field, the value and the
// allowed form.
func (d Draft) Check() error {
	for _, f := range []struct {
		field, value string
		limit        int
	}{{"key", d.Key, MaxKey}, {"name", d.Name, MaxName}, {"expression", d.Expression, MaxExpression}} {
		if len(f.value) > f.limit || !utf8.ValidString(f.value) {
			return Wrong(f.field, f.value, "UTF-8 of at most %d bytes", f.limit)
		}
	}
	switch {
	case d.At.IsZero() && d.Expression == "":
		return Wrong("at", "", "a time, or expression in its place")
	case !d.At.IsZero() && d.Expression != "":
		return Wrong("expression", d.Expression, "at or expression, not both")
	case d.At.After(latest()):
		return Wrong("at", fmt.Sprint(d.At.Year()), "a year up to 9999")
	case !d.Start.IsZero() && !d.End.IsZero() && d.End.Before(d.Start):
		return Wrong("end", d.End.Format(time.RFC3339), "not before start")
	}
	switch d.CatchUp {
	case "", CatchUpAll, CatchUpLast, CatchUpNone:
	default:
		return Wrong("catch_up", string(d.CatchUp), "all, last or none")
	}
	if err := within("flexible_seconds", d.FlexibleSeconds, 0, MaxFlexible); err != nil {
		return err
	}
	if err := d.Action.Check(); err != nil {
		return err
	}
	if err := d.Context.check(); err != nil {
		return err
	}
	if err := d.Retry.check(); err != nil {
		return err
	}
	_, err := d.Plan(time.Time{})
	return err
}

// Advance is what becomes of a schedule that is due: the point in time that fires now, or zero when none does, and the schedule with the
// next one, if there is one. It may be due as well; then it is to be advanced again. now is not before s.Due. The error wraps ErrInvalid: the
// schedule's zone or expression, which were right once, are not any more.
func (s Schedule) Advance(now time.Time) (fire time.Time, after Schedule, err error) {
	if !s.Recurring() {
		fire, s.State = s.Next, Processed
		return fire, s.at(Plan{}, time.Time{}), nil
	}
	plan, err := s.Plan()
	if err != nil {
		return time.Time{}, s, fmt.Errorf("when schedule %s fires: %w", s.ID, err)
	}
	fire = s.Next
	reached := fire // the latest point in time that is done with
	if now.Sub(s.Due) > Grace {
		switch s.CatchUp {
		case CatchUpAll:
		case CatchUpNone:
			// What is late by no more than the grace fires as usual, the next time.
			reached, fire = plan.lastDue(reached, now.Add(-Grace)), time.Time{}
		default:
			reached = plan.lastDue(reached, now)
			fire = reached
		}
	}
	next, ok := plan.Next(reached)
	if !ok {
		next, s.State = time.Time{}, Processed
	}
	return fire, s.at(plan, next), nil
}

// lastDue is the latest point in time after first that is certain to be due at a moment, wherever in its window it lies, or else first.
func (p Plan) lastDue(first, moment time.Time) time.Time {
	if last, ok := p.Last(first, moment.Add(-p.flexible)); ok {
		return last
	}
	return first
}

// Pause is the schedule without a next point in time. The error wraps ErrProcessed when there is none to come.
func (s Schedule) Pause() (Schedule, error) {
	if s.State != New {
		return s, fmt.Errorf("pausing schedule %s: %w", s.ID, ErrProcessed)
	}
	s.Paused, s.Next, s.Due = true, time.Time{}, time.Time{}
	return s, nil
}

// Resume is the schedule with its next point in time after now; what passed while it was paused is not caught up with. One with a single
// point in time that has passed fires at once. A schedule whose end has passed is Processed.
func (s Schedule) Resume(now time.Time) (Schedule, error) {
	if !s.Paused {
		return s, nil
	}
	plan, err := s.Plan()
	if err != nil {
		return s, fmt.Errorf("when schedule %s fires: %w", s.ID, err)
	}
	s.Paused = false
	if !plan.at.IsZero() {
		return s.at(plan, plan.at), nil
	}
	next, ok := plan.Next(now)
	if !ok {
		next, s.State = time.Time{}, Processed
	}
	return s.at(plan, next), nil
}

// Attempts is how often a delivery is attempted at most.
func (r Retry) Attempts() int { return cmp.Or(r.MaxAttempts, 5) }

// Pause is how long to wait after an attempt that failed, counted from 1.
func (r Retry) Pause(attempt int) time.Duration {
	longest := cmp.Or(r.MaxBackoffSeconds, 300)
	pause := cmp.Or(r.BackoffSeconds, 1)
	for ; attempt > 1 && pause < longest; attempt-- {
		pause *= 2
	}
	return time.Duration(min(pause, longest)) * time.Second
}
