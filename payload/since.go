package payload

import (
	"fmt"
	"strings"
	"time"
)

// Since is how far back a query looks, in seconds. It can be longer than a time.Duration.
type Since int64

// maxDays is the longest that Python's timedelta holds.
const maxDays = 999_999_999

// ParseSince reads a whole number of days, hours or minutes: `7d`, `24h`, `30m`. Spaces may stand between number and unit.
func ParseSince(text string) (Since, error) {
	fail := func(reason string) (Since, error) {
		return 0, fmt.Errorf("since %q %s: write a whole number and d, h or m, such as 7d, 24h or 30m", text, reason)
	}
	if text == "" {
		return fail("is empty")
	}
	units := map[byte]int64{'d': 86400, 'h': 3600, 'm': 60}
	seconds, known := units[text[len(text)-1]]
	if !known {
		return fail("has no unit")
	}
	var count int64
	digits := strings.TrimRight(text[:len(text)-1], " ")
	if digits == "" {
		return fail("has no number")
	}
	for _, r := range digits {
		digit, ok := decimal(r)
		if !ok {
			return fail("is no whole number")
		}
		if count = count*10 + int64(digit); count*seconds > (maxDays+1)*86400-1 {
			return fail("is longer than 999,999,999 days")
		}
	}
	return Since(count * seconds), nil
}

// Before is the moment that lies so long before now; the zero time if that is before the year 1.
func (s Since) Before(now time.Time) time.Time {
	seconds := now.Unix() - int64(s)
	if seconds < (time.Time{}).Unix() {
		return time.Time{}
	}
	return time.Unix(seconds, int64(now.Nanosecond())).In(now.Location())
}
