package schedule

import (
	"hash/fnv"
	"time"
)

// Plan is when a schedule fires.
type Plan struct {
	at         time.Time // the one point in time, or zero
	expression Expression
	zone       *time.Location
	anchor     time.Time // from which a rate counts
	start, end time.Time
	flexible   time.Duration
}

// latest is the last point in time there is: the last of year 9999, the last that RFC 3339 can write.
func latest() time.Time { return time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC) }

// Next is the first point in time after a moment, and whether there is one.
func (p Plan) Next(after time.Time) (time.Time, bool) {
	if !p.start.IsZero() && after.Before(p.start) {
		after = p.start.Add(-time.Nanosecond)
	}
	next, ok := p.at, p.at.After(after)
	if p.at.IsZero() {
		next, ok = p.expression.Next(after, p.anchor, p.zone)
	}
	if !ok || next.After(latest()) || (!p.end.IsZero() && next.After(p.end)) {
		return time.Time{}, false
	}
	return next, true
}

// Last is the last point in time not after now and after from, and whether there is one. It takes the time of some sixty calls of Next, however
// many there are in between.
func (p Plan) Last(from, now time.Time) (time.Time, bool) {
	found, ok := p.Next(from)
	if !ok || found.After(now) {
		return time.Time{}, false
	}
	// Next does not decrease, so the last point in time is that after the latest moment from which Next does not go beyond now.
	low, high := found, now
	for low.Before(high) {
		middle := low.Add((high.Sub(low) + 1) / 2)
		next, ok := p.Next(middle)
		if !ok || next.After(now) {
			high = middle.Add(-1)
			continue
		}
		found, low = next, next
	}
	return found, true
}

// Due is when a point in time fires: after it by less than the flexible window, the same for the same id and point in time.
func (p Plan) Due(id string, at time.Time) time.Time {
	if p.flexible <= 0 {
		return at
	}
	h := fnv.New64a()
	_, _ = h.Write([]byte(id)) // a hash takes everything
	_, _ = h.Write([]byte(at.UTC().Format(time.RFC3339Nano)))
	part := mix(h.Sum64())
	return at.Add(time.Duration(float64(part>>11) / (1 << 53) * float64(p.flexible)).Truncate(time.Millisecond))
}

// mix spreads what differs in few bits over all of them: the finalizer of MurmurHash3.
func mix(x uint64) uint64 {
	x ^= x >> 33
	x *= 0xff51afd7ed558ccd
	x ^= x >> 33
	x *= 0xc4ceb9fe1a85ec53
	return x ^ x>>33
}

// Plan is when the draft fires, if it was made at a moment. The error wraps ErrInvalid.
func (d Draft) Plan(made time.Time) (Plan, error) {
	zone, err := Zone(d.Zone)
	if err != nil {
		return Plan{}, err
	}
	p := Plan{zone: zone, anchor: made, start: d.Start, end: d.End, flexible: time.Duration(d.FlexibleSeconds) * time.Second}
	if !d.Start.IsZero() {
		p.anchor = d.Start
	}
	if d.Expression == "" {
		p.at = d.At
		return p, nil
	}
	p.expression, err = Parse(d.Expression)
	if err != nil {
		return Plan{}, err
	}
	if at, ok := p.expression.At(zone); ok {
		p.at = at
	}
	return p, nil
}

// Plan is when the schedule fires. A rate counts from when the schedule was made or last changed, or from its start.
func (s Schedule) Plan() (Plan, error) {
	made := s.Created
	if !s.Changed.IsZero() {
		made = s.Changed
	}
	return s.Draft.Plan(made)
}
