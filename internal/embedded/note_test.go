package embedded_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	domain "sundog/internal/access"
	"sundog/internal/audit"
	"sundog/internal/embedded"
	"sundog/internal/embedded/engine"
	embeddedqueue "sundog/internal/embedded/queue"
	"sundog/internal/embedded/store"
	"sundog/internal/project"
	"sundog/internal/queue"
)

// noted is a platform, not running, whose writes begin to fail when the test says so.
type noted struct {
	*embedded.Platform
	t       *testing.T
	granted atomic.Int64 // commits that still succeed; negative: all
	queue   *embeddedqueue.Queue
}

func openNoted(t *testing.T, dir string, fs *vfs.MemFS) *noted {
	t.Helper()
	n := &noted{t: t}
	n.granted.Store(-1)
	p := project.Default(dir, "noted")
	p.Workflows = []project.Workflow{
		{Name: "waits", Definition: []byte(`{"StartAt":"Wait","States":{"Wait":{"Type":"Wait","Seconds":1000,"End":true}}}`)},
		{Name: "fails", Definition: []byte(`{"StartAt":"Fail","States":{"Fail":{"Type":"Fail","Error":"Broken"}}}`)},
	}
	p.Queues = []string{"reviews"}
	var err error
	n.Platform, err = embedded.Open(t.Context(), p, embedded.Options{Data: dir, Store: store.Options{FS: fs, BeforeCommit: func(int64) error {
		if left := n.granted.Load(); left < 0 || n.granted.Add(-1) >= 0 {
			return nil
		}
		n.granted.Store(0)
		return errInjected
	}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := n.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	if n.queue, err = n.Queues.Queue(t.Context(), "reviews"); err != nil {
		t.Fatal(err)
	}
	return n
}

func must[T any](t *testing.T) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// prepare makes what there is to change: two dead letters, an execution that runs and one that failed, and a token.
func (n *noted) prepare() {
	n.t.Helper()
	ctx := n.t.Context()
	must[[]string](n.t)(n.queue.Send(ctx, queue.Draft{Body: []byte("1")}, queue.Draft{Body: []byte("2")}))
	for _, m := range must[[]queue.Message](n.t)(n.queue.Receive(ctx, queue.Request{Max: 2})) {
		if err := n.queue.DeadLetter(ctx, m.Receipt, "no"); err != nil {
			n.t.Fatal(err)
		}
	}
	for _, workflow := range []string{"waits", "fails"} {
		must[engine.Description](n.t)(n.Engine.Start(ctx, engine.StartRequest{Machine: workflow, Name: "x", Input: []byte("{}")}))
	}
	if _, _, err := n.Tokens.Create(ctx, "old", domain.Read, time.Time{}); err != nil {
		n.t.Fatal(err)
	}
}

func (n *noted) status(workflow string) string {
	n.t.Helper()
	d, _, _, err := n.Engine.Describe(n.t.Context(), n.Engine.ExecutionARN(workflow, "x"))
	if err != nil {
		n.t.Fatal(err)
	}
	return string(d.Status)
}

func (n *noted) letters() int64 { return n.queue.Depth().Dead }

func (n *noted) tokens() int { return len(n.Tokens.List()) }

func (n *noted) letter() string {
	n.t.Helper()
	return must[[]queue.DeadLetter](n.t)(n.queue.DeadLetters(n.t.Context(), "", 1))[0].ID
}

// deeds are what somebody can do that goes into the audit log, each with what shows that it was done.
var deeds = []struct {
	name string
	do   func(ctx context.Context, n *noted) error
	done func(n *noted) bool
	want audit.Entry // but for the time
}{
	{
		"delete a dead letter",
		func(ctx context.Context, n *noted) error {
			return n.DeleteDeadLetter(ctx, n.queue, n.letter(), "wrong")
		},
		func(n *noted) bool { return n.letters() == 1 },
		audit.Entry{Kind: audit.Purge, Subject: "reviews", Reason: "dead letter *: wrong"},
	},
	{
		"purge dead letters",
		func(ctx context.Context, n *noted) error {
			_, err := n.PurgeDeadLetters(ctx, n.queue, "all wrong")
			return err
		},
		func(n *noted) bool { return n.letters() == 0 },
		audit.Entry{Kind: audit.Purge, Subject: "reviews", Reason: "2 dead letters: all wrong"},
	},
	{
		"send a dead letter again",
		func(ctx context.Context, n *noted) error { return n.RedriveDeadLetter(ctx, n.queue, n.letter()) },
		func(n *noted) bool { return n.letters() == 1 && n.queue.Depth().Total() == 1 },
		audit.Entry{Kind: audit.Redrive, Subject: "reviews", Reason: "dead letter *"},
	},
	{
		"send all dead letters again",
		func(ctx context.Context, n *noted) error {
			_, err := n.RedriveDeadLetters(ctx, n.queue)
			return err
		},
		func(n *noted) bool { return n.letters() == 0 && n.queue.Depth().Total() == 2 },
		audit.Entry{Kind: audit.Redrive, Subject: "reviews", Reason: "2 dead letters"},
	},
	{
		"stop an execution",
		func(ctx context.Context, n *noted) error {
			return n.Engine.Stop(ctx, n.Engine.ExecutionARN("waits", "x"), "Halt", "a test")
		},
		func(n *noted) bool { return n.status("waits") == "ABORTED" },
		audit.Entry{Kind: audit.Stop, Subject: "arn:aws:states:us-east-1:000000000000:execution:waits:x", Reason: "Halt: a test"},
	},
	{
		"redrive an execution",
		func(ctx context.Context, n *noted) error {
			_, err := n.Engine.Redrive(ctx, n.Engine.ExecutionARN("fails", "x"), "")
			return err
		},
		func(n *noted) bool {
			d, _, _, err := n.Engine.Describe(n.t.Context(), n.Engine.ExecutionARN("fails", "x"))
			return err == nil && d.RedriveCount == 1
		},
		audit.Entry{Kind: audit.Redrive, Subject: "arn:aws:states:us-east-1:000000000000:execution:fails:x"},
	},
	{
		"make a token",
		func(ctx context.Context, n *noted) error {
			_, _, err := n.Tokens.Create(ctx, "new", domain.Operate, time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC))
			return err
		},
		func(n *noted) bool { return n.tokens() == 2 },
		audit.Entry{Kind: audit.Token, Subject: "new", Reason: "made with the role operate, until 2100-01-01T00:00:00Z"},
	},
	{
		"revoke a token",
		func(ctx context.Context, n *noted) error { return n.Tokens.Revoke(ctx, "old") },
		func(n *noted) bool { return n.tokens() == 0 },
		audit.Entry{Kind: audit.Token, Subject: "old", Reason: "revoked"},
	},
}

// entries are what ann did, with the ids of dead letters left out.
func (n *noted) entries() []audit.Entry {
	n.t.Helper()
	all := must[audit.Page](n.t)(n.Audit.Query(n.t.Context(), audit.Query{Actor: "ann"})).Entries
	for i := range all {
		e := &all[i]
		e.At = time.Time{}
		if len(e.Reason) >= 12+16 && e.Reason[:12] == "dead letter " {
			e.Reason = "dead letter *" + e.Reason[12+16:]
		}
	}
	return all
}

// TestNoted does each deed when one commit succeeds, and when none does, and then takes the machine's power away. There is the deed with its
// entry, or neither.
func TestNoted(t *testing.T) {
	for _, d := range deeds {
		for _, succeeds := range []bool{true, false} {
			name := d.name
			if !succeeds {
				name += " in vain"
			}
			t.Run(name, func(t *testing.T) {
				dir, fs := t.TempDir(), vfs.NewCrashableMem()
				n := openNoted(t, dir, fs)
				n.prepare()
				n.granted.Store(0)
				if succeeds {
					n.granted.Store(1)
				}
				err := d.do(domain.WithActor(t.Context(), "ann"), n)
				if succeeds && err != nil || !succeeds && !errors.Is(err, errInjected) {
					t.Fatal(err)
				}
				n = openNoted(t, dir, fs.CrashClone(vfs.CrashCloneCfg{}))
				if done := d.done(n); done != succeeds {
					t.Errorf("done: %v, want %v", done, succeeds)
				}
				got := n.entries()
				if !succeeds {
					if len(got) != 0 {
						t.Errorf("the log has %+v", got)
					}
					return
				}
				d.want.Actor = "ann"
				if len(got) != 1 || got[0] != d.want {
					t.Errorf("the log has %+v, want %+v", got, d.want)
				}
			})
		}
	}
}

// TestNothingToNote makes sure that what changes nothing leaves no entry.
func TestNothingToNote(t *testing.T) {
	n := openNoted(t, t.TempDir(), vfs.NewCrashableMem())
	n.prepare()
	ctx := domain.WithActor(t.Context(), "ann")
	if err := n.Engine.Stop(ctx, n.Engine.ExecutionARN("fails", "x"), "", ""); err != nil {
		t.Errorf("stopping what has ended: %v", err)
	}
	if _, err := n.PurgeDeadLetters(ctx, n.queue, ""); !errors.Is(err, audit.ErrNoReason) {
		t.Errorf("purging for no reason: %v", err)
	}
	if err := n.DeleteDeadLetter(ctx, n.queue, "0000000000000000", ""); !errors.Is(err, queue.ErrNoDeadLetter) {
		t.Errorf("deleting nothing: %v", err)
	}
	if err := n.Tokens.Revoke(ctx, "none"); err == nil {
		t.Error("a token was revoked that is not there")
	}
	if got := n.entries(); len(got) != 0 || n.letters() != 2 {
		t.Errorf("the log has %+v; %d dead letters", got, n.letters())
	}
}
