package schedule_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"pgregory.net/rapid"

	"sundog/internal/aws/awstest"
	"sundog/internal/queue"
)

// expected is what the test knows of a schedule.
type expected struct {
	at        time.Time
	version   string // its payload
	cancelled bool
}

// TestWhateverHappens makes, changes and cancels schedules while writes are lost, messages come twice and nobody calls for a while. In the end each
// that was not cancelled has fired once, at its time or later, as it was last changed.
func TestWhateverHappens(t *testing.T) {
	world := newWorld(t, awstest.Sundog)
	rapid.Check(t, func(rt *rapid.T) {
		world.queue, world.failSend = nil, nil
		clear(world.published)
		all := map[string]*expected{}
		var ids []string
		lost := func(name string) {
			if rapid.Bool().Draw(rt, name) {
				world.failSend = func(int) bool { return true }
			}
		}
		in := rapid.Custom(func(rt *rapid.T) time.Duration {
			return time.Duration(rapid.IntRange(1, 60).Draw(rt, "minutes")) * time.Minute
		})
		some := func() string { return rapid.SampledFrom(ids).Draw(rt, "schedule") }
		dispatch := func() {
			for _, m := range world.visible() {
				if err := world.schedules.Dispatch(t.Context(), []queue.Message{m})[0]; err != nil {
					rt.Fatal(err)
				}
				world.forget(m.ID)
			}
		}
		rt.Repeat(map[string]func(*rapid.T){
			"make": func(rt *rapid.T) {
				lost("the queue fails")
				d := in.Draw(rt, "in")
				id := world.post(d, "0", requestAction)
				all[id], ids = &expected{at: world.clock().Add(d), version: "0"}, append(ids, id)
				world.failSend = nil
			},
			"change": func(rt *rapid.T) {
				if len(ids) == 0 {
					rt.Skip("there is none")
				}
				lost("the queue fails")
				id, d, version := some(), in.Draw(rt, "in"), rapid.StringMatching("[a-z]{8}").Draw(rt, "version")
				status, answer := world.do(http.MethodPut, "/schedule/"+id, world.request(d, version, requestAction))
				switch {
				case status == http.StatusOK:
					all[id].at, all[id].version = world.clock().Add(d), version
				case status == http.StatusNotFound && (all[id].cancelled || !all[id].at.After(world.clock().Add(-time.Hour))), status == http.StatusConflict && !all[id].at.After(world.clock().Add(14*time.Minute)):
				default:
					rt.Fatalf("changing %+v: %d %v", all[id], status, answer)
				}
				world.failSend = nil
			},
			"cancel": func(rt *rapid.T) {
				if len(ids) == 0 {
					rt.Skip("there is none")
				}
				id := some()
				status, answer := world.do(http.MethodDelete, "/schedule/"+id, "")
				switch {
				case status == http.StatusNoContent:
					all[id].cancelled = true
				case status == http.StatusNotFound && (all[id].cancelled || !all[id].at.After(world.clock().Add(-time.Hour))), status == http.StatusConflict && !all[id].at.After(world.clock()):
				default:
					rt.Fatalf("cancelling %+v: %d %v", all[id], status, answer)
				}
			},
			"time": func(rt *rapid.T) {
				world.advance(time.Duration(rapid.IntRange(1, 1200).Draw(rt, "seconds")) * time.Second)
			},
			"minute": func(rt *rapid.T) {
				if _, err := world.schedules.Enqueue(t.Context()); err != nil {
					rt.Fatal(err)
				}
			},
			"minute without an end": func(rt *rapid.T) {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				world.failSend = func(int) bool { cancel(); return false }
				_, _ = world.schedules.Enqueue(ctx) // it fails when there was something to do
				world.failSend = nil
			},
			"dispatch": func(*rapid.T) { dispatch() },
			"": func(rt *rapid.T) {
				for _, f := range world.on(base + "http") {
					if e := all[f.ScheduleID]; f.PointInTime > world.clock().Unix() || e.version != f.Context.Payload {
						rt.Fatalf("%+v fired for %d as %s", e, f.PointInTime, f.Context.Payload)
					}
				}
			},
		})
		world.advance(46 * time.Minute)
		if _, err := world.schedules.Enqueue(t.Context()); err != nil {
			rt.Fatal(err)
		}
		world.advance(14 * time.Minute)
		dispatch()
		times := map[string]int{}
		for _, f := range world.on(base + "http") {
			times[f.ScheduleID]++
		}
		for id, e := range all {
			if want := map[bool]int{false: 1, true: 0}[e.cancelled]; times[id] != want {
				rt.Errorf("%+v fired %d times", e, times[id])
			}
		}
	})
}
