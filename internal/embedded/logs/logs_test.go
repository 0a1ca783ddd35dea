package logs_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"sundog/internal/embedded/logs"
	"sundog/internal/embedded/store"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var epoch = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// clock ticks a second each time it is read.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) read() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(time.Second)
	return c.now
}

type fixture struct {
	*logs.Store
	store *store.Store
	clock *clock
}

func open(t interface {
	Helper()
	Fatal(args ...any)
}, fs vfs.FS,
) fixture {
	t.Helper()
	s, err := store.Open("data", store.Options{FS: fs})
	if err != nil {
		t.Fatal(err)
	}
	c := &clock{now: epoch}
	return fixture{Store: logs.New(s, c.read), store: s, clock: c}
}

// flush waits until everything that was closed is in the store.
func (f fixture) flush(t testing.TB) {
	t.Helper()
	tx := f.store.Begin()
	tx.Set([]byte("~flush"), nil)
	if err := tx.Commit(context.Background()); err != nil {
		t.Fatal(err)
	}
}

func (f fixture) close(t interface{ Error(args ...any) }) {
	if err := f.store.Close(); err != nil {
		t.Error(err)
	}
}

func texts(lines []logs.Line) []string {
	out := []string{}
	for _, l := range lines {
		out = append(out, l.Text)
	}
	return out
}

func stream(i int) string { return fmt.Sprintf("function/f/%03d", i) }

func TestLinesWhileLiveAndAfter(t *testing.T) {
	f := open(t, vfs.NewMem())
	defer f.close(t)
	const name = "function/resize/id-1"
	if _, err := f.Read(name, 0, 10); !errors.Is(err, logs.ErrNotFound) {
		t.Fatalf("unknown stream gives %v", err)
	}
	w := f.Writer(name)
	for _, part := range []string{"one\ntw", "o\r\n\nunfin", "ished"} {
		if _, err := w.Write([]byte(part)); err != nil {
			t.Fatal(err)
		}
	}
	live, err := f.Read(name, 0, 10)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"one", "two", ""}, texts(live)); diff != "" {
		t.Error("live:", diff)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Error("closing twice:", err)
	}
	at := func(seconds int) time.Time { return epoch.Add(time.Duration(seconds) * time.Second) }
	want := []logs.Line{{0, at(2), "one"}, {1, at(3), "two"}, {2, at(3), ""}, {3, at(5), "unfinished"}}
	for _, when := range []string{"closed", "stored"} {
		got, err := f.Read(name, 0, 10)
		if err != nil {
			t.Fatal(when, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(when, diff)
		}
		f.flush(t)
	}
	for _, c := range []struct {
		from, limit int
		want        []string
	}{{1, 2, []string{"two", ""}}, {3, 10, []string{"unfinished"}}, {4, 10, []string{}}, {0, 0, []string{}}, {-5, 1, []string{"one"}}} {
		got, err := f.Read(name, c.from, c.limit)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(c.want, texts(got)); diff != "" {
			t.Errorf("from %d, %d lines: %s", c.from, c.limit, diff)
		}
	}
	for n, want := range [][]string{{}, {"unfinished"}, {"", "unfinished"}} {
		got, err := f.Tail(name, n)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, texts(got)); diff != "" {
			t.Errorf("tail of %d: %s", n, diff)
		}
	}
}

// A stream of any size is bounded, begins and ends as what was written, and counts what it lost.
func TestLongStreamsKeepBothEnds(t *testing.T) {
	for _, c := range []struct {
		name string
		line int // bytes
	}{{"short lines", 30}, {"empty lines", 0}, {"one endless line", -1}} {
		t.Run(c.name, func(t *testing.T) {
			f := open(t, vfs.NewMem())
			defer f.close(t)
			w := f.Writer("job/j/1/1")
			var total int
			block := bytes.Repeat(append(bytes.Repeat([]byte("x"), max(c.line, 0)), '\n'), 1000)
			if c.line < 0 {
				block = bytes.Repeat([]byte("x"), 100_000)
			}
			_, _ = w.Write([]byte("first\n"))
			for total < 20<<20 {
				n, err := w.Write(block)
				if err != nil {
					t.Fatal(err)
				}
				total += n
			}
			_, _ = w.Write([]byte("\nlast"))
			before, err := f.Read("job/j/1/1", 0, 1<<30)
			if err != nil {
				t.Fatal(err)
			}
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
			f.flush(t)
			lines, err := f.Read("job/j/1/1", 0, 1<<30)
			if err != nil {
				t.Fatal(err)
			}
			if len(before) == 0 || lines[0].Text != "first" || lines[len(lines)-1].Text != "last" {
				t.Fatal("an end is missing")
			}
			kept, left, marks := 0, 0, 0
			for i, l := range lines {
				if i > 0 && l.Number <= lines[i-1].Number {
					t.Fatalf("line %d has number %d after %d", i, l.Number, lines[i-1].Number)
				}
				if _, err := fmt.Sscanf(l.Text, "… %d bytes left out …", &left); err == nil {
					marks++
					continue
				}
				kept += len(l.Text)
			}
			listed, err := f.List("job/", "", 10)
			if err != nil || len(listed) != 1 {
				t.Fatal(listed, err)
			}
			if d := listed[0]; marks != 1 || int64(kept+left) != d.Bytes || lines[len(lines)-1].Number != d.Lines-1 {
				t.Errorf("%d marks, kept %d and left out %d of %+v", marks, kept, left, d)
			}
			if kept > logs.MaxStream || c.line != 0 && kept < logs.MaxStream/2 {
				t.Errorf("kept %d bytes", kept)
			}
		})
	}
}

