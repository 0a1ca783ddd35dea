package audit_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"pgregory.net/rapid"

	"sundog/internal/audit"
	embedded "sundog/internal/embedded/audit"
	"sundog/internal/embedded/store"
)

func open(t *testing.T, fs vfs.FS) (*embedded.Log, *store.Store) {
	t.Helper()
	st, err := store.Open("data", store.Options{FS: fs})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := st.Close(); err != nil && !errors.Is(err, store.ErrClosed) {
			t.Error(err)
		}
	})
	l, err := embedded.Open(st)
	if err != nil {
		t.Fatal(err)
	}
	return l, st
}

var epoch = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func all(t *testing.T, l *embedded.Log, q audit.Query) []string {
	t.Helper()
	reasons := []string{}
	for {
		page, err := l.Query(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range page.Entries {
			reasons = append(reasons, e.Reason)
		}
		if page.Next == "" {
			return reasons
		}
		q.After = page.Next
	}
}

// TestListings compares listings with what filtering a list gives, before and after the older half has expired.
func TestListings(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		l, _ := open(t, vfs.NewMem())
		var entries []audit.Entry
		for n := range rapid.IntRange(0, 30).Draw(rt, "entries") {
			e := audit.Entry{
				At:      epoch.Add(time.Duration(n/3) * time.Second), // three at a time
				Kind:    rapid.SampledFrom(audit.Kinds()[:3]).Draw(rt, "kind"),
				Actor:   rapid.SampledFrom([]string{"ann", "bob"}).Draw(rt, "actor"),
				Subject: rapid.SampledFrom([]string{"a", "a/b", "b"}).Draw(rt, "subject"),
				Reason:  fmt.Sprint(n),
			}
			if err := l.Append(t.Context(), e); err != nil {
				rt.Fatal(err)
			}
			entries = append([]audit.Entry{e}, entries...)
		}
		compare := func() {
			q := audit.Query{
				Kind:    rapid.SampledFrom(append(audit.Kinds()[:3], "", "")).Draw(rt, "of kind"),
				Actor:   rapid.SampledFrom([]string{"", "", "ann"}).Draw(rt, "of actor"),
				Subject: rapid.SampledFrom([]string{"", "a", "b", "c"}).Draw(rt, "of subject"),
				Limit:   rapid.SampledFrom([]int{1, 2, 50}).Draw(rt, "limit"),
			}
			if n := rapid.IntRange(-5, 10).Draw(rt, "since"); n >= 0 {
				q.Since = epoch.Add(time.Duration(n) * time.Second)
			}
			if n := rapid.IntRange(-5, 10).Draw(rt, "until"); n >= 0 {
				q.Until = epoch.Add(time.Duration(n) * time.Second)
			}
			want := []string{}
			for _, e := range entries {
				if (q.Kind == "" || q.Kind == e.Kind) && (q.Actor == "" || q.Actor == e.Actor) && (q.Subject == "" || q.Subject == e.Subject) &&
					(q.Since.IsZero() || e.At.Compare(q.Since) >= 0) && (q.Until.IsZero() || e.At.Compare(q.Until) <= 0) {
					want = append(want, e.Reason)
				}
			}
			if got := all(t, l, q); !slices.Equal(got, want) {
				rt.Fatalf("%+v:\n got %v\nwant %v", q, got, want)
			}
		}
		compare()
		before := epoch.Add(5 * time.Second)
		kept := slices.DeleteFunc(slices.Clone(entries), func(e audit.Entry) bool { return e.At.Before(before) })
		if n, err := l.Expire(t.Context(), before); err != nil || n != len(entries)-len(kept) {
			rt.Fatalf("%d of %d expired, %v", n, len(entries), err)
		}
		entries = kept
		compare()
	})
}

// TestReopen makes sure that page tokens outlive the process, and that entries of one instant keep their order over a restart.
func TestReopen(t *testing.T) {
	fs := vfs.NewMem()
	l, st := open(t, fs)
	add := func(reason string) {
		t.Helper()
		if err := l.Append(t.Context(), audit.Entry{At: epoch, Kind: audit.Stop, Actor: "ann", Subject: "x", Reason: reason}); err != nil {
			t.Fatal(err)
		}
	}
	add("first")
	add("second")
	page, err := l.Query(t.Context(), audit.Query{Limit: 1})
	if err != nil || page.Next == "" {
		t.Fatalf("%+v, %v", page, err)
	}
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}
	l, _ = open(t, fs)
	if got := all(t, l, audit.Query{After: page.Next}); !slices.Equal(got, []string{"first"}) {
		t.Errorf("after the token: %v", got)
	}
	add("third")
	if got := all(t, l, audit.Query{}); !slices.Equal(got, []string{"third", "second", "first"}) {
		t.Errorf("all: %v", got)
	}
}

func TestRefused(t *testing.T) {
	l, _ := open(t, vfs.NewMem())
	good := audit.Entry{At: epoch, Kind: audit.Delete, Actor: "ann", Subject: "x"}
	for name, spoil := range map[string]func(*audit.Entry){
		"no time":      func(e *audit.Entry) { e.At = time.Time{} },
		"unknown kind": func(e *audit.Entry) { e.Kind = "dance" },
		"no actor":     func(e *audit.Entry) { e.Actor = "" },
		"no subject":   func(e *audit.Entry) { e.Subject = "" },
		"long reason":  func(e *audit.Entry) { e.Reason = strings.Repeat("x", audit.MaxReason+1) },
		"no text":      func(e *audit.Entry) { e.Reason = "\xff" },
	} {
		e := good
		spoil(&e)
		if err := l.Append(t.Context(), e); !errors.Is(err, audit.ErrInvalidEntry) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, q := range map[string]audit.Query{
		"unknown kind": {Kind: "dance"}, "limit": {Limit: audit.MaxLimit + 1}, "negative limit": {Limit: -1}, "token": {After: "x"},
	} {
		if _, err := l.Query(t.Context(), q); !errors.Is(err, audit.ErrInvalidQuery) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if got := all(t, l, audit.Query{}); len(got) != 0 {
		t.Errorf("entries are there: %v", got)
	}
}
