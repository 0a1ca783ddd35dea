package schedule

import (
	"math/bits"
	"time"
)

// Years that a field of cron can name, as in EventBridge Scheduler.
const (
	firstYear = 1970
	lastYear  = 2199
)

// period is the number of years after which the calendar is the same again.
const period = 400

// cron is a set of wall times, to the minute. Bit n of a set stands for n.
type cron struct {
	minutes uint64
	hours   uint32
	months  uint16
	years   *[(lastYear - firstYear) + 1]bool // nil: every year

	days     uint32 // of the month
	lastDay  bool   // the last of the month
	weekdays uint8  // 0 is Sunday
	lastOf   uint8  // the last Monday, say, of the month
	nth      [6]uint8
	nearest  uint32 // the weekday that is nearest to a day

	anyDay, anyWeekday bool // the field begins with '*', or is '?'
	either             bool // a day has to match only one of the two fields, when both say something
}

// next is the first moment after another at which clocks in a zone show one of the wall times.
func (c *cron) next(after time.Time, zone *time.Location) (time.Time, bool) {
	wall := clock(after.In(zone))
	for {
		var ok bool
		if wall, ok = c.nextWall(wall); !ok {
			return time.Time{}, false
		}
		// Not later than after: in an hour that clocks show twice, at the second time, or right after one that they skip.
		if t := onClock(wall, zone); t.After(after) {
			return t.UTC(), true
		}
	}
}

// nextWall is the first of the wall times after another. It looks at no more than the months of one period.
func (c *cron) nextWall(wall time.Time) (time.Time, bool) {
	from := wall.Truncate(time.Minute).Add(time.Minute)
	year, month, first := from.Date()
	last := min(year+period, latest().Year())
	for ; year <= last; year, month, first = year+1, time.January, 1 {
		if c.years != nil && year > lastYear {
			return time.Time{}, false
		}
		if !c.inYear(year) {
			continue
		}
		for ; month <= time.December; month, first = month+1, 1 {
			if c.months&(1<<month) == 0 {
				continue
			}
			for days := c.daysOf(year, month) >> first << first; days != 0; days &= days - 1 {
				day := time.Date(year, month, bits.TrailingZeros32(days), 0, 0, 0, 0, time.UTC)
				if t, ok := c.onDay(day, from); ok {
					return t, true
				}
			}
		}
	}
	return time.Time{}, false
}

// onDay is the first of the wall times on a day that is not before another.
func (c *cron) onDay(day, from time.Time) (time.Time, bool) {
	for hours := c.hours; hours != 0; hours &= hours - 1 {
		hour := day.Add(time.Duration(bits.TrailingZeros32(hours)) * time.Hour)
		minutes := c.minutes
		if passed := from.Sub(hour); passed >= time.Hour {
			continue
		} else if passed > 0 {
			skip := int(passed / time.Minute)
			minutes = minutes >> skip << skip
		}
		if minutes != 0 {
			return hour.Add(time.Duration(bits.TrailingZeros64(minutes)) * time.Minute), true
		}
	}
	return time.Time{}, false
}

func (c *cron) inYear(year int) bool {
	return c.years == nil || (year >= firstYear && year <= lastYear && c.years[year-firstYear])
}

// daysOf are the days of a month that match.
func (c *cron) daysOf(year int, month time.Month) uint32 {
	first := time.Date(year, month, 1, 0, 0, 0, 0, time.UTC)
	length := first.AddDate(0, 1, -1).Day()
	weekday := int(first.Weekday())

	byMonth := c.days
	if c.lastDay {
		byMonth |= 1 << length
	}
	for wanted := c.nearest; wanted != 0; wanted &= wanted - 1 {
		if day := bits.TrailingZeros32(wanted); day <= length {
			byMonth |= 1 << nearestWeekday(day, length, (weekday+day-1)%7)
		}
	}

	var byWeek uint32
	for day := 1; day <= length; day++ {
		bit := uint8(1) << ((weekday + day - 1) % 7)
		if c.weekdays&bit != 0 || c.nth[(day+6)/7]&bit != 0 || (c.lastOf&bit != 0 && day+7 > length) {
			byWeek |= 1 << day
		}
	}

	whole := uint32(1)<<length<<1 - 2
	if c.either && !c.anyDay && !c.anyWeekday {
		return (byMonth | byWeek) & whole
	}
	return byMonth & byWeek & whole
}

// nearestWeekday is the day from Monday to Friday that is nearest to a day, in the same month.
func nearestWeekday(day, length, weekday int) int {
	switch {
	case weekday == 6 && day == 1:
		return 3
	case weekday == 6:
		return day - 1
	case weekday == 0 && day == length:
		return day - 2
	case weekday == 0:
		return day + 1
	}
	return day
}
