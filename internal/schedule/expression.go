package schedule

import (
	"strconv"
	"strings"
	"time"
)

// Expression is when something happens, without a zone and without a beginning. The zero value is not valid; Parse makes them.
//
// There are four forms, the first three of EventBridge Scheduler (User Guide, "Schedule types in EventBridge Scheduler"):
//
//	at(2026-03-01T09:00:00)         once
//	rate(5 minutes)                 every so many seconds, minutes, hours or days of 24 hours, counted from a beginning
//	cron(0 9 ? * MON-FRI *)         minutes, hours, days of the month, months, days of the week, years
//	0 9 * * 1-5                     cron's own: minutes, hours, days of the month, months, days of the week; or @daily and the like
type Expression struct {
	at   time.Time // as if in UTC
	rate time.Duration
	cron *cron
}

const forms = "at(yyyy-mm-ddThh:mm:ss), rate(value unit), cron(six fields) or five fields of cron"

// maxRate keeps sums of points in time from overflowing.
const maxRate = 36_500 * 24 * time.Hour

// Parse reads an expression. The error wraps ErrInvalid and says what is allowed in place of what is wrong.
func Parse(text string) (Expression, error) {
	trimmed := strings.TrimSpace(text)
	if len(text) > MaxExpression {
		return Expression{}, Wrong("expression", text, "at most %d bytes", MaxExpression)
	}
	name, inside, called := strings.Cut(trimmed, "(")
	if called && strings.HasSuffix(inside, ")") {
		inside = strings.TrimSpace(strings.TrimSuffix(inside, ")"))
		switch name {
		case "at":
			return parseAt(text, inside)
		case "rate":
			return parseRate(text, inside)
		case "cron":
			return parseAWSCron(text, inside)
		}
	}
	if trimmed == "" || called {
		return Expression{}, Wrong("expression", text, forms)
	}
	return parseCron(text, trimmed)
}

func parseAt(text, inside string) (Expression, error) {
	at, err := time.Parse("2006-01-02T15:04:05", inside)
	if err != nil || at.Year() < 1 {
		return Expression{}, Wrong("expression", text, "at(yyyy-mm-ddThh:mm:ss), in the schedule's zone and without an offset")
	}
	return Expression{at: at}, nil
}

func parseRate(text, inside string) (Expression, error) {
	const form = "rate(value unit): a whole number from 1 up, and seconds, minutes, hours or days"
	value, unit, _ := strings.Cut(inside, " ")
	units := map[string]time.Duration{"second": time.Second, "minute": time.Minute, "hour": time.Hour, "day": 24 * time.Hour}
	one, ok := units[strings.TrimSuffix(strings.TrimSpace(unit), "s")]
	n, err := strconv.ParseInt(value, 10, 64)
	if !ok || err != nil || n < 1 || strings.HasPrefix(value, "+") {
		return Expression{}, Wrong("expression", text, form)
	}
	if n > int64(maxRate/one) {
		return Expression{}, Wrong("expression", text, "a rate of at most %d days", maxRate/(24*time.Hour))
	}
	return Expression{rate: time.Duration(n) * one}, nil
}

// At is the one point in time of an at(…), and whether the expression is one.
func (e Expression) At(zone *time.Location) (time.Time, bool) {
	if e.at.IsZero() {
		return time.Time{}, false
	}
	return onClock(e.at, zone), true
}

// Next is the first point in time after a moment, and whether there is one. A rate counts from the anchor, which is one of its points in
// time; everything else is what clocks in the zone show. A time that they skip is at the first moment after it, and a time that they show
// twice is at the first.
func (e Expression) Next(after, anchor time.Time, zone *time.Location) (time.Time, bool) {
	switch {
	case e.rate > 0:
		return e.nextOfRate(after, anchor), true
	case e.cron != nil:
		return e.cron.next(after, zone)
	}
	at, ok := e.At(zone)
	return at, ok && at.After(after)
}

func (e Expression) nextOfRate(after, anchor time.Time) time.Time {
	if anchor.After(after) {
		return anchor
	}
	// In seconds, since the time between two moments can be more than a time.Duration holds.
	step := int64(e.rate / time.Second)
	passed := (after.Unix() - anchor.Unix()) / step
	for ; ; passed++ {
		next := time.Unix(anchor.Unix()+passed*step, int64(anchor.Nanosecond())).UTC()
		if next.After(after) {
			return next
		}
	}
}
