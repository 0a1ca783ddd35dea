package machine

import (
	"container/list"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"sync"

	"sundog/asl"
	"sundog/internal/embedded/store"
)

// maxParsed bounds the parsed definitions in memory by the bytes of their texts.
const maxParsed = 32 << 20

// definitions are the definitions by digest: all on disk, those used last parsed in memory.
type definitions struct {
	store *store.Store

	mu       sync.Mutex
	byDigest map[string]*list.Element // of *parsed
	recent   list.List                // the one used last in front
	bytes    int
}

type parsed struct {
	digest  string
	bytes   int
	machine *asl.Machine
}

func newDefinitions(s *store.Store) *definitions {
	return &definitions{store: s, byDigest: map[string]*list.Element{}}
}

func definitionKey(digest string) store.Key {
	return store.NewKey(store.PrefixDefinition).String(digest)
}

func digestOf(definition []byte) string {
	sum := sha256.Sum256(definition)
	return hex.EncodeToString(sum[:16])
}

// parse reads a definition for a type of machine. The error is asl.Diagnostics.
func parse(kind string, definition []byte) (*asl.Machine, error) {
	if kind == Express {
		return asl.ParseExpress(definition)
	}
	return asl.Parse(definition)
}

// addTx stores a definition with its digest, unless it is there.
func (d *definitions) addTx(tx *store.Tx, digest string, definition []byte) error {
	known, err := d.store.Has(definitionKey(digest))
	if err == nil && !known {
		tx.Set(definitionKey(digest), definition)
	}
	return err
}

// text returns a definition.
func (d *definitions) text(digest string) ([]byte, error) {
	text, err := d.store.Get(definitionKey(digest))
	if errors.Is(err, store.ErrNotFound) {
		return nil, fmt.Errorf("definition %s is not in the store", digest)
	}
	return text, err
}

// machine returns a parsed definition.
func (d *definitions) machine(digest string) (*asl.Machine, error) {
	if m := d.cached(digest); m != nil {
		return m, nil
	}
	text, err := d.text(digest)
	if err != nil {
		return nil, err
	}
	m, err := asl.Parse(text)
	if err != nil {
		return nil, fmt.Errorf("definition %s: %w", digest, err)
	}
	d.remember(&parsed{digest: digest, bytes: len(text), machine: m})
	return m, nil
}

func (d *definitions) cached(digest string) *asl.Machine {
	d.mu.Lock()
	defer d.mu.Unlock()
	at := d.byDigest[digest]
	if at == nil {
		return nil
	}
	d.recent.MoveToFront(at)
	return at.Value.(*parsed).machine
}

// remember puts a definition into the cache, and lets go of those that were not used for the longest time.
func (d *definitions) remember(p *parsed) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.byDigest[p.digest] != nil {
		return
	}
	d.byDigest[p.digest] = d.recent.PushFront(p)
	d.bytes += p.bytes
	for d.bytes > maxParsed && d.recent.Len() > 1 {
		last := d.recent.Remove(d.recent.Back()).(*parsed)
		delete(d.byDigest, last.digest)
		d.bytes -= last.bytes
	}
}
