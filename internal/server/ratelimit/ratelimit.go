// Package ratelimit says who asks too often. Each caller has a bucket of tokens that fills at a rate up to a burst; a request takes one.
//
// # Promises
//
//   - In any time span t a caller is allowed at most burst + rate×t requests.
//   - Memory is bounded however many callers there are: those beyond the bound share one bucket, so that inventing callers gains nothing.
//   - Nobody waits: whoever asks too often is told how long it takes until he may ask again.
package ratelimit

import (
	"sync"
	"time"
)

// maxCallers bounds the callers that have buckets of their own.
const maxCallers = 10_000

// Limiter limits the requests of each caller. It is safe for concurrent use.
type Limiter struct {
	rate  float64 // tokens per second
	burst float64

	mu      sync.Mutex
	buckets map[string]*bucket
	rest    bucket // of all for whom there is no room
	swept   time.Time
}

type bucket struct {
	tokens float64
	at     time.Time // when there were so many; zero: never asked, so the bucket is full
}

// New returns a limiter that allows each caller rate requests a second in the long run, and burst at once. Both are at least 1.
func New(rate, burst int) *Limiter {
	return &Limiter{rate: float64(max(1, rate)), burst: float64(max(1, burst)), buckets: map[string]*bucket{}}
}

// Allow takes one request of a caller into account. It returns 0 when it is allowed, or else how long it takes until the next one is.
func (l *Limiter) Allow(caller string, now time.Time) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	b := l.bucket(caller, now)
	b.tokens, b.at = l.level(b, now), now
	if b.tokens < 1 {
		return max(time.Nanosecond, time.Duration((1-b.tokens)/l.rate*float64(time.Second)))
	}
	b.tokens--
	return 0
}

// level is how many tokens a bucket holds now.
func (l *Limiter) level(b *bucket, now time.Time) float64 {
	if b.at.IsZero() {
		return l.burst
	}
	return min(l.burst, b.tokens+max(0, now.Sub(b.at).Seconds())*l.rate)
}

// bucket finds or makes the bucket of a caller.
func (l *Limiter) bucket(caller string, now time.Time) *bucket {
	if b := l.buckets[caller]; b != nil {
		return b
	}
	if len(l.buckets) >= maxCallers {
		l.sweep(now)
	}
	if len(l.buckets) >= maxCallers {
		return &l.rest
	}
	b := &bucket{}
	l.buckets[caller] = b
	return b
}

// sweep forgets the callers whose buckets are full again, which says the same as none. It does so once a second at most: it looks at all.
func (l *Limiter) sweep(now time.Time) {
	if !l.swept.IsZero() && now.Sub(l.swept) < time.Second {
		return
	}
	l.swept = now
	for caller, b := range l.buckets {
		if l.level(b, now) >= l.burst {
			delete(l.buckets, caller)
		}
	}
}
