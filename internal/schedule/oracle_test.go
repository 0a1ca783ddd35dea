package schedule_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"sundog/internal/schedule"
)

// wallTime is what a clock shows, field by field. The oracle below goes through all minutes and asks of each whether it is meant, in the plainest
// way there is; it shares nothing with what it judges.
type wallTime struct{ year, month, day, hour, minute, weekday int }

// entry is one entry of a list of a field: from-to/step, or from alone.
type entry struct{ from, to, step int }

type fieldOf []entry // nil: '*'

func (f fieldOf) has(n int) bool {
	return f == nil || slices.ContainsFunc(f, func(e entry) bool { return n >= e.from && n <= e.to && (n-e.from)%e.step == 0 })
}

func (f fieldOf) String() string {
	if f == nil {
		return "*"
	}
	var parts []string
	for _, e := range f {
		switch {
		case e.from == e.to:
			parts = append(parts, strconv.Itoa(e.from))
		case e.step == 1:
			parts = append(parts, fmt.Sprintf("%d-%d", e.from, e.to))
		default:
			parts = append(parts, fmt.Sprintf("%d-%d/%d", e.from, e.to, e.step))
		}
	}
	return strings.Join(parts, ",")
}

func drawField(t *rapid.T, name string, low, high int) fieldOf {
	var f fieldOf
	for range rapid.IntRange(0, 2).Draw(t, name+" entries") {
		from := rapid.IntRange(low, high).Draw(t, name+" from")
		f = append(f, entry{from, rapid.IntRange(from, high).Draw(t, name+" to"), rapid.IntRange(1, high).Draw(t, name+" step")})
	}
	return f
}

// expressionOf is an expression and whether it means a wall time.
type expressionOf struct {
	text  string
	means func(wallTime) bool
}

func drawExpression(t *rapid.T) expressionOf {
	minutes, hours, months := drawField(t, "minutes", 0, 59), drawField(t, "hours", 0, 23), drawField(t, "months", 1, 12)
	clock := func(w wallTime) bool { return minutes.has(w.minute) && hours.has(w.hour) && months.has(w.month) }
	days := drawField(t, "days", 1, 31)
	if rapid.Bool().Draw(t, "five fields") {
		weekdays := drawField(t, "weekdays", 0, 6)
		return expressionOf{fmt.Sprintf("%s %s %s %s %s", minutes, hours, days, months, weekdays), func(w wallTime) bool {
			if days != nil && weekdays != nil {
				return clock(w) && (days.has(w.day) || weekdays.has(w.weekday))
			}
			return clock(w) && days.has(w.day) && weekdays.has(w.weekday)
		}}
	}
	day, weekday, match := drawDay(t, days)
	text := fmt.Sprintf("cron(%s %s %s %s %s *)", minutes, hours, day, months, weekday)
	return expressionOf{text, func(w wallTime) bool { return clock(w) && match(w) }}
}

// drawDay draws the fields of the day in AWS's dialect.
func drawDay(t *rapid.T, days fieldOf) (day, weekday string, match func(wallTime) bool) {
	n := rapid.IntRange(1, 31).Draw(t, "day")
	d := rapid.IntRange(0, 6).Draw(t, "weekday")
	switch rapid.SampledFrom([]string{"days", "L", "W", "weekdays", "lastOf", "nth"}).Draw(t, "kind of day") {
	case "L":
		return "L", "?", func(w wallTime) bool { return lengthOf(w) == w.day }
	case "W":
		return fmt.Sprintf("%dW", n), "?", func(w wallTime) bool { return n <= lengthOf(w) && nearest(w, n) }
	case "weekdays":
		weekdays := drawField(t, "weekdays", 1, 7)
		return "?", weekdays.String(), func(w wallTime) bool { return weekdays.has(w.weekday + 1) }
	case "lastOf":
		return "?", fmt.Sprintf("%dL", d+1), func(w wallTime) bool { return w.weekday == d && w.day+7 > lengthOf(w) }
	case "nth":
		k := 1 + n%5
		return "?", fmt.Sprintf("%d#%d", d+1, k), func(w wallTime) bool { return w.weekday == d && (w.day-1)/7+1 == k }
	}
	return days.String(), "?", func(w wallTime) bool { return days.has(w.day) }
}

func lengthOf(w wallTime) int {
	for day := 31; ; day-- {
		if time.Date(w.year, time.Month(w.month), day, 12, 0, 0, 0, time.UTC).Day() == day {
			return day
		}
	}
}