// Whatever is written in whatever parts, a small stream gives its lines back, live and from the store.
func TestSmallStreamsAreExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := open(t, vfs.NewMem())
		defer f.close(t)
		text := rapid.SliceOfN(rapid.SampledFrom([]byte("ab\x00\xff\n\n\r")), 0, 200).Draw(t, "text")
		w := f.Writer("function/f/1")
		for rest := text; len(rest) > 0; {
			n := rapid.IntRange(1, len(rest)).Draw(t, "part")
			if _, err := w.Write(rest[:n]); err != nil {
				t.Fatal(err)
			}
			rest = rest[n:]
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		want := []string{}
		for line := range strings.Lines(string(text)) {
			want = append(want, strings.TrimSuffix(strings.TrimSuffix(line, "\n"), "\r"))
		}
		for range 2 {
			got, err := f.Read("function/f/1", 0, 1000)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, texts(got)); diff != "" {
				t.Fatal(diff)
			}
			tx := f.store.Begin()
			tx.Set([]byte("~flush"), nil)
			if err := tx.Commit(context.Background()); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func TestListAndLatest(t *testing.T) {
	f := open(t, vfs.NewMem())
	defer f.close(t)
	for _, i := range []int{3, 1, 2, 0} {
		if err := f.Append(stream(i), []byte("text\n")); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.Append("function/other/1", []byte("text\n")); err != nil {
		t.Fatal(err)
	}
	f.flush(t)
	w := f.Writer(stream(9))
	defer func() {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	}()
	again := f.Writer(stream(1)) // a stream that is in the store and written anew
	_, _ = again.Write([]byte("new\n"))

	names := func(list []logs.Stream, err error) string {
		if err != nil {
			t.Fatal(err)
		}
		var out []string
		for _, s := range list {
			name := s.Name
			if s.Live {
				name += "*"
			}
			out = append(out, strings.TrimPrefix(name, "function/"))
		}
		return strings.Join(out, " ")
	}
	for _, c := range []struct{ got, want string }{
		{names(f.List("function/", "", 10)), "f/000 f/001* f/002 f/003 f/009* other/1"},
		{names(f.List("function/f/", "", 2)), "f/000 f/001*"},
		{names(f.List("function/f/", stream(1), 2)), "f/002 f/003"},
		{names(f.List("function/f/", stream(9), 2)), ""},
		{names(f.List("function/f/00", "", 10)), "f/000 f/001* f/002 f/003 f/009*"},
		{names(f.List("", "", 10)), "f/000 f/001* f/002 f/003 f/009* other/1"},
		{names(f.List("job/", "", 10)), ""},
		{names(f.List("", "", 0)), ""},
		{names(f.Latest("function/f", 10)), "f/001* f/009* f/000 f/002 f/003"},
		{names(f.Latest("function/f", 3)), "f/001* f/009* f/000"},
		{names(f.Latest("function/other", 10)), "other/1"},
		{names(f.Latest("function", 10)), ""},
	} {
		if c.got != c.want {
			t.Errorf("got  %s\nwant %s", c.got, c.want)
		}
	}
	if err := again.Close(); err != nil {
		t.Fatal(err)
	}
	f.flush(t)
	if got := names(f.Latest("function/f", 10)); got != "f/009* f/001 f/000 f/002 f/003" {
		t.Error("after writing anew:", got)
	}
}

func TestOverlappingWritersShareAStream(t *testing.T) {
	f := open(t, vfs.NewMem())
	defer f.close(t)
	a, b := f.Writer("function/f/1"), f.Writer("function/f/1")
	_, _ = a.Write([]byte("a\n"))
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	_, _ = b.Write([]byte("b\n"))
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	f.flush(t)
	got, err := f.Read("function/f/1", 0, 10)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"a", "b"}, texts(got)); diff != "" {
		t.Error(diff)
	}
}

