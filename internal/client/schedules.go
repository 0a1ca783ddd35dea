package client

import (
	"context"
	"io"
	"net/http"
	"net/url"

	"sundog/internal/api"
)

// CreateSchedule makes a schedule, or returns the one that has its key.
func (c *Client) CreateSchedule(ctx context.Context, req api.CreateSchedule) (api.Schedule, error) {
	var out api.Schedule
	err := c.call(ctx, http.MethodPost, api.PathSchedules, nil, req, &out)
	return out, err
}

// CreateSchedules makes schedules: NDJSON of api.CreateSchedule as it comes from r, whatever its length. For each line, in order, each is
// called with the server's answer, which for one that was not accepted holds the reason. Lines that were answered are on disk, also when
// CreateSchedules then fails.
func (c *Client) CreateSchedules(ctx context.Context, r io.Reader, each func(api.ScheduleAccepted) error) error {
	return sendLines(ctx, c, api.PathSchedules, nil, "schedules", r, each)
}

func schedulePath(id string) string { return api.PathSchedules + "/" + url.PathEscape(id) }

// Schedule returns a schedule.
func (c *Client) Schedule(ctx context.Context, id string) (api.Schedule, error) {
	return get[api.Schedule](ctx, c, schedulePath(id), nil)
}

// ScheduleQuery asks for schedules in the order of their next points in time. Empty values ask for nothing in particular.
type ScheduleQuery struct {
	From, Until       string // bounds of the next point in time: "in 1h", "tomorrow 09:00", RFC 3339, Unix seconds
	Status            string // NEW, PROCESSED or PAUSED
	Action, KeyPrefix string
	Limit             int    // of a page; the server's default when 0
	Next              string // token of the page
}

// Schedules returns a page of schedules.
func (c *Client) Schedules(ctx context.Context, q ScheduleQuery) (api.Schedules, error) {
	v := url.Values{}
	for name, text := range map[string]string{
		"from": q.From, "until": q.Until, "status": q.Status, "action": q.Action, "key_prefix": q.KeyPrefix, "next": q.Next,
	} {
		if text != "" {
			v.Set(name, text)
		}
	}
	setLimit(v, q.Limit)
	return get[api.Schedules](ctx, c, api.PathSchedules, v)
}

// ChangeSchedule replaces everything of a schedule but its id and key.
func (c *Client) ChangeSchedule(ctx context.Context, id string, req api.CreateSchedule) (api.Schedule, error) {
	var out api.Schedule
	err := c.call(ctx, http.MethodPut, schedulePath(id), nil, req, &out)
	return out, err
}

// PauseSchedule keeps a schedule from firing until it is resumed.
func (c *Client) PauseSchedule(ctx context.Context, id string) (api.Schedule, error) {
	var out api.Schedule
	err := c.call(ctx, http.MethodPost, schedulePath(id)+"/pause", nil, nil, &out)
	return out, err
}

// ResumeSchedule lets a paused schedule fire again.
func (c *Client) ResumeSchedule(ctx context.Context, id string) (api.Schedule, error) {
	var out api.Schedule
	err := c.call(ctx, http.MethodPost, schedulePath(id)+"/resume", nil, nil, &out)
	return out, err
}

// CancelSchedule ends a schedule. What has fired already is delivered.
func (c *Client) CancelSchedule(ctx context.Context, id string) (api.ScheduleCancelled, error) {
	var out api.ScheduleCancelled
	err := c.call(ctx, http.MethodDelete, schedulePath(id), nil, nil, &out)
	return out, err
}

// FireSchedule fires a schedule now, beside its own times.
func (c *Client) FireSchedule(ctx context.Context, id string) (api.ScheduleFired, error) {
	var out api.ScheduleFired
	err := c.call(ctx, http.MethodPost, schedulePath(id)+"/fire", nil, nil, &out)
	return out, err
}

func undeliveredPath(id string) string { return api.PathGivenUp + "/" + url.PathEscape(id) }

// ScheduleDeadLetters returns a page of the deliveries that were given up, of all schedules or of one.
func (c *Client) ScheduleDeadLetters(ctx context.Context, schedule, next string, limit int) (api.ScheduleDeadLetters, error) {
	v := page(next, limit)
	if schedule != "" {
		v.Set("schedule", schedule)
	}
	return get[api.ScheduleDeadLetters](ctx, c, api.PathGivenUp, v)
}

// ScheduleDeadLetter returns a delivery that was given up.
func (c *Client) ScheduleDeadLetter(ctx context.Context, id string) (api.ScheduleDeadLetter, error) {
	return get[api.ScheduleDeadLetter](ctx, c, undeliveredPath(id), nil)
}

// DeliverAgain delivers again what was given up.
func (c *Client) DeliverAgain(ctx context.Context, id string) (api.Moved, error) {
	var out api.Moved
	err := c.call(ctx, http.MethodPost, undeliveredPath(id)+"/redrive", nil, nil, &out)
	return out, err
}

// DeliverAllAgain delivers again all that was given up, of all schedules or of one.
func (c *Client) DeliverAllAgain(ctx context.Context, schedule string) (api.Moved, error) {
	v := url.Values{}
	if schedule != "" {
		v.Set("schedule", schedule)
	}
	var out api.Moved
	err := c.call(ctx, http.MethodPost, api.PathGivenUp+"/redrive", v, nil, &out)
	return out, err
}

// DeleteScheduleDeadLetter deletes a delivery that was given up.
func (c *Client) DeleteScheduleDeadLetter(ctx context.Context, id string) (api.Moved, error) {
	var out api.Moved
	err := c.call(ctx, http.MethodDelete, undeliveredPath(id), nil, nil, &out)
	return out, err
}

// ScheduleHistory returns a page of what happened to a schedule, in its order, also when it is gone.
func (c *Client) ScheduleHistory(ctx context.Context, id, next string, limit int) (api.ScheduleEvents, error) {
	return get[api.ScheduleEvents](ctx, c, schedulePath(id)+"/history", page(next, limit))
}
