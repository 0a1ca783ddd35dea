// Package itemreader reads the items that a distributed Map state iterates over (Developer Guide, "ItemReader (Map)"): the elements of a
// JSON array, the members of a JSON object, the lines of JSON Lines, the rows of CSV and Parquet files, the objects of a bucket, and
// what an inventory or a query's manifest names.
//
// # Promises
//
//   - Items come one after the other, in the order of the data; memory grows with the size of one item, and not with their number.
//   - The same objects give the same items, so a reader that has lost its place finds it again with Skip.
//   - What is wrong with the data is an *Error, in AWS's words where they are known; other errors are those of the storage.
package itemreader

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"
)

// MaxItemBytes bounds one item, in bytes of its source: what a child could not take as input is not read to its end (AWS: 256 KiB).
const MaxItemBytes = 256 << 10

// MaxItems is the highest number of items that are read (AWS: 100,000,000); a higher bound of the user counts as this one.
const MaxItems = 100_000_000

// An Item is one element of a dataset.
type Item struct {
	Value  []byte // JSON text, which belongs to the caller
	Key    string // of the member, when the item is one of a JSON object
	Member bool   // whether it is
	Source string // $$.Map.Item.Source
}

// An Error says what is wrong with a dataset. It fails a map run with States.ItemReaderFailed.
type Error struct{ Cause string }

func (e *Error) Error() string { return e.Cause }

func errorf(format string, args ...any) error { return &Error{Cause: fmt.Sprintf(format, args...)} }

// Errors of Objects that are the dataset's fault. They are wrapped with the name.
var (
	ErrNoBucket = errors.New("The specified bucket does not exist") //nolint:staticcheck // S3's words, which the user gets to see
	ErrNoObject = errors.New("The specified key does not exist.")   //nolint:revive,staticcheck // S3's words, which the user gets to see
)

// Objects is the storage that datasets lie in.
type Objects interface {
	// Open opens an object. The error is ErrNoBucket, ErrNoObject, or one of the storage.
	Open(ctx context.Context, bucket, key string) (Body, error)
	// List returns up to a thousand objects whose keys begin with the prefix and come after a key, in the order of the keys; none when
	// there are no more. The error is ErrNoBucket, or one of the storage.
	List(ctx context.Context, bucket, prefix, after string) ([]Object, error)
}

// A Body is an open object.
type Body interface {
	io.ReaderAt
	io.Closer
	Size() int64 // bytes
}

// An Object describes a stored object.
type Object struct {
	Key, ETag string
	Size      int64 // bytes
	Modified  time.Time
}

// A Reader reads the items of a dataset. It is not safe for concurrent use.
type Reader struct {
	from source
	left int64
}

// A source gives items until io.EOF.
type source interface {
	next(ctx context.Context) (Item, error)
	close() error
}

// Next returns the next item, or io.EOF after the last.
func (r *Reader) Next(ctx context.Context) (Item, error) {
	if r.left == 0 {
		return Item{}, io.EOF
	}
	if ctx.Err() != nil {
		return Item{}, context.Cause(ctx)
	}
	item, err := r.from.next(ctx)
	switch {
	case err == nil:
		r.left--
	case errors.Is(err, io.EOF):
		r.left = 0
	}
	return item, err
}

// Skip passes over n items, or all when there are fewer.
func (r *Reader) Skip(ctx context.Context, n int64) error {
	for ; n > 0; n-- {
		if _, err := r.Next(ctx); err != nil {
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
	}
	return nil
}

// Close lets go of what is open.
func (r *Reader) Close() error { return r.from.close() }
