package statedb

import (
	"fmt"
	"regexp"
	"strconv"
	"time"
)

// timeForms are the forms of ISO 8601 that records hold; a comma may stand for the point. One without an offset is in UTC.
var timeForms = [...]string{
	"2006-01-02T15:04:05.999999999Z07:00", "2006-01-02T15:04:05.999999999", "2006-01-02 15:04:05.999999999Z07:00", "2006-01-02 15:04:05.999999999",
	"2006-01-02T15:04Z07:00", "2006-01-02T15:04", "2006-01-02", "20060102T150405.999999999Z0700", "20060102T150405.999999999", "20060102",
}

// weekDate is a day by its week: 2025-W01-1.
var weekDate = regexp.MustCompile(`^(\d{4})-?W(\d{2})(?:-?([1-7]))?$`)

// ParseTime reads an instant that FormatTime wrote, or another form of ISO 8601 as other programs write it. The error wraps
// ErrMalformed.
func ParseTime(text string) (time.Time, error) {
	for _, form := range timeForms {
		if t, err := time.Parse(form, text); err == nil {
			return t.UTC(), nil
		}
	}
	if m := weekDate.FindStringSubmatch(text); m != nil {
		if t, ok := dayOfWeek(m[1], m[2], m[3]); ok {
			return t, nil
		}
	}
	return time.Time{}, fmt.Errorf("%w: %q is no ISO 8601 time", ErrMalformed, text)
}

// dayOfWeek is the day of a week of a year, the first when the day is empty.
func dayOfWeek(year, week, day string) (time.Time, bool) {
	y, errYear := strconv.Atoi(year)
	w, errWeek := strconv.Atoi(week)
	d := 1
	if day != "" {
		d = int(day[0] - '0')
	}
	if errYear != nil || errWeek != nil || w < 1 {
		return time.Time{}, false
	}
	fourth := time.Date(y, 1, 4, 0, 0, 0, 0, time.UTC) // is always in week 1
	monday := fourth.AddDate(0, 0, -(int(fourth.Weekday())+6)%7)
	t := monday.AddDate(0, 0, 7*(w-1)+d-1)
	gotYear, gotWeek := t.ISOWeek()
	return t, gotYear == y && gotWeek == w
}
