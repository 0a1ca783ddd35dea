package schedule

import (
	"encoding/binary"
	"time"

	"sundog/internal/embedded/store"
)

// The orders of store.PrefixScheduleOrder: each key is an order, a time, and what tells two of a time apart.
const (
	orderWaiting byte = 'w' // due, id -> progress: schedules that are going to fire
	orderDone    byte = 'd' // due, id -> progress: schedules that have fired for the last time, until they are removed
	orderPaused  byte = 'p' // since when, id -> progress: paused ones
	orderAgain   byte = 'r' // due, id, point in time -> delivery: those that are attempted again then
)

func orderKey(order byte) store.Key {
	return store.NewKey(store.PrefixScheduleOrder).Raw([]byte{order})
}

// micros is a moment as it stands in keys: microseconds since 1970, which hold every year that RFC 3339 can write, rounded up so that nothing is
// due early.
func micros(at time.Time) uint64 {
	n := at.UnixMicro()
	if at.After(time.UnixMicro(n)) {
		n++
	}
	return uint64(max(0, n))
}

// orderTime is where a moment begins in an order.
func orderTime(order store.Key, at time.Time) store.Key {
	return order[:len(order):len(order)].Uint(micros(at))
}

// keyTime is the moment in a key of an order.
func keyTime[T ~string | ~[]byte](key T) time.Time {
	return time.UnixMicro(int64(binary.BigEndian.Uint64([]byte(key[2:10])))).UTC()
}

// keyID is the schedule's id in a key of an order.
func keyID[T ~string | ~[]byte](key T) (string, error) {
	f := store.Split([]byte(key))
	f.Raw(1)
	f.Uint()
	id := f.String()
	return id, f.Err()
}

func scheduleKey(id string) store.Key { return store.NewKey(store.PrefixSchedule).String(id) }

// The kinds of store.PrefixScheduleView.
const (
	viewKey      byte = 'k' // key of the client -> id
	viewHistory  byte = 'h' // day, id; a log -> event
	viewDelivery byte = 'd' // lane, when it could be made, id, point in time -> delivery
	viewDead     byte = 'x' // id, point in time -> dead letter
	viewCount    byte = 'n' // what -> counter
)

func viewOf(kind byte) store.Key { return store.NewKey(store.PrefixScheduleView).Raw([]byte{kind}) }

func clientKey(key string) store.Key { return viewOf(viewKey).String(key) }

// historyKey is the log of a schedule's events of a day of UTC.
func historyKey(day uint64, id string) store.Key { return viewOf(viewHistory).Uint(day).String(id) }

func dayOf(at time.Time) uint64 { return uint64(at.Unix() / (24 * 60 * 60)) }

func laneKey(lane string) store.Key { return viewOf(viewDelivery).String(lane) }

func deadKey(id string, point time.Time) store.Key {
	return viewOf(viewDead).String(id).Uint(micros(point))
}

func countKey(what string) store.Key { return viewOf(viewCount).String(what) }
