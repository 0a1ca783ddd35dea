package itemreader

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"math"

	"github.com/parquet-go/parquet-go"
)

// parquetRows are the rows of a Parquet file, each an object by the names of the columns. Text is a string, so are the bytes of columns
// that are none; dates and times are the numbers that the file holds.
type parquetRows struct {
	body Body
	rows *parquet.GenericReader[any]
	name string
	read [16]any // rows read at once
	n    int     // of them
	at   int     // the next of them
	end  error
}

func openParquet(body Body, name string) (p *parquetRows, err error) {
	defer damaged(&err)
	file, err := parquet.OpenFile(body, body.Size(), parquet.SkipBloomFilters(true), parquet.SkipPageIndex(true))
	if err != nil {
		return nil, errorf("The Parquet file cannot be read: %v", err)
	}
	return &parquetRows{body: body, rows: parquet.NewGenericReader[any](file), name: name}, nil
}

// damaged makes an *Error of the panic that the Parquet library has for some damaged files.
func damaged(err *error) {
	if r := recover(); r != nil {
		*err = errorf("The Parquet file cannot be read: %v", r)
	}
}

func (p *parquetRows) next(context.Context) (Item, error) {
	if p.at == p.n {
		if err := p.fill(); err != nil {
			return Item{}, err
		}
	}
	row := p.read[p.at]
	p.at++
	var text bytes.Buffer
	enc := json.NewEncoder(&text)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(finite(row)); err != nil {
		return Item{}, errorf("A row of the Parquet file cannot be an item: %v", err)
	}
	if text.Len() > MaxItemBytes {
		return Item{}, errTooLarge
	}
	return Item{Value: bytes.TrimSpace(text.Bytes()), Source: p.name}, nil
}

// fill reads the next rows.
func (p *parquetRows) fill() (err error) {
	defer damaged(&err)
	if p.end != nil {
		return p.end
	}
	clear(p.read[:])
	p.n, p.end = p.rows.Read(p.read[:])
	p.at = 0
	if p.end != nil && !errors.Is(p.end, io.EOF) {
		p.end = errorf("The Parquet file cannot be read: %v", p.end)
	}
	switch {
	case p.n > 0:
		return nil
	case p.end == nil:
		return io.ErrNoProgress
	}
	return p.end
}

// finite takes numbers out that JSON does not have.
func finite(v any) any {
	switch v := v.(type) {
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return nil
		}
	case float32:
		return finite(float64(v))
	case map[string]any:
		for name, member := range v {
			v[name] = finite(member)
		}
	case []any:
		for i, element := range v {
			v[i] = finite(element)
		}
	}
	return v
}

func (p *parquetRows) close() error { return errors.Join(p.rows.Close(), p.body.Close()) }
