package schedule

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// field is a field of cron: a range of numbers, some of which have names.
type field struct {
	name      string
	low, high int
	names     []string // of low and the numbers after it
	last      int      // of a range without an end; high when zero
}

// parseCron reads five fields, or one of the names for them.
func parseCron(text, inside string) (Expression, error) {
	full, named := map[string]string{
		"@yearly": "0 0 1 1 *", "@annually": "0 0 1 1 *", "@monthly": "0 0 1 * *", "@weekly": "0 0 * * 0",
		"@daily": "0 0 * * *", "@midnight": "0 0 * * *", "@hourly": "0 * * * *",
	}[inside]
	if named {
		inside = full
	}
	words := strings.Fields(inside)
	if len(words) != 5 || strings.HasPrefix(inside, "@") {
		return Expression{}, Wrong("expression", text, forms)
	}
	c := &cron{either: true}
	err := c.clock(words[0], words[1])
	if err == nil {
		c.anyDay = strings.HasPrefix(words[2], "*")
		c.days, err = set[uint32](days(), words[2])
	}
	if err == nil {
		c.months, err = set[uint16](months(), words[3])
	}
	if err == nil {
		c.anyWeekday = strings.HasPrefix(words[4], "*")
		var sundayTwice uint16
		sundayTwice, err = set[uint16](field{name: "day of week", low: 0, high: 7, names: weekdays(), last: 6}, words[4])
		c.weekdays = uint8(sundayTwice&0x7f) | uint8(sundayTwice>>7) // 7 is Sunday too
	}
	if err != nil {
		return Expression{}, Wrong("expression", text, "%v", err)
	}
	return Expression{cron: c}, nil
}

// parseAWSCron reads the six fields of EventBridge Scheduler (User Guide, "Cron-based schedules").
func parseAWSCron(text, inside string) (Expression, error) {
	words := strings.Fields(inside)
	if len(words) != 6 {
		return Expression{}, Wrong("expression", text, "cron(minutes hours day-of-month month day-of-week year); five fields go without cron(…)")
	}
	c := &cron{}
	err := c.clock(words[0], words[1])
	if err == nil && (words[2] == "?") == (words[4] == "?") {
		err = errors.New("one of day of month and day of week is '?', and only one")
	}
	if err == nil {
		err = c.dayOfMonth(words[2])
	}
	if err == nil {
		c.months, err = set[uint16](months(), words[3])
	}
	if err == nil {
		err = c.dayOfWeek(words[4])
	}
	if err == nil {
		err = c.yearsOf(words[5])
	}
	if err != nil {
		return Expression{}, Wrong("expression", text, "%v", err)
	}
	return Expression{cron: c}, nil
}

func days() field { return field{name: "day of month", low: 1, high: 31} }

func months() field {
	names := []string{"JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"}
	return field{name: "month", low: 1, high: 12, names: names}
}

func weekdays() []string { return []string{"SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"} }

func (c *cron) clock(minutes, hours string) (err error) {
	if c.minutes, err = set[uint64](field{name: "minutes", low: 0, high: 59}, minutes); err != nil {
		return err
	}
	c.hours, err = set[uint32](field{name: "hours", low: 0, high: 23}, hours)
	return err
}

func (c *cron) dayOfMonth(text string) error {
	if text == "?" {
		c.days = ^uint32(0)
		return nil
	}
	for part := range strings.SplitSeq(text, ",") {
		if part == "L" {
			c.lastDay = true
			continue
		}
		if day, ok := strings.CutSuffix(part, "W"); ok {
			n, err := days().number(day)
			if err != nil {
				return err
			}
			c.nearest |= 1 << n
			continue
		}
		if err := days().part(part, func(n int) { c.days |= 1 << n }); err != nil {
			return err
		}
	}
	return nil
}

// dayOfWeek reads days of the week, of which the first, 1, is Sunday.
func (c *cron) dayOfWeek(text string) error {
	f := field{name: "day of week", low: 1, high: 7, names: weekdays()}
	if text == "?" {
		c.weekdays = 0x7f
		return nil
	}
	for part := range strings.SplitSeq(text, ",") {
		if part == "L" {
			part = "SAT"
		}
		if day, ok := strings.CutSuffix(part, "L"); ok {
			n, err := f.number(day)
			if err != nil {
				return err
			}
			c.lastOf |= 1 << (n - 1)
			continue
		}
		if day, count, ok := strings.Cut(part, "#"); ok {
			n, err := f.number(day)
			if err != nil {
				return err
			}
			which, err := field{name: "number after '#' in the day of week", low: 1, high: 5}.number(count)
			if err != nil {
				return err
			}
			c.nth[which] |= 1 << (n - 1)
			continue
		}
		if err := f.part(part, func(n int) { c.weekdays |= 1 << (n - 1) }); err != nil {
			return err
		}
	}
	return nil
}

func (c *cron) yearsOf(text string) error {
	if text == "*" {
		return nil
	}
	c.years = new([lastYear - firstYear + 1]bool)
	return field{name: "year", low: firstYear, high: lastYear}.list(text, func(n int) { c.years[n-firstYear] = true })
}

// set reads a field into a set of bits.
func set[S uint16 | uint32 | uint64](f field, text string) (S, error) {
	var s S
	err := f.list(text, func(n int) { s |= 1 << n })
	return s, err
}

func (f field) list(text string, add func(int)) error {
	for part := range strings.SplitSeq(text, ",") {
		if err := f.part(part, add); err != nil {
			return err
		}
	}
	return nil
}

// part reads one entry of a list: a number, a range, or everything; and perhaps a step.
func (f field) part(text string, add func(int)) error {
	of, by, stepped := strings.Cut(text, "/")
	step := 1
	if stepped {
		n, err := strconv.Atoi(by)
		if err != nil || n < 1 || n > f.high || strings.HasPrefix(by, "+") {
			return fmt.Errorf("the step of %q in the %s is 1 to %d", text, f.name, f.high)
		}
		step = n
	}
	low, high := f.low, f.high
	if f.last != 0 {
		high = f.last
	}
	if of != "*" {
		first, last, ranged := strings.Cut(of, "-")
		n, err := f.number(first)
		if err != nil {
			return err
		}
		low = n
		switch {
		case ranged:
			if high, err = f.number(last); err != nil {
				return err
			}
			if high < low {
				return fmt.Errorf("the range %q in the %s goes down; write it as two", of, f.name)
			}
		case !stepped:
			high = low
		}
	}
	for n := low; n <= high; n += step {
		add(n)
	}
	return nil
}

func (f field) number(text string) (int, error) {
	for i, name := range f.names {
		if strings.EqualFold(text, name) {
			return f.low + i, nil
		}
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < f.low || n > f.high || strings.HasPrefix(text, "+") {
		return 0, fmt.Errorf("%q in the %s is not %s", text, f.name, f.allowed())
	}
	return n, nil
}

func (f field) allowed() string {
	if len(f.names) > 0 {
		return fmt.Sprintf("%d to %d or %s to %s", f.low, f.high, f.names[0], f.names[len(f.names)-1])
	}
	return fmt.Sprintf("%d to %d", f.low, f.high)
}
