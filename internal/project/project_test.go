package project_test

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"sundog/internal/problem"
	"sundog/internal/project"
)

var update = flag.Bool("update", false, "rewrite the golden sections of testdata")

// env is the whole environment that the projects of testdata see.
func env(name string) (string, bool) {
	v, ok := map[string]string{"TOKEN": "s3cret-token"}[name]
	return v, ok
}

func options() project.Options {
	return project.Options{LookupEnv: env, Executable: "/opt/sundog/bin/sundog"}
}

// unpack writes the files of an archive. A file under bin/ or with the suffix .sh is executable.
func unpack(t testing.TB, files []txtar.File) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "harbour")
	for _, f := range files {
		path := filepath.Join(dir, f.Name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		mode := os.FileMode(0o644)
		if strings.HasPrefix(f.Name, "bin/") || strings.HasSuffix(f.Name, ".sh") {
			mode = 0o755
		}
		if err := os.WriteFile(path, f.Data, mode); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// TestDiagnostics loads each project of testdata and compares what is said about it with the archive's file "diagnostics".
func TestDiagnostics(t *testing.T) {
	archives, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(archives) == 0 {
		t.Fatalf("no archives in testdata: %v", err)
	}
	for _, path := range archives {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(path)
			if err != nil {
				t.Fatal(err)
			}
			var files []txtar.File
			golden := -1
			for i, f := range archive.Files {
				if f.Name == "diagnostics" {
					golden = i
				} else {
					files = append(files, f)
				}
			}
			if golden < 0 {
				t.Fatal(`the archive has no file "diagnostics"`)
			}
			dir := unpack(t, files)
			loaded, diags := project.Load(dir, options())
			var b strings.Builder
			for _, d := range diags {
				b.WriteString(strings.ReplaceAll(d.String(), dir, "DIR") + "\n")
			}
			if strings.Contains(b.String(), "s3cret") {
				t.Error("a diagnostic gives a secret away")
			}
			if (loaded == nil) != (diags.Errors() > 0) || (diags.Err() != nil) != (diags.Errors() > 0) {
				t.Errorf("project %v with %d errors and Err %v", loaded != nil, diags.Errors(), diags.Err())
			}
			if *update {
				archive.Files[golden].Data = []byte(b.String())
				if err := os.WriteFile(path, txtar.Format(archive), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(string(archive.Files[golden].Data), b.String()); diff != "" {
				t.Errorf("diagnostics differ (-want +got), -update rewrites them:\n%s", diff)
			}
		})
	}
}

// TestLoad checks what a complete project becomes.
func TestLoad(t *testing.T) {
	archive, err := txtar.ParseFile("testdata/complete.txtar")
	if err != nil {
		t.Fatal(err)
	}
	dir := unpack(t, archive.Files)
	p, diags := project.Load(dir, options())
	if p == nil {
		t.Fatal(diags.Err())
	}
	in := func(name string) string { return filepath.Join(dir, name) }

	ingest, ok := p.Workflow("ingest")
	if !ok || ingest.Type != "STANDARD" || !json.Valid(ingest.Definition) {
		t.Errorf("workflow ingest is %+v", ingest)
	}
	var fromYAML, fromJSON any
	tidy, _ := p.Workflow("tidy")
	for text, dst := range map[string]*any{string(tidy.Definition): &fromYAML, string(ingest.Definition): &fromJSON} {
		if err := json.Unmarshal([]byte(text), dst); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(fromJSON, fromYAML); diff != "" {
		t.Errorf("the same definition in YAML differs (-json +yaml):\n%s", diff)
	}

	inspect, _ := p.Function("inspect")
	if diff := cmp.Diff([]string{"TOKEN=s3cret-token", "FILE=from a file", "LEVEL=3"}, inspect.Env.Reveal(), cmp.Transformer("sort", sorted)); diff != "" {
		t.Errorf("env of inspect (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{in("functions/inspect.sh"), "--with", "/opt/sundog/bin/sundog", "80"}, inspect.Command); diff != "" {
		t.Errorf("command of inspect (-want +got):\n%s", diff)
	}
	if inspect.Timeout != 90*time.Second || inspect.Concurrency != 2 || inspect.Kind != project.Lambda || inspect.Dir != dir {
		t.Errorf("function inspect is %+v", inspect)
	}
	remote, _ := p.Function("remote")
	if remote.Kind != project.HTTP || remote.URL != "http://127.0.0.1:9000/" || remote.Timeout != time.Minute || remote.Concurrency != 10 {
		t.Errorf("function remote is %+v", remote)
	}
	publish, _ := p.Function("publish")
	if publish.Kind != project.Builtin || publish.Builtin != "publish" || publish.Concurrency != 0 {
		t.Errorf("function publish is %+v", publish)
	}
	checksum, _ := p.Job("checksum")
	if checksum.Timeout != 36*time.Hour || checksum.Attempts != 3 || checksum.Concurrency != 4 || checksum.Dir != in("jobs") {
		t.Errorf("job checksum is %+v", checksum)
	}
	want := []project.Subscription{
		{Name: "items", Topic: "publish", File: in("published.ndjson"), FilterScope: "attributes"},
		{Name: "hook", Topic: "workflow-event", Webhook: &project.Webhook{URL: "https://example.com/in", Secret: "s3cret-token"}, FilterScope: "attributes", Filter: []byte("{\"collection\":\n[\n\"sentinel-2-l2a\"]}")},
		{Name: "again", Topic: "publish", Function: "inspect", FilterScope: "attributes"},
	}
	if diff := cmp.Diff(want, p.Subscriptions); diff != "" {
		t.Errorf("subscriptions (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]project.Lane{{Name: "live", Concurrency: 16}, {Name: "bulk", Concurrency: 64}}, p.Lanes); diff != "" {
		t.Errorf("lanes (-want +got):\n%s", diff)
	}
	if p.Process.VisibilityTimeout != 2*time.Minute || p.Process.MaxReceives != 5 {
		t.Errorf("process %+v", p.Process)
	}
	limits := project.Limits{PayloadBytes: 1 << 20, InputBytes: 500_000, DataBytes: 400_000, HistoryEvents: 30_000, MapConcurrency: 100, RequestsPerSecond: 20}
	if p.Limits != limits {
		t.Errorf("limits %+v, want %+v", p.Limits, limits)
	}
	for of, want := range map[[2]string]time.Duration{
		{"ingest", "SUCCEEDED"}: 30 * 24 * time.Hour, {"tidy", "SUCCEEDED"}: 0, {"tidy", "FAILED"}: 36 * time.Hour,
		{"ingest", "FAILED"}: 0, {"tidy", "INVALID"}: 0, {"gone", "SUCCEEDED"}: 30 * 24 * time.Hour,
	} {
		if got := p.Retention.Record(of[0], of[1]); got != want {
			t.Errorf("records of %v are kept for %s, want %s", of, got, want)
		}
	}
	if got := fmt.Sprint(p.Egress); got != "[127.0.0.1/32 10.1.0.0/16]" {
		t.Errorf("egress is allowed to %s", got)
	}
	if tidy, others := p.Retention.Execution("tidy"), p.Retention.Execution("ingest"); tidy != 5*24*time.Hour || others != 90*24*time.Hour {
		t.Errorf("executions of tidy are kept for %s, others for %s", tidy, others)
	}
	if r := p.Retention; r.Logs != time.Hour || r.Executions != 90*24*time.Hour || r.Temporary != 10*24*time.Hour || r.Audit != 365*24*time.Hour {
		t.Errorf("retention %+v", r)
	}
	if diff := cmp.Diff(project.Catalog{ID: "demo", Title: "demo", Description: "Items published by harbour."}, p.Catalog); diff != "" {
		t.Errorf("catalog (-want +got):\n%s", diff)
	}
}

func sorted(in []string) map[string]bool {
	set := map[string]bool{}
	for _, s := range in {
		set[s] = true
	}
	return set
}

func TestEmptyFileIsTheDefault(t *testing.T) {
	dir := unpack(t, []txtar.File{{Name: project.FileName}})
	p, diags := project.Load(dir, options())
	if len(diags) != 0 {
		t.Fatalf("diagnostics: %v", diags)
	}
	if diff := cmp.Diff(project.Default(dir, "harbour"), p); diff != "" {
		t.Errorf("(-default +loaded):\n%s", diff)
	}
}

func TestMissingFolder(t *testing.T) {
	_, diags := project.Load(filepath.Join(t.TempDir(), "nowhere"), options())
	if problem.KindOf(diags.Err()) != problem.Invalid {
		t.Errorf("loading a folder that is not there: %v", diags.Err())
	}
}

// TestBounds covers files and documents that a golden archive would be too large for.
func TestBounds(t *testing.T) {
	const declared = "workflows: {w: {definition: w.asl.yaml}}\n"
	bomb := "a0: &a0 [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]\n"
	for i := 1; i < 9; i++ {
		bomb += fmt.Sprintf("a%d: &a%d [%s]\n", i, i, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*a%d, ", i-1), 10), ", "))
	}
	tests := []struct {
		name, file, definition string
		want                   string
	}{
		{"aliases that multiply", declared, bomb, "more than 100000 values"},
		{"an alias of itself", declared, "x: &x [*x]\n", "nested deeper than 200 levels"},
		{"nesting", declared, strings.Repeat("[", 300) + strings.Repeat("]", 300), "nested deeper than 200 levels"},
		{"a large definition", declared, "Comment: " + strings.Repeat("x", 1<<20), "larger than 1048576 bytes"},
		{"a large project file", declared + "# " + strings.Repeat("x", 1<<20), "", "larger than 1048576 bytes"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := unpack(t, []txtar.File{
				{Name: project.FileName, Data: []byte(tt.file)},
				{Name: "w.asl.yaml", Data: []byte(tt.definition)},
			})
			p, diags := project.Load(dir, options())
			if p != nil || diags.Errors() != 1 || !strings.Contains(diags[0].Reason, tt.want) {
				t.Errorf("want one error with %q, got %v", tt.want, diags)
			}
		})
	}
}

func TestSecretFiles(t *testing.T) {
	dir := unpack(t, nil)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name, text string
		want       string
		wrong      string
	}{
		{"a line", "value\n", "value", ""},
		{"a line of Windows", "value\r\n", "value", ""},
		{"only one line end goes", "value\n\n", "value\n", ""},
		{"no line end", " value ", " value ", ""},
		{"binary", "va\x00lue", "", "NUL"},
		{"too long", strings.Repeat("x", 64<<10+1), "", "larger than 65536 bytes"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			secret := filepath.Join(t.TempDir(), "secret")
			if err := os.WriteFile(secret, []byte(tt.text), 0o600); err != nil {
				t.Fatal(err)
			}
			file := fmt.Sprintf("jobs: {j: {command: [sh], env: {KEY: {from_file: %q}}}}\n", secret)
			if err := os.WriteFile(filepath.Join(dir, project.FileName), []byte(file), 0o644); err != nil {
				t.Fatal(err)
			}
			p, diags := project.Load(dir, options())
			if tt.wrong != "" {
				if diags.Errors() != 1 || !strings.Contains(diags[0].Reason, tt.wrong) || !strings.Contains(diags[0].Reason, "KEY") {
					t.Errorf("want one error with %q, got %v", tt.wrong, diags)
				}
				return
			}
			if p == nil {
				t.Fatal(diags.Err())
			}
			if got := p.Jobs[0].Env["KEY"].Reveal(); got != tt.want {
				t.Errorf("the value is %q, want %q", got, tt.want)
			}
		})
	}
}

// TestWorkflowOutsideIsRefused covers the way out that a path alone does not show.
func TestWorkflowOutsideIsRefused(t *testing.T) {
	outside := filepath.Join(t.TempDir(), "x.asl.json")
	if err := os.WriteFile(outside, []byte(`{}`), 0o644); err != nil {
		t.Fatal(err)
	}
	dir := unpack(t, []txtar.File{{Name: project.FileName, Data: []byte("workflows: {w: {definition: link.asl.json}}\n")}})
	if err := os.Symlink(outside, filepath.Join(dir, "link.asl.json")); err != nil {
		t.Fatal(err)
	}
	_, diags := project.Load(dir, options())
	if diags.Errors() != 1 || !strings.Contains(diags[0].Reason, "link.asl.json") {
		t.Errorf("a link out of the folder gives %v", diags)
	}
}

func TestSecretsStayHidden(t *testing.T) {
	f := project.Function{Name: "f", Env: project.Env{"KEY": "hunter2"}}
	text, err := json.Marshal(f)
	if err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("loaded", "secret", f.Env["KEY"], "function", f)
	for how, shown := range map[string]string{
		"%v": fmt.Sprintf("%v", f), "%+v": fmt.Sprintf("%+v", f), "%#v": fmt.Sprintf("%#v", f), "String": f.Env["KEY"].String(),
		"%q": fmt.Sprintf("%q", f.Env["KEY"]), "%x": fmt.Sprintf("%x", f.Env["KEY"]), "JSON": string(text), "slog": log.String(),
	} {
		if strings.Contains(shown, "hunter2") || strings.Contains(shown, "68756e74657232") {
			t.Errorf("%s shows the secret: %s", how, shown)
		}
	}
	if got := f.Env.Reveal(); len(got) != 1 || got[0] != "KEY=hunter2" {
		t.Errorf("Reveal = %v", got)
	}
}

const buildProject = `
functions:
  greet:
    type: command
    build: [sh, compile.sh, -o, out/greet, ./src]
    command: [out/greet]
`

func TestBuild(t *testing.T) {
	dir := unpack(t, []txtar.File{
		{Name: project.FileName, Data: []byte(buildProject)},
		{Name: "src/greet.txt", Data: []byte("hello")},
		{Name: "compile.sh", Data: []byte("cat \"$3\"/greet.txt > \"$2\" && chmod +x \"$2\"\n")},
	})
	p, diags := project.Load(dir, options())
	if p == nil {
		t.Fatal(diags.Err())
	}
	output := filepath.Join(dir, "out/greet")
	build := func() int {
		t.Helper()
		done := 0
		err := p.Build(t.Context(), func(s project.BuildStep) {
			if s.Done {
				done++
			}
		})
		if err != nil {
			t.Fatal(err)
		}
		return done
	}
	age := func(name string, by time.Duration) {
		t.Helper()
		at := time.Now().Add(by)
		if err := os.Chtimes(filepath.Join(dir, name), at, at); err != nil {
			t.Fatal(err)
		}
	}
	for _, source := range []string{"src/greet.txt", project.FileName, "compile.sh"} {
		age(source, -time.Hour)
	}
	if n := build(); n != 1 {
		t.Fatalf("a missing output: %d builds", n)
	}
	if text, err := os.ReadFile(output); err != nil || string(text) != "hello" {
		t.Fatalf("the output is %q, %v", text, err)
	}
	if n := build(); n != 0 {
		t.Errorf("a fresh output: %d builds", n)
	}
	age("src/greet.txt", time.Minute)
	if n := build(); n != 1 {
		t.Errorf("a newer source: %d builds", n)
	}
	age("src/greet.txt", -time.Hour)
	age(project.FileName, time.Minute)
	if n := build(); n != 1 {
		t.Errorf("a newer project file: %d builds", n)
	}

	if err := os.Remove(output); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	stop := errors.New("enough")
	err := p.Build(ctx, func(project.BuildStep) { cancel(stop) })
	if !errors.Is(err, stop) {
		t.Errorf("a cancelled build ends with %v", err)
	}
	if err := os.Remove(filepath.Join(dir, "src/greet.txt")); err != nil {
		t.Fatal(err)
	}
	err = p.Build(t.Context(), nil)
	if problem.KindOf(err) != problem.Invalid || !strings.Contains(err.Error(), "greet.txt") {
		t.Errorf("a failing build ends with %v", err)
	}
}

// FuzzLoad: whatever the two files hold, loading ends, with a project that is complete or with errors that have a place.
func FuzzLoad(f *testing.F) {
	archives, err := filepath.Glob("testdata/*.txtar")
	if err != nil {
		f.Fatal(err)
	}
	for _, path := range archives {
		archive, err := txtar.ParseFile(path)
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range archive.Files {
			if file.Name == project.FileName {
				f.Add(file.Data, []byte("StartAt: A\nStates: {A: {Type: Pass, End: true}}\n"))
			}
			if strings.HasSuffix(file.Name, ".asl.yaml") {
				f.Add([]byte("workflows: {w: {definition: w.asl.yaml}}\n"), file.Data)
			}
		}
	}
	f.Add([]byte("a: &a [*a]\n"), []byte("x: &x [*x, *x]\n"))
	f.Add([]byte("workflows: {w: {definition: w.asl.yaml}}"), []byte("x: &x [*x, *x]\n"))
	f.Add([]byte("workflows: &w {w: {definition: w.asl.yaml}}\nfunctions: *w"), []byte("a: &a [1,2]\nb: &b [*a,*a]\nc: &c [*b,*b]\n"))
	f.Fuzz(func(t *testing.T, file, definition []byte) {
		dir := t.TempDir()
		for name, text := range map[string][]byte{project.FileName: file, "w.asl.yaml": definition} {
			if err := os.WriteFile(filepath.Join(dir, name), text, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		p, diags := project.Load(dir, options())
		if (p == nil) != (diags.Errors() > 0) {
			t.Fatalf("project %v with diagnostics %v", p, diags)
		}
		for _, d := range diags {
			if d.Line < 1 || d.Column < 1 || d.Reason == "" || d.File == "" {
				t.Fatalf("diagnostic without a place or reason: %+v", d)
			}
		}
		if p == nil {
			return
		}
		for _, w := range p.Workflows {
			if !json.Valid(w.Definition) {
				t.Fatalf("workflow %s: the definition is not JSON: %s", w.Name, w.Definition)
			}
		}
	})
}
