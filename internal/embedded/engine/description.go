package engine

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"sundog/asl"
	"sundog/internal/embedded/store"
	"sundog/internal/trace"
)

// Description is what is known about an execution, apart from its history and documents.
type Description struct {
	id          uint64
	Machine     string     `json:"machine"`    // name of the workflow, without prefix
	Name        string     `json:"name"`       // unique within the workflow
	ARN         string     `json:"arn"`        //
	Status      asl.Status `json:"status"`     //
	Start       time.Time  `json:"start"`      //
	Stop        time.Time  `json:"stop"`       // zero while it runs
	Error       string     `json:"error"`      // of one that did not succeed; may be empty
	Cause       string     `json:"cause"`      //
	Lane        string     `json:"lane"`       // of the queue from which it came, or empty
	PayloadID   string     `json:"payload_id"` // or empty
	Definition  string     `json:"definition"` // digest of the definition it runs
	Input       uint64     `json:"input"`      // number of a document of the execution
	Output      uint64     `json:"output"`     // 0: none
	EventCount  int64      `json:"events"`     // when it has ended
	MachineType string     `json:"type"`       // STANDARD or EXPRESS
	StartedBy   string     `json:"started_by,omitempty"`
	MapRun      string     `json:"map_run"`           // ARN of the map run that started it, or empty
	SyncID      string     `json:"sync_id,omitempty"` // of StartSync: beside the name, which need not be unique

	RedriveCount  int64          `json:"redrives,omitempty"`
	RedriveDate   time.Time      `json:"redriven,omitzero"`        // of the last redrive
	RedriveTokens []RedriveToken `json:"redrive_tokens,omitempty"` // of the last redrives that had one
	Kept          bool           `json:"kept,omitempty"`           // it has ended, and its states were kept for a redrive
	NotKept       string         `json:"not_kept,omitempty"`       // why they were not, though it did not succeed
	// RedriveStatus says whether it can be redriven now, and RedriveStatusReason why not.
	RedriveStatus       RedriveStatus `json:"-"`
	RedriveStatusReason string        `json:"-"`

	// The revision that it runs, and how it was named when it was started.
	Version  int64     `json:"version,omitempty"`  // 0: not by a version
	Alias    string    `json:"alias,omitempty"`    // empty: not by an alias
	Revision string    `json:"revision,omitempty"` // empty: the one that the machine was created with
	Revised  time.Time `json:"revised,omitzero"`   // when that came to be
	Role     string    `json:"role,omitempty"`     // an ARN

	// Trace is its place in a trace, TraceParent that of what started or last redrove it. Both are zero when it was started without traces.
	Trace       trace.Context `json:"trace,omitzero"`
	TraceParent trace.Context `json:"trace_parent,omitzero"`

	child childOf // of a map run; stored beside the public fields
}

// unique is the name of an execution as its ARN has it.
func (d *Description) unique() string {
	if d.SyncID != "" {
		return d.Name + ":" + d.SyncID
	}
	return d.Name
}

// childOf is the place of an execution in its map run. It is the zero value for executions that are no children.
type childOf struct {
	Run   runRef `json:"run"`
	Index int64  `json:"index"`
	Items int64  `json:"items"` // that it has in its input
	State string `json:"state"` // the Map state whose ItemProcessor it runs
}

// storedDescription is what lies in the store.
type storedDescription struct {
	*Description
	Child *childOf `json:"child,omitempty"`
}

func (d *Description) isChild() bool { return d.MapRun != "" }

func (d *Description) key() store.Key { return store.NewKey(store.PrefixExecution).Uint(d.id) }

func (d *Description) write(tx *store.Tx) {
	stored := storedDescription{Description: d}
	if d.isChild() {
		stored.Child = &d.child
	}
	text, err := json.Marshal(stored)
	if err != nil {
		panic(fmt.Sprintf("engine: describing %s: %v", d.ARN, err)) // plain fields always marshal
	}
	tx.Set(d.key(), text)
}

// reader reads from the store as it is, or as it was in a view.
type reader interface {
	Get(key []byte) ([]byte, error)
}

func (e *Engine) describe(id uint64) (Description, error) { return e.describeIn(e.store, id) }

func (e *Engine) describeIn(from reader, id uint64) (Description, error) {
	d := Description{id: id}
	text, err := from.Get(d.key())
	if errors.Is(err, store.ErrNotFound) {
		return d, ErrNotFound
	}
	if err == nil {
		err = json.Unmarshal(text, &storedDescription{Description: &d, Child: &d.child})
	}
	if err != nil {
		return d, fmt.Errorf("reading execution %d: %w", id, err)
	}
	d.judge(e.opts.Now())
	return d, nil
}

// named is how an execution stands in the log: by its ARN and its payload, as far as they can be read.
func (e *Engine) named(id uint64) slog.Attr {
	d, err := e.describe(id)
	if err != nil {
		return slog.Uint64("execution_number", id)
	}
	return slog.Group("", "execution", d.ARN, "payload_id", d.PayloadID) // a group without a name is inlined
}

func nameKey(machine, name string) store.Key {
	return store.NewKey(store.PrefixName).String(machine).String(name)
}

// lookup finds the number of an execution by workflow and name.
func (e *Engine) lookup(machine, name string) (uint64, error) {
	value, err := e.store.Get(nameKey(machine, name))
	if errors.Is(err, store.ErrNotFound) {
		return 0, fmt.Errorf("%w: %s", ErrNotFound, e.ExecutionARN(machine, name))
	}
	if err != nil {
		return 0, err
	}
	return store.Split(append([]byte{0}, value...)).Uint(), nil
}

// ExecutionARN is the ARN of an execution of a workflow.
func (e *Engine) ExecutionARN(machine, name string) string {
	return e.machines.ARN("execution") + machine + ":" + name
}

// MachineARN is the ARN of a workflow.
func (e *Engine) MachineARN(machine string) string { return e.machines.Names.Machine(machine) }

// split takes an execution ARN apart.
func (e *Engine) split(arn string) (machine, name string, err error) {
	rest, ok := strings.CutPrefix(arn, e.machines.ARN("execution"))
	if !ok {
		rest, ok = strings.CutPrefix(arn, e.machines.ARN("express"))
	}
	if ok {
		machine, name, ok = strings.Cut(rest, ":")
	}
	if !ok {
		return "", "", fmt.Errorf("%w: %q is not an execution ARN of this server (%s<workflow>:<name>)", ErrNotFound, arn, e.machines.ARN("execution"))
	}
	return machine, name, nil
}

func (e *Engine) find(arn string) (uint64, error) {
	machine, name, err := e.split(arn)
	if err != nil {
		return 0, err
	}
	return e.lookup(machine, name)
}
