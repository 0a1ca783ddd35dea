package pipeline

import (
	"fmt"
	"time"

	"sundog/internal/event"
	"sundog/internal/statedb"
	"sundog/payload"
)

// Redriven is what becomes of the record of a payload when its execution is redriven for the n-th time: it is PROCESSING again, and the topic of
// workflow events hears that it has started. Whoever redrives the execution makes the transition in the same write, and does not redrive it
// when the record does not allow that: another execution has come after this one.
func (c *Config) Redriven(payloadID, execution string, at time.Time, n int64) (statedb.Transition, statedb.Effects, error) {
	id, err := payload.ParseID(payloadID)
	if err != nil {
		return statedb.Transition{}, statedb.Effects{}, fmt.Errorf("redriving %s: %w", execution, err)
	}
	_, name := payload.CutExecutionARN(execution)
	var effects statedb.Effects
	c.tell(&effects, at, event.Event{
		Type: event.StartedProcessing, PayloadID: payloadID, InputURL: c.Layout.Input(payloadID, name).String(),
	}.WithExecution(execution))
	return statedb.Redrive(id, execution, at, n), effects, nil
}
