// Package store is the one place where the embedded platform touches the disk: a Pebble database in a data directory, with one
// group commit for everybody.
//
// # Promises
//
//   - A Tx is atomic: after a crash all of it is there or none.
//   - When Commit returns nil, the Tx is on disk.
//   - Tx that are submitted in an order are applied in that order: what is on disk after a crash is a prefix of them. A reader may
//     see a Tx shortly before it is on disk; whatever it then commits itself comes later in the log, so nothing on disk ever
//     depends on something that is not.
//   - OnCommit callbacks run after the Tx is on disk, in the order of the commits, before Commit returns.
//
// # How
//
// Commit hands the Tx to one goroutine, which puts all that have come in the meantime into one Pebble batch, applies it without
// waiting for the disk, and hands it to a second goroutine, which waits for the disk and wakes the callers. While one group is being synced the next
// one gathers, so throughput grows with the number of writers and a lone writer pays for one sync.
//
// A write error of the disk is final: Pebble cannot know what has reached it. The store then refuses everything with
// ErrFailed, and the process is expected to end and to be started again.
package store

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// Errors of the store.
var (
	// ErrNotFound is returned for a key that has no value.
	ErrNotFound = errors.New("store: key not found")
	// ErrInUse is returned by Open when another process has the directory.
	ErrInUse = errors.New("store: data directory is in use by another process")
	// ErrClosed is returned by a store that was closed.
	ErrClosed = errors.New("store: closed")
	// ErrFailed is returned by everything after the disk has failed once.
	ErrFailed = errors.New("store: disk failed")
)

const (
	maxGroupTx    = 1024    // transactions in one group
	maxGroupBytes = 4 << 20 // bytes in one group, after which it is closed
	maxQueued     = 4096    // transactions that wait for the committer before Commit blocks
	maxSyncing    = 2       // groups that are applied and wait for the disk
	separateFrom  = 1 << 10 // bytes of a value from which on it lies apart from its key
)

// Options of a store. The zero value is a store on the real file system.
type Options struct {
	// FS is the file system, vfs.Default when nil. Tests pass an in-memory or failing one.
	FS vfs.FS
	// Logger receives what Pebble has to say. Discarded when nil.
	Logger *slog.Logger
	// BeforeCommit is called with the number of each Tx (from 1) before it is applied; an error fails that Tx alone. For fault
	// injection in tests.
	BeforeCommit func(n int64) error
	// Observe is told of each group that is on disk: how many transactions it held, and how long the oldest of them waited for it. It is called on
	// the committer's goroutine: it must be short. May be nil.
	Observe func(transactions int, took time.Duration)
	// CacheBytes bounds the block cache; 32 MiB when zero.
	CacheBytes int64
	// MemTableBytes bounds one memory table (two or three live at a time); 32 MiB when zero.
	MemTableBytes uint64
	// NoSync leaves the disk out: for measuring what it costs, never for data.
	NoSync bool
}

// Store is an open data directory. It is safe for concurrent use.
type Store struct {
	db     *pebble.DB
	opts   Options
	logger *slog.Logger

	mu     sync.RWMutex // held for reading while a Tx is being submitted, for writing by Close
	closed bool
	queue  chan *Tx
	synced chan *group
	done   chan struct{}

	logs    logs
	commits atomic.Int64
	groups  atomic.Int64
	failure atomic.Pointer[error]
	broken  chan struct{} // closed when there is a failure
}

// Open opens or creates the database in dir/db. It returns ErrInUse when another process has it open.
func Open(dir string, opts Options) (*Store, error) {
	if opts.FS == nil {
		opts.FS = vfs.Default
	}
	if opts.Logger == nil {
		opts.Logger = slog.New(slog.DiscardHandler)
	}
	if opts.CacheBytes == 0 {
		opts.CacheBytes = 32 << 20
	}
	if opts.MemTableBytes == 0 {
		opts.MemTableBytes = 32 << 20
	}
	s := &Store{
		opts:   opts,
		logger: opts.Logger,
		queue:  make(chan *Tx, maxQueued),
		synced: make(chan *group, maxSyncing),
		done:   make(chan struct{}),
		broken: make(chan struct{}),
	}
	path := filepath.Join(dir, "db")
	if err := makeDurably(opts.FS, path); err != nil {
		return nil, fmt.Errorf("store: creating data directory %s: %w", path, err)
	}
	lock, err := pebble.LockDirectory(path, opts.FS)
	if unusable, ok := errors.AsType[*os.PathError](err); ok { // the file of the lock cannot be made, so nobody can have locked it
		return nil, fmt.Errorf("store: locking the data directory %s: %w", dir, unusable)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %s", ErrInUse, dir)
	}
	db, err := pebble.Open(path, s.pebbleOptions(lock))
	if err != nil {
		return nil, errors.Join(fmt.Errorf("store: opening %s: %w", path, err), lock.Close())
	}
	s.db = db
	if err := errors.Join(s.checkFormat(), s.openLogs(), lock.Close()); err != nil { // the database keeps its own reference to the lock
		return nil, errors.Join(err, db.Close())
	}
	go s.commitLoop()
	go s.syncLoop()
	return s, nil
}

