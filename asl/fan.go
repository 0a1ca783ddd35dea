package asl

// startBranches begins the branches of a Parallel state.
func (x *Execution) startBranches(f *frame, s *scope) *failure {
	input := s.data
	if f.state.parameters != nil {
		var err *failure
		if input, err = f.state.parameters.eval(s); err != nil {
			return err
		}
	}
	if x.probe != nil {
		f.phase = joining
		return nil
	}
	n := len(f.state.branches)
	x.openFan(f, &fan{count: n, limit: n, data: input})
	f.prev = x.event("ParallelStateStarted", f.prev, Details{})
	for range n {
		x.startChild(f, f.state.branches[f.fan.next], input, f.prev)
	}
	return nil
}

// startItems begins the first iterations of a Map state.
func (x *Execution) startItems(f *frame, s *scope) *failure {
	m := f.state.mapping
	if x.probe != nil {
		return x.probe.items(f, s)
	}
	if m.run != nil {
		return x.startMapRun(f, s)
	}
	list, items, err := x.items(f, s)
	if err != nil {
		return err
	}
	limit := x.machine.limits.MapConcurrency
	if m.maxConcurrency != nil {
		n, err := m.maxConcurrency.value(s, 0)
		if err != nil {
			return err
		}
		if n > 0 {
			limit = int(min(n, int64(limit)))
		}
	}
	x.openFan(f, &fan{count: len(items), limit: limit, list: list, items: items, data: s.data})
	f.prev = x.event("MapStateStarted", f.prev, Details{Length: int64(len(items))})
	if len(items) == 0 {
		return x.joined(f)
	}
	return x.fill(f)
}

// fill begins as many iterations of a Map state as may run at one time.
func (x *Execution) fill(f *frame) *failure {
	for f.fan.running < f.fan.limit && f.fan.next < f.fan.count {
		if err := x.startItem(f, f.prev); err != nil {
			return err
		}
	}
	return nil
}

// items evaluates what a Map state iterates over.
func (x *Execution) items(f *frame, s *scope) (list *Document, items []*Document, err *failure) {
	if list, err = itemList(s); err != nil {
		return nil, nil, err
	}
	items, ok := list.Elements()
	if !ok {
		return nil, nil, notIterable(f, s, list)
	}
	return list, items, nil
}

// itemList evaluates ItemsPath, or Items.
func itemList(s *scope) (*Document, *failure) {
	m := s.frame.state.mapping
	if m.items != nil {
		return m.items.eval(s)
	}
	return m.itemsPath.required(s)
}

// notIterable is the failure of a Map state whose items are none.
func notIterable(f *frame, s *scope, list *Document) *failure {
	m := f.state.mapping
	switch {
	case m.items != nil && m.items.query() != nil:
		return m.items.query().unexpected(s, "Items", "array", list)
	case f.state.jsonata:
		return f.queryFailure("", "Map state input must be an array but was: %s", list.Bytes())
	}
	path := "$"
	if m.itemsPath != nil {
		path = m.itemsPath.text
	}
	return f.runtimeFailure("Reference path \"%s\" must point to array.", path)
}

// openFan gives a frame room for its children.
func (x *Execution) openFan(f *frame, fn *fan) {
	fn.first = x.nextFrame
	fn.outputs = make([]*Document, fn.count)
	x.nextFrame += frameID(fn.count)
	f.fan, f.phase = fn, joining
}

// startChild begins the next child of a frame.
func (x *Execution) startChild(f *frame, fl *flow, input *Document, prev int64) {
	child := x.newFrame(f, f.fan.next, fl, input)
	child.prev = prev
	f.fan.next++
	f.fan.running++
	x.push(child)
}

// startItem begins the next iteration of a Map state.
func (x *Execution) startItem(f *frame, prev int64) *failure {
	index := f.fan.next
	input, err := x.iterationInput(f, f.fan.data, f.fan.items[index], index)
	if err != nil {
		return err
	}
	id := x.event("MapIterationStarted", prev, Details{Name: f.state.name, Index: int64(index)})
	x.startChild(f, f.state.mapping.processor, input, id)
	return nil
}

