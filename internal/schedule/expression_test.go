package schedule_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"sundog/internal/schedule"
)

func parseTime(t *testing.T, text string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// TestPointsInTime has the points in time that follow a moment. The examples of AWS are those of its User Guide, "Schedule types in EventBridge
// Scheduler".
func TestPointsInTime(t *testing.T) {
	for _, c := range []struct {
		name, expression, zone, after string
		want                          string // points in time in the zone; "never" after the last
	}{
		{"AWS: weekdays", "cron(15 12 ? * MON-FRI *)", "", "2026-03-26T12:15:00Z", "2026-03-27T12:15:00Z 2026-03-30T12:15:00Z"},
		{"AWS: the last Friday", "cron(0 10 ? * 6L 2026-2027)", "", "2027-11-01T00:00:00Z", "2027-11-26T10:00:00Z 2027-12-31T10:00:00Z never"},
		{"every Saturday for L", "cron(0 0 ? * L *)", "", "2026-03-01T00:00:00Z", "2026-03-07T00:00:00Z 2026-03-14T00:00:00Z"},
		{"steps from a start", "cron(0/20 8-9 ? * TUE#2 *)", "", "2026-03-10T09:00:00Z", "2026-03-10T09:20:00Z 2026-03-10T09:40:00Z 2026-04-14T08:00:00Z"},
		{"last day of the month", "cron(0 12 L * ? *)", "", "2028-02-01T00:00:00Z", "2028-02-29T12:00:00Z 2028-03-31T12:00:00Z 2028-04-30T12:00:00Z"},
		{"nearest weekday, at the month's start", "cron(0 0 1W 8 ? *)", "", "2026-01-01T00:00:00Z", "2026-08-03T00:00:00Z 2027-08-02T00:00:00Z 2028-08-01T00:00:00Z"},
		{"nearest weekday, at the month's end", "cron(0 0 31W 1,5 ? *)", "", "2026-01-01T00:00:00Z", "2026-01-30T00:00:00Z 2026-05-29T00:00:00Z 2027-01-29T00:00:00Z"},
		{"fifth Monday", "cron(0 0 ? * 2#5 *)", "", "2026-01-01T00:00:00Z", "2026-03-30T00:00:00Z 2026-06-29T00:00:00Z"},
		{"a year", "cron(0 0 1 1 ? 2030,2199)", "", "2026-01-01T00:00:00Z", "2030-01-01T00:00:00Z 2199-01-01T00:00:00Z never"},

		{"either day", "0 0 13 * 5", "", "2026-02-06T00:00:00Z", "2026-02-13T00:00:00Z 2026-02-20T00:00:00Z 2026-02-27T00:00:00Z 2026-03-06T00:00:00Z 2026-03-13T00:00:00Z"},
		{"both days, when one begins with a star", "0 0 */2 * mon", "", "2026-03-01T00:00:00Z", "2026-03-09T00:00:00Z 2026-03-23T00:00:00Z 2026-04-13T00:00:00Z"},
		{"Sunday is 0 and 7", "0 0 * * 7", "", "2026-03-01T00:00:00Z", "2026-03-08T00:00:00Z"},
		{"steps end before the second Sunday", "0 0 * * 1/3", "", "2026-03-01T00:00:00Z", "2026-03-02T00:00:00Z 2026-03-05T00:00:00Z 2026-03-09T00:00:00Z"},
		{"leap day", "0 0 29 2 *", "", "2096-02-29T00:00:00Z", "2104-02-29T00:00:00Z"},
		{"leap day on a Monday", "cron(0 0 ? 2 2#5 *)", "", "2026-01-01T00:00:00Z", "2044-02-29T00:00:00Z 2072-02-29T00:00:00Z 2112-02-29T00:00:00Z"},
		{"year end", "59 23 31 12 *", "America/New_York", "2026-12-31T23:59:00-05:00", "2027-12-31T23:59:00-05:00"},
		{"by name", "@hourly", "", "2026-12-31T23:00:00Z", "2027-01-01T00:00:00Z"},
		{"no such day", "0 0 31 4,6,9,11 *", "", "2026-01-01T00:00:00Z", "never"},

		{"skipped, Berlin", "30 2 * * *", "Europe/Berlin", "2026-03-28T02:30:00+01:00", "2026-03-29T03:00:00+02:00 2026-03-30T02:30:00+02:00"},
		{"twice, Berlin", "30 2 * * *", "Europe/Berlin", "2026-10-24T02:30:00+02:00", "2026-10-25T02:30:00+02:00 2026-10-26T02:30:00+01:00"},
		{"in the second hour, Berlin", "30 2 * * *", "Europe/Berlin", "2026-10-25T02:15:00+01:00", "2026-10-26T02:30:00+01:00"},
		{"several skipped are one, Berlin", "*/15 2 * * *", "Europe/Berlin", "2026-03-28T02:45:00+01:00", "2026-03-29T03:00:00+02:00 2026-03-30T02:00:00+02:00"},
		{"skipped, New York", "cron(30 2 * * ? *)", "America/New_York", "2026-03-08T00:00:00-05:00", "2026-03-08T03:00:00-04:00 2026-03-09T02:30:00-04:00"},
		{"twice, New York", "cron(30 1 * * ? *)", "America/New_York", "2026-11-01T00:00:00-04:00", "2026-11-01T01:30:00-04:00 2026-11-02T01:30:00-05:00"},
		{"skipped half hour, Lord Howe", "15 2 * * *", "Australia/Lord_Howe", "2026-10-03T03:00:00+10:30", "2026-10-04T02:30:00+11:00 2026-10-05T02:15:00+11:00"},
		{"twice in half an hour, Lord Howe", "45 1 * * *", "Australia/Lord_Howe", "2026-04-04T03:00:00+11:00", "2026-04-05T01:45:00+11:00 2026-04-06T01:45:00+10:30"},
		{"a skipped day, Apia", "0 12 30 12 *", "Pacific/Apia", "2011-01-01T00:00:00-10:00", "2011-12-31T00:00:00+14:00 2012-12-30T12:00:00+14:00"},

		{"at", "at(2026-03-29T02:30:00)", "Europe/Berlin", "2026-01-01T00:00:00Z", "2026-03-29T03:00:00+02:00 never"},
		{"rate over a change of clocks", "rate(1 day)", "Europe/Berlin", "2026-03-28T12:00:00+01:00", "2026-03-29T13:00:00+02:00 2026-03-30T13:00:00+02:00"},
		{"rate in the singular", "rate(1 minutes)", "", "2026-03-28T12:00:00Z", "2026-03-28T12:01:00Z"},
		{"seconds", "rate(90 seconds)", "", "2026-03-28T12:00:00Z", "2026-03-28T12:01:30Z 2026-03-28T12:03:00Z"},
	} {
		t.Run(c.name, func(t *testing.T) {
			zone, err := schedule.Zone(c.zone)
			if err != nil {
				t.Fatal(err)
			}
			x, err := schedule.Parse(c.expression)
			if err != nil {
				t.Fatal(err)
			}
			after := parseTime(t, c.after)
			anchor := after
			for want := range strings.FieldsSeq(c.want) {
				got := "never"
				at, ok := x.Next(after, anchor, zone)
				if ok {
					got = at.In(zone).Format(time.RFC3339)
				}
				if got != want {
					t.Fatalf("after %s comes %s, want %s", after, got, want)
				}
				after = at
			}
		})
	}
}

func TestExpressionsThatAreRefused(t *testing.T) {
	for text, want := range map[string]string{
		"":                               "at(yyyy-mm-ddThh:mm:ss)",
		"whenever":                       "at(yyyy-mm-ddThh:mm:ss)",
		"every(1 day)":                   "at(yyyy-mm-ddThh:mm:ss)",
		"cron(0 9 * * * *)":              "one of day of month and day of week is '?', and only one",
		"cron(0 9 ? * ? *)":              "one of day of month and day of week is '?', and only one",
		"cron(0 9 * * 1-5)":              "five fields go without cron",
		"cron(0 9 ? * 0 *)":              `"0" in the day of week is not 1 to 7 or SUN to SAT`,
		"cron(0 9 ? * 2#6 *)":            "1 to 5",
		"cron(0 9 32W * ? *)":            `"32" in the day of month is not 1 to 31`,
		"cron(0 9 LW * ? *)":             "day of month",
		"cron(0 9 1 * ? 1969)":           "1970 to 2199",
		"60 * * * *":                     `"60" in the minutes is not 0 to 59`,
		"* 24 * * *":                     `"24" in the hours is not 0 to 23`,
		"* * * 13 *":                     "1 to 12 or JAN to DEC",
		"* * * * 8":                      "0 to 7 or SUN to SAT",
		"* * * *":                        "five fields",
		"*/0 * * * *":                    "the step",
		"*/+5 * * * *":                   "the step",
		"5-1 * * * *":                    "goes down",
		"1,,2 * * * *":                   `"" in the minutes`,
		"+1 * * * *":                     "minutes",
		"L * * * *":                      "minutes",
		"@sometimes":                     "at(yyyy-mm-ddThh:mm:ss)",
		"rate(0 minutes)":                "from 1 up",
		"rate(5)":                        "minutes",
		"rate(1.5 hours)":                "whole number",
		"rate(3 fortnights)":             "minutes",
		"rate(36501 days)":               "36500 days",
		"rate(9999999999999999999 days)": "whole number",
		"at(2026-03-01)":                 "at(yyyy-mm-ddThh:mm:ss)",
		"at(2026-03-01T09:00:00Z)":       "without an offset",
		"at(2026-02-30T09:00:00)":        "at(yyyy-mm-ddThh:mm:ss)",
		strings.Repeat("* ", 200):        "256 bytes",
	} {
		_, err := schedule.Parse(text)
		wrong, ok := errors.AsType[*schedule.FieldError](err)
		if !ok || !errors.Is(err, schedule.ErrInvalid) || wrong.Field != "expression" || !strings.Contains(wrong.Want, want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

func TestPlanKeepsToItsBounds(t *testing.T) {
	made := parseTime(t, "2026-03-01T12:00:30Z")
	start, end := parseTime(t, "2026-03-02T00:00:00Z"), parseTime(t, "2026-03-02T00:10:00Z")
	for expression, want := range map[string]string{
		"rate(5 minutes)":         "00:00 00:05 00:10",
		"*/5 * * * *":             "00:00 00:05 00:10",
		"at(2026-03-02T00:10:00)": "00:10",
		"at(2026-03-01T23:59:59)": "",
	} {
		plan, err := schedule.Draft{Expression: expression, Start: start, End: end}.Plan(made)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for at, ok := plan.Next(made); ok; at, ok = plan.Next(at) {
			got = append(got, at.UTC().Format("15:04"))
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: %s, want %s", expression, got, want)
		}
	}
	plan, err := schedule.Draft{Expression: "rate(1 hour)"}.Plan(made)
	if next, ok := plan.Next(made); err != nil || !ok || !next.Equal(made.Add(time.Hour)) {
		t.Errorf("a rate without a start begins with %s", next)
	}
}

func FuzzParse(f *testing.F) {
	for _, text := range []string{
		"rate(5 minutes)", "at(2026-03-01T09:00:00)", "cron(0 10 ? * 6L 2026-2027)", "cron(0/20 8-9 1W * ? *)", "cron(0 0 ? * TUE#2 *)", "*/5 0-7 1,15 JAN sun-tue", "@daily", "0 0 30 2 *",
	} {
		f.Add(text, int64(1_774_600_000))
	}
	zone, err := schedule.Zone("America/New_York")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text string, seconds int64) {
		x, err := schedule.Parse(text)
		if err != nil {
			if !errors.Is(err, schedule.ErrInvalid) {
				t.Fatal(err)
			}
			return
		}
		after := time.Unix(seconds%(1<<37), 0)
		if next, ok := x.Next(after, after, zone); ok && !next.After(after) {
			t.Fatalf("%q: %s does not come after %s", text, next, after)
		}
	})
}
