package schedule

import (
	"time"
	_ "time/tzdata" // zones do not depend on the machine
)

// Zone is the zone with an IANA name; UTC for an empty one. The error wraps ErrInvalid.
func Zone(name string) (*time.Location, error) {
	if name == "" || name == "UTC" {
		return time.UTC, nil
	}
	if name == "Local" || len(name) > MaxName {
		return nil, Wrong("zone", name, "an IANA name, such as Europe/Berlin")
	}
	zone, err := time.LoadLocation(name)
	if err != nil {
		return nil, Wrong("zone", name, "an IANA name, such as Europe/Berlin")
	}
	return zone, nil
}

// onClock is the moment at which a clock in a zone shows a wall time, which is given as if it were UTC. A time that is shown twice, when
// clocks go back, means the first; one that is skipped, when they go forward, means the first moment after the gap.
func onClock(wall time.Time, zone *time.Location) time.Time {
	t := time.Date(wall.Year(), wall.Month(), wall.Day(), wall.Hour(), wall.Minute(), wall.Second(), wall.Nanosecond(), zone)
	start, end := t.ZoneBounds()
	if !shows(t, wall) {
		// time.Date went by the offset on one side of the gap; which one it does not say.
		if !start.IsZero() && !clock(start.Add(-1)).After(wall) && clock(start).After(wall) {
			return start
		}
		return end
	}
	if start.IsZero() {
		return t
	}
	_, before := start.Add(-1).Zone()
	_, now := t.Zone()
	if first := t.Add(time.Duration(now-before) * time.Second); first.Before(start) && shows(first, wall) {
		return first
	}
	return t
}

// clock is what a clock shows at a moment, as if it were UTC.
func clock(t time.Time) time.Time {
	_, offset := t.Zone()
	return t.UTC().Add(time.Duration(offset) * time.Second)
}

func shows(t, wall time.Time) bool { return clock(t).Equal(wall) }
