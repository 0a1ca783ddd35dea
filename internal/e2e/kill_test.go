package e2e

import (
	"context"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	"sundog/internal/api"
)

// TestKill ends the server at random moments under load, again and again, mostly by SIGKILL, and then looks whether anything was
// lost or done twice. SUNDOG_KILL_ROUNDS sets the number of rounds, SUNDOG_SEED the moments.
func TestKill(t *testing.T) {
	rounds := 10
	if text := os.Getenv("SUNDOG_KILL_ROUNDS"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			t.Fatalf("SUNDOG_KILL_ROUNDS=%q is no number of rounds", text)
		}
		rounds = n
	}
	random := newRandom(t)
	s := newServer(t, loadFiles())
	l := &load{s: s}
	ends := map[string]int{}
	begin := time.Now()
	for round := range rounds {
		ends[endOneLife(t, s, l, random)]++
		if t.Failed() {
			t.Fatalf("in round %d", round+1)
		}
		if round%20 == 19 {
			t.Logf("round %d: %d payloads acknowledged", round+1, l.count())
		}
	}
	t.Logf("%d rounds in %v", rounds, elapsed(begin))
	begin = time.Now()
	s.start()
	s.drain(time.Minute + time.Duration(rounds)*time.Second)
	t.Logf("drained in %v", elapsed(begin))
	begin = time.Now()
	t.Logf("%d rounds, %v; %d payloads acknowledged of %d sent", rounds, ends, l.count(), l.next)
	if l.count() == 0 {
		t.Fatal("no payload was acknowledged")
	}
	l.check()
	t.Logf("checked in %v", elapsed(begin))
	s.stop()
}

func elapsed(since time.Time) time.Duration { return time.Since(since).Round(time.Millisecond) }

// endOneLife starts the server, feeds it and ends it in one of several ways, which it names.
func endOneLife(t *testing.T, s *server, l *load, random *rand.Rand) string {
	t.Helper()
	way, alive, dying := random.IntN(10), milliseconds(random, 20, 400), milliseconds(random, 0, 30)
	if way == 0 {
		s.launch()
		wait(milliseconds(random, 0, 120)) // a start takes about that long
		s.kill()
		return "killed while starting"
	}
	s.start()
	ctx, cancel := context.WithCancel(t.Context())
	fed := make(chan struct{})
	go func() {
		defer close(fed)
		l.run(ctx)
	}()
	defer func() {
		cancel()
		<-fed
	}()
	wait(alive)
	switch way {
	case 1:
		s.terminate()
		wait(dying)
		s.kill()
		return "killed while stopping"
	case 2:
		s.stop()
		return "stopped"
	default:
		s.kill()
		return "killed"
	}
}

func milliseconds(random *rand.Rand, low, high int) time.Duration {
	return time.Duration(low+random.IntN(high-low)) * time.Millisecond
}

// wait lets the process of the server live on. There is no event to wait for: its end is to come at any moment.
func wait(d time.Duration) { <-time.After(d) }

// TestStopUnderLoad stops the server with SIGTERM while it is busy, three times: it ends soon and with code 0, and goes on where
// it was.
func TestStopUnderLoad(t *testing.T) {
	s := newServer(t, loadFiles())
	l := &load{s: s}
	for range 3 {
		s.start()
		ctx, cancel := context.WithCancel(t.Context())
		fed := make(chan struct{})
		go func() {
			defer close(fed)
			l.run(ctx)
		}()
		s.until(20*time.Second, "it is busy", func() bool {
			var h api.Health
			return s.get(api.PathHealth, &h) && h.Open >= 20
		})
		begin := time.Now()
		s.stop()
		t.Logf("stopped after %v", elapsed(begin))
		cancel()
		<-fed
	}
	s.start()
	s.drain(time.Minute)
	l.check()
	s.stop()
}
