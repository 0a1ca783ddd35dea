// Package asl is the Amazon States Language: it parses and checks definitions and interprets them, in both query languages.
//
// The interpreter is a pure state machine about state machines. Start and Execution.Advance take what happened and the moment
// at which it did, and return the effects: history events to append, tasks to run, timers to set, the end. The package does
// no I/O, reads no clock, starts no goroutine; an engine makes its steps durable, and asltest plays them in virtual time.
//
// # Promises
//
//   - The same steps with the same moments have the same effects, byte for byte, whether or not the execution was stored and read back
//     between them.
//   - An event that comes late or twice changes nothing.
//   - A step is bounded: by Limits.StepTransitions, the size of documents, and the cost of queries. Nothing that a definition or an
//     input holds drives recursion deeper than a definition may be nested.
//   - Documents that no state looks into are never parsed, and pass through as the same Document.
//
// # How
//
// Each thread of an execution (the machine, a branch of a Parallel state, an iteration of a Map state) is a frame, which is in one state
// at a time. A step lets the frames that have something to do go on in turn until each waits. Changed frames are what TakeChanges stores.
//
// Where AWS's behaviour is documented in no detail, it is what recordings of AWS show: the texts of causes, which event follows
// which, and what a Parallel or Map state writes when a child fails. TestState plays one state on its own.
//
// A Map state in the Mode DISTRIBUTED asks for a map run, whose children are executions of their own: package maprun says how one is run.
//
// An execution that did not succeed keeps its frames. Execution.Redrive lets it go on from those that failed or were aborted: what has succeeded is
// kept, and attempts and time-outs begin anew.
package asl
