package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"sundog/asl"
	"sundog/internal/embedded/store"
)

// An instance is an open execution in memory.
type instance struct {
	id uint64

	mu      sync.Mutex
	mailbox []delivery
	busy    bool // somebody works through the mailbox

	// The fields below belong to whoever made busy true.
	loaded bool
	desc   Description
	exec   *asl.Execution
	docs   *documents
	timers map[asl.TimerID]time.Time
	tasks  map[asl.TaskID]asl.Task
	// starting is true while the first step is written.
	starting bool
}

// step makes one transaction of a batch of events, then carries out its effects.
func (e *Engine) step(in *instance, batch []delivery) {
	if redrive := batch[0].redrive; redrive != nil {
		batch[0].done(redrive(in))
		return
	}
	err := e.load(in)
	if err == nil {
		err = e.advance(in, batch)
	}
	if err != nil && !errors.Is(err, ErrEnded) {
		in.forget() // what is in memory may be ahead of what is on disk
		e.logger.Error("a step of an execution failed; it is taken again", e.named(in.id), "error", err)
	}
	for _, d := range batch {
		if d.done != nil {
			d.done(errors.Join(err, d.err))
		} else if err != nil && !errors.Is(err, ErrEnded) {
			e.retry(in.id, d)
		}
	}
}

func (in *instance) forget() {
	in.loaded, in.exec, in.docs, in.timers, in.tasks = false, nil, nil, nil, nil
}

// load reads an execution from the store, unless it is in memory. It returns ErrEnded when the execution has ended.
func (e *Engine) load(in *instance) error {
	if in.loaded {
		return nil
	}
	desc, err := e.describe(in.id)
	if err != nil {
		return err
	}
	if desc.Status != asl.Running {
		return fmt.Errorf("%w: %s", ErrEnded, desc.ARN)
	}
	return e.read(in, desc)
}

// read reads an execution from the store, whether it runs or has ended.
func (e *Engine) read(in *instance, desc Description) error {
	machine, err := e.definition(desc.Definition)
	if err != nil {
		return err
	}
	if desc.isChild() {
		if machine = machine.Processor(desc.child.State); machine == nil {
			return fmt.Errorf("definition %s has no distributed Map state %s, of which %s is a child", desc.Definition, desc.child.State, desc.ARN)
		}
	}
	docs := newDocuments(e.store, in.id)
	if err := docs.findLast(); err != nil {
		return err
	}
	var parts []asl.Part
	for entry, err := range e.store.Scan(partPrefix(in.id).Range()) {
		if err != nil {
			return err
		}
		f := store.Split(entry.Key)
		f.Uint()
		parts = append(parts, asl.Part{Key: f.String(), Data: append([]byte(nil), entry.Value...)})
		if err := f.Err(); err != nil {
			return err
		}
	}
	exec, err := asl.Load(machine.WithLimits(e.opts.Limits), parts, docs)
	if err != nil {
		return fmt.Errorf("reading the state of %s: %w", desc.ARN, err)
	}
	in.desc, in.exec, in.docs = desc, exec, docs
	in.index()
	in.loaded = true
	return nil
}

// index notes what the execution waits for.
func (in *instance) index() {
	tasks, timers := in.exec.Outstanding()
	in.tasks = make(map[asl.TaskID]asl.Task, len(tasks))
	in.timers = make(map[asl.TimerID]time.Time, len(timers))
	for _, t := range tasks {
		in.tasks[t.ID] = t
	}
	for _, t := range timers {
		in.timers[t.ID] = t.At
	}
}

// note changes what is known of a task that has no result yet.
func (in *instance) note(id asl.TaskID, change func(*asl.Task)) {
	if t, ok := in.tasks[id]; ok {
		change(&t)
		in.tasks[id] = t
	}
}

func partPrefix(id uint64) store.Key { return store.NewKey(store.PrefixExecutionPart).Uint(id) }

func partKey(id uint64, part string) store.Key { return partPrefix(id).String(part) }

func taskKey(id uint64, task asl.TaskID) store.Key {
	return store.NewKey(store.PrefixTask).Uint(id).Uint(uint64(task))
}

