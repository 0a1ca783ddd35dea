package ratelimit_test

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"sundog/internal/server/ratelimit"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func TestWhoAsksTooOftenWaits(t *testing.T) {
	l := ratelimit.New(10, 3)
	for i := range 3 {
		if wait := l.Allow("a", noon); wait != 0 {
			t.Errorf("request %d waits %s", i, wait)
		}
	}
	wait := l.Allow("a", noon)
	if wait != 100*time.Millisecond {
		t.Errorf("the fourth request waits %s", wait)
	}
	if wait := l.Allow("b", noon); wait != 0 {
		t.Errorf("somebody else waits %s", wait)
	}
	if wait := l.Allow("a", noon.Add(wait)); wait != 0 {
		t.Errorf("after that time it still waits %s", wait)
	}
}

// TestNeverMoreThanTheRate sends requests at any times and counts those that are allowed.
func TestNeverMoreThanTheRate(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rate, burst := rapid.IntRange(1, 100).Draw(t, "rate"), rapid.IntRange(1, 50).Draw(t, "burst")
		l := ratelimit.New(rate, burst)
		now, allowed := noon, 0
		for _, gap := range rapid.SliceOf(rapid.Int64Range(-int64(time.Millisecond), int64(time.Second/4))).Draw(t, "gaps") {
			now = now.Add(time.Duration(max(0, gap)))
			wait := l.Allow("a", now)
			if wait == 0 {
				allowed++
			} else if again := l.Allow("a", now.Add(wait)); again > time.Microsecond {
				t.Fatalf("told to wait %s, and then again %s", wait, again)
			} else {
				now = now.Add(wait)
				if again == 0 {
					allowed++
				}
			}
			if most := float64(burst) + now.Sub(noon).Seconds()*float64(rate) + 1e-3; float64(allowed) > most {
				t.Fatalf("%d requests were allowed in %s", allowed, now.Sub(noon))
			}
		}
	})
}

// TestInventedCallersGainNothing asks under more names than there is room for.
func TestInventedCallersGainNothing(t *testing.T) {
	const names = 30_000
	l := ratelimit.New(1, 1)
	allowed := 0
	for i := range names {
		if l.Allow(fmt.Sprint(i), noon) == 0 {
			allowed++
		}
	}
	if allowed > names/2 {
		t.Errorf("%d of %d requests were allowed", allowed, names)
	}
	if wait := l.Allow("late", noon.Add(time.Minute)); wait != 0 {
		t.Errorf("a minute later the first request of another waits %s", wait)
	}
}
