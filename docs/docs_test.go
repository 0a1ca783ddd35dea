// Package docs_test holds the documentation to what the program does.
package docs_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"sundog/internal/project"
)

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// block is a code block whose first line names a file: ```yaml sundog.yaml
var block = regexp.MustCompile("(?ms)^```[a-z]+ (\\S+)\n(.*?)^```$")

// unpack writes the files that a page shows.
func unpack(t *testing.T, page string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	for _, b := range block.FindAllStringSubmatch(page, -1) {
		write(t, filepath.Join(dir, b[1]), b[2])
	}
	return dir
}

func pages(t *testing.T) []string {
	t.Helper()
	names, err := filepath.Glob("*.md")
	if err != nil || len(names) == 0 {
		t.Fatalf("no pages: %v", err)
	}
	return names
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func options() project.Options {
	return project.Options{Executable: "/usr/bin/sundog", LookupEnv: func(string) (string, bool) { return "value", true }}
}

// TestExamples loads the projects that pages show, which have to be valid as they stand.
func TestExamples(t *testing.T) {
	loaded := 0
	for _, page := range pages(t) {
		dir := unpack(t, read(t, page))
		if _, err := os.Stat(filepath.Join(dir, project.FileName)); err != nil {
			continue
		}
		if page == "project-file.md" { // names what is no example of its own
			write(t, filepath.Join(dir, "jobs/tile.sh"), "")
			write(t, filepath.Join(dir, "certificate.pem"), "")
		}
		p, diagnostics := project.Load(dir, options())
		for _, d := range diagnostics {
			if !strings.Contains(d.Reason, "in PATH") { // what is installed here is not the page's business
				t.Errorf("%s: %s", page, d)
			}
		}
		if p != nil {
			loaded++
		}
	}
	if loaded < 3 {
		t.Errorf("%d projects were loaded", loaded)
	}
}

// sections are mistakes, each of which makes the program list the fields of one section, and the heading under which they stand.
var sections = map[string]string{
	"### The project":     "zzzzzzzz: 1",
	"### `workflows`":     "workflows: {a: {zzzzzzzz: 1}}",
	"### `functions`":     "functions: {a: {zzzzzzzz: 1}}",
	"### `jobs`":          "jobs: {a: {zzzzzzzz: 1}}",
	"### `subscriptions`": "subscriptions: [{zzzzzzzz: 1}]",
	"### `connections`":   "connections: {a: {zzzzzzzz: 1}}",
	"### `tables`":        "tables: {a: {zzzzzzzz: 1}}",
	"### `resources`":     "resources: {/a: {zzzzzzzz: 1}}",
	"### `triggers`":      "triggers: {a: {zzzzzzzz: 1}}",
	"### `schedules`":     "schedules: {a: {zzzzzzzz: 1}}",
	"### `egress`":        "egress: {zzzzzzzz: 1}",
	"### `lanes`":         "lanes: {zzzzzzzz: {}}",
	"### `process`":       "process: {zzzzzzzz: 1}",
	"### `limits`":        "limits: {zzzzzzzz: 1}",
	"### `catalog`":       "catalog: {zzzzzzzz: 1}",
}

// TestProjectFileFields checks that project-file.md describes the fields that there are, no more and no less.
func TestProjectFileFields(t *testing.T) {
	page := read(t, "project-file.md")
	for heading, mistake := range sections {
		t.Run(heading, func(t *testing.T) {
			_, rest, ok := strings.Cut(page, heading+"\n")
			if !ok {
				t.Fatalf("there is no heading %q", heading)
			}
			section, _, _ := strings.Cut(rest, "\n### ")
			described := map[string]bool{}
			for _, row := range regexp.MustCompile("(?m)^\\| `([a-z_]+)[`.]").FindAllStringSubmatch(section, -1) {
				described[row[1]] = true
			}
			known := knownFields(t, mistake)
			for _, field := range known {
				if !described[field] {
					t.Errorf("the field %s is not described", field)
				}
				delete(described, field)
			}
			for field := range described {
				t.Errorf("the field %s is described, but known are %v", field, known)
			}
		})
	}
}

// knownFields returns what the hint lists that a mistake gives.
func knownFields(t *testing.T, mistake string) []string {
	t.Helper()
	dir := t.TempDir()
	write(t, filepath.Join(dir, project.FileName), mistake+"\n")
	_, diagnostics := project.Load(dir, options())
	for _, d := range diagnostics {
		if list, ok := strings.CutPrefix(d.Hint, "known fields: "); ok {
			return strings.Split(list, ", ")
		}
	}
	t.Fatalf("%q: no diagnostic lists the known fields: %v", mistake, diagnostics)
	return nil
}

// link is a link of Markdown to a file of this repository.
var link = regexp.MustCompile(`\]\(([^):#]+)(?:#[^)]*)?\)`)

// TestLinks follows the links between pages.
func TestLinks(t *testing.T) {
	for _, page := range append(pages(t), "../README.md", "../ARCHITECTURE.md") {
		for _, l := range link.FindAllStringSubmatch(read(t, page), -1) {
			if _, err := os.Stat(filepath.Join(filepath.Dir(page), l[1])); err != nil {
				t.Errorf("%s links %s, which is not there", page, l[1])
			}
		}
	}
}
