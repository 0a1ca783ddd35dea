package asl

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// A Part is a piece of a stored execution. A step changes few parts, however large the execution is.
type Part struct {
	Key  string // names the part within its execution; printable ASCII
	Data []byte // nil: the part is gone
}

// A DocumentWriter stores documents apart from the parts that refer to them. One document may be put many times.
type DocumentWriter interface {
	// Put returns the number by which the document can be read, which is not 0.
	Put(d *Document) uint64
}

// A DocumentReader reads what a DocumentWriter stored.
type DocumentReader interface {
	Document(ref uint64) (*Document, error)
}

// The parts of an execution: who it is, written once; the counters and timers of its own, with every step; and one for each frame.
const (
	partIdentity = "identity"
	partHeader   = "header"
	framePrefix  = "f"
)

func frameKey(id frameID) string { return framePrefix + strconv.FormatInt(int64(id), 36) }

// changes are what differs between the execution and its stored parts.
type changes struct {
	identity bool
	touched  map[frameID]*frame
	outputs  map[frameID]*ended
	gone     map[frameID]bool
	stored   map[frameID]bool // frames that have a part
	header   []byte           // as stored
}

// ended is a child that has succeeded: its part keeps the output until its siblings are through.
type ended struct {
	parent frameID
	index  int
	output *Document
}

// touch notes that a frame has changed.
func (x *Execution) touch(f *frame) {
	if x.changes.touched == nil {
		x.changes.touched = map[frameID]*frame{}
	}
	x.changes.touched[f.id] = f
}

// ended notes that a child has succeeded.
func (c *changes) ended(f *frame, output *Document) {
	delete(c.touched, f.id)
	if c.outputs == nil {
		c.outputs = map[frameID]*ended{}
	}
	c.outputs[f.id] = &ended{parent: f.parent.id, index: f.index, output: output}
}

// drop notes that a frame is no more.
func (c *changes) drop(id frameID) {
	delete(c.touched, id)
	delete(c.outputs, id)
	if c.stored[id] {
		if c.gone == nil {
			c.gone = map[frameID]bool{}
		}
		c.gone[id] = true
	}
}

// TakeChanges returns the parts that have changed since the last call, in the order of their keys' making, and puts the documents they
// refer to. An execution that has ended keeps the parts that a redrive needs, and none when it cannot be redriven.
func (x *Execution) TakeChanges(docs DocumentWriter) []Part {
	c := &x.changes
	var parts []Part
	if x.end != nil && x.NotRedrivable() != "" {
		return c.takeAll()
	}
	if c.identity {
		c.identity = false
		parts = append(parts, Part{Key: partIdentity, Data: x.encodeIdentity(docs)})
	}
	if header := x.encodeHeader(); !slices.Equal(header, c.header) {
		c.header = header
		parts = append(parts, Part{Key: partHeader, Data: header})
	}
	if c.stored == nil {
		c.stored = map[frameID]bool{}
	}
	for _, id := range sortedKeys(c.touched) {
		c.stored[id] = true
		parts = append(parts, Part{Key: frameKey(id), Data: c.touched[id].encode(docs)})
	}
	for _, id := range sortedKeys(c.outputs) {
		c.stored[id] = true
		parts = append(parts, Part{Key: frameKey(id), Data: c.outputs[id].encode(docs)})
	}
	for _, id := range sortedKeys(c.gone) {
		delete(c.stored, id)
		parts = append(parts, Part{Key: frameKey(id)})
	}
	clear(c.touched)
	clear(c.outputs)
	clear(c.gone)
	return parts
}

// takeAll returns that all stored parts are gone.
func (c *changes) takeAll() []Part {
	var parts []Part
	if c.header != nil {
		parts = append(parts, Part{Key: partIdentity}, Part{Key: partHeader})
	}
	for _, id := range sortedKeys(c.stored) {
		parts = append(parts, Part{Key: frameKey(id)})
	}
	*c = changes{}
	return parts
}

// ErrCorrupt is wrapped by the errors of Load for parts that do not fit together or that another version wrote.
var ErrCorrupt = errors.New("stored execution cannot be read")

// Load makes an execution of its stored parts, in any order. The machine must be the one that it was started with.
func Load(m *Machine, parts []Part, docs DocumentReader) (*Execution, error) {
	x := &Execution{
		machine: m,
		frames:  map[frameID]*frame{}, tasks: map[TaskID]*frame{}, timers: map[TimerID]*frame{}, runs: map[MapRunID]*frame{},
		stopped: map[frameID]*frame{},
	}
	x.changes.stored = map[frameID]bool{}
	frames := map[frameID][]byte{}
	var identity, header []byte
	for _, p := range parts {
		switch {
		case p.Key == partIdentity:
			identity = p.Data
		case p.Key == partHeader:
			header = p.Data
		case strings.HasPrefix(p.Key, framePrefix):
			id, err := strconv.ParseInt(p.Key[len(framePrefix):], 36, 64)
			if err != nil {
				return nil, fmt.Errorf("%w: part %q", ErrCorrupt, p.Key)
			}
			frames[frameID(id)] = p.Data
		default:
			return nil, fmt.Errorf("%w: part %q is not known", ErrCorrupt, p.Key)
		}
	}
	if err := x.decodeIdentity(identity, docs); err != nil {
		return nil, fmt.Errorf("reading the identity: %w", err)
	}
	// Children have higher ids than the frames around them.
	for _, id := range sortedKeys(frames) {
		if err := x.decodeFrame(id, frames[id], docs); err != nil {
			return nil, fmt.Errorf("reading frame %d: %w", id, err)
		}
		x.changes.stored[id] = true
	}
	if err := x.decodeHeader(header); err != nil {
		return nil, fmt.Errorf("reading the header: %w", err)
	}
	return x, nil
}
