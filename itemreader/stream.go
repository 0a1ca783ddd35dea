package itemreader

import (
	"bufio"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
)

// A stream is the text of an object, read from its beginning.
type stream interface {
	io.Reader
	io.Closer
}

// plain returns the text of a body, unpacked when it is compressed with gzip.
func plain(body Body) (stream, error) {
	section := io.NewSectionReader(body, 0, body.Size())
	var magic [2]byte
	if n, err := body.ReadAt(magic[:], 0); n < len(magic) || magic != [2]byte{0x1f, 0x8b} {
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, fmt.Errorf("reading the dataset: %w", err)
		}
		return text{section, body}, nil
	}
	unpacked, err := gzip.NewReader(bufio.NewReader(section))
	if err != nil {
		return nil, errorf("The file is compressed with gzip and cannot be unpacked: %v", err)
	}
	return text{unpacked, body}, nil
}

type text struct {
	io.Reader
	io.Closer
}

// A meter refuses to read on when more was read than one item may have since the last was complete.
type meter struct {
	from  io.Reader
	read  int64
	taken int64 // what complete items took
}

// readAhead is what a parser may have read beyond an item.
const readAhead = 1 << 20

func (m *meter) Read(p []byte) (int, error) {
	if m.read-m.taken > MaxItemBytes+readAhead {
		return 0, errTooLarge
	}
	n, err := m.from.Read(p)
	m.read += int64(n)
	return n, err
}

var errTooLarge = errorf("An item of the dataset has more than %d bytes.", MaxItemBytes)

// byteOrderMark is what some programs put before UTF-8 text.
const byteOrderMark = "\xef\xbb\xbf"

// withoutMark returns a buffered reader of a text after its byte order mark, and the length of the mark.
func withoutMark(from io.Reader) *bufio.Reader {
	r := bufio.NewReaderSize(from, 64<<10)
	if head, _ := r.Peek(len(byteOrderMark)); string(head) == byteOrderMark {
		_, _ = r.Discard(len(byteOrderMark))
	}
	return r
}
