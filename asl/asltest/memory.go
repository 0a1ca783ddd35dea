package asltest

import (
	"fmt"
	"maps"
	"slices"

	"sundog/asl"
)

// Memory stores one execution in memory the way an engine stores it on disk: by its parts, and documents apart from them.
type Memory struct {
	parts map[string][]byte
	docs  [][]byte
	known map[*asl.Document]uint64
}

// NewMemory returns an empty Memory.
func NewMemory() *Memory {
	return &Memory{parts: map[string][]byte{}, known: map[*asl.Document]uint64{}}
}

// Put implements asl.DocumentWriter.
func (m *Memory) Put(d *asl.Document) uint64 {
	if n, ok := m.known[d]; ok {
		return n
	}
	m.docs = append(m.docs, d.Bytes())
	m.known[d] = uint64(len(m.docs))
	return m.known[d]
}

// Document implements asl.DocumentReader. Documents do not come back as the pointers that were put, as they would not after a crash.
func (m *Memory) Document(ref uint64) (*asl.Document, error) {
	if ref == 0 || ref > uint64(len(m.docs)) {
		return nil, fmt.Errorf("there is no document %d", ref)
	}
	return asl.Raw(m.docs[ref-1]), nil
}

// Save stores what has changed, and returns the bytes written for parts.
func (m *Memory) Save(x *asl.Execution) (written int) {
	for _, p := range x.TakeChanges(m) {
		if p.Data == nil {
			delete(m.parts, p.Key)
			continue
		}
		m.parts[p.Key] = p.Data
		written += len(p.Data)
	}
	return written
}

// Load reads the execution back.
func (m *Memory) Load(machine *asl.Machine) (*asl.Execution, error) {
	parts := make([]asl.Part, 0, len(m.parts))
	for _, key := range slices.Sorted(maps.Keys(m.parts)) {
		parts = append(parts, asl.Part{Key: key, Data: m.parts[key]})
	}
	return asl.Load(machine, parts, m)
}

// Clone returns a copy, which goes another way from here on.
func (m *Memory) Clone() *Memory {
	return &Memory{parts: maps.Clone(m.parts), docs: slices.Clone(m.docs), known: maps.Clone(m.known)}
}

// Parts returns the keys of the stored parts, in order.
func (m *Memory) Parts() []string { return slices.Sorted(maps.Keys(m.parts)) }
