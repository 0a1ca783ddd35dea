package bucket_test

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"sundog/internal/bucket"
)

func TestValidKey(t *testing.T) {
	tests := []struct {
		name string
		key  string
		ok   bool
	}{
		{"plain", "a/b/c.json", true},
		{"taken whole", "a/b?x=1#y%2e%2e/ü 日本.json", true},
		{"dots inside a segment", "a/..b/c..", true},
		{"longest", strings.Repeat("k", bucket.MaxKeyBytes), true},
		{"empty", "", false},
		{"too long", strings.Repeat("k", bucket.MaxKeyBytes+1), false},
		{"absolute", "/a", false},
		{"folder", "a/", false},
		{"empty segment", "a//b", false},
		{"parent", "a/../b", false},
		{"only parent", "..", false},
		{"self", "./a", false},
		{"NUL", "a\x00b", false},
		{"not UTF-8", "a\xffb", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := bucket.ValidKey(tt.key)
			if (err == nil) != tt.ok {
				t.Fatalf("ValidKey(%q) = %v, want ok %v", tt.key, err, tt.ok)
			}
			if err != nil && !errors.Is(err, bucket.ErrInvalidKey) {
				t.Errorf("ValidKey(%q) = %v, which is not ErrInvalidKey", tt.key, err)
			}
		})
	}
}

func FuzzValidKey(f *testing.F) {
	for _, seed := range []string{"a/b", "../x", "a//b", "/", "a/./b", "\x00", "é/…/日"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, key string) {
		if bucket.ValidKey(key) != nil {
			return
		}
		if !filepath.IsLocal(filepath.FromSlash(key)) {
			t.Errorf("%q is accepted and leaves the folder", key)
		}
		if filepath.ToSlash(filepath.Clean(filepath.FromSlash(key))) != key {
			t.Errorf("%q is accepted and names the same file as %q", key, filepath.Clean(key))
		}
	})
}
