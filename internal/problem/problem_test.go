package problem_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"sundog/internal/problem"
)

func TestKindSurvivesTheWire(t *testing.T) {
	for _, kind := range problem.Kinds() {
		t.Run(kind.String(), func(t *testing.T) {
			sent := problem.New(kind, "reading record %s", "a/b").WithHint("look elsewhere")
			d := problem.DocumentOf(fmt.Errorf("answering: %w", sent), "req-1")
			got := problem.ParseDocument(d.Status, d.JSON())
			if got.Kind != kind {
				t.Errorf("kind %v arrived as %v", kind, got.Kind)
			}
			if got.Hint != "look elsewhere" {
				t.Errorf("hint arrived as %q", got.Hint)
			}
			if kind == problem.Internal {
				if got.Message != "internal error (request req-1)" {
					t.Errorf("an internal error tells %q", got.Message)
				}
			} else if got.Message != "answering: reading record a/b" {
				t.Errorf("message arrived as %q", got.Message)
			}
			if problem.KindOfStatus(d.Status) != kind {
				t.Errorf("status %d stands for %v", d.Status, problem.KindOfStatus(d.Status))
			}
		})
	}
}

func TestKindOf(t *testing.T) {
	missing := problem.New(problem.NotFound, "no such record")
	tests := []struct {
		name string
		err  error
		kind problem.Kind
		exit int
		http int
	}{
		{"plain", errors.New("x"), problem.Internal, 1, 500},
		{"wrapped by fmt", fmt.Errorf("x: %w", missing), problem.NotFound, 3, 404},
		{"the outermost counts", problem.Wrap(problem.Unavailable, missing, "asking"), problem.Unavailable, 8, 503},
		{"deadline", fmt.Errorf("x: %w", context.DeadlineExceeded), problem.Timeout, 9, 504},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := problem.KindOf(tt.err); got != tt.kind {
				t.Errorf("KindOf = %v, want %v", got, tt.kind)
			}
			if got := problem.ExitCode(tt.err); got != tt.exit {
				t.Errorf("ExitCode = %d, want %d", got, tt.exit)
			}
			if got := problem.HTTPStatus(tt.err); got != tt.http {
				t.Errorf("HTTPStatus = %d, want %d", got, tt.http)
			}
		})
	}
	if problem.ExitCode(nil) != 0 || problem.HTTPStatus(nil) != 200 {
		t.Error("nil is not a success")
	}
}

func TestForeignBodies(t *testing.T) {
	tests := []struct {
		name    string
		status  int
		body    string
		kind    problem.Kind
		message string
	}{
		{"proxy page", 502, "<html>Bad Gateway\n</html>", problem.Unavailable, "<html>Bad Gateway"},
		{"empty", 404, "", problem.NotFound, "not found"},
		{"unknown type", 418, `{"type":"about:blank","detail":"teapot"}`, problem.Invalid, "teapot"},
		{"unknown kind", 503, `{"type":"urn:sundog:problem:new","detail":"later"}`, problem.Unavailable, "later"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := problem.ParseDocument(tt.status, []byte(tt.body))
			if got.Kind != tt.kind || got.Message != tt.message {
				t.Errorf("got %v %q, want %v %q", got.Kind, got.Message, tt.kind, tt.message)
			}
		})
	}
}

func TestExitCodesAreDistinct(t *testing.T) {
	last := -1
	for _, e := range problem.Exits() {
		if e.Code <= last {
			t.Errorf("exit code %d (%s) comes after %d", e.Code, e.Name, last)
		}
		last = e.Code
	}
	for _, k := range problem.Kinds() {
		found := false
		for _, e := range problem.Exits() {
			found = found || e.Name == k.String()
		}
		if !found {
			t.Errorf("kind %v is missing in the table of exit codes", k)
		}
	}
}

// TestExitCodesAreDocumented holds docs/exit-codes.md to the table.
func TestExitCodesAreDocumented(t *testing.T) {
	page, err := os.ReadFile("../../docs/exit-codes.md")
	if err != nil {
		t.Fatal(err)
	}
	var rows []string
	for line := range strings.Lines(string(page)) {
		if strings.HasPrefix(line, "| ") && !strings.HasPrefix(line, "| code") {
			rows = append(rows, strings.TrimSpace(line))
		}
	}
	var want []string
	for _, e := range problem.Exits() {
		status := " "
		if e.Status != 0 {
			status = fmt.Sprintf(" %d ", e.Status)
		}
		want = append(want, fmt.Sprintf("| %d |%s| %s | %s |", e.Code, status, e.Name, e.Meaning))
	}
	if !slices.Equal(rows, want) {
		t.Errorf("the page has\n%s\nthe table is\n%s", strings.Join(rows, "\n"), strings.Join(want, "\n"))
	}
}
