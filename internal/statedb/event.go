package statedb

import "sundog/internal/event"

// StateOf is the state that a workflow event tells of, or empty when it tells of none. A time-out is a failure.
func StateOf(typ event.Type) State {
	switch typ {
	case event.ClaimedProcessing:
		return Claimed
	case event.StartedProcessing:
		return Processing
	case event.Succeeded:
		return Succeeded
	case event.Failed, event.TimedOut:
		return Failed
	case event.Invalid:
		return Invalid
	case event.Aborted:
		return Aborted
	}
	return ""
}
