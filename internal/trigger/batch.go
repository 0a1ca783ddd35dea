package trigger

import (
	"fmt"
	"strconv"
)

// MaxInput bounds the inputs of one batch that goes to a kind of target, in bytes: what a function takes, and what an execution takes by default.
func (k TargetKind) MaxInput() int {
	if k.Called() {
		return 6 << 20
	}
	return 256 << 10
}

// recordsOverhead is what Join adds to the inputs, but for the commas.
const recordsOverhead = len(`{"Records":[]}`)

// Fits reports whether an input of size bytes can be added to a batch of n inputs and bytes bytes. The first always fits.
func (t *Trigger) Fits(n, bytes, size int) bool {
	return n == 0 || n < max(1, t.BatchSize) && recordsOverhead+bytes+n+size <= t.Target.Kind.MaxInput()
}

// Join makes one input of several: {"Records": [...]}, the form in which functions of Lambda get them, unless the trigger has no batches.
func (t *Trigger) Join(inputs [][]byte) []byte {
	if t.BatchSize == 0 && len(inputs) == 1 {
		return inputs[0]
	}
	out := []byte(`{"Records":[`)
	for i, input := range inputs {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(out, input...)
	}
	return append(out, "]}"...)
}

// ExecutionName is the name of the execution that an event starts, or a batch of which it is the first: the trigger's name and the event's id. What is
// read again by the n-th replay has other names.
func ExecutionName(trigger, id string, replay int) string {
	name := trigger + "-" + id
	if replay > 0 {
		name += "-r" + strconv.Itoa(replay)
	}
	return name
}

// DeadLetterQueue is the name of the queue in which the dead letters of a trigger are. What is sent again from there is handled again.
func DeadLetterQueue(trigger string) string { return fmt.Sprintf("trigger/%s", trigger) }
