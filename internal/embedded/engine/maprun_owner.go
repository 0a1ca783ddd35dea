package engine

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"sundog/asl"
	"sundog/asl/maprun"
	"sundog/internal/embedded/machine"
	"sundog/internal/embedded/store"
)

// mapRuns are the open map runs. Each has one owner at a time, as executions have: whoever posts to an idle run makes it busy, and a
// goroutine then works until nothing is left to do. So a run that waits for its children holds its counts, the children that run, and an
// open reader; nothing of it grows with the number of items.
type mapRuns struct {
	e *Engine

	mu      sync.Mutex
	open    map[runRef]*mapRun
	stopped bool
}

// A mapRun is an open map run.
type mapRun struct {
	ref     runRef
	mailbox []runMail // guarded by mapRuns.mu
	busy    bool      // guarded by mapRuns.mu

	// The fields below belong to the owner.
	loaded   bool
	open     bool
	stopping bool
	parent   Description
	identity asl.Identity // of the parent
	record   runRecord
	state    runState
	run      asl.MapRun
	machine  *asl.Machine // of the children
	running  map[int64]childRow
	asked    map[int64]bool // children that were asked to stop
	feed     *maprun.Feed
	inputs   []maprun.Input // that were read and have no child yet
	fed      bool           // there are no more
}

// A runMail tells the owner of a run that a child has ended, that the run is to stop, what to change, or only to look around.
type runMail struct {
	ended  asl.Status // of the child
	index  int64
	stop   bool
	update *MapRunUpdate
	done   chan<- error // of the update
}

func newMapRuns(e *Engine) *mapRuns { return &mapRuns{e: e, open: map[runRef]*mapRun{}} }

// resume goes on with the runs that the last process left.
func (m *mapRuns) resume() error {
	for entry, err := range m.e.store.Scan(store.NewKey(store.PrefixMapRun).Uint(runOpen).Range()) {
		if err != nil {
			return fmt.Errorf("taking up open map runs: %w", err)
		}
		f := store.Split(entry.Key)
		f.Uint()
		ref := runRef{Execution: f.Uint(), Run: asl.MapRunID(f.Uint())}
		if err := f.Err(); err != nil {
			return err
		}
		m.post(ref, runMail{})
	}
	return nil
}

// post gives mail to the owner of a run. After the engine was told to stop it is lost: what it says is in the store.
func (m *mapRuns) post(ref runRef, mail runMail) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.stopped {
		if mail.done != nil {
			mail.done <- ErrStopping
		}
		return
	}
	r := m.open[ref]
	if r == nil {
		r = &mapRun{ref: ref}
		m.open[ref] = r
	}
	r.mailbox = append(r.mailbox, mail)
	if !r.busy {
		r.busy = true
		m.e.wg.Go(func() { m.work(r) })
	}
}

// childEnded tells the owner of a run that a child's end is on disk.
func (m *mapRuns) childEnded(d *Description, status asl.Status) {
	m.post(d.child.Run, runMail{ended: status, index: d.child.Index})
}

// stop keeps owners from beginning to work.
func (m *mapRuns) stop() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.stopped = true
}

// close lets go of what idle runs hold. Nobody works any more.
func (m *mapRuns) close() {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, r := range m.open {
		r.forget()
	}
	clear(m.open)
}

// take returns the mail of a run. Without mail an idle run is no longer busy; one that is over is forgotten.
func (m *mapRuns) take(r *mapRun, idle, over bool) (mail []runMail, more bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	mail, r.mailbox = r.mailbox, nil
	if over {
		delete(m.open, r.ref)
		return mail, false
	}
	if len(mail) == 0 && idle {
		r.busy = false
		return nil, false
	}
	return mail, true
}

// work is the owner of a run until it is idle or over.
func (m *mapRuns) work(r *mapRun) {
	idle, over := false, false
	for m.e.ctx.Err() == nil {
		mail, more := m.take(r, idle, over)
		if !more {
			answer(mail, ErrEnded)
			return
		}
		var err error
		if idle, over, err = m.e.stepRun(r, mail); err != nil {
			idle, over = false, false
			r.forget() // what is in memory may be ahead of what is on disk
			answer(mail, err)
			if m.e.ctx.Err() != nil || m.e.store.Failed() != nil {
				break
			}
			m.e.logger.Error("a step of a map run failed; it is taken again", "run", r.record.ARN, "execution", r.ref.Execution, "error", err)
			m.e.pause(retryDelay)
		}
	}
	r.forget()
	m.mu.Lock() // stopping: nobody takes what comes now
	defer m.mu.Unlock()
	answer(r.mailbox, ErrStopping)
	r.mailbox = nil
}

// answer tells those who wait for the outcome of their mail, once.
func answer(mail []runMail, err error) {
	for i := range mail {
		if mail[i].done != nil {
			mail[i].done <- err
			mail[i].done = nil
		}
	}
}

// pause waits, unless the engine stops.
func (e *Engine) pause(d time.Duration) {
	wait := time.NewTimer(d)
	defer wait.Stop()
	select {
	case <-wait.C:
	case <-e.ctx.Done():
	}
}

func (r *mapRun) forget() {
	if r.feed != nil {
		_ = r.feed.Close() // it was only read
	}
	r.loaded, r.feed, r.inputs, r.fed, r.running, r.asked = false, nil, nil, false, nil, nil
}

