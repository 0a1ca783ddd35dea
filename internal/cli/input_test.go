package cli_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"sundog/internal/api"
	"sundog/internal/cli"
	"sundog/internal/problem"
)

// process runs process on an input and returns the places and ids of what was accepted.
func process(t interface{ Fatalf(string, ...any) }, server, input string) (accepted []string, code int, complaints string) {
	var out, complained bytes.Buffer
	code = cli.Run(context.Background(), []string{"--server", server, "process", "-"},
		cli.Streams{In: strings.NewReader(input), Out: &out, Err: &complained}, cli.Deps{})
	for dec := json.NewDecoder(&out); ; {
		var a api.Accepted
		if err := dec.Decode(&a); errors.Is(err, io.EOF) {
			return accepted, code, complained.String()
		} else if err != nil {
			t.Fatalf("%v", err)
		}
		accepted = append(accepted, fmt.Sprintf("%d %s", a.Line, a.PayloadID))
	}
}

// TestForms: however payloads are written down, each arrives, with the place where it was.
func TestForms(t *testing.T) {
	server := httptest.NewServer(newFake())
	defer server.Close()
	rapid.Check(t, func(t *rapid.T) {
		form := rapid.SampledFrom([]string{"array", "lines", "documents"}).Draw(t, "form")
		space := rapid.SampledFrom([]string{"", " ", "\n", "\r\n", " \n\t"})
		var b strings.Builder
		b.WriteString(rapid.SampledFrom([]string{"", "\ufeff"}).Draw(t, "mark") + space.Draw(t, "before"))
		if form == "array" {
			b.WriteString("[")
		}
		var want []string
		for i := range rapid.IntRange(0, 20).Draw(t, "count") {
			doc := one(fmt.Sprintf("i%d", i))
			if form == "documents" || form == "array" && rapid.Bool().Draw(t, "indented") {
				doc = "{\n" + strings.TrimPrefix(doc, "{")
			}
			place := i + 1
			switch form {
			case "array":
				if i > 0 {
					b.WriteString(",")
				}
				b.WriteString(space.Draw(t, "space"))
			case "lines":
				if i > 0 {
					b.WriteString("\n" + space.Draw(t, "space"))
				}
				place = strings.Count(b.String(), "\n") + 1
			case "documents":
				b.WriteString(space.Draw(t, "space"))
			}
			b.WriteString(doc)
			want = append(want, fmt.Sprintf("%d c/workflow-ok/i%d", place, i))
		}
		if form == "array" {
			b.WriteString("]")
		}
		b.WriteString(space.Draw(t, "after"))
		got, code, complaints := process(t, server.URL, b.String())
		if diff := cmp.Diff(want, got); diff != "" || code != 0 {
			t.Fatalf("exit code %d\n%s%s%q", code, diff, complaints, b.String())
		}
	})
}

// FuzzProcess: whatever comes, it ends with a code that fits, and what is accepted is accepted in order.
func FuzzProcess(f *testing.F) {
	for _, seed := range []string{
		"", "[", "[]", "[] x", "[{}", "{", "{}", "{}\n\n{oops\n{}", "null\n1\n\"a\"", "[1,[2],{\"id\":3}]", "\ufeff" + one("a"), one("a") + one("b"),
		"[" + one("a") + ",\n" + one("b") + "]", "{\n" + one("a")[1:], "\x00", "[,]", "]", "{\"url\":\"s3://b/k\"}",
	} {
		f.Add(seed)
	}
	server := httptest.NewServer(newFake())
	f.Cleanup(server.Close)
	f.Fuzz(func(t *testing.T, input string) {
		accepted, code, complaints := process(t, server.URL, input)
		switch code {
		case 0:
			if strings.Contains(complaints, "rejected:") {
				t.Errorf("exit code 0 with rejections: %s", complaints)
			}
		case problem.ExitCode(problem.New(problem.Invalid, "")):
			if complaints == "" {
				t.Error("refused without a reason")
			}
		default:
			t.Errorf("exit code %d: %s", code, complaints)
		}
		last := 0
		for _, line := range accepted {
			var place int
			if _, err := fmt.Sscan(line, &place); err != nil || place <= last {
				t.Errorf("accepted out of order: %q", accepted)
			}
			last = place
		}
	})
}
