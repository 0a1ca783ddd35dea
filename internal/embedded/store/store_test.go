package store_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"sundog/internal/embedded/store"
)

func open(t testing.TB, fs vfs.FS, opts store.Options) *store.Store {
	t.Helper()
	opts.FS = fs
	s, err := store.Open("data", opts)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestCommitIsAtomicAndVisible(t *testing.T) {
	s := open(t, vfs.NewMem(), store.Options{})
	defer s.Close()
	ctx := context.Background()
	var order []int
	for i := range 3 {
		tx := s.Begin()
		tx.Set(store.NewKey('x').Uint(uint64(i)), []byte{byte(i)})
		tx.Add(store.NewKey('n').String("all"), 1)
		tx.OnCommit(func() { order = append(order, i) })
		if err := tx.Commit(ctx); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff([]int{0, 1, 2}, order); diff != "" {
		t.Error("callbacks out of order:", diff)
	}
	if n, err := s.Counter(store.NewKey('n').String("all")); err != nil || n != 3 {
		t.Errorf("counter is %d, %v", n, err)
	}
	if _, err := s.Get([]byte("none")); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("missing key gives %v", err)
	}
	var got []byte
	for e, err := range s.Scan(store.Range{Low: store.NewKey('x'), High: store.NewKey('x').End(), Reverse: true}) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, e.Value...)
	}
	if diff := cmp.Diff([]byte{2, 1, 0}, got); diff != "" {
		t.Error(diff)
	}
}

func TestSecondProcessIsRefused(t *testing.T) {
	dir := t.TempDir()
	s, err := store.Open(dir, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err := store.Open(dir, store.Options{}); !errors.Is(err, store.ErrInUse) {
		t.Errorf("second open gives %v", err)
	}
}

func TestUnusableDirectoryIsNotInUse(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "db", "LOCK"), 0o755); err != nil {
		t.Fatal(err)
	}
	s, err := store.Open(dir, store.Options{})
	if err == nil {
		_ = s.Close()
	}
	if err == nil || errors.Is(err, store.ErrInUse) {
		t.Errorf("a directory in which no lock can be made gives %v", err)
	}
}

func TestClosedStoreRefuses(t *testing.T) {
	s := open(t, vfs.NewMem(), store.Options{})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	tx := s.Begin()
	tx.Set([]byte("k"), nil)
	if err := tx.Commit(context.Background()); !errors.Is(err, store.ErrClosed) {
		t.Errorf("commit after close gives %v", err)
	}
	if err := s.Close(); !errors.Is(err, store.ErrClosed) {
		t.Errorf("second close gives %v", err)
	}
}

func TestInjectedErrorFailsOneTransactionAlone(t *testing.T) {
	broken := errors.New("broken")
	s := open(t, vfs.NewMem(), store.Options{BeforeCommit: func(n int64) error {
		if n == 2 {
			return broken
		}
		return nil
	}})
	defer s.Close()
	for i := 1; i <= 3; i++ {
		tx := s.Begin()
		tx.Set(store.NewKey('x').Uint(uint64(i)), nil)
		hooked := false
		tx.OnCommit(func() { hooked = true })
		err := tx.Commit(context.Background())
		found, _ := s.Has(store.NewKey('x').Uint(uint64(i)))
		if want := i != 2; (err == nil) != want || found != want || hooked != want {
			t.Errorf("transaction %d: error %v, found %v, callback %v", i, err, found, hooked)
		}
	}
}

// After a crash that loses what was not synced, every acknowledged transaction is whole, and what is there is a prefix of
// what one writer submitted.
func TestCrashKeepsWhatWasAcknowledged(t *testing.T) {
	fs := vfs.NewCrashableMem()
	s := open(t, fs, store.Options{})
	const writers = 8
	var mu sync.Mutex
	acknowledged := make([]int, writers)
	var wg sync.WaitGroup
	stop := make(chan struct{})
	crash := make(chan struct{}) // a moment of the writers' choosing
	for w := range writers {
		wg.Go(func() {
			for i := 1; ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				tx := s.Begin()
				tx.Set(store.NewKey('a').Uint(uint64(w)).Uint(uint64(i)), nil)
				tx.Set(store.NewKey('b').Uint(uint64(w)).Uint(uint64(i)), nil)
				tx.Add(store.NewKey('n'), 1)
				if err := tx.Commit(context.Background()); err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				acknowledged[w] = i
				mu.Unlock()
				if i%37 == 0 {
					select {
					case crash <- struct{}{}:
					case <-stop:
					}
				}
			}
		})
	}
	var clones []*vfs.MemFS
	var floors [][]int
	for range 20 {
		<-crash
		mu.Lock()
		floor := append([]int(nil), acknowledged...)
		mu.Unlock()
		floors = append(floors, floor)
		clones = append(clones, fs.CrashClone(vfs.CrashCloneCfg{}))
	}
	close(stop)
	wg.Wait()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for i, clone := range clones {
		checkCrash(t, clone, floors[i])
	}
}

