package engine

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"sundog/asl"
	"sundog/asl/maprun"
	"sundog/internal/embedded/store"
	"sundog/itemreader"
)

// finishRun makes the result of a run whose children have ended, notes how the run ended, tells the parent, and closes the run. The parent's
// step marks the run as dropped, as it would to stop it; so a run whose end is noted and that has the mark need only be closed. When a crash
// comes before, the same is done again.
func (e *Engine) finishRun(r *mapRun) error {
	if !r.open {
		return nil
	}
	if r.state.Status == asl.Running || !r.stopping {
		if err := e.endRun(r); err != nil {
			return fmt.Errorf("ending the map run %s: %w", r.record.ARN, err)
		}
	}
	tx := e.store.Begin()
	tx.Delete(r.ref.key(runOpen))
	tx.Delete(r.ref.key(runStop))
	if err := tx.Commit(context.WithoutCancel(e.ctx)); err != nil {
		return fmt.Errorf("closing the map run %s: %w", r.record.ARN, err)
	}
	r.forget()
	return nil
}

// endRun notes the end of a run and tells the parent.
func (e *Engine) endRun(r *mapRun) error {
	state := r.state
	var event asl.Event
	if r.stopping {
		state.Status = asl.Aborted
	} else {
		var err error
		if event, err = e.resultOf(r, &state); err != nil {
			return err
		}
	}
	state.Stop = e.opts.Now().UTC()
	tx := e.store.Begin()
	setJSON(tx, r.ref.key(runProgress), state)
	if err := tx.Commit(context.WithoutCancel(e.ctx)); err != nil {
		return err
	}
	r.state = state
	if event == nil {
		return nil
	}
	return ignore(e.call(e.ctx, r.ref.Execution, event), ErrEnded) // an execution that has ended wants nothing
}

// resultOf makes the event with which a run ends, and writes the results of its children where that is wanted. The results of a run that has
// failed are written too.
func (e *Engine) resultOf(r *mapRun, state *runState) (asl.Event, error) {
	var output *asl.Document
	var err error
	w := r.record.Settings.Writer
	switch {
	case w != nil && w.Bucket != "":
		state.Written = 0
		output, err = maprun.Export(e.ctx, e.opts.Objects, r.run, e.results(r, func() { state.Written++ }))
	case state.Failure == nil:
		output, err = maprun.Output(e.results(r, func() {}), r.record.State, w, maprun.MaxInputBytes)
	}
	wrong, err := runError(err)
	if err != nil {
		return nil, fmt.Errorf("making the result of %s: %w", r.record.ARN, err)
	}
	if wrong != nil {
		state.Fail(wrong)
	}
	return r.ending(state, output), nil
}

// ending is the event with which a run ends.
func (r *mapRun) ending(state *runState, output *asl.Document) asl.Event {
	if failure := state.Failure; failure != nil {
		state.Status = asl.Failed
		return asl.MapRunFailed{Run: r.ref.Run, Error: failure.Name, Cause: failure.Cause}
	}
	state.Status = asl.Succeeded
	return asl.MapRunSucceeded{Run: r.ref.Run, Output: output}
}

// runError separates what fails a run from what is to be tried again.
func runError(err error) (*asl.RunError, error) {
	if wrong, named := errors.AsType[*asl.RunError](err); named {
		return wrong, nil
	}
	return nil, err
}

// result reads what became of a child.
func (e *Engine) result(entry store.Entry) (result maprun.Result, err error) {
	_, row, err := childOfEntry(entry)
	if err != nil {
		return result, err
	}
	d, err := e.describe(row.execution)
	if err != nil {
		return result, fmt.Errorf("reading a child of a map run: %w", err)
	}
	result = maprun.Result{Identity: e.identityOf(&d), Status: d.Status, Start: d.Start, Stop: d.Stop, Error: d.Error, Cause: d.Cause}
	input, err := e.readDocument(d.id, d.Input)
	if err != nil {
		return result, err
	}
	result.Input = asl.Raw(input)
	if d.Output != 0 {
		output, err := e.readDocument(d.id, d.Output)
		if err != nil {
			return result, err
		}
		result.Output = asl.Raw(output)
	}
	return result, nil
}

// results gives the results of the children of a run in the order of their indices, and when it has failed what is left of its inputs.
func (e *Engine) results(r *mapRun, counted func()) iter.Seq2[maprun.Result, error] {
	return func(yield func(maprun.Result, error) bool) {
		for entry, err := range e.store.Scan(r.ref.key(runChild).Range()) {
			var result maprun.Result
			if err == nil {
				result, err = e.result(entry)
			}
			if !yield(result, err) || err != nil {
				return
			}
			counted()
		}
		if r.state.Failure == nil {
			return
		}
		for index := r.state.Children.Total; ; index++ {
			input, ok, err := e.pending(r)
			if !ok && err == nil {
				return
			}
			identity := maprun.Child(r.identity, r.record.ARN, r.record.Settings.Label, r.record.Settings.Express, index)
			if !yield(maprun.Result{Identity: identity, Status: maprun.Pending, Input: input.Document}, err) || err != nil {
				return
			}
		}
	}
}

// pending takes one of the inputs for which no child was started.
func (e *Engine) pending(r *mapRun) (input maprun.Input, ok bool, err error) {
	if len(r.inputs) == 0 {
		if err := e.readInputs(r); err != nil || len(r.inputs) == 0 {
			return input, false, err
		}
	}
	input = r.inputs[0]
	r.inputs = r.inputs[1:]
	return input, true, nil
}

// noObjects has no bucket.
type noObjects struct{}

func (noObjects) Open(context.Context, string, string) (itemreader.Body, error) {
	return nil, itemreader.ErrNoBucket
}

func (noObjects) List(context.Context, string, string, string) ([]itemreader.Object, error) {
	return nil, itemreader.ErrNoBucket
}

func (noObjects) Put(context.Context, string, string, []byte) error { return itemreader.ErrNoBucket }
