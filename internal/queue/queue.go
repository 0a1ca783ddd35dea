// Package queue is the vocabulary of durable queues: what a message is, what every queue promises, and its errors. It implements
// none. Consumers declare the few methods they need; package queuetest holds the suite that every implementation passes.
//
// A message that was sent is on disk. It is handed out at least once: Receive hides it for the visibility timeout, and when it is
// neither deleted nor retried in that time it is handed out again. A message that was received as often as the queue
// allows becomes a dead letter instead of being handed out once more; dead letters can be looked at, sent again and deleted. Each
// queue has lanes, of which the first goes before the second. Within a lane messages come about in the order in which they were
// sent.
package queue

import (
	"errors"
	"time"

	"sundog/eventpattern"
)

// Errors of a queue. Implementations wrap them with the queue and what was being done.
var (
	// ErrNoQueue is returned for a queue that was never declared.
	ErrNoQueue = errors.New("no such queue")
	// ErrClosed is returned by a queue that was closed or removed.
	ErrClosed = errors.New("queue is closed")
	// ErrUnknownLane is returned for a lane that the queue was not declared with.
	ErrUnknownLane = errors.New("queue has no such lane")
	// ErrTooLarge is returned by Send for a message over the queue's limit.
	ErrTooLarge = errors.New("message is too large")
	// ErrInvalidMessage is returned by Send for a message that no queue takes: a negative delay, an attribute without a name.
	ErrInvalidMessage = errors.New("message is not valid")
	// ErrInvalidReceipt is returned for a receipt that no Receive of this queue has returned.
	ErrInvalidReceipt = errors.New("receipt is not valid")
	// ErrStaleReceipt is returned when somebody who no longer holds a message wants to do anything but delete it: its
	// visibility timeout has passed, or it is gone.
	ErrStaleReceipt = errors.New("message is no longer held with this receipt")
	// ErrNoDeadLetter is returned for a dead letter that is not there.
	ErrNoDeadLetter = errors.New("no such dead letter")
)

// Bounds that hold for every queue.
const (
	MaxBatch      = 1000                 // messages of one Receive
	MaxPage       = 1000                 // dead letters of one page
	MaxAttributes = 64                   // of one message
	MaxReason     = 1024                 // bytes of a reason; longer ones are cut
	MaxDelay      = 366 * 24 * time.Hour // of one message
)

// Attribute is a typed value that travels beside the body. Type is that of SQS and SNS: String, String.Array, Number or Binary
// (Value in base64), with or without a label of the sender's own ("Number.float").
type Attribute = eventpattern.Attribute

// Draft is a message to be sent.
type Draft struct {
	Body       []byte
	Attributes map[string]Attribute
	// Lane is one of the queue's lanes; the first when empty.
	Lane string
	// Delay is how long the message stays hidden at first, 0 to MaxDelay.
	Delay time.Duration
}

// Message is a message that was sent.
type Message struct {
	// ID is unique in its queue for ever. A message that is sent again from the dead letters is a new message.
	ID         string
	Body       []byte
	Attributes map[string]Attribute
	Lane       string
	SentAt     time.Time
	// ReceiveCount is how often it was handed out, this time included.
	ReceiveCount int
	// Receipt stands for this one reception. Empty in a dead letter.
	Receipt string
}

// Request says what Receive should return.
type Request struct {
	// Max is the largest number of messages, 1 to MaxBatch; 1 when zero.
	Max int
	// Wait is how long to wait for the first message; not at all when zero.
	Wait time.Duration
	// Lanes are those from which the caller can take; all when empty. Their order says nothing: the queue's counts.
	Lanes []string
	// Visibility replaces the queue's visibility timeout for these messages, when positive.
	Visibility time.Duration
}

// DeadLetter is a message that is not handed out any more.
type DeadLetter struct {
	Message
	DiedAt time.Time
	Reason string
}

// Depth is how many messages a queue holds.
type Depth struct {
	Lanes []LaneDepth // in order of priority
	Dead  int64       // dead letters
	// Oldest is when the oldest message that is ready was sent; zero when none is.
	Oldest time.Time
}

// LaneDepth is how many messages are in one lane.
type LaneDepth struct {
	Name     string
	Ready    int64 // could be received now
	Delayed  int64 // hidden until their delay has passed
	InFlight int64 // received, neither deleted nor visible again
	// Oldest is when the oldest message that is ready was sent; zero when none is.
	Oldest time.Time
}

// Total is the number of messages in all lanes, dead letters left out.
func (d Depth) Total() int64 {
	var n int64
	for _, l := range d.Lanes {
		n += l.Ready + l.Delayed + l.InFlight
	}
	return n
}
