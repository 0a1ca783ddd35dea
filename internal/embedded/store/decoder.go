package store

import (
	"encoding/binary"
	"errors"
)

// ErrCutOff is the error of a Decoder that was asked for more than there is.
var ErrCutOff = errors.New("store: the stored value is cut off")

// Decoder reads a stored value, field by field, in the forms that package encoding/binary appends: single bytes, varints, and texts
// with their length in front. After the first field that is not there everything reads as nothing, and Err says so.
type Decoder struct {
	rest []byte
	err  error
}

// Decode starts reading a value. What Bytes and Rest return are parts of it.
func Decode(value []byte) *Decoder { return &Decoder{rest: value} }

// Byte reads one byte.
func (d *Decoder) Byte() byte {
	if len(d.rest) == 0 {
		d.fail()
		return 0
	}
	b := d.rest[0]
	d.rest = d.rest[1:]
	return b
}

// Varint reads a signed number.
func (d *Decoder) Varint() int64 {
	n, size := binary.Varint(d.rest)
	if size <= 0 {
		d.fail()
		return 0
	}
	d.rest = d.rest[size:]
	return n
}

// Uvarint reads an unsigned number.
func (d *Decoder) Uvarint() uint64 {
	n, size := binary.Uvarint(d.rest)
	if size <= 0 {
		d.fail()
		return 0
	}
	d.rest = d.rest[size:]
	return n
}

// Take reads n bytes.
func (d *Decoder) Take(n uint64) []byte {
	if n > uint64(len(d.rest)) {
		d.fail()
		return nil
	}
	b := d.rest[:n]
	d.rest = d.rest[n:]
	return b
}

// Bytes reads a text with its length in front.
func (d *Decoder) Bytes() []byte { return d.Take(d.Uvarint()) }

// Text is Bytes as a string.
func (d *Decoder) Text() string { return string(d.Bytes()) }

// Rest is what was not read yet.
func (d *Decoder) Rest() []byte { return d.rest }

// Err is ErrCutOff when a field was not there.
func (d *Decoder) Err() error { return d.err }

func (d *Decoder) fail() { d.rest, d.err = nil, ErrCutOff }
