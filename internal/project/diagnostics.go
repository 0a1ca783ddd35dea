package project

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"sundog/internal/problem"
)

// Severity says whether a project can be used in spite of a diagnostic.
type Severity uint8

// The severities.
const (
	Error   Severity = iota // the project is refused
	Warning                 // it is accepted
)

// Diagnostic is one problem of a project.
type Diagnostic struct {
	Severity Severity
	File     string // relative to the project folder
	Line     int    // from 1; 0 when the problem is the file as a whole
	Column   int    // from 1, in characters; 0 as Line
	Reason   string
	Hint     string // what to do, or empty
}

// String is "file:line:column: reason (hint)", with "warning: " before the reason of a warning.
func (d Diagnostic) String() string {
	var b strings.Builder
	b.WriteString(d.File)
	if d.Line > 0 {
		fmt.Fprintf(&b, ":%d:%d", d.Line, d.Column)
	}
	b.WriteString(": ")
	if d.Severity == Warning {
		b.WriteString("warning: ")
	}
	b.WriteString(d.Reason)
	if d.Hint != "" {
		b.WriteString(" (" + d.Hint + ")")
	}
	return b.String()
}

// Diagnostics are the problems of a project: those of the project file first, then file by file, in the order of the lines.
type Diagnostics []Diagnostic

// Errors returns how many of them are errors.
func (ds Diagnostics) Errors() int {
	n := 0
	for _, d := range ds {
		if d.Severity == Error {
			n++
		}
	}
	return n
}

// Err returns an error of kind problem.Invalid that lists the errors, one per line, or nil when there are none.
func (ds Diagnostics) Err() error {
	var lines []string
	for _, d := range ds {
		if d.Severity == Error {
			lines = append(lines, d.String())
		}
	}
	if len(lines) == 0 {
		return nil
	}
	return problem.New(problem.Invalid, "project is not valid:\n%s", strings.Join(lines, "\n"))
}

func (ds Diagnostics) sort() {
	slices.SortStableFunc(ds, func(a, b Diagnostic) int {
		if a.File != b.File {
			if a.File == FileName {
				return -1
			}
			if b.File == FileName {
				return 1
			}
		}
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
}
