package bucket_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	domain "sundog/internal/bucket"
	"sundog/internal/bucket/buckettest"
	"sundog/internal/embedded/bucket"
	"sundog/internal/embedded/store"
)

func openStore(t testing.TB) *store.Store {
	t.Helper()
	s, err := store.Open("data", store.Options{FS: vfs.NewMem()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func TestStore(t *testing.T) {
	buckettest.Run(t, func(t *testing.T) buckettest.Bucket {
		return bucket.NewStore(openStore(t), "payloads", nil)
	})
}

func TestFiles(t *testing.T) {
	buckettest.Run(t, func(t *testing.T) buckettest.Bucket {
		f, err := bucket.OpenFiles(filepath.Join(t.TempDir(), "catalog"))
		if err != nil {
			t.Fatal(err)
		}
		return f
	})
}

func TestObjectIsPartOfATransaction(t *testing.T) {
	s := openStore(t)
	b := bucket.NewStore(s, "payloads", nil)
	tx := s.Begin()
	if err := b.PutTx(tx, "a/b.json", []byte(`{}`), "application/json"); err != nil {
		t.Fatal(err)
	}
	if err := b.PutTx(tx, "../b.json", nil, ""); !errors.Is(err, domain.ErrInvalidKey) {
		t.Errorf("invalid key gives %v", err)
	}
	if _, err := b.Stat(t.Context(), "a/b.json"); !errors.Is(err, domain.ErrNotFound) {
		t.Errorf("there before the commit: %v", err)
	}
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if body, _, err := b.Get(t.Context(), "a/b.json"); err != nil || string(body) != `{}` {
		t.Errorf("%s, %v", body, err)
	}
}

func TestBucketsAreApart(t *testing.T) {
	s := openStore(t)
	one, other := bucket.NewStore(s, "a", nil), bucket.NewStore(s, "ab", nil)
	if _, err := one.Put(t.Context(), "b/x", nil, domain.PutOptions{}); err != nil {
		t.Fatal(err)
	}
	if found, err := other.List(t.Context(), "", "", 0); err != nil || len(found) != 0 {
		t.Errorf("%v, %v", found, err)
	}
}

func TestExpire(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	b := bucket.NewStore(openStore(t), "payloads", func() time.Time { return now })
	for i := range 1200 {
		for _, prefix := range []string{"tmp/", "kept/"} {
			if _, err := b.Put(t.Context(), fmt.Sprintf("%s%04d", prefix, i), nil, domain.PutOptions{}); err != nil {
				t.Fatal(err)
			}
		}
		if i == 1099 {
			now = now.Add(time.Hour)
		}
	}
	if n, err := b.Expire(t.Context(), "tmp/", now); err != nil || n != 1100 {
		t.Errorf("%d expired, %v", n, err)
	}
	if left, err := b.List(t.Context(), "tmp/", "", 0); err != nil || len(left) != 100 {
		t.Errorf("%d left, %v", len(left), err)
	}
	if kept, err := b.List(t.Context(), "kept/", "", 0); err != nil || len(kept) != 1000 {
		t.Errorf("%d kept, %v", len(kept), err)
	}
}

func TestFilesRefuseLongNames(t *testing.T) {
	f, err := bucket.OpenFiles(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Put(t.Context(), "a/"+strings.Repeat("x", 256), nil, domain.PutOptions{}); !errors.Is(err, domain.ErrInvalidKey) {
		t.Errorf("a name of 256 bytes gives %v", err)
	}
}

func TestFilesClearWhatACrashLeft(t *testing.T) {
	root := filepath.Join(t.TempDir(), "catalog")
	if _, err := bucket.OpenFiles(root); err != nil {
		t.Fatal(err)
	}
	left := filepath.Join(root+".tmp", "object-1")
	if err := os.WriteFile(left, []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := bucket.OpenFiles(root); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(left); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("temporary file is still there: %v", err)
	}
}
