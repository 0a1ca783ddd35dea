package schedule_test

import (
	"errors"
	"testing"
	"time"

	"sundog/internal/schedule"
)

func TestWhen(t *testing.T) {
	berlin, err := schedule.Zone("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 3, 27, 10, 30, 15, 500, berlin) // a Friday; on Sunday clocks go forward
	for text, want := range map[string]string{
		"in 10m":                         "2026-03-27T10:40:15.0000005+01:00",
		"in 1h 30m":                      "2026-03-27T12:00:15.0000005+01:00",
		"in 3 days":                      "2026-03-30T11:30:15.0000005+02:00",
		"in 1 week":                      "2026-04-03T11:30:15.0000005+02:00",
		"in 90seconds":                   "2026-03-27T10:31:45.0000005+01:00",
		"today 18:00":                    "2026-03-27T18:00:00+01:00",
		"today 9am":                      "2026-03-27T09:00:00+01:00", // past: Make refuses it
		"tomorrow 09:00":                 "2026-03-28T09:00:00+01:00",
		"Tomorrow at 9:15:30 pm":         "2026-03-28T21:15:30+01:00",
		"friday 9am":                     "2026-04-03T09:00:00+02:00",
		"fri 11:00":                      "2026-03-27T11:00:00+01:00",
		"sunday 02:30":                   "2026-03-29T03:00:00+02:00",
		"12am":                           "2026-03-28T00:00:00+01:00",
		"12:01pm":                        "2026-03-27T12:01:00+01:00",
		"noon":                           "2026-03-27T12:00:00+01:00",
		"tomorrow midnight":              "2026-03-28T00:00:00+01:00",
		"2026-10-25 02:30":               "2026-10-25T02:30:00+02:00",
		"2026-03-29T02:30:00":            "2026-03-29T03:00:00+02:00",
		"2026-03-01 09:00":               "2026-03-01T09:00:00+01:00",
		"2018-04-28T15:11:55-0300":       "2018-04-28T15:11:55-03:00",
		"2018-04-28T15:11:55.25-03":      "2018-04-28T15:11:55.25-03:00",
		"2018-04-28T15:11Z":              "2018-04-28T15:11:00Z",
		"2018-04-28t15:11:55z":           "2018-04-28T15:11:55Z",
		"1524939115":                     "2018-04-28T18:11:55Z",
		"1524939115.000000001":           "2018-04-28T18:11:55.000000001Z",
		"253402300799":                   "9999-12-31T23:59:59Z",
		" 2018-04-28 15:11:55.5+05:30  ": "2018-04-28T15:11:55.5+05:30",
	} {
		got, err := schedule.When("at", text, now, berlin)
		if parsed, parseErr := time.Parse(time.RFC3339Nano, want); err != nil || parseErr != nil || !got.Equal(parsed) {
			t.Errorf("%q is %s (%v), want %s", text, got, err, want)
		}
	}
	for _, text := range []string{
		"", "in", "in 0s", "in -3m", "in 10", "in 10 fortnights", "in 999999999w", "in 10m 5", "tomorrow", "today", "friday", "9", "25:00", "09:60", "0am", "13pm",
		"2026-02-30 09:00", "2026-03-01", "next week", "1524939115000000", "-1524939115", "1e9", "999", "yesterday 9:00", "at", "tomorrow at noon at 9:00",
	} {
		if got, err := schedule.When("at", text, now, berlin); !errors.Is(err, schedule.ErrInvalid) {
			t.Errorf("%q is %s (%v), and should be refused", text, got, err)
		}
	}
}

func FuzzWhen(f *testing.F) {
	for _, text := range []string{"in 10m", "tomorrow 09:00", "friday 9am", "2018-04-28T15:11:55-0300", "1524939115.5", "2026-03-29 02:30", "12:30pm"} {
		f.Add(text, int64(1_774_600_000))
	}
	zone, err := schedule.Zone("Australia/Lord_Howe")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text string, now int64) {
		at, err := schedule.When("at", text, time.Unix(now%(1<<33), 0), zone)
		if err == nil && at.IsZero() || err != nil && !errors.Is(err, schedule.ErrInvalid) {
			t.Fatalf("%q is %s, %v", text, at, err)
		}
	})
}
