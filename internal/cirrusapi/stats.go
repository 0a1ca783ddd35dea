package cirrusapi

import (
	"context"
	"fmt"
	"time"

	"sundog/internal/statedb"
)

// period tells how often payloads came into each state in a piece of time.
type period struct {
	Period   string        `json:"period"`   // its beginning in UTC: a date, or a time
	Interval string        `json:"interval"` // day or hour
	States   []statePeriod `json:"states"`
}

// statePeriod is the number for one state.
type statePeriod struct {
	State statedb.State `json:"state"`
	// UniqueCount is the number of transitions too: the original does not tell either to how many payloads they belong.
	UniqueCount int64 `json:"unique_count"`
	Count       int64 `json:"count"`
}

// stateTransitions is what a dashboard shows.
type stateTransitions struct {
	Daily         []period `json:"daily"`          // 60 days, in UTC
	Hourly        []period `json:"hourly"`         // 36 hours, on the hour
	HourlyRolling []period `json:"hourly_rolling"` // 36 hours back from this minute
}

const (
	day   = 24 * time.Hour
	days  = 60
	hours = 36
)

func (a *API) stats(ctx context.Context) (any, error) {
	if a.Transitions == nil {
		return nil, absent("Endpoint /stats is not enabled because timeseries database is not configured")
	}
	now := a.now().UTC()
	var all stateTransitions
	for _, c := range []struct {
		to     *[]period
		from   time.Time
		step   time.Duration
		n      int
		name   string
		layout string
	}{
		{&all.Daily, now.Truncate(day).Add(-(days - 1) * day), day, days, "day", time.DateOnly},
		{&all.Hourly, now.Truncate(time.Hour).Add(-(hours - 1) * time.Hour), time.Hour, hours, "hour", "2006-01-02T15:04:05Z"},
		{&all.HourlyRolling, now.Truncate(time.Minute).Add(time.Minute - hours*time.Hour), time.Hour, hours, "hour", "2006-01-02T15:04:05Z"},
	} {
		counts, err := a.Transitions.Transitions(ctx, c.from, c.step, c.n)
		if err != nil {
			return nil, fmt.Errorf("reading the transitions by %s: %w", c.name, err)
		}
		for i, numbers := range counts {
			p := period{Period: c.from.Add(time.Duration(i) * c.step).Format(c.layout), Interval: c.name}
			for _, state := range shownStates() {
				p.States = append(p.States, statePeriod{state, numbers[state], numbers[state]})
			}
			*c.to = append(*c.to, p)
		}
	}
	return map[string]any{"state_transitions": all}, nil
}

// shownStates are the states in the order of the original's answers.
func shownStates() []statedb.State {
	return []statedb.State{statedb.Processing, statedb.Succeeded, statedb.Failed, statedb.Invalid, statedb.Aborted, statedb.Claimed}
}
