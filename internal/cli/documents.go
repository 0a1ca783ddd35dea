package cli

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"sundog/internal/problem"
)

// maxDocument bounds one document of an input, in bytes. Servers take less.
const maxDocument = 64 << 20

// errTooLong is why a document is not sent.
var errTooLong = fmt.Errorf("longer than %d bytes", maxDocument)

// A document is one JSON document of an input. The text is on one line.
type document struct {
	text []byte
	// place says where it was found: "line 3" of NDJSON, or the third document of a stream or element of an array.
	place place
	// err is why it cannot be sent; the documents after it can.
	err error
}

// place counts documents, from 1.
type place struct {
	unit   string // line, document or element
	number int
}

func (p place) String() string { return fmt.Sprintf("%s %d", p.unit, p.number) }

// documents splits an input into JSON documents, of which it holds one at a time: the elements of an array; the lines of NDJSON; or
// documents one after the other that take any number of lines, of which a file with one payload is the common case. The first
// character says whether it is an array, the first line whether it is NDJSON: a line that could be the beginning of a longer document,
// and is none by itself, is taken for that.
type documents struct {
	lines *bufio.Reader
	dec   *json.Decoder // nil: NDJSON
	limit bounded
	unit  string
	count int
	begun bool
	// skipped is how many bytes lie before the first document, first a line that was read to look at it.
	skipped int
	first   []byte
}

func split(r io.Reader) *documents {
	return &documents{lines: bufio.NewReaderSize(nulAsSpace{r}, 64<<10)}
}

// nulAsSpace reads NUL, which separates what xargs -0 reads and is in no JSON, as a space.
type nulAsSpace struct{ r io.Reader }

func (n nulAsSpace) Read(p []byte) (int, error) {
	count, err := n.r.Read(p)
	for i, c := range p[:count] {
		if c == 0 {
			p[i] = ' '
		}
	}
	return count, err
}

// next returns the next document, io.EOF after the last one, and any other error when the rest of the input cannot be read.
func (d *documents) next() (document, error) {
	if !d.begun {
		d.begun = true
		if err := d.begin(); err != nil {
			return document{}, err
		}
	}
	if d.dec == nil {
		return d.nextLine()
	}
	d.count++
	at := place{d.unit, d.count}
	d.limit.left = maxDocument
	if d.unit == "element" && !d.dec.More() {
		return document{}, d.end(at)
	}
	var text json.RawMessage
	if err := d.dec.Decode(&text); errors.Is(err, io.EOF) && d.unit == "document" {
		return document{}, io.EOF
	} else if err != nil {
		return document{}, d.malformed(err, at)
	}
	if bytes.ContainsAny(text, "\r\n") {
		var line bytes.Buffer
		if err := json.Compact(&line, text); err != nil {
			return document{}, d.malformed(err, at)
		}
		text = line.Bytes()
	}
	return document{text: text, place: at}, nil
}

// begin looks at the start of the input.
func (d *documents) begin() error {
	first, err := d.skipSpace()
	if err != nil {
		return err
	}
	d.limit = bounded{r: d.lines, left: maxDocument}
	if first == '[' {
		d.unit, d.count = "element", 0
		d.dec = json.NewDecoder(&d.limit)
		_, err := d.dec.Token()
		return err
	}
	line, err := d.readLine()
	if err != nil {
		return err
	}
	if begins(line) {
		d.unit, d.count = "document", 0
		d.limit.r = io.MultiReader(bytes.NewReader(line), strings.NewReader("\n"), d.lines)
		d.dec = json.NewDecoder(&d.limit)
		return nil
	}
	d.unit, d.first = "line", line
	return nil
}

// skipSpace goes to the first character that means something, and returns it unread.
func (d *documents) skipSpace() (byte, error) {
	if mark, err := d.lines.Peek(3); err == nil && string(mark) == "\ufeff" {
		d.skipped, _ = d.lines.Discard(3) // a byte order mark; it is buffered, so this cannot fail
	}
	for {
		c, err := d.lines.ReadByte()
		if err != nil {
			return 0, err
		}
		switch c {
		case '\n':
			d.count++
		case ' ', '\t', '\r':
		default:
			return c, d.lines.UnreadByte()
		}
		d.skipped++
	}
}

// begins reports whether a line is the beginning of a document that the next one continues.
func begins(line []byte) bool {
	dec := json.NewDecoder(io.MultiReader(bytes.NewReader(line), strings.NewReader("\n")))
	var text json.RawMessage
	return errors.Is(dec.Decode(&text), io.ErrUnexpectedEOF)
}

func (d *documents) nextLine() (document, error) {
	line := d.first
	d.first = nil
	if line == nil {
		var err error
		if line, err = d.readLine(); err != nil {
			return document{}, err
		}
	}
	doc := document{text: line, place: place{d.unit, d.count}}
	if len(line) > maxDocument {
		doc.text, doc.err = nil, errTooLong
	}
	return doc, nil
}

// readLine returns the next line that is not blank, without the space around it, and counts all lines. One that is too long comes cut,
// so that it still shows to be too long.
func (d *documents) readLine() ([]byte, error) {
	for {
		var line []byte
		d.count++
		for {
			part, err := d.lines.ReadSlice('\n')
			line = append(line, part[:min(len(part), max(0, maxDocument+1-len(line)))]...)
			if errors.Is(err, bufio.ErrBufferFull) {
				continue
			}
			if line = bytes.TrimSpace(line); len(line) > 0 {
				return line, nil
			}
			if err != nil {
				return nil, err
			}
			break
		}
	}
}

// end checks that an array ends, and the input with it.
func (d *documents) end(at place) error {
	if _, err := d.dec.Token(); err != nil {
		return d.malformed(err, at)
	}
	if _, err := d.dec.Token(); !errors.Is(err, io.EOF) {
		return problem.New(problem.Invalid, "there is something after the end of the array, at byte %d", d.offset())
	}
	return io.EOF
}

func (d *documents) malformed(err error, at place) error {
	if errors.Is(err, errTooLong) {
		return problem.New(problem.TooLarge, "%s, which begins at byte %d, is %s", at, d.dec.InputOffset(), errTooLong)
	}
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return problem.Wrap(problem.Invalid, err, "%s, which begins after byte %d, is no JSON", at, d.offset())
}

// offset is how far the decoder has come in the input, in bytes.
func (d *documents) offset() int64 { return int64(d.skipped) + d.dec.InputOffset() }

// bounded fails when more is read than left.
type bounded struct {
	r    io.Reader
	left int
}

func (b *bounded) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, errTooLong
	}
	n, err := b.r.Read(p)
	b.left -= n
	return n, err
}
