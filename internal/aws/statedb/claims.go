package statedb

import (
	"sync"

	"sundog/internal/statedb"
	"sundog/payload"
)

// maxClaims bounds the claims that are remembered: more than are ever between their claim and their start in one process.
const maxClaims = 1024

// claims are the records that were claimed here a moment ago, as their claim left them. The start that follows is decided on them without
// another reading. That is sound: nobody but the execution that claimed a record may change it, so if it is different by now then the
// execution has started, which is what the start tells; and the write is conditional on what was remembered.
type claims struct {
	mu      sync.Mutex
	records map[payload.ID]statedb.Record
}

// put remembers a record. When there are too many, any one is forgotten.
func (c *claims) put(r *statedb.Record) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.records == nil {
		c.records = make(map[payload.ID]statedb.Record)
	}
	if len(c.records) >= maxClaims {
		for id := range c.records {
			delete(c.records, id)
			break
		}
	}
	c.records[r.ID] = r.Clone()
}

// take returns the record of a claim, and forgets it; nil when there is none.
func (c *claims) take(id payload.ID) *statedb.Record {
	c.mu.Lock()
	defer c.mu.Unlock()
	r, found := c.records[id]
	if !found {
		return nil
	}
	delete(c.records, id)
	return &r
}
