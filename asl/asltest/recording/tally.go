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
	setAside       map[string]int // by reason
}

func (t *Tally) of(c *Case) *count {
	if t.areas == nil {
		t.areas = map[string]*count{}
	}
	if t.areas[c.Area] == nil {
		t.areas[c.Area] = &count{setAside: map[string]int{}}
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

// SetAside counts a case that was not run or is known to differ, and why.
func (t *Tally) SetAside(c *Case, reason string) { t.of(c).setAside[reason]++ }

// String is a table with a line for each area, and one for all.
func (t *Tally) String() string {
	var b strings.Builder
	all := count{setAside: map[string]int{}}
	for _, area := range slices.Sorted(maps.Keys(t.areas)) {
		n := t.areas[area]
		n.line(&b, area)
		all.passed += n.passed
		all.failed += n.failed
		for reason, cases := range n.setAside {
			all.setAside[reason] += cases
		}
	}
	all.line(&b, "all")
	return b.String()
}

func (n *count) line(b *strings.Builder, area string) {
	setAside, reasons := 0, ""
	for _, reason := range slices.Sorted(maps.Keys(n.setAside)) {
		setAside += n.setAside[reason]
		reasons += fmt.Sprintf(" (%d: %s)", n.setAside[reason], reason)
	}
	fmt.Fprintf(b, "\n%-32s %4d passed %4d failed %4d set aside%s", area, n.passed, n.failed, setAside, reasons)
}