// iterationInput applies ItemSelector to an item. The data is what it sees as "$".
func (x *Execution) iterationInput(f *frame, data, item *Document, index int) (*Document, *failure) {
	selector := f.state.mapping.itemSelector
	if selector == nil {
		return item, nil
	}
	s := x.scope(f, data)
	s.item, s.itemIndex = item, index
	return selector.eval(s)
}

// childSucceeded notes the output of a branch or iteration, and begins the next iteration or joins all.
func (x *Execution) childSucceeded(child *frame, output *Document) {
	f := child.parent
	x.touch(f)
	f.fan.outputs[child.index] = output
	f.fan.running--
	delete(x.frames, child.id)
	x.changes.ended(child, output)
	before := child.prev
	last := f.fan.done()
	f.prev = before
	if f.state.typ == mapState {
		id := x.event("MapIterationSucceeded", before, Details{Name: f.state.name, Index: int64(child.index)})
		if last {
			f.prev = id
		}
	}
	var err *failure
	switch {
	case last:
		err = x.joined(f)
	case f.fan.next < f.fan.count:
		err = x.startItem(f, before)
	}
	if err != nil {
		x.fail(f, err)
	}
}

// done says whether all children have succeeded.
func (fn *fan) done() bool { return fn.running == 0 && fn.next == fn.count }

// joined goes on with a Parallel or Map state whose children have all succeeded. They are kept until the state is left: a redrive after an
// error in its output does not run them again.
func (x *Execution) joined(f *frame) *failure {
	// The event of the success stands beside the chain: what follows refers to the event before it.
	x.event(string(f.state.typ)+"StateSucceeded", f.prev, Details{})
	output := arrayOf(f.fan.outputs)
	s := x.scope(f, f.input)
	var err *failure
	if s.data, err = f.state.inputPath.required(s); err != nil {
		return err
	}
	return x.leave(f, s, output)
}

// closeFan forgets the children of a frame, if it has any, and theirs.
func (x *Execution) closeFan(f *frame) {
	if f.fan == nil {
		return
	}
	for i := range f.fan.next {
		id := f.fan.first + frameID(i)
		if child := x.stopped[id]; child != nil {
			delete(x.stopped, id)
			x.closeFan(child)
		}
		x.changes.drop(id)
	}
	f.fan = nil
}

// childFailed takes an error from a branch or iteration to the state around it, and returns that state's frame.
func (x *Execution) childFailed(child *frame, e *failure) *frame {
	f := child.parent
	f.prev = child.prev
	f.fan.failed = child
	f.fan.failedTask = e.ofTask
	e.ofTask = false
	return f
}

// abortChildren stops the children of a frame whose state has failed, in their order. They are kept until a Retry or Catch takes over.
func (x *Execution) abortChildren(f *frame) {
	for i := range f.fan.next {
		if child := x.frames[f.fan.first+frameID(i)]; child != nil {
			x.timeOutDue(child)
		}
	}
	for i := range f.fan.next {
		child := x.frames[f.fan.first+frameID(i)]
		if child == nil {
			continue // ended before
		}
		failed := child == f.fan.failed
		if f.state.typ == mapState {
			typ := "MapIterationAborted"
			if failed {
				typ = "MapIterationFailed"
			}
			x.event(typ, f.prev, Details{Name: f.state.name, Index: int64(i)})
		}
		x.abort(child, f.prev, !failed || f.fan.failedTask)
	}
}

// abort ends a frame in whatever it does. Told says whether the history tells of it.
func (x *Execution) abort(f *frame, prev int64, told bool) {
	active := f.phase != entering
	if f.fan != nil {
		f.prev = prev
		x.abortChildren(f)
	}
	if f.run != nil && told {
		x.event("MapRunAborted", prev, Details{})
	}
	if active && told {
		x.event(string(f.state.typ)+"StateAborted", prev, Details{})
	}
	x.setAside(f)
}
