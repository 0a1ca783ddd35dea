package engine

import (
	"context"
	"errors"
	"fmt"
	"io"

	"golang.org/x/sync/errgroup"

	"sundog/asl"
	"sundog/asl/maprun"
	"sundog/internal/embedded/store"
)

// Bounds of what is read and started at once.
const (
	maxStarted      = 128     // children in one transaction
	minRead         = 16      // inputs that are read however little room there is, for children that end at once
	maxStartedBytes = 1 << 20 // bytes of the inputs that are read at once, but for the last
	maxStopping     = 64      // children that are stopped at one time
)

// A startedChild is an execution whose first step is about to be committed.
type startedChild struct {
	in  *instance
	all *effects
}

// startChildren adds the start of as many children as there is room for to a transaction.
func (e *Engine) startChildren(tx *store.Tx, r *mapRun) ([]startedChild, error) {
	var children []startedChild
	for r.room(e) > 0 && len(children) < maxStarted {
		if len(r.inputs) == 0 {
			if len(children) > 0 {
				break // the next step reads on
			}
			if err := e.readInputs(r); err != nil {
				return nil, err
			}
			if len(r.inputs) == 0 {
				break
			}
		}
		child, err := e.startChild(tx, r, r.inputs[0])
		if err != nil {
			return nil, err
		}
		r.inputs[0] = maprun.Input{}
		r.inputs = r.inputs[1:]
		children = append(children, child)
	}
	if r.fed && len(r.inputs) == 0 && !r.state.AllRead && r.state.Failure == nil {
		r.state.Exhausted()
	}
	return children, nil
}

// readInputs reads the inputs of the next children. They are made by the parent, whose ItemSelector may look at its data and variables. What is
// wrong with the items fails the run.
func (e *Engine) readInputs(r *mapRun) error {
	if r.fed {
		return nil
	}
	var err error
	if r.feed == nil {
		r.feed, err = maprun.OpenFeed(e.ctx, e.opts.Objects, r.run, r.state.Items.Total)
	}
	if err == nil {
		looked := e.look(r.ref.Execution, func(in *instance) { err = e.feed(r, in) })
		if errors.Is(looked, ErrEnded) {
			looked, err = nil, asl.ErrNoRun
		}
		if looked != nil { // what was seen may not be on disk
			return fmt.Errorf("reading the items of %s: %w", r.record.ARN, looked)
		}
	}
	wrong, err := runError(err)
	switch {
	case errors.Is(err, io.EOF):
		r.fed = true
	case errors.Is(err, asl.ErrNoRun):
		r.stopping = true // the parent has dropped the run, and its mark is there
	case wrong != nil:
		r.fed = true
		r.state.Fail(wrong)
	case err != nil:
		return fmt.Errorf("reading the items of %s: %w", r.record.ARN, err)
	}
	return nil
}

// feed reads inputs until there are enough for one transaction. It runs in the parent's turn.
func (e *Engine) feed(r *mapRun, in *instance) error {
	selector := func(item asl.Item) (*asl.Document, error) { return in.exec.ItemInput(r.ref.Run, item, e.moment()) }
	most := int(min(maxStarted, max(minRead, r.room(e))))
	for size := 0; len(r.inputs) < most && size < maxStartedBytes; {
		input, err := r.feed.Next(e.ctx, selector)
		if err != nil {
			return err
		}
		r.inputs = append(r.inputs, input)
		size += len(input.Document.Bytes())
	}
	return nil
}

// look looks at an execution in its turn. It always waits for that.
func (e *Engine) look(id uint64, f func(in *instance)) error {
	done := make(chan error, 1)
	e.post(id, delivery{look: f, done: func(err error) { done <- err }})
	return <-done
}

// startChild adds the start of one child.
func (e *Engine) startChild(tx *store.Tx, r *mapRun, input maprun.Input) (startedChild, error) {
	at := e.moment()
	index := r.state.Started(input.Items)
	settings := &r.record.Settings
	identity := maprun.Child(r.identity, r.record.ARN, settings.Label, settings.Express, index)
	d := Description{
		id: e.nextID(at.Now), Machine: r.parent.Machine + "/" + settings.Label, Name: identity.Name, ARN: identity.ARN, Status: asl.Running, Start: at.Now,
		Definition: r.parent.Definition, MachineType: "STANDARD", MapRun: r.record.ARN,
		Revision: r.parent.Revision, Revised: r.parent.Revised, Role: r.parent.Role,
		child: childOf{Run: r.ref, Index: index, Items: input.Items, State: r.record.State},
	}
	identity.Number = d.id
	e.place(&d, r.parent.Trace)
	if settings.Express {
		d.MachineType = "EXPRESS"
	}
	in, all, err := e.begin(tx, d, r.machine, identity, input.Document, at)
	if err != nil {
		return startedChild{}, err
	}
	row := childRow{execution: d.id, items: input.Items, status: asl.Running}
	if all.end == nil {
		tx.Set(r.ref.childKey(runRunning, index), row.encode())
		r.running[index] = row
	} else {
		row.status = all.end.Status
		r.state.Ended(row.status, row.items)
		tx.Set(r.ref.childKey(runChild, index), row.encode())
	}
	return startedChild{in, all}, nil
}

// commitChildren commits a step of a run, and carries out the first steps of the children that it started.
func (e *Engine) commitChildren(tx *store.Tx, children []startedChild) error {
	for _, c := range children {
		e.cache.adopt(c.in)
		defer e.cache.release(c.in)
	}
	if err := tx.Commit(context.WithoutCancel(e.ctx)); err != nil {
		for _, c := range children {
			c.in.forget()
		}
		return err
	}
	for _, c := range children {
		e.carryOut(c.in, c.all)
		e.work(c.in) // it was busy: something may have come in meanwhile
	}
	return nil
}

// abortChildren stops the children that still run. Their ends come as those of others do.
func (e *Engine) abortChildren(r *mapRun) error {
	var g errgroup.Group
	g.SetLimit(maxStopping)
	for index, row := range r.running {
		if r.asked[index] {
			continue
		}
		r.asked[index] = true
		g.Go(func() error { return ignore(e.call(e.ctx, row.execution, asl.StopRequested{}), ErrEnded) })
	}
	if err := g.Wait(); err != nil {
		return fmt.Errorf("stopping the children of %s: %w", r.record.ARN, err)
	}
	return nil
}
