package pipeline

import (
	"errors"
	"strings"
	"time"
)

// Verdict says what becomes of a message.
type Verdict uint8

// The verdicts, from the best to the one that outweighs the others: a message that carries several payloads gets the greatest of
// theirs. So nothing is buried while a part of it may still succeed.
const (
	Done       Verdict = iota // everything in it is settled: it is deleted
	DeadLetter                // something in it can never succeed
	Retry                     // something in it may succeed later
)

// String names the verdict.
func (v Verdict) String() string {
	switch v {
	case Done:
		return "done"
	case DeadLetter:
		return "dead letter"
	default:
		return "retry"
	}
}

// Outcome is what became of one message.
type Outcome struct {
	Verdict Verdict
	// After is how long to wait before the message comes again, for Retry.
	After time.Duration
	// Err says why, unless the verdict is Done.
	Err error
	// Started is the number of executions that were started.
	Started int
}

// result is what became of one payload.
type result struct {
	verdict Verdict
	err     error
	started bool
}

var done = result{}

func retry(err error) result { return result{verdict: Retry, err: err} }
func dead(err error) result  { return result{verdict: DeadLetter, err: err} }

// sum makes one outcome of what became of the payloads of a message.
func sum(results []result, receives int) Outcome {
	var o Outcome
	for _, r := range results {
		if r.verdict > o.Verdict {
			o.Verdict, o.Err = r.verdict, nil
		}
		if r.verdict == o.Verdict && r.err != nil {
			o.Err = joinErrors(o.Err, r.err)
		}
		if r.started {
			o.Started++
		}
	}
	if o.Verdict == Retry {
		o.After = Backoff(receives)
	}
	return o
}

// maxReason bounds the text that is gathered of many errors.
const maxReason = 2 << 10

func joinErrors(first, second error) error {
	if first == nil {
		return second
	}
	if len(first.Error()) > maxReason || strings.Contains(first.Error(), second.Error()) {
		return first
	}
	return errors.Join(first, second)
}

// Bounds of the wait before a message comes again.
const (
	minBackoff = time.Second
	maxBackoff = 5 * time.Minute
)

// Backoff is how long a message that was received so often waits before it comes again: a second, and each time twice as long, up to
// five minutes.
func Backoff(receives int) time.Duration {
	wait := minBackoff
	for range receives - 1 {
		if wait *= 2; wait >= maxBackoff {
			return maxBackoff
		}
	}
	return wait
}
