package api

import (
	"time"

	"sundog/internal/schedule"
)

// CreateSchedule asks for a schedule: something that is done at a point in time, or again and again. Exactly one of At and Expression is
// there. As a change it replaces everything but the key.
type CreateSchedule struct {
	// Key is the client's own name for the request: the same key twice is one schedule.
	Key  string `json:"key,omitempty"`
	Name string `json:"name,omitempty"` // for people

	// At is a time as people write it: "in 10m", "tomorrow 09:00", RFC 3339, Unix seconds. So are Start and End.
	At         string `json:"at,omitempty"`
	Expression string `json:"expression,omitempty"` // rate(…), cron(…), at(…), or five fields of cron
	Zone       string `json:"zone,omitempty"`       // of these times, an IANA name; UTC when empty
	Start      string `json:"start,omitempty"`      // the first point in time is not before it
	End        string `json:"end,omitempty"`        // the last one is not after it
	// FlexibleSeconds spreads firings over so many seconds after their points in time.
	FlexibleSeconds int    `json:"flexible_seconds,omitempty"`
	CatchUp         string `json:"catch_up,omitempty"` // all, last (when empty) or none

	Action  schedule.Action  `json:"action"`
	Context schedule.Context `json:"context,omitzero"`
	Retry   schedule.Retry   `json:"retry,omitzero"`
}

// Schedule is a schedule as it is.
type Schedule struct {
	ID     string `json:"id"`
	Key    string `json:"key,omitempty"`
	Name   string `json:"name,omitempty"`
	Status string `json:"status"` // NEW, PROCESSED or PAUSED
	// Next is the next point in time, Due when it fires, which is later where the schedule is flexible.
	Next *time.Time `json:"next,omitempty"`
	Due  *time.Time `json:"due,omitempty"`

	At              *time.Time `json:"at,omitempty"`
	Expression      string     `json:"expression,omitempty"`
	Zone            string     `json:"zone,omitempty"`
	Start           *time.Time `json:"start,omitempty"`
	End             *time.Time `json:"end,omitempty"`
	FlexibleSeconds int        `json:"flexible_seconds,omitempty"`
	CatchUp         string     `json:"catch_up,omitempty"`

	Action  schedule.Action  `json:"action"`
	Context schedule.Context `json:"context,omitzero"`
	Retry   schedule.Retry   `json:"retry,omitzero"`

	Owner   string     `json:"owner,omitempty"` // the name of the token with which it was made
	Created time.Time  `json:"created"`
	Changed *time.Time `json:"changed,omitempty"`
}

// Schedules is a page of schedules, in the order of their next points in time. It may be empty though there is a next one.
type Schedules struct {
	Schedules []Schedule `json:"schedules"`
	Next      string     `json:"next,omitempty"`
}

// ScheduleAccepted answers one line of a batch. One with Error was not accepted.
type ScheduleAccepted struct {
	Line  int        `json:"line"` // from 1
	ID    string     `json:"id,omitempty"`
	Key   string     `json:"key,omitempty"`
	Next  *time.Time `json:"next,omitempty"`
	Error string     `json:"error,omitempty"`
}

// ScheduleFired is a firing that somebody asked for.
type ScheduleFired struct {
	ID          string    `json:"id"`
	PointInTime time.Time `json:"point_in_time"`
}

// ScheduleCancelled is a schedule that was cancelled.
type ScheduleCancelled struct {
	ID string `json:"id"`
}

// ScheduleDeadLetter is a delivery of a schedule that was given up: its last attempt failed, or no further one could help.
type ScheduleDeadLetter struct {
	ID          string    `json:"id"`
	Schedule    Schedule  `json:"schedule"` // as it was when it fired
	PointInTime time.Time `json:"point_in_time"`
	Attempts    int       `json:"attempts"`
	Died        time.Time `json:"died"`
	Reason      string    `json:"reason"`
}

// ScheduleDeadLetters is a page of them, in the order in which their schedules were made.
type ScheduleDeadLetters struct {
	DeadLetters []ScheduleDeadLetter `json:"dead_letters"`
	Next        string               `json:"next,omitempty"`
}

// ScheduleEvents is a page of what happened to a schedule, in its order.
type ScheduleEvents struct {
	Events []schedule.Event `json:"events"`
	Next   string           `json:"next,omitempty"`
}
