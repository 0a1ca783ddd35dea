package asl

import (
	"math"
	"time"
)

// fail lets an error of a frame's state take its way: to a retrier, to a catcher, or up to the state around the frame, and in the end to
// the execution.
func (x *Execution) fail(f *frame, e *failure) {
	if e.evaluation {
		previous := f.prev
		if previous == f.entered && !e.entered {
			previous = f.enteredPrev // as AWS has it
		}
		f.prev = x.event("EvaluationFailed", previous, Details{
			Error: e.name, Cause: e.cause, HasError: true, HasCause: true, State: f.state.name, Location: e.field,
		})
	}
	x.probe.failed(e)
	// A Parallel or Map state has an event of its own when it fails, but not when JSONPath keeps it from beginning.
	started := e.evaluation && f.state.fans()
	for {
		x.touch(f)
		if f.fan != nil && !f.fan.done() {
			x.abortChildren(f)
			started = true
		} else {
			f.phase = redoing
			if e.name == errDataLimitExceeded {
				x.closeFan(f) // a redrive runs the children again then, says the Developer Guide
			}
		}
		if f.run != nil {
			x.endRun(f)
			started = true
		}
		if x.retry(f, e) {
			return
		}
		if started {
			f.prev = x.event(string(f.state.typ)+"StateFailed", f.prev, Details{})
		}
		next := x.catch(f, e)
		if next == nil {
			return
		}
		e = next
		if f.parent == nil {
			x.finish(&End{Status: Failed, Error: e.name, Cause: e.cause}, f.prev, e.hasName, e.hasCause)
			return
		}
		f = x.childFailed(f, e)
		started = true
	}
}

// fans says whether the states of this type have children.
func (s *state) fans() bool { return s.typ == parallelState || s.typ == mapState }

// retry sets the timer of the first retrier that names the error, if it has attempts left.
func (x *Execution) retry(f *frame, e *failure) bool {
	for i, r := range f.state.retry {
		if !e.matches(r.errors) {
			continue
		}
		x.probe.retrier(i)
		if f.attempts == nil {
			f.attempts = make([]int, len(f.state.retry))
		}
		if f.attempts[i] >= r.maxAttempts {
			return false
		}
		delay := r.delay(f.attempts[i])
		x.probe.backoff(delay)
		if r.jitter {
			delay = time.Duration(x.random().Int64N(int64(delay) + 1))
		}
		f.attempts[i]++
		f.retries++
		x.closeFan(f)
		f.phase = retrying
		f.timer = x.setTimer(f, x.at.Now.Add(delay))
		return true
	}
	return false
}

// maxRetryDelay keeps an exponential delay from overflowing: a year, as long as an execution may run at AWS.
const maxRetryDelay = 366 * 24 * time.Hour

// delay is the time before the retry after so many others, without jitter.
func (r *retrier) delay(attempts int) time.Duration {
	delay := maxRetryDelay
	if exact := float64(r.interval) * math.Pow(r.backoff, float64(attempts)); exact < float64(maxRetryDelay) {
		delay = time.Duration(exact)
	}
	if r.maxDelay > 0 {
		delay = min(delay, r.maxDelay)
	}
	return delay
}

// catch lets the first catcher that names the error take over. It returns the error that is left when none does: the same, or the one
// that came up while the catcher's fields were evaluated.
func (x *Execution) catch(f *frame, e *failure) *failure {
	for i := range f.state.catch {
		c := &f.state.catch[i]
		if !e.matches(c.errors) {
			continue
		}
		x.probe.catcher(i)
		output := e.document()
		s := x.scope(f, output)
		s.errorOutput = output
		var err *failure
		if c.output != nil {
			output, err = c.output.eval(s)
		} else if !f.state.jsonata {
			output, err = c.resultPath.apply(f, f.input, output)
		}
		if err == nil {
			err = x.exit(f, s, output, c.next, c.assign)
		}
		if err != nil && err.evaluation {
			f.prev = x.event("EvaluationFailed", f.prev, Details{
				Error: err.name, Cause: err.cause, HasError: true, HasCause: true, State: f.state.name, Location: err.field,
			})
		}
		return err
	}
	return e
}
