package maprun

import (
	"context"
	"errors"
	"fmt"
	"io"

	"sundog/asl"
	"sundog/itemreader"
)

// A Feed makes the inputs of the children of one run. It is not safe for concurrent use.
type Feed struct {
	items   *itemreader.Reader
	batcher *asl.ItemBatcher
	next    int64         // index of the next item
	ahead   *asl.Document // the input of an item that was read and did not fit into the batch before
}

// An Input is what a child gets.
type Input struct {
	Document *asl.Document
	Items    int64 // in it
}

// A Selector applies the ItemSelector of the run's state: asl.Execution.ItemInput.
type Selector func(item asl.Item) (*asl.Document, error)

// OpenFeed opens the items of a run and passes over those that have their child. An error of the dataset is an *asl.RunError.
func OpenFeed(ctx context.Context, objects itemreader.Objects, run asl.MapRun, taken int64) (*Feed, error) {
	f := &Feed{batcher: run.Settings.Batcher, next: taken}
	var err error
	if run.Settings.Reader != nil {
		f.items, err = itemreader.Open(ctx, objects, *run.Settings.Reader)
	} else {
		f.items, err = itemreader.Of(run.Items.Bytes())
	}
	if err != nil {
		return nil, readerError(err)
	}
	if err := f.items.Skip(ctx, taken); err != nil {
		return nil, readerError(errors.Join(err, f.items.Close()))
	}
	return f, nil
}

// Close lets go of what is open.
func (f *Feed) Close() error { return f.items.Close() }

// readerError makes what is wrong with a dataset an error of the run.
func readerError(err error) error {
	if wrong, ok := errors.AsType[*itemreader.Error](err); ok {
		return &asl.RunError{Name: errReader, Cause: wrong.Cause}
	}
	return err
}

// Next returns the input of the next child, or io.EOF when every item has its child. Errors of the dataset and of the selector are
// *asl.RunError.
func (f *Feed) Next(ctx context.Context, selector Selector) (Input, error) {
	if f.batcher == nil {
		input, err := f.one(ctx, selector)
		if err == nil && len(input.Bytes()) > MaxInputBytes {
			err = tooLarge(f.next-1, MaxInputBytes)
		}
		return Input{Document: input, Items: 1}, err
	}
	return f.batch(ctx, selector)
}

func tooLarge(index, limit int64) error {
	return &asl.RunError{Name: errSize, Cause: fmt.Sprintf("The input of the child workflow execution for the item with the index %d has more than %d bytes.", index, limit)}
}

// one returns the next item with the selector applied.
func (f *Feed) one(ctx context.Context, selector Selector) (*asl.Document, error) {
	if input := f.ahead; input != nil {
		f.ahead = nil
		return input, nil
	}
	item, err := f.items.Next(ctx)
	if err != nil {
		return nil, readerError(err)
	}
	input, err := selector(asl.Item{Index: f.next, Value: asl.Raw(item.Value), Key: item.Key, Member: item.Member, Source: item.Source})
	if err != nil {
		return nil, err
	}
	f.next++
	return asl.Raw(input.Bytes()), nil // a document of its own: the child has another owner than the parent
}

// batch puts as many items into one input as its bounds allow, at least one.
func (f *Feed) batch(ctx context.Context, selector Selector) (Input, error) {
	most, bytes := f.batcher.MaxItems, int64(MaxInputBytes)
	if f.batcher.MaxBytes > 0 {
		bytes = min(bytes, f.batcher.MaxBytes)
	}
	text := []byte(`{`)
	if f.batcher.Input != nil {
		text = append(append(append(text, `"BatchInput":`...), f.batcher.Input.Bytes()...), ',')
	}
	text = append(text, `"Items":[`...)
	const end = "]}"
	n := int64(0)
	for most == 0 || n < most {
		input, err := f.one(ctx, selector)
		if errors.Is(err, io.EOF) && n > 0 {
			break
		}
		if err != nil {
			return Input{}, err
		}
		if size := int64(len(text) + 1 + len(input.Bytes()) + len(end)); size > bytes {
			if n == 0 {
				return Input{}, tooLarge(f.next-1, bytes)
			}
			f.ahead = input
			break
		}
		if n > 0 {
			text = append(text, ',')
		}
		text = append(text, input.Bytes()...)
		n++
	}
	return Input{Document: asl.Raw(append(text, end...)), Items: n}, nil
}
