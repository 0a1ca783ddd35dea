package bucket

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"sundog/internal/bucket"
	"sundog/internal/embedded/store"
)

// Files is a bucket of plain files below a folder: the key is the path. An object is written beside the folder, synced, and moved to its
// place, so that readers see the old body or the new one. There is one Files for a folder at a time. It is safe for concurrent
// use.
//
// The content type is not kept. A key that would need a file where a folder is, or the reverse, is refused with bucket.ErrKeyConflict.
type Files struct {
	root, temp string
	locks      store.Locks
}

// maxName is the longest name of a file on the file systems in use.
const maxName = 255

// OpenFiles opens or creates the folder. What a crash has left in its folder of temporary files, root + ".tmp", is removed.
func OpenFiles(root string) (*Files, error) {
	root, err := filepath.Abs(root)
	if err != nil {
		return nil, fmt.Errorf("opening bucket %s: %w", root, err)
	}
	f := &Files{root: root, temp: root + ".tmp"}
	err = os.RemoveAll(f.temp)
	for _, dir := range []string{f.root, f.temp} {
		if err == nil {
			err = makeFolders(dir)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("opening bucket %s: %w", root, err)
	}
	return f, nil
}

// Root returns the absolute path of the folder.
func (f *Files) Root() string { return f.root }

func (f *Files) path(ctx context.Context, doing, key string) (string, error) {
	if err := check(ctx, doing, key); err != nil {
		return "", err
	}
	for name := range strings.SplitSeq(key, "/") {
		if len(name) > maxName {
			return "", fmt.Errorf("%s object %.100q: %w: the name %.40q… has %d bytes, a file's may have %d", doing, key, bucket.ErrInvalidKey, name, len(name), maxName)
		}
	}
	return filepath.Join(f.root, filepath.FromSlash(key)), nil
}

// Get returns a body and its ETag, or bucket.ErrNotFound.
func (f *Files) Get(ctx context.Context, key string) ([]byte, string, error) {
	path, err := f.path(ctx, "getting", key)
	if err != nil {
		return nil, "", err
	}
	body, err := os.ReadFile(path)
	if err != nil {
		return nil, "", fmt.Errorf("getting object %q: %w", key, absent(err))
	}
	return body, etagOf(body), nil
}

// A File is an open object, to be read piece by piece. A Put of the same key does not change it.
type File struct {
	*os.File
	size int64
}

// Size is the size of the object in bytes.
func (f *File) Size() int64 { return f.size }

// Open opens an object, or returns bucket.ErrNotFound.
func (f *Files) Open(ctx context.Context, key string) (*File, error) {
	path, err := f.path(ctx, "opening", key)
	if err != nil {
		return nil, err
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("opening object %q: %w", key, absent(err))
	}
	info, err := file.Stat()
	if err == nil && info.IsDir() {
		err = bucket.ErrNotFound
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("opening object %q: %w", key, err), file.Close())
	}
	return &File{File: file, size: info.Size()}, nil
}

// absent turns the errors of a path that leads nowhere into bucket.ErrNotFound.
func absent(err error) error {
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) || errors.Is(err, syscall.EISDIR) {
		return bucket.ErrNotFound
	}
	return err
}

// Stat describes an object, or returns bucket.ErrNotFound. It reads the body for its ETag.
func (f *Files) Stat(ctx context.Context, key string) (bucket.Object, error) {
	path, err := f.path(ctx, "looking at", key)
	if err != nil {
		return bucket.Object{}, err
	}
	o, err := describe(path, key)
	if err != nil {
		return o, fmt.Errorf("looking at object %q: %w", key, err)
	}
	return o, nil
}