// makeDurably creates a folder so that a crash of the machine cannot take it away again: a new entry is safe once the folder
// that holds it is synced.
func makeDurably(fs vfs.FS, path string) error {
	if err := fs.MkdirAll(path, 0o750); err != nil {
		return err
	}
	for dir := path; ; {
		parent := fs.PathDir(dir)
		f, err := fs.OpenDir(parent)
		if err != nil {
			return err
		}
		if err := errors.Join(f.Sync(), f.Close()); err != nil {
			return err
		}
		if parent == dir || parent == "." {
			return nil
		}
		dir = parent
	}
}

func (s *Store) pebbleOptions(lock *pebble.Lock) *pebble.Options {
	o := &pebble.Options{
		FS:                          s.opts.FS,
		Lock:                        lock,
		Logger:                      pebbleLogger{s},
		Merger:                      counterMerger,
		FormatMajorVersion:          pebble.FormatNewest,
		CacheSize:                   s.opts.CacheBytes,
		MemTableSize:                s.opts.MemTableBytes,
		MemTableStopWritesThreshold: 3,
		MaxOpenFiles:                512,
		L0CompactionThreshold:       4,
		L0StopWritesThreshold:       24,
	}
	// Documents are written once and read seldom: they lie beside the tables, so that compaction moves keys and not megabytes.
	o.Experimental.ValueSeparationPolicy = func() pebble.ValueSeparationPolicy {
		return pebble.ValueSeparationPolicy{
			Enabled: true, MinimumSize: separateFrom, MaxBlobReferenceDepth: 10,
			RewriteMinimumAge: 5 * time.Minute, TargetGarbageRatio: 0.3,
		}
	}
	o.EnsureDefaults()
	for i := range o.Levels { // most look-ups are for what is not there: a new name, a new record
		o.Levels[i].FilterPolicy = bloom.FilterPolicy(10)
		o.Levels[i].FilterType = pebble.TableFilter
	}
	return o
}

// Close waits for what was submitted, and closes the database. Later calls return ErrClosed.
func (s *Store) Close() error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return ErrClosed
	}
	s.closed = true
	close(s.queue)
	s.mu.Unlock()
	<-s.done
	if err := s.db.Close(); err != nil {
		return fmt.Errorf("store: closing: %w", err)
	}
	return nil
}

// Failed returns the error that ended the store's life, or nil.
func (s *Store) Failed() error {
	if p := s.failure.Load(); p != nil {
		return *p
	}
	return nil
}

// Broken returns a channel that is closed when the disk has failed. Failed then says how.
func (s *Store) Broken() <-chan struct{} { return s.broken }

func (s *Store) fail(err error) error {
	wrapped := fmt.Errorf("%w: %w", ErrFailed, err)
	if s.failure.CompareAndSwap(nil, &wrapped) {
		close(s.broken)
	}
	return *s.failure.Load()
}

// Statistics of a store since it was opened.
type Statistics struct {
	Commits int64 // transactions committed
	Groups  int64 // groups they were committed in; each is at most one sync of the disk
	// DiskBytes is the size of the database on disk, MemTableBytes and CacheBytes what it holds in memory.
	DiskBytes, MemTableBytes, CacheBytes int64
}

// Statistics returns counters for metrics and benchmarks.
func (s *Store) Statistics() Statistics {
	m := s.db.Metrics()
	return Statistics{
		Commits:       s.commits.Load(),
		Groups:        s.groups.Load(),
		DiskBytes:     int64(m.DiskSpaceUsage()),
		MemTableBytes: int64(m.MemTable.Size),
		CacheBytes:    m.BlockCache.Size,
	}
}

// Synced reports whether commits wait for the disk.
func (s *Store) Synced() bool { return !s.opts.NoSync }

type pebbleLogger struct{ s *Store }

func (l pebbleLogger) Infof(format string, args ...any) {
	l.s.logger.Debug("pebble: " + fmt.Sprintf(format, args...))
}

func (l pebbleLogger) Errorf(format string, args ...any) {
	l.s.logger.Error("pebble: " + fmt.Sprintf(format, args...))
}

// Fatalf is called by Pebble when it cannot go on, and must not return.
func (l pebbleLogger) Fatalf(format string, args ...any) {
	err := l.s.fail(fmt.Errorf(format, args...))
	l.s.logger.Error("the disk failed; restart after mending it", "error", err)
	panic(err)
}
