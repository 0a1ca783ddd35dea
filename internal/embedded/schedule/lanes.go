package schedule

import (
	"context"
	"sync"

	"sundog/internal/embedded/store"
)

// Bounds of what is under way.
const (
	laneAttempts  = 16  // of one lane at a time
	totalAttempts = 512 // of all lanes at a time
	maxLanes      = 1024
)

// lanes are the hosts and functions that have deliveries. Each that can make one has a goroutine, up to maxLanes of them; the others wait
// until one has nothing to do.
type lanes struct {
	s     *Schedules
	slots chan struct{} // held by attempts

	mu      sync.Mutex
	life    context.Context // nil while nothing runs
	wg      sync.WaitGroup
	open    map[string]*lane
	crowded bool          // there may be a lane on disk that is not open
	free    chan struct{} // a lane was closed while it was crowded
}

func newLanes(s *Schedules) *lanes {
	return &lanes{s: s, slots: make(chan struct{}, totalAttempts), open: map[string]*lane{}, free: make(chan struct{}, 1)}
}

// run opens the lanes that have deliveries, and those that get some, until ctx ends and their attempts have ended.
func (ls *lanes) run(ctx context.Context) error {
	ls.mu.Lock()
	ls.life, ls.crowded = ctx, true
	ls.mu.Unlock()
	poke(ls.free)
	for ctx.Err() == nil {
		select {
		case <-ls.free:
		case <-ctx.Done():
			continue
		}
		if err := ls.refill(ctx); err != nil && ctx.Err() == nil {
			ls.s.opts.Logger.Error("deliveries of schedules are held up; they go on once this is mended", "error", err, "again_in", holdUp)
			wait(ctx, holdUp, nil)
			poke(ls.free)
		}
	}
	ls.mu.Lock()
	ls.life = nil
	ls.mu.Unlock()
	ls.wg.Wait()
	return nil
}

// refill opens lanes that are on disk, as many as there is room for. It looks at one key of each.
func (ls *lanes) refill(ctx context.Context) error {
	ls.mu.Lock()
	ls.crowded = false // what arrives from now on, and finds no room, says so again
	ls.mu.Unlock()
	all := viewOf(viewDelivery).Range()
	for ctx.Err() == nil {
		name, key, err := ls.firstOf(all)
		if err != nil {
			ls.arrivedNowhere()
			return err
		}
		if key == "" || !ls.arrived(name, key) {
			return nil
		}
		all.Low = laneKey(name).End()
	}
	return nil
}

func (ls *lanes) arrivedNowhere() {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	ls.crowded = true
}

// firstOf is the lane of the first delivery of a range.
func (ls *lanes) firstOf(r store.Range) (name, key string, err error) {
	for entry, err := range ls.s.store.Scan(r) {
		if err != nil {
			return "", "", err
		}
		f := store.Split(entry.Key)
		f.Raw(1)
		name = f.String()
		return name, string(entry.Key), f.Err()
	}
	return "", "", nil
}

// arrived tells a lane of a delivery that is on disk, and reports whether there was room for it.
func (ls *lanes) arrived(name, key string) bool {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	if ls.life == nil {
		return false // it is found when lanes run
	}
	l := ls.open[name]
	if l == nil {
		if len(ls.open) >= maxLanes {
			ls.crowded = true
			return false
		}
		from := key // of a lane that was closed nothing is left; to look anyway would be to pass over all that was deleted
		if ls.crowded {
			from = string(laneKey(name))
		}
		l = newLane(ls.s, name, from)
		ls.open[name] = l
		ls.wg.Go(func() { l.run(ls.life) })
	}
	l.arrived(key)
	return true
}

// retire closes a lane that has nothing to do, and reports whether that was so.
func (ls *lanes) retire(l *lane) bool {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	if !l.idle() {
		return false
	}
	delete(ls.open, l.name)
	if ls.crowded {
		poke(ls.free)
	}
	return true
}
