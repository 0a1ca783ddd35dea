package asl

import (
	"encoding/binary"
	"encoding/json"
)

func (f *frame) encode(docs DocumentWriter) []byte {
	e := newEncoder(docs)
	e.buf = append(e.buf, partFrame)
	if f.parent == nil {
		e.int(0)
	} else {
		e.int(int64(f.parent.id))
	}
	e.int(int64(f.index))
	e.int(int64(f.state.index))
	e.buf = append(e.buf, byte(f.phase))
	e.document(f.input)
	e.buf = binary.AppendUvarint(e.buf, uint64(len(f.vars)))
	for _, name := range sortedKeys(f.vars) {
		e.text(name)
		e.document(f.vars[name])
	}
	e.int(f.prev)
	e.int(f.entered)
	e.int(f.enteredPrev)
	e.time(f.enteredAt)
	e.buf = binary.AppendUvarint(e.buf, uint64(len(f.attempts)))
	for _, n := range f.attempts {
		e.int(int64(n))
	}
	e.int(int64(f.retries))
	e.timer(f.timer)
	e.bool(f.task != nil)
	if f.task != nil {
		f.task.encode(e)
	}
	e.bool(f.fan != nil)
	if f.fan != nil {
		f.fan.encode(e)
	}
	if f.phase == mapping {
		f.run.encode(e)
	}
	return e.buf
}

func (t *taskWait) encode(e *encoder) {
	e.int(int64(t.id))
	e.text(t.token)
	e.document(t.parameters)
	e.document(t.credentials)
	e.timer(t.timeout)
	e.timer(t.heartbeat)
	e.int(t.timeoutS)
	e.int(t.heartbeatS)
	e.bool(t.started)
	e.bool(t.submitted)
}

func (fn *fan) encode(e *encoder) {
	e.int(int64(fn.first))
	e.int(int64(fn.count))
	e.int(int64(fn.next))
	e.int(int64(fn.limit))
	e.document(fn.list)
	e.document(fn.data)
}

func (r *runWait) encode(e *encoder) {
	e.int(int64(r.id))
	e.text(r.arn)
	e.document(r.data)
	e.document(r.items)
	e.document(r.settings)
}

func decodeRun(d *decoder) *runWait {
	r := &runWait{id: MapRunID(d.int()), arn: d.text(), data: d.document(), items: d.document(), settings: d.document()}
	if r.data == nil || r.settings == nil || json.Unmarshal(r.settings.Bytes(), &MapRunSettings{}) != nil {
		d.corrupt()
	}
	return r
}

func (c *ended) encode(docs DocumentWriter) []byte {
	e := newEncoder(docs)
	e.buf = append(e.buf, partEnded)
	e.int(int64(c.parent))
	e.int(int64(c.index))
	e.document(c.output)
	return e.buf
}

// decodeFrame reads the part of a frame or of an ended child. The frame around it must have been read.
func (x *Execution) decodeFrame(id frameID, data []byte, docs DocumentReader) error {
	d := newDecoder(data, docs)
	kind := d.byte()
	parentID := frameID(d.int())
	index := int(d.int())
	parent := x.frames[parentID]
	if parentID != 0 && (parent == nil || parent.fan == nil || index < 0 || index >= parent.fan.next || parent.fan.first+frameID(index) != id) {
		d.corrupt()
		return d.err
	}
	switch {
	case kind == partEnded && parent != nil:
		if parent.fan.outputs[index] = d.document(); parent.fan.outputs[index] == nil {
			d.corrupt()
		}
		return d.finish()
	case kind != partFrame || parent == nil && x.root != nil:
		d.corrupt()
		return d.err
	}
	f := &frame{id: id, parent: parent, index: index}
	f.decode(d, x.machine)
	if err := d.finish(); err != nil {
		return err
	}
	x.frames[id] = f
	if parent == nil {
		x.root = f
	} else {
		parent.fan.running++
	}
	for _, t := range f.timersOf() {
		if t.ID == 0 {
			continue
		}
		if _, taken := x.timers[t.ID]; taken {
			d.corrupt()
		}
		x.timers[t.ID] = f
	}
	if f.task != nil {
		if x.tasks[f.task.id] != nil {
			d.corrupt()
		}
		x.tasks[f.task.id] = f
	}
	if f.run != nil {
		x.runs[f.run.id] = f
	}
	return d.err
}

func (f *frame) decode(d *decoder, m *Machine) {
	n := d.int()
	if n < 0 || n >= int64(len(m.states)) {
		d.corrupt()
		return
	}
	f.state = m.states[n]
	f.phase = phase(d.byte())
	if f.input = d.document(); f.input == nil {
		d.corrupt()
	}
	if n := d.count(); n > 0 {
		f.vars = make(map[string]*Document, n)
		for range n {
			name := d.text()
			f.vars[name] = d.document()
		}
	}
	f.prev, f.entered, f.enteredPrev, f.enteredAt = d.int(), d.int(), d.int(), d.time()
	if n := d.count(); n > 0 {
		f.attempts = make([]int, n)
		for i := range f.attempts {
			f.attempts[i] = int(d.int())
		}
	}
	f.retries = int(d.int())
	f.timer = d.timer()
	if d.bool() {
		f.task = &taskWait{
			id: TaskID(d.int()), token: d.text(), parameters: d.document(), credentials: d.document(), timeout: d.timer(), heartbeat: d.timer(),
			timeoutS: d.int(), heartbeatS: d.int(), started: d.bool(), submitted: d.bool(),
		}
	}
	if d.bool() {
		f.fan = decodeFan(d, f.state)
	}
	if f.phase == mapping {
		f.run = decodeRun(d)
	}
	f.check(d)
}

func decodeFan(d *decoder, st *state) *fan {
	fn := &fan{first: frameID(d.int()), count: int(d.int()), next: int(d.int()), limit: int(d.int()), list: d.document(), data: d.document()}
	children := len(st.branches)
	if fn.list != nil {
		fn.items, _ = fn.list.Elements()
		children = len(fn.items)
	}
	if d.err != nil || fn.count != children || fn.next < 0 || fn.next > fn.count {
		d.corrupt()
		return fn
	}
	fn.outputs = make([]*Document, fn.count)
	return fn
}

// check refuses a frame whose parts do not fit its phase, so that damaged data cannot make a later step panic.
func (f *frame) check(d *decoder) {
	switch {
	case d.err != nil:
	case f.phase == entering:
	case f.phase == redoing && (f.fan == nil || f.state.typ == parallelState || f.state.typ == mapState && f.fan.list != nil):
	case (f.phase == retrying || f.phase == waiting) && f.timer.ID != 0:
	case f.phase == working && f.task != nil && f.task.parameters != nil && f.state.typ == taskState:
	case f.phase == joining && f.fan != nil && f.state.typ == parallelState:
	case f.phase == joining && f.fan != nil && f.state.typ == mapState && f.fan.list != nil:
	case f.phase == mapping && f.state.mapping != nil && f.state.mapping.run != nil:
	default:
		d.corrupt()
	}
	if f.task != nil && f.phase != working {
		d.corrupt()
	}
	if len(f.attempts) > 0 && f.state != nil && len(f.attempts) != len(f.state.retry) {
		d.corrupt()
	}
}
