package engine

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"sundog/asl"
	"sundog/asl/maprun"
	"sundog/internal/embedded/store"
)

// What the store has of map runs. The settings are written by the step of the execution that wants the run, and all else by the run's owner, but
// for two marks: that a child has ended, by the step that ended it, and that the run is to stop, by the step that dropped it.
const (
	runSettings uint64 = iota // execution, run -> runRecord
	runProgress               // execution, run -> runState
	runOpen                   // execution, run -> nothing, until the run has ended
	runStop                   // execution, run -> nothing: the run is to stop
	runByARN                  // ARN -> execution, run
	runRunning                // execution, run, child -> childRow, until its end is counted
	runChild                  // execution, run, child -> childRow, once its end is counted
)

// A runRef names a map run among all executions.
type runRef struct {
	Execution uint64       `json:"execution"`
	Run       asl.MapRunID `json:"run"`
}

func (r runRef) key(kind uint64) store.Key {
	return store.NewKey(store.PrefixMapRun).Uint(kind).Uint(r.Execution).Uint(uint64(r.Run))
}

func (r runRef) childKey(kind uint64, index int64) store.Key { return r.key(kind).Uint(uint64(index)) }

func runARNKey(arn string) store.Key {
	return store.NewKey(store.PrefixMapRun).Uint(runByARN).String(arn)
}

// runRecord is what does not change of a map run.
type runRecord struct {
	ARN       string             `json:"arn"`
	Execution string             `json:"execution"` // ARN of the parent
	State     string             `json:"state"`
	Items     uint64             `json:"items"` // number of the document of the parent; 0: there is a reader
	Settings  asl.MapRunSettings `json:"settings"`
	Start     time.Time          `json:"start"`
}

// runState is what changes.
type runState struct {
	maprun.Run
	Status  asl.Status `json:"status"`
	Stop    time.Time  `json:"stop"`
	Written int64      `json:"written"` // results that were exported
}

// A childRow is a child of a map run.
type childRow struct {
	execution uint64
	items     int64
	status    asl.Status
}

func (c childRow) encode() []byte {
	value := binary.AppendUvarint(nil, c.execution)
	value = binary.AppendVarint(value, c.items)
	return append(value, c.status...)
}

func decodeChild(value []byte) (childRow, error) {
	d := store.Decode(value)
	c := childRow{execution: d.Uvarint(), items: d.Varint()}
	c.status = asl.Status(d.Rest())
	return c, d.Err()
}

// setJSON writes a value of plain fields.
func setJSON(tx *store.Tx, key store.Key, v any) {
	text, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("engine: writing %T: %v", v, err)) // plain fields always marshal
	}
	tx.Set(key, text)
}

// getJSON reads a value; found is false when there is none.
func (e *Engine) getJSON(key store.Key, v any) (found bool, err error) {
	text, err := e.store.Get(key)
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	if err == nil {
		err = json.Unmarshal(text, v)
	}
	if err != nil {
		return false, fmt.Errorf("reading a map run: %w", err)
	}
	return true, nil
}

// readRun reads a map run. A run that has not begun has no progress yet.
func (e *Engine) readRun(ref runRef) (record runRecord, state runState, err error) {
	found, err := e.getJSON(ref.key(runSettings), &record)
	if err != nil {
		return record, state, err
	}
	if !found {
		return record, state, fmt.Errorf("%w: run %d of execution %d", ErrNoMapRun, ref.Run, ref.Execution)
	}
	found, err = e.getJSON(ref.key(runProgress), &state)
	if err == nil && !found {
		state = runState{Run: *maprun.New(record.Settings), Status: asl.Running}
	}
	return record, state, err
}

// writeMapRuns adds the map runs that a step wants and drops. A run that came and went within the transaction is not there.
func (e *Engine) writeMapRuns(tx *store.Tx, in *instance, all *effects) {
	gone := make(map[asl.MapRunID]bool, len(all.droppedRuns))
	for _, id := range all.droppedRuns {
		gone[id] = true
	}
	kept := all.mapRuns[:0]
	for _, run := range all.mapRuns {
		if gone[run.ID] {
			delete(gone, run.ID)
			continue
		}
		kept = append(kept, run)
		ref := runRef{in.id, run.ID}
		setJSON(tx, ref.key(runSettings), runRecord{
			ARN: run.ARN, Execution: in.desc.ARN, State: run.State, Items: in.docs.Put(run.Items), Settings: run.Settings, Start: e.opts.Now().UTC(),
		})
		tx.Set(ref.key(runOpen), nil)
		setJSON(tx, runARNKey(run.ARN), ref)
	}
	all.mapRuns = kept
	dropped := all.droppedRuns[:0]
	for _, id := range all.droppedRuns {
		if gone[id] {
			dropped = append(dropped, id)
			tx.Set(runRef{in.id, id}.key(runStop), nil)
		}
	}
	all.droppedRuns = dropped
}

// carryOutMapRuns tells the owners of the runs that a committed step wants or has dropped.
func (e *Engine) carryOutMapRuns(in *instance, all *effects) {
	for _, id := range all.droppedRuns {
		e.runs.post(runRef{in.id, id}, runMail{stop: true})
	}
	for _, run := range all.mapRuns {
		e.runs.post(runRef{in.id, run.ID}, runMail{})
	}
}

// writeChildEnd notes the end of a child for the owner of its run, who counts it. The end of one that ends with its first step is
// counted by who starts it.
func writeChildEnd(tx *store.Tx, in *instance, d *Description) {
	if in.starting {
		return
	}
	row := childRow{execution: d.id, items: d.child.Items, status: d.Status}
	tx.Set(d.child.Run.childKey(runRunning, d.child.Index), row.encode())
}
