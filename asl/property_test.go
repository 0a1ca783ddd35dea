package asl_test

import (
	"encoding/json"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"sundog/asl"
	"sundog/asl/asltest"
	"sundog/asl/asltest/generator"
)

// A run drives an execution with events in a random order, beside a twin that is stored and read back after every step.
type run struct {
	t       *rapid.T
	machine *asl.Machine
	x       *asl.Execution
	twin    *asl.Execution
	memory  *asltest.Memory
	moment  asl.Moment
	tasks   map[asl.TaskID]bool
	timers  map[asl.TimerID]bool
	runs    map[asl.MapRunID]bool
	gone    []asl.Event
	lastID  int64
	ended   bool
}

// TestInvariants drives random machines with events in random order: results, errors, timers before their time, and everything twice.
func TestInvariants(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		definition := generator.Definition(t, generator.Options{Depth: 2, Chance: true, Distributed: true})
		m, err := asl.Parse(definition)
		if err != nil {
			t.Fatalf("%v\n%s", err, definition)
		}
		m = m.WithLimits(asl.Limits{
			HistoryEvents:   rapid.SampledFrom([]int64{15, 25_000}).Draw(t, "history"),
			StepTransitions: rapid.SampledFrom([]int{1, 3, 1000}).Draw(t, "transitions"),
			MapConcurrency:  rapid.SampledFrom([]int{2, 40}).Draw(t, "map concurrency"),
		})
		r := &run{
			t: t, machine: m, memory: asltest.NewMemory(), tasks: map[asl.TaskID]bool{}, timers: map[asl.TimerID]bool{},
			runs: map[asl.MapRunID]bool{}, moment: asl.Moment{Now: start(), Seed: 7},
		}
		input := []byte(generator.Input)
		id := asl.Identity{Name: "n", ARN: "arn"}
		var a, b *asl.Effects
		r.x, a = asl.Start(m, id, asl.Raw(input), r.moment)
		r.twin, b = asl.Start(m, id, asl.Raw(input), r.moment)
		r.check(a, b)
		for range 400 {
			if r.ended {
				break
			}
			r.step()
		}
		for _, ev := range r.gone {
			if e, err := r.x.Advance(ev, r.moment); err != nil || !e.Empty() {
				t.Fatalf("late %T%+v has effects: %+v %v", ev, ev, e, err)
			}
		}
	})
}

// step delivers one event to both.
func (r *run) step() {
	r.moment.Now = r.moment.Now.Add(time.Duration(rapid.IntRange(0, 5).Draw(r.t, "pass")) * time.Second)
	r.moment.Seed++
	ev := r.event()
	a, err := r.x.Advance(ev, r.moment)
	if err != nil {
		r.t.Fatal(err)
	}
	b, err := r.twin.Advance(ev, r.moment)
	if err != nil {
		r.t.Fatal(err)
	}
	if fired, ok := ev.(asl.TimerFired); ok && !slices.Contains(a.DroppedTimers, fired.Timer) && !a.Empty() {
		r.t.Fatalf("timer %d fired and was not dropped", fired.Timer)
	}
	r.check(a, b)
}

func (r *run) event() asl.Event {
	var choices []asl.Event
	for _, id := range slices.Sorted(maps.Keys(r.tasks)) {
		choices = append(choices,
			asl.TaskSucceeded{Task: id, Output: asl.Raw([]byte(`{"done":true}`))}, asl.TaskFailed{Task: id, Error: "Oops", Cause: "it broke"},
			asl.TaskFailed{Task: id}, asl.TaskStarted{Task: id, Worker: "w"}, asl.TaskHeartbeat{Task: id},
			asl.TaskSubmitted{Task: id, Output: asl.Raw([]byte(`{}`))})
	}
	for _, id := range slices.Sorted(maps.Keys(r.timers)) {
		choices = append(choices, asl.TimerFired{Timer: id}, asl.TimerFired{Timer: id})
	}
	for _, id := range slices.Sorted(maps.Keys(r.runs)) {
		choices = append(choices, asl.MapRunSucceeded{Run: id, Output: asl.Raw([]byte(`[1]`))}, asl.MapRunFailed{Run: id, Error: "States.ItemReaderFailed", Cause: "it broke"})
	}
	choices = append(choices, r.gone...)
	if len(r.tasks)+len(r.timers)+len(r.runs) == 0 {
		r.t.Fatal("the execution runs but waits for nothing")
	}
	return rapid.SampledFrom(choices).Draw(r.t, "event")
}

