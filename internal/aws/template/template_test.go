package template_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"sundog/internal/aws"
	"sundog/internal/aws/taskstream"
	"sundog/internal/aws/template"
	"sundog/internal/aws/template/templatetest"
	"sundog/internal/project"
)

var update = flag.Bool("update", false, "write the golden files anew")

// load reads a project folder. Variables that it asks for have a value.
func load(t *testing.T, dir string) (*project.Project, template.Options) {
	t.Helper()
	p, diagnostics := project.Load(dir, project.Options{Executable: "/usr/bin/sundog", LookupEnv: func(name string) (string, bool) { return "7", name == "SECRET" }})
	if p == nil {
		t.Fatal(diagnostics)
	}
	return p, template.Options{Prefix: "sundog", Places: project.ReadPlaces(dir)}
}

// unpack writes the files of an archive into a folder.
func unpack(t *testing.T, archive *txtar.Archive) string {
	t.Helper()
	dir := t.TempDir()
	for _, f := range archive.Files {
		path := filepath.Join(dir, f.Name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, f.Data, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// TestPlan makes the templates of the examples and of the projects in testdata, and compares them with those that are recorded.
func TestPlan(t *testing.T) {
	dirs := map[string]string{"stac": "../../../examples/stac", "tasks": "../../../examples/tasks"}
	archives, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(archives) == 0 {
		t.Fatalf("no projects: %v", err)
	}
	for _, file := range archives {
		archive, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		dirs[strings.TrimSuffix(filepath.Base(file), ".txtar")] = unpack(t, archive)
	}
	for name, dir := range dirs {
		t.Run(name, func(t *testing.T) {
			p, opts := load(t, dir)
			plan, diagnostics := template.Plan(p, opts)
			if diagnostics.Errors() > 0 {
				t.Fatal(diagnostics)
			}
			text, err := plan.YAML()
			if err != nil {
				t.Fatal(err)
			}
			for i := len(diagnostics) - 1; i >= 0; i-- {
				text = append([]byte("# "+diagnostics[i].String()+"\n"), text...)
			}
			golden(t, "testdata/"+name+".yaml", text)
			read := templatetest.Read(t, text)
			templatetest.CheckReferences(t, read)
			templatetest.CheckRoles(t, read)
			checkSecrets(t, text)
			checkTriggers(t, read)

			again, err := plan.JSON()
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(read, templatetest.Read(t, again)); diff != "" {
				t.Errorf("the JSON differs from the YAML:\n%s", diff)
			}
			if strings.Contains(string(text), dir) {
				t.Error("the project folder is in the template")
			}
		})
	}
}

func golden(t *testing.T, file string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s (-want +got), go test -update writes it anew:\n%s", file, diff)
	}
}

// checkSecrets looks for values of environments, which all projects in testdata write as hidden-….
func checkSecrets(t *testing.T, text []byte) {
	t.Helper()
	if strings.Contains(string(text), "hidden-") {
		t.Error("a value that is to be hidden is in the template")
	}
}

// checkTriggers reads the triggers of functions as their handler does.
func checkTriggers(t *testing.T, plan *templatetest.Template) {
	t.Helper()
	for name, r := range plan.Resources {
		if r.Properties["Handler"] != "task-stream" {
			continue
		}
		variables := r.Properties["Environment"].(map[string]any)["Variables"].(map[string]any)
		if _, err := taskstream.Parse([]byte(variables[aws.Triggers].(string))); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
