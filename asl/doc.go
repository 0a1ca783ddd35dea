// Package asl is the Amazon States Language: it parses and checks definitions and interprets them.
//
// The interpreter is a pure state machine about state machines. Start and Execution.Advance take what happened and the moment
// at which it did, and return the effects: history events to append, tasks to run, timers to set, the end. The package does
// no I/O, reads no clock, starts no goroutine; an engine makes its steps durable (sundog/internal/embedded/engine) or plays them in
// virtual time (the conformance tests).
package asl