func TestExpire(t *testing.T) {
	f := open(t, vfs.NewMem())
	defer f.close(t)
	const n = 600 // more than one transaction takes
	for i := range n {
		if err := f.Append(stream(i), []byte("text\n")); err != nil {
			t.Fatal(err)
		}
		if err := f.Append(fmt.Sprintf("job/j/%d/1", i), []byte("text\n")); err != nil {
			t.Fatal(err)
		}
	}
	middle := f.clock.read()
	if err := f.Append(stream(5), []byte("written anew\n")); err != nil { // its first entry is old, it is not
		t.Fatal(err)
	}
	if err := f.Append(stream(n), []byte("young\n")); err != nil {
		t.Fatal(err)
	}
	f.flush(t)
	removed, err := f.Expire(context.Background(), middle)
	if err != nil || removed != 2*n-1 {
		t.Fatalf("removed %d, %v", removed, err)
	}
	left, err := f.List("", "", 1000)
	if err != nil || len(left) != 2 || left[0].Name != stream(5) || left[1].Name != stream(n) {
		t.Errorf("left are %v, %v", left, err)
	}
	if _, err := f.Read(stream(6), 0, 1); !errors.Is(err, logs.ErrNotFound) {
		t.Errorf("an expired stream gives %v", err)
	}
	if removed, err := f.Expire(context.Background(), middle); removed != 0 || err != nil {
		t.Errorf("expiring again: %d, %v", removed, err)
	}
	if removed, err := f.Expire(context.Background(), f.clock.read()); removed != 2 || err != nil {
		t.Errorf("expiring the rest: %d, %v", removed, err)
	}
	for e, err := range f.store.Scan(store.Range{Low: store.NewKey(store.PrefixLog), High: store.NewKey(store.PrefixLog).End()}) {
		t.Errorf("key %q is left (%v)", e.Key, err)
	}
	for e, err := range f.store.Scan(store.Range{Low: store.NewKey(store.PrefixLogTime), High: store.NewKey(store.PrefixLogTime).End()}) {
		t.Errorf("key %q is left (%v)", e.Key, err)
	}
}

func TestLogsSurviveReopening(t *testing.T) {
	fs := vfs.NewMem()
	f := open(t, fs)
	if err := f.Append("function/f/1", []byte("text\n")); err != nil {
		t.Fatal(err)
	}
	if err := f.store.Close(); err != nil {
		t.Fatal(err)
	}
	if err := f.Append("function/f/2", []byte("text\n")); !errors.Is(err, store.ErrClosed) {
		t.Errorf("writing to a closed store gives %v", err)
	}
	f = open(t, fs)
	defer f.close(t)
	if got, err := f.Tail("function/f/1", 1); err != nil || len(got) != 1 || got[0].Text != "text" {
		t.Errorf("got %v, %v", got, err)
	}
}

// Readers, writers and expiry at the same time, for the race detector; a reader that knows a stream always finds it.
func TestConcurrentUse(t *testing.T) {
	f := open(t, vfs.NewMem())
	defer f.close(t)
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for j := range 50 {
				name := fmt.Sprintf("function/f/%d-%d", i, j)
				w := f.Writer(name)
				_, _ = w.Write([]byte("a line\n"))
				if err := w.Close(); err != nil {
					t.Error(err)
				}
				if lines, err := f.Tail(name, 5); err != nil || len(lines) != 1 {
					t.Errorf("%s: %v, %v", name, lines, err)
				}
				if _, err := f.Latest("function/f", 3); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	f.flush(t)
	if list, err := f.List("", "", 1000); err != nil || len(list) != 400 || list[0].Live {
		t.Errorf("%d streams, %v", len(list), err)
	}
}

func BenchmarkSmallStream(b *testing.B) {
	f := open(b, vfs.NewMem())
	defer f.close(b)
	text := []byte("a line of ordinary length, as functions write them\n")
	for i := 0; b.Loop(); i++ {
		if err := f.Append(stream(i), text); err != nil {
			b.Fatal(err)
		}
	}
}
