package trace_test

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"sundog/internal/trace"
)

const good = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

func TestParse(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{good, good},
		{"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00"},
		{"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-ff", good},            // flags of others are left out
		{"cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-what-comes", good}, // a version to come
		{"cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01.what", ""},         // which does not begin so
		{good + "-more", ""}, // version 00 has no more
		{"ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", ""}, // is no version
		{"00-00000000000000000000000000000000-00f067aa0ba902b7-01", ""}, // no trace
		{"00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01", ""}, // no span
		{"00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01", ""}, // upper case
		{"00-4bf92f3577b34da6a3ce929d0e0e4736_00f067aa0ba902b7-01", ""}, //
		{"00-4bf92f3577b34da6a3ce929d0e0e473-00f067aa0ba902b7-01", ""},  // too short
		{"", ""},
	} {
		c, err := trace.Parse(tt.text)
		if c.String() != tt.want || (err == nil) != (tt.want != "") || err != nil && !errors.Is(err, trace.ErrMalformed) {
			t.Errorf("%q: %q, %v; want %q", tt.text, c, err, tt.want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(good)
	f.Add("cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-what-comes")
	f.Fuzz(func(t *testing.T, text string) {
		c, err := trace.Parse(text)
		if err != nil {
			return
		}
		if again, err := trace.Parse(c.String()); err != nil || again != c {
			t.Errorf("%q became %q, which became %q, %v", text, c, again, err)
		}
	})
}

// TestStored makes sure that a context comes back out of a JSON document, and that none is not in it.
func TestStored(t *testing.T) {
	type stored struct {
		At trace.Context `json:"at,omitzero"`
	}
	c, err := trace.Parse(good)
	if err != nil {
		t.Fatal(err)
	}
	for want, s := range map[string]stored{`{"at":"` + good + `"}`: {c}, `{}`: {}} {
		text, err := json.Marshal(s)
		if err != nil || string(text) != want {
			t.Errorf("%s, %v; want %s", text, err, want)
		}
		var back stored
		if err := json.Unmarshal(text, &back); err != nil || back != s {
			t.Errorf("%s became %v, %v", text, back, err)
		}
	}
}

// recorder gives out places 1, 2, 3, …
type recorder struct {
	places byte
	flags  byte
	told   []trace.Span
}

func (r *recorder) Place(parent trace.Context) trace.Context {
	r.places++
	c := parent
	if c.IsZero() {
		c.Trace[0], c.Flags = r.places, r.flags
	}
	c.Span[0] = r.places
	return c
}

func (r *recorder) Record(s trace.Span) { r.told = append(r.told, s) }

func TestRunning(t *testing.T) {
	at := time.Unix(1000, 0)
	r := &recorder{flags: trace.Sampled}
	ctx, outer := trace.Begin(t.Context(), r, trace.Server, "outer", at)
	_, inner := trace.Begin(ctx, r, trace.Internal, "inner", at.Add(1))
	inner.Set("k", "v")
	inner.Set("none", "")
	inner.End(at.Add(2), errors.New("full"))
	outer.End(at.Add(3), nil)
	if len(r.told) != 2 {
		t.Fatalf("told: %+v", r.told)
	}
	in, out := r.told[0], r.told[1]
	if in.Name != "inner" || in.Parent != out.Self || in.Error != "full" || len(in.Attributes) != 1 || !in.Start.Equal(at.Add(1)) || !in.End.Equal(at.Add(2)) {
		t.Errorf("inner: %+v", in)
	}
	if out.Name != "outer" || !out.Parent.IsZero() || out.Error != "" || out.Kind != trace.Server || trace.From(ctx) != out.Self {
		t.Errorf("outer: %+v", out)
	}
}

// TestUnsampled makes sure that a trace that is not sampled is handed on and not told of.
func TestUnsampled(t *testing.T) {
	r := &recorder{}
	ctx, s := trace.Begin(t.Context(), r, trace.Internal, "s", time.Unix(0, 0))
	s.End(time.Unix(1, 0), nil)
	if trace.From(ctx).IsZero() || len(r.told) != 0 {
		t.Errorf("%v, told %v", trace.From(ctx), r.told)
	}
}

func TestOff(t *testing.T) {
	ctx, s := trace.Begin(context.Background(), nil, trace.Internal, "s", time.Unix(0, 0))
	s.Set("k", "v")
	s.End(time.Unix(1, 0), nil)
	if !trace.From(ctx).IsZero() || !s.Self().IsZero() {
		t.Error("something was made")
	}
}
