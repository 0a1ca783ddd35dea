package itemreader

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// lines are the values of JSON Lines. Empty lines are passed over.
type lines struct {
	from stream
	text *bufio.Reader
	name string
	line int64
}

func openLines(from stream, name string) *lines {
	return &lines{from: from, text: withoutMark(from), name: name}
}

func (l *lines) next(context.Context) (Item, error) {
	for {
		line, err := l.read()
		l.line++
		if err != nil && !errors.Is(err, io.EOF) {
			return Item{}, err
		}
		value := bytes.TrimSpace(line)
		switch {
		case len(value) == 0 && err != nil:
			return Item{}, io.EOF
		case len(value) == 0:
			continue
		case !json.Valid(value):
			return Item{}, errorf("Line %d of the file is not valid JSON.", l.line)
		}
		return Item{Value: value, Source: l.name}, nil
	}
}

// read returns a line of its own memory, and io.EOF with the last one.
func (l *lines) read() ([]byte, error) {
	var line []byte
	for {
		piece, err := l.text.ReadSlice('\n')
		line = append(line, piece...)
		if len(line) > MaxItemBytes+1 {
			return nil, errTooLarge
		}
		if errors.Is(err, bufio.ErrBufferFull) {
			continue
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, fmt.Errorf("reading line %d: %w", l.line+1, err)
		}
		return line, err
	}
}

func (l *lines) close() error { return l.from.Close() }
