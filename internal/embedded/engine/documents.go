package engine

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/cespare/xxhash/v2"

	"sundog/asl"
	"sundog/internal/embedded/store"
)

// documents are the documents of one execution. Each is stored once, however many states and history events it passes through:
// a document that comes back as the same pointer or with the same text is the same document. One that wraps another, as the
// parameters and the result of a task wrap its payload, is stored as what is around that.
type documents struct {
	store     *store.Store
	execution uint64
	byPointer map[*asl.Document]uint64
	byNumber  map[uint64]*asl.Document
	byHash    map[uint64]uint64
	bases     []uint64 // documents that new ones may wrap, the latest last
	last      uint64
	bytes     int64
	tx        *store.Tx // of the step in progress
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
	d.tx.Set(documentKey(d.execution, d.last), d.encode(text))
	d.keep(doc, d.last, hash)
	return d.last
}

// Bounds of wrapping.
const (
	minBase  = 512 // bytes; for less it is not worth it
	maxBases = 4
)

// wrapped is the first byte of a stored document that wraps another; it cannot begin JSON text. Then come the number of the other
// document, the length of what is before it, that, and what is after it.
const wrapped = 1

// encode returns what is stored of a new document: its text, or what is around an earlier one that it wraps. What is wrapped is always
// stored as text, so that reading takes two reads at most.
func (d *documents) encode(text []byte) []byte {
	if len(text) < minBase {
		return text
	}
	for _, n := range slices.Backward(d.bases) {
		base := d.byNumber[n].Bytes()
		at := bytes.Index(text, base)
		if at < 0 {
			continue
		}
		value := binary.AppendUvarint([]byte{wrapped}, n)
		value = binary.AppendUvarint(value, uint64(at))
		value = append(value, text[:at]...)
		return append(value, text[at+len(base):]...)
	}
	if len(d.bases) == maxBases {
		d.bases = d.bases[1:]
	}
	d.bases = append(d.bases, d.last)
	return text
}

var errDocument = errors.New("malformed document")

// decode returns the text of a stored document; read reads another one of the same execution.
func decode(value []byte, read func(n uint64) ([]byte, error)) ([]byte, error) {
	if len(value) == 0 || value[0] != wrapped {
		return value, nil
	}
	n, size := binary.Uvarint(value[1:])
	if size <= 0 {
		return nil, errDocument
	}
	rest := value[1+size:]
	at, size := binary.Uvarint(rest)
	if size <= 0 || at > uint64(len(rest)-size) {
		return nil, errDocument
	}
	rest = rest[size:]
	base, err := read(n)
	if err != nil {
		return nil, err
	}
	if len(base) > 0 && base[0] == wrapped {
		return nil, errDocument
	}
	text := make([]byte, 0, len(base)+len(rest))
	text = append(text, rest[:at]...)
	text = append(text, base...)
	return append(text, rest[at:]...), nil
}

func readText(s *store.Store, execution, n uint64) ([]byte, error) {
	value, err := s.Get(documentKey(execution, n))
	if err == nil {
		value, err = decode(value, func(n uint64) ([]byte, error) { return s.Get(documentKey(execution, n)) })
	}
	if err != nil {
		return nil, fmt.Errorf("reading document %d of execution %d: %w", n, execution, err)
	}
	return value, nil
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
	text, err := readText(d.store, d.execution, n)
	if err != nil {
		return nil, err
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
	text, err := readText(e.store, execution, n)
	if errors.Is(err, store.ErrNotFound) {
		return nil, fmt.Errorf("%w: its document %d has expired", ErrNotFound, n)
	}
	return text, err
}
