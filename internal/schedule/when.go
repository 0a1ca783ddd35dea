package schedule

import (
	"math/big"
	"regexp"
	"strconv"
	"strings"
	"time"
)

const whenForms = "such as \"in 10m\", \"tomorrow 09:00\", \"friday 9am\", \"2026-03-01 09:00\", 2026-03-01T09:00:00+01:00 or Unix seconds"

// When reads a point in time as people write it. What names no zone is what clocks in the zone show: a time that they skip is the first moment
// after it, one that they show twice the first. A weekday or a time of day alone is the next after now. The error wraps ErrInvalid; it
// names the field. That the time is after now is for Make to say.
func When(field, text string, now time.Time, zone *time.Location) (time.Time, error) {
	words := strings.Fields(strings.ToLower(text))
	if len(words) == 0 || len(text) > maxShown {
		return time.Time{}, Wrong(field, text, whenForms)
	}
	if words[0] == "in" {
		if d, ok := span(strings.Join(words[1:], "")); ok {
			return now.Add(d), nil
		}
		return time.Time{}, Wrong(field, text, "in and a duration of at most 100 years, such as \"in 10m\", \"in 1h30m\" or \"in 3 days\"")
	}
	if t, ok := instant(strings.TrimSpace(text), zone); ok {
		return t, nil
	}
	if t, ok := onDay(words, now, zone); ok {
		return t, nil
	}
	return time.Time{}, Wrong(field, text, whenForms)
}

// Instant reads a point in time as machines write it: ISO 8601, in UTC when it has no offset, or Unix seconds. The error wraps ErrInvalid
// and names the field.
func Instant(field, text string) (time.Time, error) {
	if t, ok := instant(text, time.UTC); ok {
		return t, nil
	}
	return time.Time{}, Wrong(field, text, "ISO 8601, such as 2026-04-28T15:11:55-0300, or Unix seconds")
}

var number = regexp.MustCompile(`^[0-9]{9,12}(\.[0-9]{1,9})?$`)

func instant(text string, zone *time.Location) (time.Time, bool) {
	if number.MatchString(text) {
		seconds, ok := new(big.Rat).SetString(text)
		if !ok {
			return time.Time{}, false
		}
		nanos := seconds.Mul(seconds, big.NewRat(1e9, 1)).Num()
		whole, rest := new(big.Int).DivMod(nanos, big.NewInt(1e9), new(big.Int))
		return time.Unix(whole.Int64(), rest.Int64()).UTC(), true
	}
	text = strings.Replace(strings.ToUpper(text), " ", "T", 1)
	for _, offset := range []string{"Z07:00", "Z0700", "Z07"} {
		for _, clock := range []string{"15:04:05", "15:04"} {
			if t, err := time.Parse("2006-01-02T"+clock+offset, text); err == nil {
				return t, true
			}
		}
	}
	for _, clock := range []string{"15:04:05", "15:04"} {
		if t, err := time.Parse("2006-01-02T"+clock, text); err == nil {
			return onClock(t, zone), true
		}
	}
	return time.Time{}, false
}

var spanPart = regexp.MustCompile(`^([0-9]{1,9})(s|sec|secs|seconds?|m|min|mins|minutes?|h|hours?|d|days?|w|weeks?)([0-9]|$)`)

// span reads a duration: 10m, 1h30m, 3days. A day has 24 hours.
func span(text string) (time.Duration, bool) {
	units := map[byte]time.Duration{'s': time.Second, 'm': time.Minute, 'h': time.Hour, 'd': 24 * time.Hour, 'w': 7 * 24 * time.Hour}
	var sum time.Duration
	for text != "" {
		part := spanPart.FindStringSubmatch(text)
		if part == nil {
			return 0, false
		}
		n, err := strconv.ParseInt(part[1], 10, 64)
		unit := units[part[2][0]]
		if err != nil || n > int64(maxRate/unit) {
			return 0, false
		}
		if sum += time.Duration(n) * unit; sum > maxRate {
			return 0, false
		}
		text = text[len(part[1])+len(part[2]):]
	}
	return sum, sum > 0
}

// onDay reads a time of day, with a day in front of it or without.
func onDay(words []string, now time.Time, zone *time.Location) (time.Time, bool) {
	today := clock(now.In(zone)).Truncate(24 * time.Hour)
	day, weekday := today, -1
	explicit := true
	switch words[0] {
	case "today":
	case "tomorrow":
		day = today.AddDate(0, 0, 1)
	default:
		if weekday = weekdayOf(words[0]); weekday < 0 {
			explicit = false
			break
		}
		day = today.AddDate(0, 0, (weekday-int(today.Weekday())+7)%7)
	}
	if explicit {
		words = words[1:]
	}
	if len(words) > 0 && words[0] == "at" {
		words = words[1:]
	}
	since, ok := timeOfDay(strings.Join(words, ""))
	if !ok {
		return time.Time{}, false
	}
	t := onClock(day.Add(since), zone)
	if t.After(now) {
		return t, true
	}
	switch {
	case !explicit:
		t = onClock(day.AddDate(0, 0, 1).Add(since), zone)
	case weekday >= 0:
		t = onClock(day.AddDate(0, 0, 7).Add(since), zone)
	}
	return t, true
}

func weekdayOf(word string) int {
	for day := time.Sunday; day <= time.Saturday; day++ {
		if name := strings.ToLower(day.String()); word == name || word == name[:3] {
			return int(day)
		}
	}
	return -1
}

var clockTime = regexp.MustCompile(`^([0-9]{1,2})(?::([0-9]{2}))?(?::([0-9]{2}))?(am|pm)?$`)

// timeOfDay reads 9:00, 09:00:30, 9am, 12:30pm, noon or midnight as the time since midnight.
func timeOfDay(text string) (time.Duration, bool) {
	switch text {
	case "noon":
		return 12 * time.Hour, true
	case "midnight":
		return 0, true
	}
	part := clockTime.FindStringSubmatch(text)
	if part == nil || (part[2] == "" && part[4] == "") {
		return 0, false
	}
	var fields [3]int
	for i := range fields {
		fields[i], _ = strconv.Atoi(part[i+1]) // digits, or nothing, which is 0
	}
	hour := fields[0]
	if half := part[4]; half != "" {
		if hour < 1 || hour > 12 {
			return 0, false
		}
		if hour %= 12; half == "pm" {
			hour += 12
		}
	}
	if hour > 23 || fields[1] > 59 || fields[2] > 59 {
		return 0, false
	}
	return time.Duration(hour)*time.Hour + time.Duration(fields[1])*time.Minute + time.Duration(fields[2])*time.Second, true
}
