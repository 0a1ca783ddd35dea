package engine

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/cespare/xxhash/v2"

	"sundog/asl"
	"sundog/internal/embedded/store"
)

// documents are the documents of one execution. Each is stored once, however many states and history events it passes through:
// a document that comes back as the same pointer or with the same text is the same document.
type documents struct {
	store     *store.Store
	execution uint64
	byPointer map[*asl.Document]uint64
	byNumber  map[uint64]*asl.Document
	byHash    map[uint64]uint64
	last      uint64
	bytes     int64
	tx        *store.Tx // of the step in progress
	err       error     // first error of the step in progress
}

func newDocuments(s *store.Store, execution uint64) *documents {
	return &documents{
		store: s, execution: execution,
		byPointer: map[*asl.Document]uint64{}, byNumber: map[uint64]*asl.Document{}, byHash: map[uint64]uint64{},
	}
}

func documentKey(execution, number uint64) store.Key {
	return store.NewKey(store.PrefixDocument).Uint(execution).Uint(number)
}

// Put implements asl.DocumentWriter: the number of a document, which is written with the current step when it is new. Nil is 0.
func (d *documents) Put(doc *asl.Document) uint64 {
	if doc == nil {
		return 0
	}
	if n, ok := d.byPointer[doc]; ok {
		return n
	}
	text := doc.Bytes()
	hash := xxhash.Sum64(text)
	if n, ok := d.byHash[hash]; ok {
		if same := d.byNumber[n]; same != nil && bytes.Equal(same.Bytes(), text) {
			d.byPointer[doc] = n
			return n
		}
	}
	d.last++
	d.tx.Set(documentKey(d.execution, d.last), text)
	d.keep(doc, d.last, hash)
	return d.last
}

func (d *documents) keep(doc *asl.Document, n, hash uint64) {
	d.byPointer[doc], d.byNumber[n], d.byHash[hash] = n, doc, n
	d.bytes += int64(len(doc.Bytes())) + 200
}

// Document implements asl.DocumentReader.
func (d *documents) Document(n uint64) (*asl.Document, error) {
	if n == 0 {
		return nil, nil
	}
	if doc := d.byNumber[n]; doc != nil {
		return doc, nil
	}
	text, err := d.store.Get(documentKey(d.execution, n))
	if err != nil {
		return nil, fmt.Errorf("reading document %d of execution %d: %w", n, d.execution, err)
	}
	doc := asl.Raw(text)
	d.keep(doc, n, xxhash.Sum64(text))
	return doc, nil
}

// findLast sets the number of the last document, for an execution that is read back.
func (d *documents) findLast() error {
	r := store.NewKey(store.PrefixDocument).Uint(d.execution).Range()
	r.Reverse = true
	for entry, err := range d.store.Scan(r) {
		if err != nil {
			return err
		}
		f := store.Split(entry.Key)
		f.Uint()
		d.last = f.Uint()
		return f.Err()
	}
	return nil
}

// readDocument reads one document of an execution that need not be in memory.
func (e *Engine) readDocument(execution, n uint64) ([]byte, error) {
	if n == 0 {
		return nil, nil
	}
	text, err := e.store.Get(documentKey(execution, n))
	if errors.Is(err, store.ErrNotFound) {
		return nil, fmt.Errorf("%w: its document %d has expired", ErrNotFound, n)
	}
	return text, err
}
