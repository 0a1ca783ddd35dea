package statedb

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
)

// Importer brings records in.
type Importer interface {
	PutMany(ctx context.Context, records []Record, over Overwrite) ([]Brought, error)
}

// Imported is what an import has done.
type Imported struct {
	// Stored, Existing and Held count the records by what became of them (Stored, Exists, Held), Malformed those that cannot be one.
	Stored, Existing, Held, Malformed int64
	// Complaints are the first MaxComplaints of the malformed ones.
	Complaints []Complaint
}

// ErrSource is the error of an import whose source cannot be read any further.
var ErrSource = errors.New("the source cannot be read")

// MaxComplaints bounds the complaints of an import.
const MaxComplaints = 100

// Complaint says what is wrong with one record of an import.
type Complaint struct {
	Number int64 // of the record, from 1: that of its line, where records are lines
	Err    error
}

// Import brings in what a scan of a DynamoDB table gives: items, one on each line, alone or within {"Item": …} as exports to S3 have
// them, or a document {"Items": […]} as the AWS command line writes it. Records of version 1 are kept as they are. A record that is
// malformed is counted and left out.
//
// What was imported when an error ends it is on disk; to import the same again does no harm. The error is that of the source or of the
// database, or says at which byte the source is no JSON.
func Import(ctx context.Context, db Importer, source io.Reader, over Overwrite) (Imported, error) {
	var done Imported
	batch := make([]Record, 0, MaxPut)
	number := int64(0)
	for text, err := range items(source) {
		number++
		if err != nil && text == nil {
			return done, fmt.Errorf("importing record %d: %w: %w", number, ErrSource, err)
		}
		var r Record
		if err == nil {
			err = r.UnmarshalItem(text)
		}
		if err == nil {
			err = r.CheckStored()
		}
		if err != nil {
			done.complain(number, err)
			continue
		}
		if batch = append(batch, r); len(batch) == MaxPut {
			if err := done.put(ctx, db, batch, over); err != nil {
				return done, err
			}
			batch = batch[:0]
		}
	}
	return done, done.put(ctx, db, batch, over)
}

func (d *Imported) complain(number int64, err error) {
	d.Malformed++
	if len(d.Complaints) < MaxComplaints {
		d.Complaints = append(d.Complaints, Complaint{number, err})
	}
}

func (d *Imported) put(ctx context.Context, db Importer, batch []Record, over Overwrite) error {
	if err := context.Cause(ctx); err != nil || len(batch) == 0 {
		return err
	}
	brought, err := db.PutMany(ctx, batch, over)
	if err != nil {
		return fmt.Errorf("importing: %w", err)
	}
	for _, b := range brought {
		switch b {
		case Stored:
			d.Stored++
		case Exists:
			d.Existing++
		case Held:
			d.Held++
		}
	}
	return nil
}

// Export writes the records of a query as DynamoDB items, one on each line, in the form that Import reads, and returns how many.
func Export(ctx context.Context, db Querier, q Query, to io.Writer) (int64, error) {
	out := bufio.NewWriter(to)
	n := int64(0)
	for r, err := range All(ctx, db, q) {
		if err == nil {
			_, err = out.Write(append(r.MarshalItem(), '\n'))
		}
		if err != nil {
			return n, fmt.Errorf("exporting record %d: %w", n+1, err)
		}
		n++
	}
	return n, out.Flush()
}
