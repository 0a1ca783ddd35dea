package access_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"sundog/internal/access"
)

func TestRolesAreOrdered(t *testing.T) {
	before := access.None
	for _, r := range access.Roles() {
		if r <= before {
			t.Errorf("%s is not above %s", r, before)
		}
		if parsed, err := access.ParseRole(r.String()); err != nil || parsed != r {
			t.Errorf("%s is read as %s, %v", r, parsed, err)
		}
		before = r
	}
	for _, text := range []string{"", "none", "Read", "admin"} {
		if r, err := access.ParseRole(text); !errors.Is(err, access.ErrInvalid) {
			t.Errorf("%q is read as %s, %v", text, r, err)
		}
	}
}

func TestNames(t *testing.T) {
	for name, good := range map[string]bool{
		"dashboard": true, "a": true, "ci.2-b_c": true, strings.Repeat("x", 64): true,
		"": false, strings.Repeat("x", 65): false, "-a": false, "a b": false, "a/b": false, "é": false,
		"local": false, "Server-Token": false, "system": false,
	} {
		if err := access.CheckName(name); (err == nil) != good {
			t.Errorf("%q: %v", name, err)
		}
	}
}

func TestSecret(t *testing.T) {
	s := access.NewSecret()
	back, err := access.ParseSecret(s.Reveal())
	if err != nil || back != s || !back.Digest().Equal(s.Digest()) {
		t.Errorf("%v is read as %v, %v", s, back, err)
	}
	if other := access.NewSecret(); other.Digest().Equal(s.Digest()) || other.ID() == s.ID() {
		t.Error("two secrets are the same")
	}
	if key := s.Reveal()[strings.LastIndex(s.Reveal(), "_")+1:]; strings.Contains(s.String(), key) {
		t.Errorf("%s shows the key", s)
	}
	for _, text := range []string{"", "x", s.Reveal()[1:], s.Reveal() + "a", strings.Replace(s.Reveal(), "sundog", "other", 1)} {
		if _, err := access.ParseSecret(text); !errors.Is(err, access.ErrInvalid) {
			t.Errorf("%q is read: %v", text, err)
		} else if len(text) > 10 && strings.Contains(err.Error(), text) {
			t.Errorf("the error repeats the text: %v", err)
		}
	}
}

func TestExpiry(t *testing.T) {
	at := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		expires time.Time
		expired bool
	}{
		"never":  {time.Time{}, false},
		"before": {at.Add(time.Second), false},
		"at":     {at, true},
		"after":  {at.Add(-time.Second), true},
	} {
		if got := (access.Token{Expires: c.expires}).Expired(at); got != c.expired {
			t.Errorf("%s: %t", name, got)
		}
	}
}

func TestActor(t *testing.T) {
	if got := access.Actor(context.Background()); got != access.ActorSystem {
		t.Errorf("without one it is %q", got)
	}
	if got := access.Actor(access.WithActor(context.Background(), "dashboard")); got != "dashboard" {
		t.Errorf("it is %q", got)
	}
}
