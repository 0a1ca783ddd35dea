// Package golden runs recorded answers of Cirrus against this implementation. A case is passed when we answer the same;
// it is set aside when it shows a numbered fault of the original and our answer is checked to be the mended one; else it
// has failed.
//
// The cases lie in the folder that SUNDOG_GOLDEN_CASES names, one file per function, and are not part of this tree. What
// is set aside is decided by rules about what a case shows, never by its name, so that another folder of the same form
// is judged the same way.
package golden

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Folder is the environment variable that names the folder with the cases.
const Folder = "SUNDOG_GOLDEN_CASES"

// Case is one recorded answer.
type Case struct {
	ID     string          `json:"id"`
	Tag    string          `json:"tag"`
	Input  json.RawMessage `json:"input"`
	Output json.RawMessage `json:"output"`
	// Error is set when the original failed. Its text is Python's and no contract; that it failed is, and on what.
	Error *struct {
		Type    string `json:"type"`
		Message string `json:"message"`
	} `json:"error"`
}

// Outcome is how we did on a case.
type Outcome struct {
	// Fault is the number of the fault that the case shows; zero when it shows none.
	Fault int
	// Problem says what is wrong with our answer; empty when nothing is.
	Problem string
}

// Passed is the outcome when we answer the same.
func Passed() Outcome { return Outcome{} }

// SetAside is the outcome when the case shows this fault, and our answer was checked to be the mended one.
func SetAside(fault int) Outcome { return Outcome{Fault: fault} }

// Failed is the outcome when our answer is wrong.
func Failed(format string, args ...any) Outcome {
	return Outcome{Problem: fmt.Sprintf(format, args...)}
}

// Run checks every case of a file, and logs how many passed, were set aside, by fault, and failed. Without the folder, or
// without this file in it, the test is skipped.
func Run(t *testing.T, file string, check func(t *testing.T, c Case) Outcome) {
	t.Helper()
	folder := os.Getenv(Folder)
	if folder == "" {
		t.Skipf("%s is not set: it names the folder with the recorded cases", Folder)
	}
	raw, err := os.ReadFile(filepath.Join(folder, file))
	if errors.Is(err, fs.ErrNotExist) {
		t.Skipf("%s has no %s", folder, file)
	}
	if err != nil {
		t.Fatal(err)
	}
	var recorded struct {
		Cases []Case `json:"cases"`
	}
	if err := json.Unmarshal(raw, &recorded); err != nil {
		t.Fatalf("reading %s: %v", file, err)
	}
	if len(recorded.Cases) == 0 {
		t.Fatalf("%s holds no cases", file)
	}
	passed, failed, aside := 0, 0, map[int]int{}
	for _, c := range recorded.Cases {
		switch outcome := check(t, c); {
		case outcome.Problem != "":
			failed++
			t.Errorf("%s: %s\n input %.400s", c.ID, outcome.Problem, c.Input)
		case outcome.Fault != 0:
			aside[outcome.Fault]++
		default:
			passed++
		}
	}
	t.Log(summary(file, len(recorded.Cases), passed, failed, aside))
}

func summary(file string, all, passed, failed int, aside map[int]int) string {
	faults := make([]string, 0, len(aside))
	total := 0
	for _, fault := range slices.Sorted(maps.Keys(aside)) {
		total += aside[fault]
		faults = append(faults, fmt.Sprintf("fault %d: %d", fault, aside[fault]))
	}
	line := fmt.Sprintf("%s: %d cases, %d passed, %d set aside", file, all, passed, total)
	if total > 0 {
		line += " (" + strings.Join(faults, ", ") + ")"
	}
	return line + fmt.Sprintf(", %d failed", failed)
}

// Into reads a part of a case, and ends the test when it has not the expected form.
func Into(t *testing.T, raw json.RawMessage, into any) {
	t.Helper()
	if err := json.Unmarshal(raw, into); err != nil {
		t.Fatalf("reading a part of a case: %v\n%.400s", err, raw)
	}
}

// SameJSON says whether two texts hold the same JSON value. Numbers are the same when they have the same value.
func SameJSON(a, b json.RawMessage) bool {
	x, errX := decode(a)
	y, errY := decode(b)
	return errX == nil && errY == nil && same(x, y)
}

func decode(raw json.RawMessage) (any, error) {
	dec := json.NewDecoder(strings.NewReader(string(raw)))
	dec.UseNumber()
	var v any
	err := dec.Decode(&v)
	return v, err
}

func same(a, b any) bool {
	switch a := a.(type) {
	case map[string]any:
		b, ok := b.(map[string]any)
		return ok && maps.EqualFunc(a, b, same)
	case []any:
		b, ok := b.([]any)
		return ok && slices.EqualFunc(a, b, same)
	case json.Number:
		b, ok := b.(json.Number)
		if !ok || a == b {
			return ok
		}
		x, errX := a.Float64()
		y, errY := b.Float64()
		return errX == nil && errY == nil && x == y
	}
	return a == b
}