// advance lets the interpreter take the events of a batch one after the other, commits what came of them, and carries out the effects.
func (e *Engine) advance(in *instance, batch []delivery) error {
	at := e.moment()
	var all effects
	var with []func(*store.Tx, *instance) error
	for i := range batch {
		d := &batch[i]
		if d.look != nil {
			d.look(in)
			continue
		}
		if d.check != nil {
			if d.err = d.check(in); d.err != nil {
				continue
			}
		}
		step, err := in.exec.Advance(d.event, at)
		if err != nil {
			return fmt.Errorf("%s: %w", in.desc.ARN, err)
		}
		all.add(step)
		if d.with != nil {
			with = append(with, d.with)
		}
		switch ev := d.event.(type) {
		case asl.TimerFired:
			all.droppedTimers = append(all.droppedTimers, ev.Timer)
		case asl.TaskStarted:
			in.note(ev.Task, func(t *asl.Task) { t.Started = true })
		case asl.TaskSubmitted:
			in.note(ev.Task, func(t *asl.Task) { t.Started, t.Submitted = true, true })
		}
		if in.exec.Status() != asl.Running {
			for late := range batch[i+1:] {
				if batch[i+1+late].check != nil {
					batch[i+1+late].err = fmt.Errorf("%w: %s", ErrEnded, in.desc.ARN)
				}
			}
			break // the rest comes too late
		}
		at.Seed++
	}
	if all.empty() {
		return nil
	}
	tx := e.store.Begin()
	if err := e.write(tx, in, &all); err != nil {
		return err
	}
	for _, add := range with {
		if err := add(tx, in); err != nil {
			return fmt.Errorf("stopping %s: %w", in.desc.ARN, err)
		}
	}
	if err := tx.Commit(context.WithoutCancel(e.ctx)); err != nil {
		return fmt.Errorf("writing a step of %s: %w", in.desc.ARN, err)
	}
	e.carryOut(in, &all)
	return nil
}

// effects are the effects of the steps of one transaction.
type effects struct {
	history       []asl.HistoryEvent
	tasks         []asl.Task
	timers        []asl.Timer
	droppedTasks  []asl.TaskID
	droppedTimers []asl.TimerID
	mapRuns       []asl.MapRun
	droppedRuns   []asl.MapRunID
	end           *asl.End
}

func (all *effects) add(step *asl.Effects) {
	all.history = append(all.history, step.History...)
	all.tasks = append(all.tasks, step.Tasks...)
	all.timers = append(all.timers, step.Timers...)
	all.droppedTasks = append(all.droppedTasks, step.DroppedTasks...)
	all.droppedTimers = append(all.droppedTimers, step.DroppedTimers...)
	all.mapRuns = append(all.mapRuns, step.MapRuns...)
	all.droppedRuns = append(all.droppedRuns, step.DroppedRuns...)
	if step.End != nil {
		all.end = step.End
	}
}

func (all *effects) empty() bool {
	return len(all.history) == 0 && len(all.tasks) == 0 && len(all.timers) == 0 && len(all.droppedTasks) == 0 && len(all.droppedTimers) == 0 &&
		len(all.mapRuns) == 0 && len(all.droppedRuns) == 0 && all.end == nil
}

// cancelOut removes tasks and timers that came and went within the transaction.
func (all *effects) cancelOut() {
	gone := make(map[asl.TaskID]bool, len(all.droppedTasks))
	for _, id := range all.droppedTasks {
		gone[id] = true
	}
	all.tasks = slices.DeleteFunc(all.tasks, func(t asl.Task) bool { return gone[t.ID] })
	goneTimers := make(map[asl.TimerID]bool, len(all.droppedTimers))
	for _, id := range all.droppedTimers {
		goneTimers[id] = true
	}
	all.timers = slices.DeleteFunc(all.timers, func(t asl.Timer) bool { return goneTimers[t.ID] })
}