func describe(path, key string) (bucket.Object, error) {
	body, err := os.ReadFile(path)
	if err != nil {
		return bucket.Object{}, absent(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		return bucket.Object{}, absent(err)
	}
	return bucket.Object{Key: key, ETag: etagOf(body), Size: int64(len(body)), Modified: info.ModTime().UTC()}, nil
}

// Put stores a body and returns its ETag once it is on disk.
func (f *Files) Put(ctx context.Context, key string, body []byte, opts bucket.PutOptions) (string, error) {
	path, err := f.path(ctx, "putting", key)
	if err != nil {
		return "", err
	}
	unlock, err := f.locks.Lock(ctx, key)
	if err != nil {
		return "", fmt.Errorf("putting object %q: %w", key, err)
	}
	defer unlock()
	if opts.IfMatch != "" || opts.IfNoneMatch {
		o, err := describe(path, key)
		if err := condition(o, err, opts); err != nil {
			return "", fmt.Errorf("putting object %q: %w", key, err)
		}
	}
	if err := f.write(path, body); err != nil {
		return "", fmt.Errorf("putting object %q: %w", key, conflict(err))
	}
	return etagOf(body), nil
}

// conflict recognises a path that is a file and a folder.
func conflict(err error) error {
	if errors.Is(err, syscall.ENOTDIR) || errors.Is(err, syscall.EISDIR) || errors.Is(err, fs.ErrExist) || errors.Is(err, syscall.ENOTEMPTY) {
		return fmt.Errorf("%w: %w", bucket.ErrKeyConflict, err)
	}
	return err
}

func (f *Files) write(path string, body []byte) error {
	temp, err := os.CreateTemp(f.temp, "object-")
	if err != nil {
		return err
	}
	_, err = temp.Write(body)
	if err == nil {
		err = temp.Chmod(0o644) // made to be read by others
	}
	if err == nil {
		err = temp.Sync()
	}
	err = errors.Join(err, temp.Close())
	dir := filepath.Dir(path)
	if err == nil {
		err = makeFolders(dir)
	}
	if err == nil {
		err = os.Rename(temp.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(temp.Name()))
	}
	return syncFolder(dir)
}

// makeFolders makes a folder and those above it that are missing, so that they survive a crash.
func makeFolders(dir string) error {
	if info, err := os.Stat(dir); err == nil && info.IsDir() {
		return nil
	}
	parent := filepath.Dir(dir)
	if parent != dir {
		if err := makeFolders(parent); err != nil {
			return err
		}
	}
	err := os.Mkdir(dir, 0o755)
	if errors.Is(err, fs.ErrExist) {
		if info, statErr := os.Stat(dir); statErr == nil && info.IsDir() {
			return nil // somebody else was faster
		}
	}
	if err != nil {
		return err
	}
	return syncFolder(parent)
}

func syncFolder(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// Delete removes an object; one that is not there is no error. Folders that become empty stay.
func (f *Files) Delete(ctx context.Context, key string) error {
	path, err := f.path(ctx, "deleting", key)
	if err != nil {
		return err
	}
	unlock, err := f.locks.Lock(ctx, key)
	if err != nil {
		return fmt.Errorf("deleting object %q: %w", key, err)
	}
	defer unlock()
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return nil // the folder of other objects
	}
	err = os.Remove(path)
	if err == nil {
		err = syncFolder(filepath.Dir(path))
	} else if errors.Is(absent(err), bucket.ErrNotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("deleting object %q: %w", key, err)
	}
	return nil
}

// List returns up to limit objects (bucket.MaxListed when limit is 0 or more than that) whose keys begin with prefix and come after after, in
// the order of keys. It reads the bodies of what it returns for their ETags.
func (f *Files) List(ctx context.Context, prefix, after string, limit int) ([]bucket.Object, error) {
	if limit <= 0 || limit > bucket.MaxListed {
		limit = bucket.MaxListed
	}
	l := listing{ctx: ctx, root: f.root, prefix: prefix, after: after, limit: limit}
	if err := l.folder(""); err != nil && !errors.Is(err, errFull) {
		return nil, fmt.Errorf("listing objects of %q: %w", prefix, err)
	}
	return l.found, nil
}

type listing struct {
	ctx                 context.Context //nolint:containedctx // lives as long as one call of List
	root, prefix, after string
	limit               int
	found               []bucket.Object
}

var errFull = errors.New("the page is full")

// folder lists the objects below a folder, whose key ends in a slash or is empty.
func (l *listing) folder(at string) error {
	if err := l.ctx.Err(); err != nil {
		return err
	}
	entries, err := os.ReadDir(filepath.Join(l.root, filepath.FromSlash(at)))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	keys := make([]string, len(entries))
	for i, entry := range entries {
		keys[i] = at + entry.Name()
		if entry.IsDir() {
			keys[i] += "/" // sorts as its objects do
		}
	}
	slices.SortFunc(keys, cmp.Compare[string])
	for _, key := range keys {
		isFolder := strings.HasSuffix(key, "/")
		switch {
		case isFolder && !strings.HasPrefix(key, l.prefix) && !strings.HasPrefix(l.prefix, key):
		case isFolder && key < l.after && !strings.HasPrefix(l.after, key):
		case isFolder:
			if err := l.folder(key); err != nil {
				return err
			}
		case strings.HasPrefix(key, l.prefix) && key > l.after:
			if err := l.object(key); err != nil {
				return err
			}
		}
	}
	return nil
}

func (l *listing) object(key string) error {
	o, err := describe(filepath.Join(l.root, filepath.FromSlash(key)), key)
	if errors.Is(err, bucket.ErrNotFound) {
		return nil // deleted meanwhile
	}
	if err != nil {
		return err
	}
	if l.found = append(l.found, o); len(l.found) == l.limit {
		return errFull
	}
	return nil
}

// Path is where the file of a valid key lies, whether it is there or not.
func (f *Files) Path(key string) string { return filepath.Join(f.root, filepath.FromSlash(key)) }

// Key is the key whose file lies at a path; ok is false when the path is not below the folder.
func (f *Files) Key(path string) (key string, ok bool) {
	rel, ok := strings.CutPrefix(filepath.Clean(path), f.root+string(filepath.Separator))
	return filepath.ToSlash(rel), ok
}

// Expire removes the objects of a prefix that were written before a time, and returns how many.
func (f *Files) Expire(ctx context.Context, prefix string, before time.Time) (int, error) {
	removed, after := 0, ""
	for {
		page, err := f.List(ctx, prefix, after, 0)
		if err != nil || len(page) == 0 {
			return removed, err
		}
		for _, o := range page {
			after = o.Key
			if o.Modified.Before(before) {
				if err := f.Delete(ctx, o.Key); err != nil {
					return removed, err
				}
				removed++
			}
		}
	}
}