// load reads a run from the store, unless it is in memory.
func (e *Engine) loadRun(r *mapRun) error {
	if r.loaded {
		return nil
	}
	var err error
	if r.record, r.state, err = e.readRun(r.ref); err != nil {
		return err
	}
	if r.open, err = e.store.Has(r.ref.key(runOpen)); err != nil {
		return err
	}
	if r.stopping, err = e.store.Has(r.ref.key(runStop)); err != nil {
		return err
	}
	if r.parent, err = e.describe(r.ref.Execution); err != nil {
		return err
	}
	definition, err := e.definition(r.parent.Definition)
	if err != nil {
		return err
	}
	if r.machine = definition.Processor(r.record.State); r.machine == nil {
		return fmt.Errorf("definition %s has no distributed Map state %s", r.parent.Definition, r.record.State)
	}
	r.identity = e.identityOf(&r.parent)
	r.run = asl.MapRun{ID: r.ref.Run, ARN: r.record.ARN, State: r.record.State, Settings: r.record.Settings}
	if r.record.Items != 0 {
		text, err := e.readDocument(r.ref.Execution, r.record.Items)
		if err != nil {
			return err
		}
		r.run.Items = asl.Raw(text)
	}
	r.running, r.asked = map[int64]childRow{}, map[int64]bool{}
	for entry, err := range e.store.Scan(r.ref.key(runRunning).Range()) {
		if err != nil {
			return err
		}
		index, row, err := childOfEntry(entry)
		if err != nil {
			return err
		}
		r.running[index] = row
	}
	r.loaded = true
	return nil
}

func childOfEntry(entry store.Entry) (index int64, row childRow, err error) {
	f := store.Split(entry.Key)
	f.Uint()
	f.Uint()
	f.Uint()
	index = int64(f.Uint())
	if err := f.Err(); err != nil {
		return 0, row, err
	}
	row, err = decodeChild(entry.Value)
	return index, row, err
}

// stepRun takes mail into a run and does what is to be done next, in one transaction. Idle says that only mail can bring it on, over that the
// run has ended.
func (e *Engine) stepRun(r *mapRun, mail []runMail) (idle, over bool, err error) {
	if err := e.loadRun(r); err != nil {
		return false, errors.Is(err, ErrNoMapRun), ignore(err, ErrNoMapRun)
	}
	if !r.open || r.state.Status != asl.Running { // over, or about to be when the last process ended
		answer(mail, ErrEnded)
		return true, true, e.finishRun(r)
	}
	tx, before := e.store.Begin(), r.state
	r.takeMail(mail)
	r.count(tx)
	children, err := e.startChildren(tx, r)
	if err != nil {
		return false, false, err
	}
	if r.state != before || len(children) > 0 {
		setJSON(tx, r.ref.key(runProgress), r.state)
		if err := e.commitChildren(tx, children); err != nil {
			return false, false, fmt.Errorf("writing a step of the map run %s: %w", r.record.ARN, err)
		}
	}
	answer(mail, nil)
	if r.stopping || r.state.Failure != nil {
		if err := e.abortChildren(r); err != nil {
			return false, false, err
		}
	}
	if r.state.Over() || r.stopping && len(r.running) == 0 {
		return true, true, e.finishRun(r)
	}
	return r.room(e) == 0, false, nil
}

// ignore returns err, or nil when it is one of a kind.
func ignore(err, kind error) error {
	if errors.Is(err, kind) {
		return nil
	}
	return err
}

func (r *mapRun) room(e *Engine) int64 {
	if r.stopping {
		return 0
	}
	return r.state.Room(int64(e.opts.MapRunConcurrency))
}

// takeMail notes what came in.
func (r *mapRun) takeMail(mail []runMail) {
	for _, one := range mail {
		switch {
		case one.stop:
			r.stopping = true
		case one.update != nil:
			one.update.apply(&r.state.Run)
		case one.ended != "":
			if row, ok := r.running[one.index]; ok { // else it was counted before
				row.status = one.ended
				r.running[one.index] = row
			}
		}
	}
}

// count counts the children that have ended. Their rows are what makes it once: who has one in runRunning is not counted yet.
func (r *mapRun) count(tx *store.Tx) {
	for index, row := range r.running {
		if row.status == asl.Running {
			continue
		}
		r.state.Ended(row.status, row.items)
		tx.Delete(r.ref.childKey(runRunning, index))
		tx.Set(r.ref.childKey(runChild, index), row.encode())
		delete(r.running, index)
		delete(r.asked, index)
	}
}

// identityOf is who an execution is. Of a child of a map run the workflow is a name with labels behind it.
func (e *Engine) identityOf(d *Description) asl.Identity {
	role := d.Role
	if role == "" {
		base, _, _ := strings.Cut(d.Machine, "/")
		role = e.machines.Role(base)
	}
	return asl.Identity{
		ARN: d.ARN, Name: d.Name, MachineARN: e.MachineARN(d.Machine), MachineName: e.opts.MachinePrefix + d.Machine,
		Express: d.MachineType == machine.Express, Number: d.id, Child: d.isChild(), RoleARN: role, Region: e.opts.Region, Account: e.opts.Account,
	}
}
