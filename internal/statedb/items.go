package statedb

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"

	"github.com/tidwall/gjson"
)

// maxItem bounds the text of an item in bytes: a table's may have 400 KB, and its text some more.
const maxItem = 4 << 20

// errItemSize is the error of an item that is too long.
var errItemSize = fmt.Errorf("%w: it has more than %d bytes", ErrMalformed, maxItem)

// items yields the items of a source, whose texts are valid until the next one. An error with a text is that of one item, one without
// ends it.
func items(source io.Reader) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		in := bufio.NewReaderSize(source, maxItem)
		first := true
		for {
			line, err := in.ReadSlice('\n')
			if len(bytes.TrimSpace(line)) == 0 && err == nil {
				continue
			}
			if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, bufio.ErrBufferFull) {
				yield(nil, err)
				return
			}
			if first && (errors.Is(err, bufio.ErrBufferFull) || !gjson.ValidBytes(line) || isDocument(line)) {
				document(io.MultiReader(bytes.NewReader(bytes.Clone(line)), in), yield)
				return
			}
			first = false
			if errors.Is(err, bufio.ErrBufferFull) {
				skipLine(in)
				if !yield([]byte{}, errItemSize) {
					return
				}
				continue
			}
			if text := bytes.TrimSpace(line); len(text) > 0 && !yield(text, nil) || err != nil {
				return
			}
		}
	}
}

// isDocument reports whether a line is a whole document of items.
func isDocument(line []byte) bool { return gjson.GetBytes(line, "Items").IsArray() }

// skipLine reads to the end of a line. What goes wrong shows when it is read on.
func skipLine(in *bufio.Reader) {
	for {
		if _, err := in.ReadSlice('\n'); !errors.Is(err, bufio.ErrBufferFull) {
			return
		}
	}
}

// document yields the elements of "Items" in the documents of a source.
func document(source io.Reader, yield func([]byte, error) bool) {
	limited := &limitReader{source: source, left: 2 * maxItem}
	d := documents{Decoder: json.NewDecoder(limited), limited: limited, yield: yield}
	for {
		err := d.next()
		if errors.Is(err, io.EOF) || errors.Is(err, errEnough) {
			return
		}
		if err != nil {
			yield(nil, fmt.Errorf("at byte %d, neither a line with an item nor a document {\"Items\": […]}: %w", d.InputOffset(), err))
			return
		}
	}
}

type documents struct {
	*json.Decoder
	limited *limitReader
	yield   func([]byte, error) bool
}

// errEnough says that nobody wants more.
var errEnough = errors.New("enough")

// next reads a document. It returns io.EOF when there is none.
func (d *documents) next() error {
	if err := d.expect('{'); err != nil {
		return err
	}
	found := false
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return err
		}
		if name == "Items" {
			found, err = true, d.elements()
		} else {
			var other json.RawMessage
			err = d.Decode(&other)
		}
		if err != nil {
			return err
		}
	}
	if err := d.expect('}'); err != nil {
		return unexpected(err)
	}
	if !found {
		return errors.New("it has no Items")
	}
	return nil
}

func (d *documents) elements() error {
	if err := d.expect('['); err != nil {
		return unexpected(err)
	}
	for d.More() {
		var item json.RawMessage
		if err := d.Decode(&item); err != nil {
			return unexpected(err)
		}
		d.limited.left = 2 * maxItem
		if !d.yield(item, nil) {
			return errEnough
		}
	}
	return unexpected(d.expect(']'))
}

func (d *documents) expect(delim json.Delim) error {
	token, err := d.Token()
	if err == nil && token != delim {
		return fmt.Errorf("expected %v, found %v", delim, token)
	}
	return err
}

// unexpected tells an end where there should be more from an end where there may be one.
func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// limitReader fails when more is read of one item than it may have, with what the decoder reads ahead.
type limitReader struct {
	source io.Reader
	left   int
}

func (l *limitReader) Read(p []byte) (int, error) {
	if l.left <= 0 {
		return 0, errItemSize
	}
	n, err := l.source.Read(p[:min(len(p), l.left)])
	l.left -= n
	return n, err
}
