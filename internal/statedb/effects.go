package statedb

import (
	"sundog/internal/audit"
	"sundog/internal/queue"
	"sundog/payload"
)

// Effects are what a transition, or another change of a record, causes. They are recorded in the same write and carried out from there, or, where
// no write can hold both, carried out beside it; at least once either way.
type Effects struct {
	Publish []Publication
	Enqueue []Submission
	Store   []Object
	Remove  []string // keys of objects in the payload bucket, which need not be there
	Audit   []audit.Entry
}

// Publication is a message to a topic: a workflow event, or an Item.
type Publication struct {
	Topic      string
	Body       []byte
	Attributes []payload.Attribute
}

// Submission is a message to a queue.
type Submission struct {
	Queue string
	queue.Draft
}

// Object is a document to the payload bucket.
type Object struct {
	Key  string
	Body []byte
}

// Empty reports whether there is nothing to do.
func (e *Effects) Empty() bool {
	return len(e.Publish) == 0 && len(e.Enqueue) == 0 && len(e.Store) == 0 && len(e.Remove) == 0 && len(e.Audit) == 0
}
