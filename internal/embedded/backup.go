package embedded

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Errors of a backup that is asked for in the wrong place.
var (
	// ErrBackupExists: there is something where it is to go.
	ErrBackupExists = errors.New("the folder of a backup must not exist yet")
	// ErrBackupInside: it would be a part of what it copies.
	ErrBackupInside = errors.New("the folder of a backup must not lie in the data directory")
)

// Backup writes a copy of the data directory into dir, which must not exist, while everything goes on. What was acknowledged before the
// call is in it. The copy is itself a data directory: to restore it, put it in the place of the other one, whose path is in the links of
// published Items. What was under way at the moment of the copy is taken up there as after a crash.
//
// The database is copied first, as it is at one moment, then the files of the catalog and of jobs. A file that is newer than the database
// is one that will be written again; none that the database knows of is missing, unless it was removed meanwhile.
//
// The copy is made beside dir and takes its name when it is complete. An error, or a crash, leaves at most the folder dir.partial,
// which the next backup to dir removes.
func (p *Platform) Backup(ctx context.Context, dir string) (err error) {
	dir, err = filepath.Abs(dir)
	if err != nil {
		return fmt.Errorf("backing up: %w", err)
	}
	if data, err := filepath.Abs(p.opts.Data); err != nil || dir == data || strings.HasPrefix(dir, data+string(filepath.Separator)) {
		return fmt.Errorf("backing up to %s: %w", dir, errors.Join(err, ErrBackupInside))
	}
	if _, err := os.Lstat(dir); err == nil {
		return fmt.Errorf("backing up to %s: %w", dir, ErrBackupExists)
	} else if !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("backing up to %s: %w", dir, err)
	}
	partial := dir + ".partial"
	if err := os.RemoveAll(partial); err != nil {
		return fmt.Errorf("removing an unfinished backup: %w", err)
	}
	if err := os.MkdirAll(partial, 0o750); err != nil {
		return fmt.Errorf("backing up to %s: %w", dir, err)
	}
	defer func() {
		if err != nil {
			err = fmt.Errorf("backing up to %s: %w", dir, errors.Join(err, os.RemoveAll(partial)))
		}
	}()
	if err := p.Store.Checkpoint(partial); err != nil {
		return err
	}
	for name, from := range map[string]string{"catalog": p.Catalog.Root(), "exchange": p.exchange.Root()} {
		if err := copyFolder(ctx, from, filepath.Join(partial, name)); err != nil {
			return err
		}
	}
	if err := os.Rename(partial, dir); err != nil {
		return err
	}
	return syncFolder(filepath.Dir(dir))
}

// copyFolder copies folders and regular files, and returns when they are on disk. Files may come and go meanwhile.
func copyFolder(ctx context.Context, from, to string) error {
	var folders []string
	err := filepath.WalkDir(from, func(path string, entry fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) && path != from {
			return nil
		}
		if err == nil {
			err = context.Cause(ctx)
		}
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		target := filepath.Join(to, rel)
		switch {
		case entry.IsDir():
			folders = append(folders, target)
			return os.Mkdir(target, 0o755)
		case entry.Type().IsRegular():
			return copyFile(path, target)
		}
		return nil
	})
	for _, folder := range folders {
		if err == nil {
			err = syncFolder(folder)
		}
	}
	return err
}

// copyFile copies a file, with its times: what is kept for a time is kept for that time.
func copyFile(from, to string) (err error) {
	in, err := os.Open(from)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // removed meanwhile
	}
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }() // only read from
	info, err := in.Stat()
	if err != nil {
		return err
	}
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, info.Mode().Perm())
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	if err == nil {
		err = out.Sync()
	}
	if err = errors.Join(err, out.Close()); err != nil {
		return err
	}
	return os.Chtimes(to, info.ModTime(), info.ModTime())
}

func syncFolder(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
