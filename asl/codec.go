package asl

import (
	"encoding/binary"
	"fmt"
	"time"
)

// codecVersion stands at the head of every part. A change of the layout below needs another one.
const codecVersion = 1

// Kinds of frame parts.
const (
	partFrame = iota + 1
	partEnded
)

type encoder struct {
	buf  []byte
	docs DocumentWriter
}

func newEncoder(docs DocumentWriter) *encoder {
	return &encoder{buf: append(make([]byte, 0, 128), codecVersion), docs: docs}
}

func (e *encoder) int(n int64)   { e.buf = binary.AppendVarint(e.buf, n) }
func (e *encoder) text(s string) { e.buf = append(binary.AppendUvarint(e.buf, uint64(len(s))), s...) }

func (e *encoder) bool(b bool) {
	if b {
		e.buf = append(e.buf, 1)
	} else {
		e.buf = append(e.buf, 0)
	}
}

func (e *encoder) time(t time.Time) { e.int(t.UnixNano()) }

func (e *encoder) timer(t Timer) {
	e.int(int64(t.ID))
	if t.ID != 0 {
		e.time(t.At)
	}
}

func (e *encoder) document(d *Document) {
	if d == nil {
		e.buf = append(e.buf, 0)
		return
	}
	e.buf = binary.AppendUvarint(e.buf, e.docs.Put(d))
}

type decoder struct {
	rest []byte
	docs DocumentReader
	err  error
}

func newDecoder(data []byte, docs DocumentReader) *decoder {
	d := &decoder{rest: data, docs: docs}
	if v := d.byte(); d.err == nil && v != codecVersion {
		d.err = fmt.Errorf("%w: it was written in layout %d, this version knows %d", ErrCorrupt, v, codecVersion)
	}
	return d
}

func (d *decoder) corrupt() {
	if d.err == nil {
		d.err = fmt.Errorf("%w: its data is cut short or damaged", ErrCorrupt)
	}
	d.rest = nil
}

func (d *decoder) byte() byte {
	if len(d.rest) == 0 {
		d.corrupt()
		return 0
	}
	b := d.rest[0]
	d.rest = d.rest[1:]
	return b
}

func (d *decoder) int() int64 {
	n, size := binary.Varint(d.rest)
	if size <= 0 {
		d.corrupt()
		return 0
	}
	d.rest = d.rest[size:]
	return n
}

func (d *decoder) uint() uint64 {
	n, size := binary.Uvarint(d.rest)
	if size <= 0 {
		d.corrupt()
		return 0
	}
	d.rest = d.rest[size:]
	return n
}

// count reads the length of a list, of which every element takes at least one byte.
func (d *decoder) count() int {
	n := d.uint()
	if n > uint64(len(d.rest)) {
		d.corrupt()
		return 0
	}
	return int(n)
}

func (d *decoder) text() string {
	n := d.count()
	s := string(d.rest[:n])
	d.rest = d.rest[n:]
	return s
}

func (d *decoder) bool() bool { return d.byte() != 0 }

func (d *decoder) time() time.Time { return time.Unix(0, d.int()).UTC() }

func (d *decoder) timer() Timer {
	t := Timer{ID: TimerID(d.int())}
	if t.ID != 0 {
		t.At = d.time()
	}
	return t
}

func (d *decoder) document() *Document {
	ref := d.uint()
	if ref == 0 || d.err != nil {
		return nil
	}
	doc, err := d.docs.Document(ref)
	if err != nil {
		d.err = err
	}
	return doc
}

// finish returns the error, also when there is more data than was read.
func (d *decoder) finish() error {
	if len(d.rest) > 0 {
		d.corrupt()
	}
	return d.err
}

func (x *Execution) encodeIdentity(docs DocumentWriter) []byte {
	e := newEncoder(docs)
	for _, s := range []string{x.id.ARN, x.id.Name, x.id.RoleARN, x.id.MachineARN, x.id.MachineName, x.id.Region, x.id.Account} {
		e.text(s)
	}
	e.bool(x.id.Express)
	e.time(x.started)
	e.document(x.input)
	e.buf = binary.AppendUvarint(e.buf, x.id.Number)
	e.bool(x.id.Child)
	return e.buf
}

func (x *Execution) decodeIdentity(data []byte, docs DocumentReader) error {
	d := newDecoder(data, docs)
	for _, s := range []*string{&x.id.ARN, &x.id.Name, &x.id.RoleARN, &x.id.MachineARN, &x.id.MachineName, &x.id.Region, &x.id.Account} {
		*s = d.text()
	}
	x.id.Express = d.bool()
	x.started = d.time()
	x.input = d.document()
	if x.input == nil {
		d.corrupt()
	}
	if len(d.rest) > 0 { // older ones have none
		x.id.Number = d.uint()
	}
	if len(d.rest) > 0 {
		x.id.Child = d.bool()
	}
	return d.finish()
}

func (x *Execution) encodeHeader() []byte {
	e := newEncoder(nil)
	e.int(x.nextEvent)
	e.int(int64(x.nextTask))
	e.int(int64(x.nextTimer))
	e.int(int64(x.nextFrame))
	e.timer(x.deadline)
	e.timer(x.resume)
	e.buf = binary.AppendUvarint(e.buf, uint64(len(x.ready)))
	for _, f := range x.ready {
		e.int(int64(f.id))
	}
	e.end(x.end)
	if x.redrives > 0 {
		e.int(x.redrives)
		e.time(x.redriven)
	}
	return e.buf
}

func (x *Execution) decodeHeader(data []byte) error {
	d := newDecoder(data, nil)
	x.nextEvent = d.int()
	x.nextTask = TaskID(d.int())
	x.nextTimer = TimerID(d.int())
	x.nextFrame = frameID(d.int())
	x.deadline = d.timer()
	x.resume = d.timer()
	for range d.count() {
		f := x.frames[frameID(d.int())]
		if f == nil {
			d.corrupt()
			break
		}
		x.ready = append(x.ready, f)
	}
	x.end = d.end()
	if len(d.rest) > 0 {
		x.redrives, x.redriven = d.int(), d.time()
	}
	for _, t := range []Timer{x.deadline, x.resume} {
		if _, taken := x.timers[t.ID]; taken {
			d.corrupt()
		}
		if t.ID != 0 {
			x.timers[t.ID] = nil
		}
	}
	if x.end == nil && x.root == nil {
		d.corrupt()
	}
	for id := range x.timers { // one that is yet to be set would take the place of another
		if id <= 0 || id >= x.nextTimer {
			d.corrupt()
		}
	}
	for id := range x.tasks {
		if id <= 0 || id >= x.nextTask {
			d.corrupt()
		}
	}
	x.changes.header = data
	return d.finish()
}

// end writes how an execution ended. Its output is not written: whoever reads an ended execution has it from the step that ended it.
func (e *encoder) end(end *End) {
	e.bool(end != nil)
	if end != nil {
		e.text(string(end.Status))
		e.text(end.Error)
		e.text(end.Cause)
	}
}

func (d *decoder) end() *End {
	if !d.bool() {
		return nil
	}
	return &End{Status: Status(d.text()), Error: d.text(), Cause: d.text()}
}
