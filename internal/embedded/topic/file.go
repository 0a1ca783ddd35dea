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
	"strings"

	"sundog/internal/embedded/store"
	"sundog/internal/queue"
)

// file appends each message to a file, as one line of JSON: the body without its line breaks, or, when that is not JSON, a string of
// it. How long the file should be is stored in the transaction that ends the deliveries: what is beyond was written before a crash, and
// is written again. What the file held before the subscription stays; from then on what others append is lost. It can be moved
// away at any time: a new one is begun.
type file struct {
	s    *subscription
	path string
	end  int64
}

func (*file) workers() int     { return 1 }
func (*file) batch() int       { return 500 }
func (*file) maxReceives() int { return untilItWorks }

func (f *file) key() []byte { return store.NewKey(store.PrefixFileEnd).String(f.s.Name).String(f.path) }

func newFile(ctx context.Context, s *subscription) (target, error) {
	f := &file{s: s, path: filepath.Clean(s.File)}
	info, err := os.Stat(f.path)
	if err == nil && !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is no regular file; name one, or one that is not there yet", f.path)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("looking at the file: %w", err)
	}
	value, failed := s.topics.store.Get(f.key())
	switch {
	case failed == nil:
		end, size := binary.Varint(value)
		if size <= 0 {
			return nil, fmt.Errorf("file %s: its stored length is malformed", f.path)
		}
		f.end = end
		return f, nil
	case !errors.Is(failed, store.ErrNotFound):
		return nil, failed
	}
	if err == nil {
		f.end = info.Size()
	}
	tx := s.topics.store.Begin()
	tx.Set(f.key(), binary.AppendVarint(nil, f.end))
	return f, tx.Commit(ctx)
}

func (f *file) deliver(ctx context.Context, batch []queue.Message) error {
	var lines bytes.Buffer
	receipts := make([]string, len(batch))
	for i, m := range batch {
		if err := appendLine(&lines, m.Body); err != nil {
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
	if err := tx.Commit(context.WithoutCancel(ctx)); err != nil { // the lines are in the file, even if this ends now
		return err
	}
	f.end = end
	return nil
}

func appendLine(b *bytes.Buffer, body []byte) error {
	if json.Compact(b, body) == nil { // leaves b alone when it fails
		return b.WriteByte('\n')
	}
	e := json.NewEncoder(b)
	e.SetEscapeHTML(false)
	return e.Encode(strings.ToValidUTF8(string(body), "�"))
}

// write puts lines where the file should end, and returns where it ends then, once that is on disk. The file is opened each
// time, so that it can be moved away.
func (f *file) write(lines []byte) (end int64, err error) {
	_, missing := os.Stat(f.path)
	if missing != nil {
		if err := os.MkdirAll(filepath.Dir(f.path), 0o750); err != nil {
			return 0, err
		}
	}
	out, err := os.OpenFile(f.path, os.O_WRONLY|os.O_CREATE, 0o640)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	info, err := out.Stat()
	if err != nil {
		return 0, err
	}
	end = min(f.end, info.Size()) // less: the file was moved away or emptied
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
	if missing != nil { // its name has to be on disk too
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
