package topic

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
	"unicode/utf8"

	"sundog/internal/embedded/store"
	"sundog/internal/queue"
	"sundog/internal/topic"
)

// Line is one line of a subscription's file. Message is the body when that is JSON, and a string otherwise (Binary: in base64,
// because it is not UTF-8).
type Line struct {
	ID         string                     `json:"id"`
	Topic      string                     `json:"topic"`
	Time       time.Time                  `json:"time"`
	Attributes map[string]topic.Attribute `json:"attributes,omitempty"`
	Message    json.RawMessage            `json:"message,omitempty"`
	Binary     []byte                     `json:"binary,omitempty"`
}

// file appends messages to a file. How long it should be is stored in the transaction that ends the deliveries: what is beyond was
// written before a crash and is written again.
type file struct {
	s    *subscription
	path string
	end  int64
}

const fileBatch = 256

func (*file) batch() int   { return fileBatch }
func (*file) workers() int { return 1 }

func (f *file) key() []byte { return store.NewKey(store.PrefixFileEnd).String(f.s.Name).String(f.path) }

// openFile reads where the file ends. What a new subscription finds in its file stays.
func openFile(ctx context.Context, s *subscription) (*file, error) {
	f := &file{s: s, path: filepath.Clean(s.File)}
	value, err := s.topics.store.Get(f.key())
	switch {
	case err == nil:
		end, size := binary.Varint(value)
		if size <= 0 {
			return nil, fmt.Errorf("file %s: its stored length is malformed", f.path)
		}
		f.end = end
		return f, nil
	case !errors.Is(err, store.ErrNotFound):
		return nil, err
	}
	info, err := os.Stat(f.path)
	switch {
	case err == nil && !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s is no regular file; name one, or one that is not there yet", f.path)
	case err == nil:
		f.end = info.Size()
	case !errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("looking at the file of a subscription: %w", err)
	}
	tx := s.topics.store.Begin()
	tx.Set(f.key(), binary.AppendVarint(nil, f.end))
	return f, tx.Commit(ctx)
}

func (f *file) deliver(ctx context.Context, batch []queue.Message) error {
	var lines bytes.Buffer
	receipts := make([]string, len(batch))
	for i, m := range batch {
		if err := appendLine(&lines, unpack(m)); err != nil {
			return err
		}
		receipts[i] = m.Receipt
	}
	end, err := f.write(lines.Bytes())
	if err != nil {
		return fmt.Errorf("appending to %s: %w", f.path, err)
	}
	tx := f.s.topics.store.Begin()
	if err := f.s.queue.DeleteTx(tx, receipts...); err != nil {
		return err
	}
	tx.Set(f.key(), binary.AppendVarint(nil, end))
	if err := tx.Commit(context.WithoutCancel(ctx)); err != nil { // the lines are in the file
		return err
	}
	f.end = end
	return nil
}

func appendLine(b *bytes.Buffer, m topic.Message) error {
	line := Line{ID: m.ID, Topic: m.Topic, Time: m.Time, Attributes: m.Attributes}
	switch {
	case json.Valid(m.Body):
		line.Message = m.Body // Marshal takes the line breaks out
	case utf8.Valid(m.Body):
		text, err := json.Marshal(string(m.Body))
		if err != nil {
			return fmt.Errorf("writing message %s: %w", m.ID, err)
		}
		line.Message = text
	default:
		line.Binary = m.Body
	}
	e := json.NewEncoder(b)
	e.SetEscapeHTML(false)
	if err := e.Encode(line); err != nil {
		return fmt.Errorf("writing message %s: %w", m.ID, err)
	}
	return nil
}

// write puts lines where the file should end, and returns where it ends then, when that is on disk. The file is opened
// each time, so that it can be moved away at any time.
func (f *file) write(lines []byte) (end int64, err error) {
	_, statErr := os.Stat(f.path)
	out, err := os.OpenFile(f.path, os.O_WRONLY|os.O_CREATE, 0o640)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	info, err := out.Stat()
	if err != nil {
		return 0, err
	}
	end = f.end
	if info.Size() < end { // moved away or emptied: begin anew after what is there
		end = info.Size()
	}
	if info.Size() > end {
		if err := out.Truncate(end); err != nil {
			return 0, err
		}
	}
	if _, err := out.WriteAt(lines, end); err != nil {
		return 0, err
	}
	if err := out.Sync(); err != nil {
		return 0, err
	}
	if statErr != nil { // the file is new: its name has to be on disk too
		if err := syncDir(filepath.Dir(f.path)); err != nil {
			return 0, err
		}
	}
	return end + int64(len(lines)), nil
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
