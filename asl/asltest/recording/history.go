package recording

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// compareHistory compares histories in the form of the recordings.
func (c *Case) compareHistory(m *Matcher, got []map[string]any) []string {
	switch c.Expected.EventOrder {
	case "exact":
		return m.exact(c.Expected.Events, got)
	case "concurrent":
		return m.concurrent(c.Expected.Events, got)
	case "parallel_sorted":
		return m.sorted(c.Expected.Events, got)
	}
	return []string{fmt.Sprintf("the case has an order of events that nobody knows: %q", c.Expected.EventOrder)}
}

// event compares two events, with or without their numbers.
func (m *Matcher) event(want, got map[string]any, numbers bool) string {
	want, got = maps.Clone(want), maps.Clone(got)
	delete(want, "cause_was_parsed") // every cause is compared so
	for name := range got {
		if _, recorded := want[name]; strings.HasSuffix(name, "_text") && !recorded {
			delete(got, name) // AWS's text was not kept
		}
	}
	if !numbers {
		for _, name := range []string{"id", "previousEventId"} {
			delete(want, name)
			delete(got, name)
		}
	}
	return m.Differ("event", want, got)
}

// asToday gives the events of an older recording the order of today's.
func (m *Matcher) asToday(events []map[string]any) []map[string]any {
	if !m.runFirst {
		return events
	}
	events = slices.Clone(events)
	for i, e := range events {
		j := slices.IndexFunc(events, func(other map[string]any) bool { return other["id"] == e["previousEventId"] })
		if e["type"] == "MapStateExited" && j >= 0 && events[j]["type"] == "MapRunSucceeded" {
			events[i] = maps.Clone(e)
			events[i]["previousEventId"] = events[j]["previousEventId"]
		}
	}
	return events
}

// exact compares event by event.
func (m *Matcher) exact(want, got []map[string]any) []string {
	want = m.asToday(want)
	for i := range max(len(want), len(got)) {
		switch {
		case i >= len(want):
			return []string{fmt.Sprintf("event %d is too much: %s", i+1, Short(got[i]))}
		case i >= len(got):
			return []string{fmt.Sprintf("event %d is missing: %s", i+1, Short(want[i]))}
		}
		if d := m.event(want[i], got[i], true); d != "" {
			return []string{fmt.Sprintf("event %d: %s\n got %s\nwant %s", i+1, d, Short(got[i]), Short(want[i]))}
		}
	}
	return nil
}

// concurrent compares histories of threads whose events may stand among each other in any order: each event has its counterpart, which
// follows one of the same type and state.
func (m *Matcher) concurrent(want, got []map[string]any) []string {
	var all []string
	used := make([]bool, len(got))
	for _, w := range want {
		if !m.use(used, got, func(g map[string]any) bool { return before(want, w) == before(got, g) && m.event(w, g, false) == "" }) {
			all = append(all, "event is missing: "+Short(w))
		}
	}
	return append(all, left(used, got)...)
}

// sorted compares histories in which the events within a Parallel state were sorted by their texts and lost their numbers. The success or
// failure of the state itself was lost with them. The others have their places.
func (m *Matcher) sorted(want, got []map[string]any) []string {
	var all []string
	used := make([]bool, len(got))
	last := 0
	for _, w := range want {
		loose := w["id"] == json.Number("0")
		if !m.use(used, got, func(g map[string]any) bool { return m.event(w, g, !loose) == "" }) {
			all = append(all, "event is missing: "+Short(w))
		}
		if n, ok := w["id"].(json.Number); ok {
			id, _ := n.Int64()
			last = max(last, int(id))
		}
	}
	lost := last - len(want)
	for i, g := range got {
		if !used[i] && lost > 0 && (g["type"] == "ParallelStateSucceeded" || g["type"] == "ParallelStateFailed") {
			used[i] = true
			lost--
		}
	}
	if lost > 0 {
		all = append(all, fmt.Sprintf("%d ends of Parallel states are missing", lost))
	}
	return append(all, left(used, got)...)
}

// use finds an event that was not used before and marks it.
func (m *Matcher) use(used []bool, events []map[string]any, fits func(map[string]any) bool) bool {
	for i, e := range events {
		if !used[i] && fits(e) {
			used[i] = true
			return true
		}
	}
	return false
}

func left(used []bool, got []map[string]any) []string {
	var all []string
	for i, g := range got {
		if !used[i] {
			all = append(all, "event is too much: "+Short(g))
		}
	}
	return all
}

// before says what the event before an event is.
func before(events []map[string]any, e map[string]any) string {
	i := slices.IndexFunc(events, func(other map[string]any) bool { return other["id"] == e["previousEventId"] })
	if i < 0 {
		return ""
	}
	return fmt.Sprint(events[i]["type"], events[i]["name"])
}