// write adds a step to a transaction.
func (e *Engine) write(tx *store.Tx, in *instance, all *effects) error {
	if len(all.droppedTasks) > 0 || len(all.droppedTimers) > 0 {
		all.cancelOut()
	}
	in.docs.tx = tx
	defer func() { in.docs.tx = nil }()
	for _, part := range in.exec.TakeChanges(in.docs) {
		if part.Data == nil { // one by one: a range tombstone for each execution would slow down every reader
			tx.Delete(partKey(in.id, part.Key))
		} else {
			tx.Set(partKey(in.id, part.Key), part.Data)
		}
	}
	if !in.desc.isChild() || in.desc.MachineType != "EXPRESS" { // of which a map run may have millions
		writeHistory(tx, in.id, all.history, in.docs)
	}
	e.writeMapRuns(tx, in, all)
	for _, id := range all.droppedTasks {
		tx.Delete(taskKey(in.id, id))
	}
	for _, id := range all.droppedTimers {
		if due, ok := in.timers[id]; ok {
			tx.Delete(timerKey(due, in.id, id))
		}
	}
	if all.end != nil {
		return e.writeEnd(tx, in, all)
	}
	for _, t := range all.tasks {
		tx.Set(taskKey(in.id, t.ID), nil)
	}
	for _, t := range all.timers {
		tx.Set(timerKey(t.At, in.id, t.ID), nil)
	}
	return nil
}

// writeEnd adds the end of an execution: what it waited for goes, its description stays.
func (e *Engine) writeEnd(tx *store.Tx, in *instance, all *effects) error {
	for id := range in.tasks {
		tx.Delete(taskKey(in.id, id))
	}
	for id, due := range in.timers {
		tx.Delete(timerKey(due, in.id, id))
	}
	end := all.end
	d := in.desc
	d.Status, d.Error, d.Cause, d.Stop = end.Status, end.Error, end.Cause, e.opts.Now().UTC()
	d.Output = in.docs.Put(end.Output)
	if d.Status != asl.Succeeded {
		d.NotKept = in.exec.NotRedrivable()
		d.Kept = d.NotKept == ""
	}
	if n := len(all.history); n > 0 {
		d.EventCount = all.history[n-1].ID
	}
	d.write(tx)
	e.tellEnd(tx, d)
	if d.isChild() {
		writeChildEnd(tx, in, &d)
	} else {
		if !in.starting {
			tx.Delete(openKey(&d))
		}
		tx.Set(endedKey(&d), []byte(d.Status))
	}
	if e.opts.EndHook != nil {
		input, err := in.docs.Document(d.Input)
		if err != nil {
			return err
		}
		if err := e.opts.EndHook(tx, d, input, end.Output); err != nil {
			return fmt.Errorf("recording the end of %s: %w", d.ARN, err)
		}
	}
	return nil
}

// carryOut does what a committed step asked for.
func (e *Engine) carryOut(in *instance, all *effects) {
	for _, id := range all.droppedTasks {
		delete(in.tasks, id)
		e.dropTask(taskRef{in.id, id})
	}
	for _, id := range all.droppedTimers {
		delete(in.timers, id)
		e.timers.drop(timerRef{in.id, id})
	}
	e.carryOutMapRuns(in, all)
	if all.end != nil {
		e.ended(in, all.end.Status)
		return
	}
	for _, t := range all.timers {
		in.timers[t.ID] = t.At
		e.timers.set(timerRef{in.id, t.ID}, t.At)
	}
	for _, t := range all.tasks {
		in.tasks[t.ID] = t
		e.tasks.add(taskRef{in.id, t.ID}, &Task{Task: t, Execution: in.desc})
	}
}

// ended lets go of an execution that has ended.
func (e *Engine) ended(in *instance, status asl.Status) {
	for id := range in.tasks {
		e.dropTask(taskRef{in.id, id})
	}
	for id := range in.timers {
		e.timers.drop(timerRef{in.id, id})
	}
	if in.desc.isChild() {
		e.runs.childEnded(&in.desc, status)
	} else {
		e.lanes.end(in.desc.Lane)
	}
	e.waiters.wake(in.id)
	for _, w := range e.watches.on(in.id) {
		e.wg.Go(func() { e.endWatch(w) })
	}
	in.forget()
}

// dropTask lets go of a task whose result no longer matters.
func (e *Engine) dropTask(ref taskRef) {
	e.tasks.drop(ref)
	e.dropWatch(ref)
}
