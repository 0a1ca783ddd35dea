package asl

import "errors"

// An Item is one of the items of a map run, as ItemSelector sees it.
type Item struct {
	Index  int64     // in the dataset, from 0
	Value  *Document // $$.Map.Item.Value
	Key    string    // $$.Map.Item.Key, of the member of an object
	Member bool      // whether it is one
	Source string    // $$.Map.Item.Source
}

// ErrNoRun is returned for a map run that is not open.
var ErrNoRun = errors.New("the map run is not open")

// RunError is an error of a map run that a Retry or Catch of its state can name.
type RunError struct{ Name, Cause string }

func (e *RunError) Error() string { return e.Name + ": " + e.Cause }

// ItemInput applies the ItemSelector of the state of an open map run to one of its items. An item of an object without a selector is the
// pair of its key and value. A failure is a *RunError; ErrNoRun says that the run is over. The execution is as it was.
func (x *Execution) ItemInput(run MapRunID, item Item, at Moment) (*Document, error) {
	f := x.runs[run]
	if f == nil {
		return nil, ErrNoRun
	}
	selector := f.state.mapping.itemSelector
	if selector == nil {
		if !item.Member {
			return item.Value, nil
		}
		text := appendString([]byte(`{"Key":`), item.Key)
		text = append(append(text, `,"Value":`...), item.Value.Bytes()...)
		return Raw(append(text, '}')), nil
	}
	x.begin(at)
	defer func() { x.effects, x.rng = nil, nil }()
	s := x.scope(f, f.run.data)
	s.item, s.itemIndex, s.runItem = item.Value, int(item.Index), &item
	input, err := selector.eval(s)
	if err != nil {
		return nil, &RunError{Name: err.name, Cause: err.cause}
	}
	return input, nil
}

// OpenMapRuns returns the map runs that have not ended, in the order of their ids: what an engine takes up again after a crash.
func (x *Execution) OpenMapRuns() []MapRun {
	runs := make([]MapRun, 0, len(x.runs))
	for _, id := range sortedKeys(x.runs) {
		f := x.runs[id]
		runs = append(runs, f.mapRun(f.run.evaluated()))
	}
	return runs
}

// onRun does something with the frame of a map run that has not ended; false when it has.
func (x *Execution) onRun(id MapRunID, do func(f *frame)) bool {
	f := x.runs[id]
	if f == nil {
		return false
	}
	x.touch(f)
	do(f)
	return true
}

// runSucceeded goes on with a state whose map run has succeeded. As in the history of an inline Map, what follows refers to the event before
// the successes.
func (x *Execution) runSucceeded(f *frame, output *Document) {
	if len(output.Bytes()) > x.machine.limits.DataBytes {
		x.runFailed(f, MapRunFailed{Error: errDataLimitExceeded, Cause: sizeFailure(f.state.name).cause})
		return
	}
	id := x.event("MapRunSucceeded", f.prev, Details{})
	x.event("MapStateSucceeded", id, Details{})
	x.endRun(f)
	x.complete(f, output)
}

// runFailed takes the error of a map run to its state.
func (x *Execution) runFailed(f *frame, ev MapRunFailed) {
	f.prev = x.event("MapRunFailed", f.prev, Details{Error: ev.Error, Cause: ev.Cause, HasError: ev.Error != "", HasCause: ev.Cause != ""})
	x.fail(f, &failure{name: ev.Error, cause: ev.Cause, hasName: ev.Error != "", hasCause: ev.Cause != "", terminal: ev.Error == errRuntime})
}

// endRun forgets the map run of a frame.
func (x *Execution) endRun(f *frame) {
	delete(x.runs, f.run.id)
	x.effects.DroppedRuns = append(x.effects.DroppedRuns, f.run.id)
	f.run = nil
}
