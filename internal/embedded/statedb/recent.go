package statedb

import "sync"

// recent holds the values of records that were written lately: a payload's record is written three times within milliseconds and
// read before each. It is written under the lock of the record, after the commit, so it is never behind whoever holds that lock.
//
// It consists of two generations. When the younger one is full it becomes the older one, whose entries are dropped
// unless they were used meanwhile.
type recent struct {
	mu         sync.Mutex
	young, old map[string][]byte
}

const maxRecent = 4096 // records in a generation

func (c *recent) get(key string) ([]byte, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if value, ok := c.young[key]; ok {
		return value, true
	}
	value, ok := c.old[key]
	if ok {
		c.keep(key, value)
	}
	return value, ok
}

func (c *recent) put(key string, value []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.keep(key, value)
}

// keep is called with mu held.
func (c *recent) keep(key string, value []byte) {
	if c.young == nil || len(c.young) >= maxRecent {
		c.old, c.young = c.young, make(map[string][]byte, maxRecent)
	}
	c.young[key] = value
}

func (c *recent) drop(key string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.young, key)
	delete(c.old, key)
}
