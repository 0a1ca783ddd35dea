package feed_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"sundog/internal/embedded/feed"
	"sundog/internal/embedded/store"
	"sundog/internal/event"
	"sundog/internal/statedb"
)

// open opens a store on a file system; the returned function closes it.
func open(t *testing.T, fs vfs.FS) (*store.Store, *feed.Feed) {
	t.Helper()
	st, err := store.Open("data", store.Options{FS: fs})
	if err != nil {
		t.Fatal(err)
	}
	return st, feed.New(st, time.Now)
}

func record(t *testing.T, st *store.Store, f *feed.Feed, typ event.Type, message string) {
	t.Helper()
	tx := st.Begin()
	f.RecordTx(tx, typ, "mosaic", []byte(message))
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestReadOn(t *testing.T) {
	fs := vfs.NewMem()
	st, f := open(t, fs)
	record(t, st, f, event.ClaimedProcessing, "1")
	record(t, st, f, event.StartedProcessing, "2")
	first, err := f.Read(t.Context(), 0, 1)
	if err != nil || len(first) != 1 || string(first[0].Message) != "1" || first[0].Type != event.ClaimedProcessing || first[0].Workflow != "mosaic" {
		t.Fatalf("%+v, %v", first, err)
	}
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}

	st, f = open(t, fs)
	defer func() { _ = st.Close() }()
	waited := make(chan error, 1)
	last := f.Last()
	go func() { waited <- f.Wait(context.Background(), last) }()
	record(t, st, f, event.Succeeded, "3")
	if err := <-waited; err != nil {
		t.Fatal(err)
	}
	rest, err := f.Read(t.Context(), first[0].ID, 10)
	if err != nil || len(rest) != 2 || string(rest[0].Message) != "2" || string(rest[1].Message) != "3" || rest[1].ID <= rest[0].ID {
		t.Fatalf("%+v, %v", rest, err)
	}
}

func TestExpire(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st, f := open(t, vfs.NewMem())
		defer func() { _ = st.Close() }()
		record(t, st, f, event.Failed, "old")
		old := f.Last()
		<-time.After(feed.KeepEvents + time.Minute)
		record(t, st, f, event.Failed, "new")
		if err := f.Expire(t.Context()); err != nil {
			t.Fatal(err)
		}
		if kept, err := f.Read(t.Context(), 0, 10); err != nil || len(kept) != 1 || string(kept[0].Message) != "new" {
			t.Errorf("%+v, %v", kept, err)
		}
		if _, err := f.Read(t.Context(), old, 10); !errors.Is(err, feed.ErrGone) {
			t.Errorf("reading on from what is gone gives %v", err)
		}
	})
}

func TestTransitions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // begins at midnight, 1 January 2000 in UTC
		st, f := open(t, vfs.NewMem())
		defer func() { _ = st.Close() }()
		begin := time.Now()
		record(t, st, f, event.Succeeded, "")
		record(t, st, f, event.AlreadySucceeded, "") // no transition
		<-time.After(59*time.Minute + 59*time.Second)
		record(t, st, f, event.TimedOut, "")
		record(t, st, f, event.Failed, "")
		<-time.After(time.Second)
		record(t, st, f, event.Succeeded, "")
		<-time.After(23 * time.Hour)
		record(t, st, f, event.Aborted, "")
		for _, c := range []struct {
			step time.Duration
			n    int
			want []map[statedb.State]int64
		}{
			{time.Hour, 2, []map[statedb.State]int64{{statedb.Succeeded: 1, statedb.Failed: 2}, {statedb.Succeeded: 1}}},
			{24 * time.Hour, 2, []map[statedb.State]int64{{statedb.Succeeded: 2, statedb.Failed: 2}, {statedb.Aborted: 1}}},
		} {
			got, err := f.Transitions(t.Context(), begin, c.step, c.n)
			if err != nil || len(got) != c.n {
				t.Fatalf("%v, %v", got, err)
			}
			for i, want := range c.want {
				if len(got[i]) != len(want) {
					t.Errorf("period %d of %s: %v, want %v", i, c.step, got[i], want)
				}
				for state, n := range want {
					if got[i][state] != n {
						t.Errorf("period %d of %s: %v, want %v", i, c.step, got[i], want)
					}
				}
			}
		}
		if _, err := f.Transitions(t.Context(), begin, 90*time.Second, 1); err == nil {
			t.Error("a period of 90 seconds is accepted")
		}
	})
}