func checkCrash(t *testing.T, fs vfs.FS, floor []int) {
	t.Helper()
	s := open(t, fs, store.Options{})
	defer s.Close()
	total := 0
	for w := range floor {
		a, b := count(t, s, 'a', w), count(t, s, 'b', w)
		if a != b {
			t.Errorf("writer %d: half transactions: %d and %d", w, a, b)
		}
		if a < floor[w] {
			t.Errorf("writer %d: %d acknowledged, %d found", w, floor[w], a)
		}
		total += a
	}
	if n, err := s.Counter(store.NewKey('n')); err != nil || n != int64(total) {
		t.Errorf("counter is %d (%v), want %d", n, err, total)
	}
}

func count(t *testing.T, s *store.Store, prefix byte, writer int) int {
	t.Helper()
	n := 0
	for e, err := range s.Scan(store.NewKey(prefix).Uint(uint64(writer)).Range()) {
		if err != nil {
			t.Fatal(err)
		}
		f := store.Split(e.Key)
		f.Uint()
		n++
		if i := int(f.Uint()); i != n {
			t.Fatalf("writer %d: gap before %d", writer, i)
		}
	}
	return n
}

func TestRunsInVirtualTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t, vfs.NewMem(), store.Options{})
		tx := s.Begin()
		tx.Set([]byte("k"), []byte("v"))
		if err := tx.Commit(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	})
}

func TestKeysSortFieldByField(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		type fields struct {
			a, b string
			n    uint64
		}
		draw := func(label string) fields {
			text := rapid.StringOf(rapid.RuneFrom([]rune{0, 1, 2, 'a', 'b', 0xFF, 0x10FFFF}))
			return fields{text.Draw(t, label+"a"), text.Draw(t, label+"b"), rapid.Uint64().Draw(t, label+"n")}
		}
		key := func(f fields) store.Key { return store.NewKey('x').String(f.a).Uint(f.n).String(f.b) }
		x, y := draw("x"), draw("y")
		less := x.a < y.a || x.a == y.a && (x.n < y.n || x.n == y.n && x.b < y.b)
		if got := string(key(x)) < string(key(y)); got != less {
			t.Fatalf("%q before %q: %v", key(x), key(y), got)
		}
		f := store.Split(key(x))
		if back := (fields{a: f.String(), n: f.Uint(), b: f.String()}); back != x || f.Err() != nil {
			t.Fatalf("%+v read back as %+v, %v", x, back, f.Err())
		}
	})
}

func BenchmarkCommit(b *testing.B) {
	for _, writers := range []int{1, 64, 256} {
		b.Run(fmt.Sprintf("writers=%d", writers), func(b *testing.B) {
			s, err := store.Open(b.TempDir(), store.Options{})
			if err != nil {
				b.Fatal(err)
			}
			defer s.Close()
			var wg sync.WaitGroup
			value := make([]byte, 200)
			next := make(chan uint64, 1024)
			b.ResetTimer()
			go func() {
				for i := range b.N {
					next <- uint64(i)
				}
				close(next)
			}()
			for range writers {
				wg.Go(func() {
					for i := range next {
						tx := s.Begin()
						for k := range byte(4) {
							tx.Set(store.NewKey(k).Uint(i*2654435761), value)
						}
						if err := tx.Commit(context.Background()); err != nil {
							b.Error(err)
							return
						}
					}
				})
			}
			wg.Wait()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "tx/s")
			if st := s.Statistics(); st.Groups > 0 {
				b.ReportMetric(float64(st.Commits)/float64(st.Groups), "tx/sync")
			}
		})
	}
}
