package embedded_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"sundog/internal/embedded"
	"sundog/internal/embedded/store"
)

// A scenario is something to be done on a platform, whatever faults come in between.
type scenario interface {
	open() bool // whether no fault kept it from opening
	close()
	running() *embedded.Platform
	over(ctx context.Context) bool // sends what was not acknowledged, and says whether nothing is left to do
	leftOver() string
}

// limit is the virtual time in which the scenario has to be over, whatever happens: longer than every retry and time-out.
const limit = time.Hour

// play runs the platform, as often as it takes: an injected fault may end it, as that of a disk would end the process. It returns with the
// platform open but not running when nothing is left to do; or with nothing open once stopped says so.
func play(t *testing.T, s scenario, stopped func() bool) {
	t.Helper()
	for !t.Failed() {
		if s.open() {
			over := run(t, s, stopped)
			if over && !stopped() {
				return
			}
			s.close()
		}
		if stopped() {
			return
		}
	}
}

// run runs the platform until nothing is left to do, stopped says so or a fault ends it, and reports whether it was the first.
func run(t *testing.T, s scenario, stopped func() bool) (over bool) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.running().Run(ctx) }()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for begin := time.Now(); ; {
		synctest.Wait()
		over = s.over(ctx)
		if !over && time.Since(begin) > limit {
			t.Errorf("it is not over after %v: %s", limit, s.leftOver())
		}
		if over || stopped() || t.Failed() {
			cancel()
		}
		select {
		case <-tick.C:
		case err := <-ended:
			cancel()
			if err != nil && !errors.Is(err, errInjected) {
				t.Errorf("the platform ended with %v", err)
			}
			return over
		}
	}
}

// playThroughCrash plays with a crash at the k-th commit that loses what was not synced, and goes on with what is left. It reports whether there were
// so many commits.
func playThroughCrash(t *testing.T, s scenario, options *store.Options, fs *vfs.MemFS, k int64) bool {
	t.Helper()
	var commits atomic.Int64
	var left atomic.Pointer[vfs.MemFS]
	options.BeforeCommit = func(int64) error {
		switch n := commits.Add(1); {
		case n == k:
			left.Store(fs.CrashClone(vfs.CrashCloneCfg{}))
			return errInjected
		case n > k:
			return errInjected // the process is dead
		}
		return nil
	}
	play(t, s, func() bool { return left.Load() != nil })
	if left.Load() == nil {
		return false
	}
	*options = store.Options{FS: left.Load()}
	play(t, s, never)
	return true
}
