package engine

import (
	"container/list"
	"sync"
)

// cache holds instances: those in use, and as many idle ones, least recently used first out, as its bounds allow.
type cache struct {
	maxIdle  int
	maxBytes int64

	mu    sync.Mutex
	byID  map[uint64]*cached
	idle  *list.List // of *cached, most recently used first
	bytes int64      // held by idle instances
}

type cached struct {
	in    *instance
	users int
	place *list.Element // in idle, nil while in use
	bytes int64
}

func newCache(maxIdle int, maxBytes int64) *cache {
	return &cache{maxIdle: maxIdle, maxBytes: maxBytes, byID: map[uint64]*cached{}, idle: list.New()}
}

// acquire returns the one instance of an execution and keeps it until it is released.
func (c *cache) acquire(id uint64) *instance {
	c.mu.Lock()
	defer c.mu.Unlock()
	entry := c.byID[id]
	if entry == nil {
		entry = &cached{in: &instance{id: id}}
		c.byID[id] = entry
	}
	c.use(entry)
	return entry.in
}

// adopt puts a new instance into the cache, in use.
func (c *cache) adopt(in *instance) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.byID[in.id] = &cached{in: in, users: 1}
}

func (c *cache) use(entry *cached) {
	entry.users++
	if entry.place != nil {
		c.idle.Remove(entry.place)
		c.bytes -= entry.bytes
		entry.place = nil
	}
}

// release gives an instance back.
func (c *cache) release(in *instance) {
	c.mu.Lock()
	defer c.mu.Unlock()
	entry := c.byID[in.id]
	if entry.users--; entry.users > 0 {
		return
	}
	if !in.loaded { // ended, or failed
		delete(c.byID, in.id)
		return
	}
	entry.bytes = 1000 + in.docs.bytes
	entry.place = c.idle.PushFront(entry)
	c.bytes += entry.bytes
	for c.idle.Len() > c.maxIdle || c.bytes > c.maxBytes {
		oldest := c.idle.Remove(c.idle.Back()).(*cached)
		c.bytes -= oldest.bytes
		delete(c.byID, oldest.in.id)
	}
}
