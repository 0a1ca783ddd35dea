package itemreader

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
)

// rows are the rows of a CSV file, each an object of strings by header. A row that is too short has empty strings, what is beyond the
// headers is left out.
type rows struct {
	from    stream
	meter   *meter
	csv     *csv.Reader
	headers [][]byte // JSON strings
	name    string
	buf     bytes.Buffer
	enc     *json.Encoder // into buf
}

func openCSV(from stream, name string, d *Dataset) (*rows, error) {
	delimiter, ok := d.Delimiter.Rune()
	if !ok {
		return nil, errorf("CSVDelimiter %s is not known.", d.Delimiter)
	}
	r := newRows(from, name, delimiter)
	headers := d.Headers
	if d.FirstRow {
		first, err := r.row()
		if errors.Is(err, io.EOF) {
			return nil, errorf("The CSV file is empty: there is no row with headers.")
		}
		if err != nil {
			return nil, err
		}
		headers = slices.Clone(first)
	}
	return r, r.setHeaders(headers)
}

func newRows(from stream, name string, delimiter rune) *rows {
	r := &rows{from: from, meter: &meter{from: from}, name: name}
	r.csv = csv.NewReader(withoutMark(r.meter))
	r.csv.Comma, r.csv.FieldsPerRecord, r.csv.LazyQuotes, r.csv.ReuseRecord = delimiter, -1, true, true
	r.enc = json.NewEncoder(&r.buf)
	r.enc.SetEscapeHTML(false)
	return r
}

// setHeaders takes the names of the columns.
func (r *rows) setHeaders(headers []string) error {
	for i, header := range headers {
		if slices.Contains(headers[:i], header) {
			return errorf("CSV headers cannot contain duplicates.")
		}
		r.buf.Reset()
		r.text(header)
		r.headers = append(r.headers, bytes.Clone(r.buf.Bytes()))
	}
	if len(headers) == 0 {
		return errorf("CSV headers cannot be empty.")
	}
	return nil
}

// row returns the fields of the next row, which are valid until the one after it.
func (r *rows) row() ([]string, error) {
	fields, err := r.csv.Read()
	r.meter.taken = r.csv.InputOffset()
	var malformed *csv.ParseError
	if errors.As(err, &malformed) {
		return nil, errorf("The CSV file cannot be read: %v", err)
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("reading the CSV file: %w", err)
	}
	return fields, err
}

func (r *rows) next(context.Context) (Item, error) {
	fields, err := r.row()
	if err != nil {
		return Item{}, err
	}
	r.buf.Reset()
	for i, header := range r.headers {
		r.buf.WriteByte("{,"[min(i, 1)])
		r.buf.Write(header)
		r.buf.WriteByte(':')
		if i < len(fields) {
			r.text(fields[i])
		} else {
			r.buf.WriteString(`""`)
		}
	}
	r.buf.WriteByte('}')
	if r.buf.Len() > MaxItemBytes {
		return Item{}, errTooLarge
	}
	return Item{Value: bytes.Clone(r.buf.Bytes()), Source: r.name}, nil
}

// text appends a JSON string.
func (r *rows) text(s string) {
	if err := r.enc.Encode(s); err != nil {
		panic(fmt.Sprintf("itemreader: writing a string: %v", err)) // strings always marshal, and a buffer takes all
	}
	r.buf.Truncate(r.buf.Len() - 1) // the line feed
}

func (r *rows) close() error { return r.from.Close() }