// check compares the effects of the twins and keeps the books.
func (r *run) check(a, b *asl.Effects) {
	if d := cmp.Diff(describe(a), describe(b)); d != "" {
		r.t.Fatalf("stored and read back, the execution goes another way:\n%s", d)
	}
	for _, ev := range a.History {
		if ev.ID != r.lastID+1 || ev.Previous >= ev.ID || ev.Previous < 0 {
			r.t.Fatalf("event %d after %d, which follows %d", ev.ID, r.lastID, ev.Previous)
		}
		r.lastID = ev.ID
	}
	for _, task := range a.Tasks {
		r.tasks[task.ID] = true
	}
	for _, timer := range a.Timers {
		r.timers[timer.ID] = true
	}
	for _, id := range a.DroppedTasks {
		delete(r.tasks, id)
		r.gone = append(r.gone, asl.TaskSucceeded{Task: id, Output: asl.Raw([]byte(`1`))}, asl.TaskFailed{Task: id, Error: "Late"}, asl.TaskHeartbeat{Task: id})
	}
	for _, id := range a.DroppedTimers {
		delete(r.timers, id)
		r.gone = append(r.gone, asl.TimerFired{Timer: id})
	}
	for _, run := range a.MapRuns {
		r.runs[run.ID] = true
	}
	for _, id := range a.DroppedRuns {
		delete(r.runs, id)
		r.gone = append(r.gone, asl.MapRunSucceeded{Run: id, Output: asl.Raw([]byte(`1`))}, asl.MapRunFailed{Run: id, Error: "Late"})
	}
	r.ended = a.End != nil
	r.memory.Save(r.twin)
	if r.ended {
		if len(r.tasks)+len(r.timers)+len(r.runs) > 0 {
			r.t.Fatalf("the execution ended but keeps %v %v %v", r.tasks, r.timers, r.runs)
		}
		return
	}
	loaded, err := r.memory.Load(r.machine)
	if err != nil {
		r.t.Fatal(err)
	}
	r.twin = loaded
	for _, x := range []*asl.Execution{r.x, r.twin} {
		tasks, timers := x.Outstanding()
		if len(tasks) != len(r.tasks) || len(timers) != len(r.timers) {
			r.t.Fatalf("outstanding are %v %v, want %v %v", tasks, timers, r.tasks, r.timers)
		}
		runs := x.OpenMapRuns()
		if len(runs) != len(r.runs) {
			r.t.Fatalf("open are the map runs %v, want %v", runs, r.runs)
		}
		for _, run := range runs {
			item := asl.Item{Index: 1, Value: asl.Raw([]byte(`2`))}
			if input, err := x.ItemInput(run.ID, item, r.moment); err != nil || !json.Valid(input.Bytes()) {
				r.t.Fatalf("input of a child of the map run %d: %v", run.ID, err)
			}
		}
		for _, task := range tasks {
			if !r.tasks[task.ID] {
				r.t.Fatalf("task %d is outstanding but was dropped", task.ID)
			}
		}
	}
}

// describe gives effects a form in which they can be compared.
func describe(e *asl.Effects) map[string]any {
	text, err := json.Marshal(e)
	if err != nil {
		return map[string]any{"error": err.Error()}
	}
	var v map[string]any
	if err := json.Unmarshal(text, &v); err != nil {
		return map[string]any{"error": err.Error()}
	}
	return v
}
