package machine_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"pgregory.net/rapid"

	"sundog/asl"
	"sundog/internal/embedded/machine"
	"sundog/internal/embedded/store"
)

// definition is one that no other number has.
func definition(n int) []byte {
	return fmt.Appendf(nil, `{"StartAt":"A","States":{"A":{"Type":"Pass","Result":%d,"End":true}}}`, n)
}

// world is a registry that can be opened again on the same disk.
type world struct {
	t   rapid.TB
	fs  vfs.FS
	s   *store.Store
	now time.Time // each look at the clock is a second later
	*machine.Registry
}

func newWorld(t rapid.TB) *world {
	w := &world{t: t, fs: vfs.NewMem(), now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
	w.open()
	return w
}

func (w *world) open() {
	w.t.Helper()
	var err error
	if w.s, err = store.Open("data", store.Options{FS: w.fs}); err != nil {
		w.t.Fatal(err)
	}
	w.Registry, err = machine.Open(machine.Options{
		Store: w.s, Names: machine.Names{Region: "eu-west-1", Account: "123456789012", Prefix: "p-"},
		Now: func() time.Time {
			w.now = w.now.Add(time.Second)
			return w.now
		},
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) close() {
	w.t.Helper()
	if err := w.s.Close(); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) reopen() {
	w.close()
	w.open()
}

func TestNames(t *testing.T) {
	names := machine.Names{Region: "eu-west-1", Account: "123456789012", Prefix: "p-"}
	base := "arn:aws:states:eu-west-1:123456789012:stateMachine:p-m"
	for text, want := range map[string]machine.Ref{
		"m":            {Name: "m"},
		base:           {Name: "m"},
		base + ":12":   {Name: "m", Version: 12},
		base + ":LIVE": {Name: "m", Alias: "LIVE"},
		base + ":1a":   {Name: "m", Alias: "1a"},
		base + "/lab":  {Name: "m", Label: "lab"},
	} {
		if got, err := names.Parse(text); err != nil || got != want {
			t.Errorf("%s: %+v, %v", text, got, err)
		}
	}
	for text, want := range map[string]error{
		base + ":0":      machine.ErrInvalidARN,
		base + ":":       machine.ErrInvalidARN,
		base + ":a:b":    machine.ErrInvalidARN,
		base + ":a b":    machine.ErrInvalidARN,
		"arn:aws:s3:::b": machine.ErrInvalidARN,
		"arn:aws:states:eu-west-1:123456789012:execution:p-m:e":  machine.ErrInvalidARN,
		"arn:aws:states:eu-west-1:123456789012:stateMachine:m":   machine.ErrNotFound,
		"arn:aws:states:eu-west-1:123456789012:stateMachine:p-":  machine.ErrNotFound,
		"arn:aws:states:us-east-1:123456789012:stateMachine:p-m": machine.ErrNotFound,
		"arn:aws:states:eu-west-1:000000000000:stateMachine:p-m": machine.ErrNotFound,
	} {
		if got, err := names.Parse(text); !errors.Is(err, want) {
			t.Errorf("%s: %+v, %v; want %v", text, got, err, want)
		}
	}
}

// FuzzParse checks that whatever is read as an ARN is written as the same one.
func FuzzParse(f *testing.F) {
	names := machine.Names{Region: "eu-west-1", Account: "123456789012", Prefix: "p-"}
	for _, seed := range []string{"", "m", "p-", ":12", ":LIVE", "m:0", "m:007", "m/l", "m/l:3", "m:a:b", "é:1"} {
		f.Add(seed)
		f.Add(names.Machine(seed))
	}
	f.Fuzz(func(t *testing.T, text string) {
		ref, err := names.Parse(text)
		if err != nil || !strings.Contains(text, ":") || ref.Label != "" {
			return
		}
		again := names.Machine(ref.Name)
		switch {
		case ref.Version != 0:
			again = names.Version(ref.Name, ref.Version)
			text = strings.Replace(text, text[strings.LastIndex(text, ":"):], ":"+strings.TrimLeft(text[strings.LastIndex(text, ":")+1:], "0"), 1)
		case ref.Alias != "":
			again = names.Alias(ref.Name, ref.Alias)
		}
		if again != text {
			t.Errorf("%q became %q", text, again)
		}
	})
}

func TestWrongDefinitionsAreRefused(t *testing.T) {
	w, ctx := newWorld(t), context.Background()
	defer w.close()
	wrong := []byte(`{"StartAt":"A","States":{"A":{"Type":"Nap"}}}`)
	callback := []byte(`{"StartAt":"A","States":{"A":{"Type":"Task","Resource":"arn:aws:states:::sqs:sendMessage.waitForTaskToken","Parameters":{},"End":true}}}`)
	if _, _, err := w.Create(ctx, machine.Draft{Name: "good", Definition: definition(1)}); err != nil {
		t.Fatal(err)
	}
	if _, _, err := w.Create(ctx, machine.Draft{Name: "quick", Type: machine.Express, Definition: definition(1)}); err != nil {
		t.Fatal(err)
	}
	for name, err := range map[string]error{
		"declared": w.Declare(ctx, "bad", machine.Standard, wrong),
		"created":  second(w.Create(ctx, machine.Draft{Name: "bad", Definition: wrong})),
		"updated":  second(w.Update(ctx, "good", machine.Update{Definition: wrong})),
		"express":  second(w.Update(ctx, "quick", machine.Update{Definition: callback})),
	} {
		if _, ok := errors.AsType[asl.Diagnostics](err); !ok {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := w.Machine("bad"); !errors.Is(err, machine.ErrNotFound) {
		t.Errorf("a refused machine: %v", err)
	}
}

func second(_ machine.Machine, _ *machine.Version, err error) error { return err }

// TestProjectsWorkflowsComeAndGo declares workflows as the starts of a server do.
func TestProjectsWorkflowsComeAndGo(t *testing.T) {
	w, ctx := newWorld(t), context.Background()
	declare := func(n int) machine.Machine {
		t.Helper()
		if err := w.Declare(ctx, "w", "", definition(n)); err != nil {
			t.Fatal(err)
		}
		m, err := w.Machine("w")
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	first := declare(1)
	w.reopen()
	if _, err := w.Machine("w"); !errors.Is(err, machine.ErrNotFound) {
		t.Errorf("a workflow that the project no longer has: %v", err)
	}
	if all := w.Machines("", 10); len(all) != 0 {
		t.Errorf("listed %v", all)
	}
	if same := declare(1); same.Revision.ID != first.Revision.ID || !same.Created.Equal(first.Created) || !same.Revision.Since.Equal(first.Revision.Since) {
		t.Errorf("the same again is %+v, it was %+v", same, first)
	}
	if next := declare(2); next.Revision.ID == "" || !next.Created.Equal(first.Created) || !next.Revision.Since.After(first.Revision.Since) {
		t.Errorf("changed it is %+v, it was %+v", next, first)
	}
	w.close()
}

// TestModel compares a machine's versions and aliases with a model, through any changes and restarts.
func TestModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w, ctx := newWorld(t), context.Background()
		defer func() { w.close() }()
		if _, _, err := w.Create(ctx, machine.Draft{Name: "m", Definition: definition(0)}); err != nil {
			t.Fatal(err)
		}
		current, last := 0, int64(0)         // number of the definition; the highest version so far
		versions := map[int64]int{}          // version -> definition
		published := map[string]int64{}      // revision -> version
		aliases := map[string][]int64{}      // alias -> versions
		anyVersion := func() (int64, bool) { // one that is there, or has been
			return int64(rapid.IntRange(1, int(last)+1).Draw(t, "version")), last > 0
		}
		steps := map[string]func(*rapid.T){
			"update": func(t *rapid.T) {
				current = rapid.IntRange(0, 3).Draw(t, "definition")
				if _, _, err := w.Update(ctx, "m", machine.Update{Definition: definition(current)}); err != nil {
					t.Fatal(err)
				}
			},
			"publish": func(t *rapid.T) {
				m, err := w.Machine("m")
				if err != nil {
					t.Fatal(err)
				}
				v, err := w.Publish(ctx, "m", "", "")
				if err != nil {
					t.Fatal(err)
				}
				if n, there := published[m.Revision.ID]; there {
					if v.Number != n {
						t.Fatalf("revision %q is version %d, and then %d", m.Revision.ID, n, v.Number)
					}
					return
				}
				if v.Number != last+1 {
					t.Fatalf("version %d follows %d", v.Number, last)
				}
				last = v.Number
				versions[last], published[m.Revision.ID] = current, last
			},
			"delete a version": func(t *rapid.T) {
				n, some := anyVersion()
				if !some {
					t.Skip()
				}
				err := w.DeleteVersion(ctx, "m", n)
				for alias, leads := range aliases {
					if slices.Contains(leads, n) {
						if referenced, ok := errors.AsType[*machine.ReferencedError](err); !ok || !slices.Contains(referenced.Aliases, alias) {
							t.Fatalf("deleting version %d, to which %s leads: %v", n, alias, err)
						}
						return
					}
				}
				if err != nil {
					t.Fatal(err)
				}
				delete(versions, n)
				for revision, v := range published {
					if v == n {
						delete(published, revision)
					}
				}
			},
			"alias": func(t *rapid.T) {
				n, some := anyVersion()
				if !some {
					t.Skip()
				}
				name := rapid.SampledFrom([]string{"a", "b"}).Draw(t, "alias")
				routes := []machine.Route{{Version: n, Weight: 100}}
				var err error
				if _, there := aliases[name]; there {
					_, err = w.UpdateAlias(ctx, "m", name, nil, routes)
				} else {
					_, err = w.CreateAlias(ctx, "m", machine.Alias{Name: name, Routes: routes})
				}
				if _, there := versions[n]; !there {
					if !errors.Is(err, machine.ErrNoVersion) {
						t.Fatalf("an alias for version %d, which is not there: %v", n, err)
					}
					return
				}
				if err != nil {
					t.Fatal(err)
				}
				aliases[name] = []int64{n}
			},
			"delete an alias": func(t *rapid.T) {
				_, there := aliases["a"]
				if err := w.DeleteAlias(ctx, "m", "a"); there != (err == nil) {
					t.Fatalf("there: %v, error %v", there, err)
				}
				delete(aliases, "a")
			},
			"restart": func(*rapid.T) { w.reopen() },
			"": func(t *rapid.T) {
				check(t, w, versions, aliases, current)
			},
		}
		t.Repeat(steps)
	})
}

// check starts whatever there is, and compares what would run.
func check(t *rapid.T, w *world, versions map[int64]int, aliases map[string][]int64, current int) {
	runs := func(arn string, want int) {
		target, err := w.Target(arn, func() uint64 { return 1 })
		if err != nil {
			t.Fatalf("%s: %v", arn, err)
		}
		if text, err := w.Definition(target.Revision.Definition); err != nil || string(text) != string(definition(want)) {
			t.Fatalf("%s runs %s, %v; want definition %d", arn, text, err, want)
		}
	}
	runs("m", current)
	for n, want := range versions {
		runs(w.Names.Version("m", n), want)
	}
	for name, leads := range aliases {
		runs(w.Names.Alias("m", name), versions[leads[0]])
	}
	all, err := w.Versions("m")
	if err != nil || len(all) != len(versions) {
		t.Fatalf("%d versions, %v; want %d", len(all), err, len(versions))
	}
}
