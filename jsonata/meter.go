package jsonata

import (
	"context"
	"fmt"
	"math"
	"runtime/metrics"
)

// A meter is the context of one evaluation, which the library asks before every node of the expression and every call whether it is to
// go on. So it counts the steps, which bounds an evaluation in the same way on every machine.
//
// Some steps make values of any size: a string that is joined to itself forty times is a terabyte. Therefore the meter also watches the
// memory of the process while an evaluation goes on for longer than usual.
type meter struct {
	context.Context

	err      error // why the evaluation was given up
	steps    int
	maxSteps int
	maxHeap  uint64 // bytes; 0 before it was looked at
	heavy    bool   // it was given up because of its memory
	sample   [2]metrics.Sample
}

const (
	stepsBeforeHeap  = 24 // many evaluations end before; no value doubled as often as fits in them is large
	stepsBetweenHeap = 4  // doubling a value takes three
	stepsBetweenDone = 100
	heapGrowth       = 256 << 20 // beyond what garbage may make of the memory in use, in bytes
)

func newMeter(ctx context.Context, maxSteps int) *meter {
	if maxSteps == 0 {
		maxSteps = DefaultMaxSteps
	}
	return &meter{Context: ctx, maxSteps: maxSteps}
}

// Err returns the reason to give up, or nil.
func (m *meter) Err() error {
	if m.err != nil {
		return m.err
	}
	m.steps++
	if m.steps > m.maxSteps {
		m.err = fmt.Errorf("%w: it takes more than %d steps", ErrTooCostly, m.maxSteps)
		return m.err
	}
	if m.steps%stepsBetweenDone == 1 {
		m.err = m.Context.Err()
	}
	if m.steps%stepsBetweenHeap == 0 && m.steps >= stepsBeforeHeap {
		m.watchHeap()
	}
	return m.err
}

// watchHeap gives up when the heap has grown beyond where the collector would let it grow by itself. That goal is made from what was reachable at
// the last collection, so what others throw away does not count.
func (m *meter) watchHeap() {
	m.sample[0].Name, m.sample[1].Name = "/memory/classes/heap/objects:bytes", "/gc/heap/goal:bytes"
	if m.maxHeap > 0 {
		metrics.Read(m.sample[:1])
	} else {
		metrics.Read(m.sample[:])
		goal := m.sample[1].Value.Uint64()
		if goal > math.MaxInt64 { // the collector is switched off
			goal = 2 * m.sample[0].Value.Uint64()
		}
		m.maxHeap = goal + heapGrowth
	}
	if m.sample[0].Value.Uint64() > m.maxHeap {
		m.heavy = true
		m.err = fmt.Errorf("%w: it takes more than %d MiB of memory", ErrTooCostly, heapGrowth>>20)
	}
}
