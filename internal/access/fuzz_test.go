package access_test

import (
	"testing"

	"sundog/internal/access"
)

// FuzzParseSecret reads what anybody may send: it never panics, and what it takes it gives back.
func FuzzParseSecret(f *testing.F) {
	f.Add("")
	f.Add("sundog")
	f.Add("sundog__")
	f.Add("sundog_aaaaaaaaaaaaaaaa_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")
	f.Add("sundog_aaaaaaaaaaaaaaaa_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa_")
	f.Fuzz(func(t *testing.T, text string) {
		if s, err := access.ParseSecret(text); err == nil && s.Reveal() != text {
			t.Errorf("%q is read as %q", text, s.Reveal())
		}
	})
}
