package access_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	domain "sundog/internal/access"
	"sundog/internal/embedded/access"
	"sundog/internal/embedded/store"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// world is a store that can lose what was not synced, and a clock.
type world struct {
	t   *testing.T
	fs  *vfs.MemFS
	now time.Time

	store *store.Store
	*access.Tokens
}

func open(t *testing.T, w *world) *world {
	t.Helper()
	st, err := store.Open("data", store.Options{FS: w.fs})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	tokens, err := access.Open(st, func() time.Time { return w.now }, nil)
	if err != nil {
		t.Fatal(err)
	}
	w.t, w.store, w.Tokens = t, st, tokens
	return w
}

func newWorld(t *testing.T) *world {
	return open(t, &world{fs: vfs.NewCrashableMem(), now: noon})
}

// crash opens what is left when the machine loses its power.
func (w *world) crash() *world {
	return open(w.t, &world{fs: w.fs.CrashClone(vfs.CrashCloneCfg{}), now: w.now})
}

func (w *world) create(name string, role domain.Role, expires time.Time) string {
	w.t.Helper()
	secret, made, err := w.Create(domain.WithActor(w.t.Context(), "boss"), name, role, expires)
	if err != nil || made.Name != name || made.Role != role || made.Creator != "boss" {
		w.t.Fatalf("%+v %v", made, err)
	}
	return secret.Reveal()
}

func TestTokensOutliveACrash(t *testing.T) {
	w := newWorld(t)
	read := w.create("dashboard", domain.Read, noon.Add(time.Hour))
	gone := w.create("gone", domain.Operate, time.Time{})
	if err := w.Revoke(t.Context(), "gone"); err != nil {
		t.Fatal(err)
	}
	for _, w := range []*world{w, w.crash()} {
		if got, err := w.Check(read); err != nil || got.Name != "dashboard" || got.Role != domain.Read || !got.Created.Equal(noon) {
			t.Errorf("%+v %v", got, err)
		}
		for name, text := range map[string]string{"revoked": gone, "empty": "", "another key": read[:len(read)-1] + "!", "rubbish": "sundog"} {
			if got, err := w.Check(text); !errors.Is(err, access.ErrUnknown) {
				t.Errorf("%s: %+v %v", name, got, err)
			}
		}
		w.now = noon.Add(time.Hour)
		if _, err := w.Check(read); !errors.Is(err, access.ErrExpired) {
			t.Errorf("after its time: %v", err)
		}
		w.now = noon
		if all := w.List(); len(all) != 1 || all[0].Name != "dashboard" || all[0].Creator != "boss" {
			t.Errorf("%+v", all)
		}
	}
}

func TestNoTextIsStored(t *testing.T) {
	w := newWorld(t)
	text := w.create("dashboard", domain.Read, time.Time{})
	key := []byte(text[len(text)-52:])
	entries := 0
	for entry, err := range w.store.Scan(store.Range{Low: []byte{0}, High: []byte{0xFF}}) {
		if err != nil {
			t.Fatal(err)
		}
		entries++
		if bytes.Contains(entry.Key, key) || bytes.Contains(entry.Value, key) {
			t.Errorf("%q holds the key", entry.Key)
		}
	}
	if entries < 2 {
		t.Errorf("%d entries", entries)
	}
}

func TestWhatIsRefused(t *testing.T) {
	w := newWorld(t)
	w.create("taken", domain.Read, time.Time{})
	for name, c := range map[string]struct {
		role    domain.Role
		expires time.Time
		err     error
	}{
		"taken": {domain.Read, time.Time{}, access.ErrExists},
		"a b":   {domain.Read, time.Time{}, domain.ErrInvalid},
		"none":  {domain.None, time.Time{}, domain.ErrInvalid},
		"past":  {domain.Read, noon, domain.ErrInvalid},
	} {
		if _, _, err := w.Create(t.Context(), name, c.role, c.expires); !errors.Is(err, c.err) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := w.Revoke(t.Context(), "none"); !errors.Is(err, access.ErrNotFound) {
		t.Errorf("revoking nothing: %v", err)
	}
	for i := len(w.List()); i < access.MaxTokens; i++ {
		if _, _, err := w.Create(context.Background(), fmt.Sprintf("t%d", i), domain.Read, time.Time{}); err != nil {
			t.Fatal(err)
		}
	}
	if _, _, err := w.Create(t.Context(), "more", domain.Read, time.Time{}); !errors.Is(err, access.ErrTooMany) {
		t.Errorf("one more: %v", err)
	}
}

func TestGuarded(t *testing.T) {
	w := newWorld(t)
	for _, step := range []struct {
		what    string
		do      func()
		guarded bool
	}{
		{"no token", func() {}, false},
		{"a reader", func() { w.create("r", domain.Read, time.Time{}) }, false},
		{"an administrator", func() { w.create("a", domain.Administer, noon.Add(time.Minute)) }, true},
		{"one that has expired", func() { w.now = noon.Add(time.Hour) }, true},
		{"revoked", func() {
			if err := w.Revoke(t.Context(), "a"); err != nil {
				t.Error(err)
			}
		}, false},
	} {
		if step.do(); w.Guarded() != step.guarded {
			t.Errorf("%s: guarded is %t", step.what, w.Guarded())
		}
	}
}
