// Package lambda is what AWS Lambda sees of a deployment: its handlers by their names, and the documents with which AWS's services invoke them.
//
// # Promises
//
//   - What an event carries is acknowledged only when it was done. A handler that was done with a part of a batch says which part failed, or,
//     where the event source mapping does not listen to that, deletes the rest from the queue and fails.
//   - Every handler may be invoked with the same event any number of times.
//   - An event that is not of the shape that the handler takes is an error that says so.
//   - Parts that a handler does not need are not made.
package lambda