// nearest says whether a day is the weekday next to day n of its month.
func nearest(w wallTime, n int) bool {
	best := 0
	for _, distance := range []int{0, -1, 1, -2, 2} {
		day := time.Date(w.year, time.Month(w.month), n+distance, 12, 0, 0, 0, time.UTC)
		if int(day.Month()) == w.month && day.Weekday() != time.Saturday && day.Weekday() != time.Sunday {
			best = day.Day()
			break
		}
	}
	return w.day == best
}

// oracle is the first point in time after a moment, looked for minute by minute for some days.
func oracle(means func(wallTime) bool, after time.Time, zone *time.Location, days int) (time.Time, bool) {
	// What clocks showed before is done with: a time that is shown again does not count.
	minute := after.Truncate(time.Minute).Add(-26 * time.Hour)
	shown := wallOf(minute, zone)
	for ; minute.Before(after.Add(time.Duration(days) * 24 * time.Hour)); minute = minute.Add(time.Minute) {
		now := wallOf(minute, zone)
		for ; !shown.After(now); shown = shown.Add(time.Minute) { // more than one when clocks go forward, none when they go back
			w := wallTime{shown.Year(), int(shown.Month()), shown.Day(), shown.Hour(), shown.Minute(), int(shown.Weekday())}
			if minute.After(after) && means(w) {
				return minute, true
			}
		}
	}
	return time.Time{}, false
}

func wallOf(t time.Time, zone *time.Location) time.Time {
	t = t.In(zone)
	return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), 0, 0, time.UTC)
}

var edges = []string{ // around which points in time are looked for
	"2026-03-29T00:30:00Z", "2026-10-25T00:30:00Z", // Europe/Berlin
	"2026-03-08T06:30:00Z", "2026-11-01T05:30:00Z", // America/New_York
	"2026-04-04T14:30:00Z", "2026-10-03T15:15:00Z", // Australia/Lord_Howe
	"2028-02-28T23:00:00Z", "2026-12-31T22:00:00Z", "2100-02-28T12:00:00Z",
}

func TestNextIsThatOfTheOracle(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x := drawExpression(t)
		name := rapid.SampledFrom([]string{"", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"}).Draw(t, "zone")
		edge, err := time.Parse(time.RFC3339, rapid.SampledFrom(edges).Draw(t, "edge"))
		if err != nil {
			t.Fatal(err)
		}
		after := edge.Add(time.Duration(rapid.IntRange(-36*3600, 36*3600).Draw(t, "seconds")) * time.Second)
		zone, err := schedule.Zone(name)
		if err != nil {
			t.Fatal(err)
		}
		expression, err := schedule.Parse(x.text)
		if err != nil {
			t.Fatal(err)
		}
		const days = 40
		want, found := oracle(x.means, after, zone, days)
		got, ok := expression.Next(after, after, zone)
		horizon := after.Add(days * 24 * time.Hour)
		if !found && ok && got.Before(horizon.Add(-time.Minute)) {
			t.Fatalf("%s in %s after %s: %s, but nothing is due until %s", x.text, zone, after, got, horizon)
		}
		if found && (!ok || !got.Equal(want)) {
			t.Fatalf("%s in %s after %s: %s, want %s", x.text, zone, after.UTC(), got, want.UTC())
		}
	})
}

func TestPointsInTimeIncrease(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x := drawExpression(t)
		d := schedule.Draft{Expression: x.text, Zone: "America/New_York"}
		from := time.Unix(rapid.Int64Range(0, 4e9).Draw(t, "from"), 0)
		plan, err := d.Plan(from)
		if err != nil {
			t.Fatal(err)
		}
		at, points := from, []time.Time{}
		for range 20 {
			next, ok := plan.Next(at)
			if !ok {
				break
			}
			if !next.After(at) {
				t.Fatalf("%s: %s comes after %s", x.text, next, at)
			}
			at, points = next, append(points, next)
		}
		if len(points) == 0 {
			return
		}
		until := points[len(points)-1].Add(time.Duration(rapid.IntRange(-100_000, 1_000).Draw(t, "until")) * time.Second)
		var want time.Time
		for _, p := range points {
			if !p.After(until) {
				want = p
			}
		}
		got, ok := plan.Last(from, until)
		if next, more := plan.Next(points[len(points)-1]); more && !next.After(until) {
			return // there are later ones than were looked at
		}
		if ok == want.IsZero() || !got.Equal(want) {
			t.Fatalf("%s: the last of %s until %s is %s, want %s", x.text, points, until, got, want)
		}
	})
}
