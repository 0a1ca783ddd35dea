package asl

// enter enters the state of a frame and does it.
func (x *Execution) enter(f *frame) {
	f.enteredPrev, f.enteredAt = f.prev, x.at.Now
	f.entered = x.event(string(f.state.typ)+"StateEntered", f.prev, Details{Name: f.state.name, Input: f.input})
	f.prev = f.entered
	x.work(f)
}

// work does the state of a frame: at once, or by starting what it has to wait for.
func (x *Execution) work(f *frame) {
	x.touch(f)
	s := x.scope(f, f.input)
	var err *failure
	if s.data, err = f.state.inputPath.required(s); err == nil {
		x.probe.note(afterInputPath, s.data)
		switch f.state.typ {
		case passState:
			err = x.pass(f, s)
		case taskState:
			err = x.schedule(f, s)
		case choiceState:
			err = x.choose(f, s)
		case waitState:
			err = x.wait(f, s)
		case succeedState:
			err = x.leave(f, s, nil)
		case failState:
			err = x.failing(f, s)
		case parallelState:
			err = x.startBranches(f, s)
		case mapState:
			err = x.startItems(f, s)
		}
	}
	if err != nil {
		x.fail(f, err)
	}
}

func (x *Execution) pass(f *frame, s *scope) *failure {
	st := f.state
	result := s.data
	if st.parameters != nil {
		var err *failure
		if result, err = st.parameters.eval(s); err != nil {
			return err
		}
	}
	x.probe.note(afterParameters, result)
	if st.result != nil {
		result = Raw(st.result)
		x.probe.note(resultStage, result)
	}
	return x.leave(f, s, result)
}

func (x *Execution) failing(f *frame, s *scope) *failure {
	e := &failure{}
	var err *failure
	if t := f.state.fail.err; t != nil {
		e.hasName = true
		if e.name, err = t.value(s); err != nil {
			return err
		}
	}
	if t := f.state.fail.cause; t != nil {
		e.hasCause = true
		if e.cause, err = t.value(s); err != nil {
			return err
		}
	}
	return e
}

func (x *Execution) wait(f *frame, s *scope) *failure {
	until := x.at.Now
	if w := f.state.wait; w.seconds != nil {
		n, err := w.seconds.value(s, 0)
		if err != nil {
			return err
		}
		until = until.Add(secondsOf(n))
	} else {
		t, err := w.timestamp.value(s)
		if err != nil {
			return err
		}
		until = t
	}
	if !until.After(x.at.Now) {
		return x.leave(f, s, nil)
	}
	f.phase = waiting
	f.timer = x.setTimer(f, until)
	return nil
}

func (x *Execution) choose(f *frame, s *scope) *failure {
	st := f.state
	for i := range st.choices {
		rule := &st.choices[i]
		ok, err := rule.condition.test(s)
		if err != nil {
			return err
		}
		if ok {
			return x.leaveTo(f, s, nil, rule.next, rule.output, rule.assign)
		}
	}
	if st.next == nil {
		return f.namedFailure(errNoChoiceMatched, "No choice rule matched the input and there is no Default")
	}
	return x.leave(f, s, nil)
}

// complete goes on with a state that had to wait, once its result is there.
func (x *Execution) complete(f *frame, result *Document) {
	s := x.scope(f, f.input)
	var err *failure
	if f.state.typ == waitState {
		if s.data, err = f.state.inputPath.required(s); err == nil {
			err = x.leave(f, s, nil)
		}
	} else {
		err = x.leave(f, s, result)
	}
	if err != nil {
		x.fail(f, err)
	}
}

// leave takes the result of a state through the rest of its fields, and exits it. States without a result have nil: their output is
// made of their input.
func (x *Execution) leave(f *frame, s *scope, result *Document) *failure {
	st := f.state
	return x.leaveTo(f, s, result, st.next, st.output, st.assign)
}

func (x *Execution) leaveTo(f *frame, s *scope, result *Document, next *state, output *template, assign []assignment) *failure {
	st := f.state
	var err *failure
	var out *Document
	if st.jsonata {
		s.result = result
		out = f.input
		if result != nil {
			out = result
		}
		if st.typ == passState {
			s.result = nil
		}
		if output != nil {
			if out, err = output.eval(s); err != nil {
				return err
			}
		}
	} else {
		if out, err = x.outputJSONPath(f, s, result); err != nil {
			return err
		}
	}
	return x.exit(f, s, out, next, assign)
}

// outputJSONPath applies ResultSelector, ResultPath and OutputPath. It leaves what Assign sees as "$" in the scope.
func (x *Execution) outputJSONPath(f *frame, s *scope, result *Document) (*Document, *failure) {
	st := f.state
	out := s.data
	var err *failure
	if result != nil {
		if st.resultSelector != nil {
			if result, err = st.resultSelector.eval(s.with(result)); err != nil {
				return nil, err
			}
		}
		x.probe.note(afterResultSelector, result)
		s.data = result
		if out, err = st.resultPath.apply(f, f.input, result); err != nil {
			return nil, err
		}
		x.probe.note(afterResultPath, out)
	}
	return st.outputPath.required(s.with(out))
}

// exit leaves the state with an output, sets variables, and goes on to the next state or ends the frame.
func (x *Execution) exit(f *frame, s *scope, output *Document, next *state, assign []assignment) *failure {
	if len(output.Bytes()) > x.machine.limits.DataBytes {
		err := sizeFailure(f.state.name)
		err.terminal = true
		return err
	}
	assigned, texts, err := evalAssign(assign, s)
	if err != nil {
		return err
	}
	for name, value := range assigned {
		if f.vars == nil {
			f.vars = map[string]*Document{}
		}
		f.vars[name] = value
	}
	x.closeFan(f)
	f.prev = x.event(string(f.state.typ)+"StateExited", f.prev, Details{Name: f.state.name, Output: output, AssignedVariables: texts})
	if next == nil {
		x.endFrame(f, output)
		return nil
	}
	f.state, f.input, f.phase = next, output, entering
	f.attempts, f.retries = nil, 0
	x.touch(f)
	if f != x.current {
		x.push(f)
	}
	return nil
}

// evalAssign evaluates Assign. All expressions see the variables as they were before.
func evalAssign(assign []assignment, s *scope) (values map[string]*Document, texts map[string]string, err *failure) {
	if len(assign) == 0 {
		return nil, nil, nil
	}
	values, texts = make(map[string]*Document, len(assign)), make(map[string]string, len(assign))
	for _, a := range assign {
		d, err := a.value.eval(s)
		if err != nil {
			return nil, nil, err
		}
		if len(d.Bytes()) > s.exec.machine.limits.DataBytes {
			return nil, nil, sizeFailure(s.frame.state.name)
		}
		values[a.name], texts[a.name] = d, string(d.Bytes())
	}
	return values, texts, nil
}

// endFrame ends a thread of the execution.
func (x *Execution) endFrame(f *frame, output *Document) {
	if f.parent == nil {
		x.finish(&End{Status: Succeeded, Output: output}, f.prev, false, false)
		return
	}
	x.childSucceeded(f, output)
}
