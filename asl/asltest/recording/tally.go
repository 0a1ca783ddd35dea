package recording

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// A Tally counts cases by area.
type Tally struct{ areas map[string]*count }

type count struct {
	passed, failed int
	notRun         map[string]int // by reason
}

func (t *Tally) of(c *Case) *count {
	if t.areas == nil {
		t.areas = map[string]*count{}
	}
	if t.areas[c.Area] == nil {
		t.areas[c.Area] = &count{notRun: map[string]int{}}
	}
	return t.areas[c.Area]
}

// Passed counts a case, or one that failed.
func (t *Tally) Passed(c *Case, ok bool) {
	if n := t.of(c); ok {
		n.passed++
	} else {
		n.failed++
	}
}

// NotRun counts a case that was not run, and why.
func (t *Tally) NotRun(c *Case, reason string) { t.of(c).notRun[reason]++ }

// String is a table with a line for each area, and one for all.
func (t *Tally) String() string {
	var b strings.Builder
	all := count{notRun: map[string]int{}}
	for _, area := range slices.Sorted(maps.Keys(t.areas)) {
		n := t.areas[area]
		n.line(&b, area)
		all.passed += n.passed
		all.failed += n.failed
		for reason, cases := range n.notRun {
			all.notRun[reason] += cases
		}
	}
	all.line(&b, "all")
	return b.String()
}

func (n *count) line(b *strings.Builder, area string) {
	notRun, reasons := 0, ""
	for _, reason := range slices.Sorted(maps.Keys(n.notRun)) {
		notRun += n.notRun[reason]
		reasons += fmt.Sprintf(" (%d: %s)", n.notRun[reason], reason)
	}
	fmt.Fprintf(b, "\n%-32s %4d passed %4d failed %4d not run%s", area, n.passed, n.failed, notRun, reasons)
}
