package server_test

import (
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"sundog/internal/problem"
	"sundog/internal/schedule"
)

func TestScheduleDeadLetters(t *testing.T) {
	r := startWith(t, "", egress)
	ctx := t.Context()
	var mended atomic.Bool
	url, got := receiverOf(t, func(*http.Request) int {
		if mended.Load() {
			return http.StatusOK
		}
		return http.StatusTeapot
	})
	var ids []string
	for _, at := range []string{"in 1h", "in 2h", "in 3h"} {
		made, err := r.CreateSchedule(ctx, toURL(at, url))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := r.FireSchedule(ctx, made.ID); err != nil {
			t.Fatal(err)
		}
		await(t, got)
		events := r.waitEvents(made.ID, schedule.EventFailed)
		if last := events[len(events)-1]; !last.Final || last.Status != http.StatusTeapot || last.Error != "the URL answered 418" {
			t.Errorf("the last event is %+v", last)
		}
		ids = append(ids, made.ID)
	}
	page, err := r.ScheduleDeadLetters(ctx, "", "", 2)
	if err != nil || len(page.DeadLetters) != 2 || page.Next == "" || page.DeadLetters[0].Schedule.ID != ids[0] {
		t.Fatalf("the first page is %+v, %v", page, err)
	}
	dead := page.DeadLetters[1]
	if dead.Attempts != 1 || dead.Reason != "the URL answered 418" || dead.Schedule.Context.Payload != "hello" || time.Since(dead.PointInTime) > time.Minute {
		t.Errorf("a dead letter is %+v", dead)
	}
	if one, err := r.ScheduleDeadLetter(ctx, dead.ID); err != nil || one.ID != dead.ID || one.Schedule.ID != ids[1] {
		t.Errorf("the dead letter is %+v, %v", one, err)
	}
	if page, err = r.ScheduleDeadLetters(ctx, "", page.Next, 2); err != nil || len(page.DeadLetters) != 1 || page.DeadLetters[0].Schedule.ID != ids[2] || page.Next != "" {
		t.Errorf("the second page is %+v, %v", page, err)
	}
	if _, err := r.ScheduleDeadLetters(ctx, "", "nonsense", 2); !problem.Is(err, problem.Invalid) {
		t.Errorf("a page after nonsense: %v", err)
	}

	mended.Store(true)
	if moved, err := r.DeliverAgain(ctx, dead.ID); err != nil || moved.Count != 1 {
		t.Errorf("delivered again: %+v, %v", moved, err)
	}
	if again := await(t, got); again.Header.Get(schedule.HeaderID) != ids[1] || again.Header.Get(schedule.HeaderAttempt) != "2" ||
		again.Header.Get(schedule.HeaderFor) != dead.PointInTime.Format(time.RFC3339Nano) {
		t.Errorf("delivered again: %v", again.Header)
	}
	r.waitEvents(ids[1], schedule.EventDelivered)
	if moved, err := r.DeleteScheduleDeadLetter(ctx, page.DeadLetters[0].ID); err != nil || moved.Count != 1 {
		t.Errorf("deleted: %+v, %v", moved, err)
	}
	if moved, err := r.DeliverAllAgain(ctx, ids[1]); err != nil || moved.Count != 0 {
		t.Errorf("those of a schedule that has none: %+v, %v", moved, err)
	}
	if moved, err := r.DeliverAllAgain(ctx, ""); err != nil || moved.Count != 1 {
		t.Errorf("all delivered again: %+v, %v", moved, err)
	}
	if again := await(t, got); again.Header.Get(schedule.HeaderID) != ids[0] {
		t.Errorf("all delivered again: %v", again.Header)
	}
	for what, err := range map[string]error{
		"reading": second(r.ScheduleDeadLetter(ctx, dead.ID)), "delivering": second(r.DeliverAgain(ctx, dead.ID)),
		"deleting": second(r.DeleteScheduleDeadLetter(ctx, dead.ID)),
	} {
		if !problem.Is(err, problem.NotFound) {
			t.Errorf("%s one that is gone: %v", what, err)
		}
	}
	if page, err := r.ScheduleDeadLetters(ctx, "", "", 0); err != nil || len(page.DeadLetters) != 0 {
		t.Errorf("left are %+v, %v", page, err)
	}
}

func second[T any](_ T, err error) error { return err }
