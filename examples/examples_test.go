package examples_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sundog/asl"
	"sundog/examples"
	"sundog/internal/batch"
	"sundog/internal/bucket/buckettest"
	embedded "sundog/internal/embedded/bucket"
	"sundog/internal/embedded/function"
	"sundog/internal/embedded/job"
	"sundog/internal/project"
	"sundog/internal/publish"
	"sundog/internal/stac"
	"sundog/payload"
)

var update = flag.Bool("update", false, "rewrite payloads.ndjson from the items and process definitions")

// late is the scene whose files arrive late.
const late = "S1A_IW_GRDH_1SDV_20210809T173953_20210809T174018_039156_049F13"

// process names the process definitions for an item.
func process(collection, id string) string {
	switch {
	case id == late:
		return "process/late.json"
	case strings.HasPrefix(collection, "sentinel-1"):
		return "process/radar.json"
	}
	return "process/optical.json"
}

func itemFiles(t *testing.T) []string {
	t.Helper()
	files, err := fs.Glob(examples.STAC(), "items/*/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no items: %v", err)
	}
	return files
}

func read(t *testing.T, name string) []byte {
	t.Helper()
	raw, err := fs.ReadFile(examples.STAC(), name)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func TestItems(t *testing.T) {
	collections := map[string]int{}
	for _, file := range itemFiles(t) {
		item, err := stac.ParseItem(read(t, file))
		if err != nil {
			t.Errorf("%s: %v", file, err)
			continue
		}
		if want := item.ID() + ".json"; path.Base(file) != want {
			t.Errorf("%s holds %s", file, want)
		}
		if folder := path.Base(path.Dir(file)); folder != "invalid" && folder != item.Collection() {
			t.Errorf("%s is of the collection %s", file, item.Collection())
		}
		collections[item.Collection()]++
	}
	if n := len(itemFiles(t)); n < 24 || len(collections) < 3 {
		t.Errorf("%d items of %d collections, want 24 of 3 at least", n, len(collections))
	}
}

// TestPayloads keeps payloads.ndjson what the items and process definitions make.
func TestPayloads(t *testing.T) {
	var want bytes.Buffer
	for _, file := range itemFiles(t) {
		item, err := stac.ParseItem(read(t, file))
		if err != nil {
			t.Fatal(err)
		}
		text := fmt.Sprintf(`{"type":"FeatureCollection","features":[%s],"process":%s}`, read(t, file), read(t, process(item.Collection(), item.ID())))
		if err := json.Compact(&want, []byte(text)); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		want.WriteByte('\n')
	}
	if *update {
		if err := os.WriteFile(filepath.Join("stac", "payloads.ndjson"), want.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if !bytes.Equal(read(t, "payloads.ndjson"), want.Bytes()) {
		t.Error("payloads.ndjson is not what items and process definitions make; run go test ./examples -update")
	}
	ids := map[string]bool{}
	for i, raw := range examples.Payloads() {
		p, err := payload.Parse(raw)
		if err != nil {
			t.Errorf("payload %d: %v", i+1, err)
			continue
		}
		if p.Workflow() != "ingest" || ids[p.ID().String()] {
			t.Errorf("payload %d: workflow %q, id %s", i+1, p.Workflow(), p.ID())
		}
		ids[p.ID().String()] = true
	}
}

func TestWorkflows(t *testing.T) {
	files, err := fs.Glob(examples.STAC(), "workflows/*.asl.json")
	if err != nil || len(files) != 2 {
		t.Fatalf("workflows %v, %v", files, err)
	}
	for _, file := range files {
		if _, err := asl.Parse(read(t, file)); err != nil {
			t.Errorf("%s: %v", file, err)
		}
	}
}

// TestPublishable publishes every payload as it stands, and then what would be chained.
func TestPublishable(t *testing.T) {
	b := buckettest.NewMemory()
	p := publish.New(publish.Config{Bucket: b, BucketName: "data", BaseURL: "https://data.example.com"})
	chained := 0
	for _, raw := range examples.Payloads() {
		parsed, err := payload.Parse(raw)
		if err != nil {
			t.Fatal(err)
		}
		out, err := p.Publish(context.Background(), parsed.Bytes())
		if err != nil {
			t.Errorf("%s: %v", parsed.ID(), err)
			continue
		}
		output, err := payload.ParseOutput(out)
		if err != nil {
			t.Fatal(err)
		}
		successors, err := output.Next()
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range successors {
			if s.Payload == nil {
				continue // its filter keeps nothing
			}
			chained++
			if _, err := p.Publish(context.Background(), s.Payload); err != nil {
				t.Errorf("chained from %s: %v", parsed.ID(), err)
			}
		}
	}
	for _, key := range []string{"catalog.json", "sentinel-2-l2a/collection.json", "cloudy-scenes/collection.json", "scene-summaries/collection.json"} {
		if _, _, err := b.Get(context.Background(), key); err != nil {
			t.Error(err)
		}
	}
	if chained == 0 || chained == len(examples.Payloads()) {
		t.Errorf("%d of %d payloads are chained; some are to be, and some not", chained, len(examples.Payloads()))
	}
}

// TestTasks loads and builds the project as it is unpacked, and runs the tasks of both workflows over every payload, in the order
// of the workflows.
func TestTasks(t *testing.T) {
	for _, program := range []string{"go", "sh"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("the example needs %s", program)
		}
	}
	dir := t.TempDir()
	if err := os.CopyFS(dir, examples.STAC()); err != nil {
		t.Fatal(err)
	}
	p, diags := project.Load(dir, project.Options{})
	if len(diags) > 0 {
		t.Fatal(diags)
	}
	if err := p.Build(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, p)
	ended := map[string]int{}
	for _, raw := range examples.Payloads() {
		in, err := payload.Parse(raw)
		if err != nil {
			t.Fatal(err)
		}
		out, err := w.ingest(in.Bytes())
		var failed *function.Error
		switch {
		case errors.As(err, &failed) && failed.Type == "stactask.exceptions.InvalidInput" && strings.Contains(failed.Cause, "140 is not between 0 and 100"):
			ended["invalid"]++
			continue
		case err != nil:
			t.Fatalf("%s: %v", in.ID(), err)
		}
		ended["published"]++
		done, err := payload.ParseOutput(out)
		if err != nil {
			t.Fatal(err)
		}
		next, err := done.Next()
		if err != nil {
			t.Fatal(err)
		}
		for _, follower := range next {
			if follower.Payload == nil {
				ended["filtered"]++
				continue
			}
			chained, err := payload.Parse(follower.Payload)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := w.summarise(chained.Bytes()); err != nil {
				t.Fatalf("%s: %v", chained.ID(), err)
			}
			ended["summarised"]++
		}
	}
	want := map[string]int{"invalid": 1, "published": 26, "filtered": 4, "summarised": 21}
	if diff := cmp.Diff(want, ended); diff != "" {
		t.Errorf("payloads (-want +got):\n%s", diff)
	}
	if w.retries != 1 {
		t.Errorf("%d retries, want 1", w.retries)
	}
	for _, collection := range []string{"sentinel-2-l2a", "cloudy-scenes", "sentinel-1-grd", "landsat-c2-l1", "scene-summaries"} {
		if _, err := os.Stat(filepath.Join(w.catalog, collection, "collection.json")); err != nil {
			t.Error(err)
		}
	}
}

// world runs the project's functions and jobs on files.
type world struct {
	t         *testing.T
	functions *function.Host
	jobs      *job.Runner
	catalog   string
	retries   int
}

func newWorld(t *testing.T, p *project.Project) *world {
	t.Helper()
	files := func(name string) *embedded.Files {
		b, err := embedded.OpenFiles(filepath.Join(t.TempDir(), name))
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	payloads, catalog := files("payloads"), files("catalog")
	publisher := publish.New(publish.Config{Bucket: catalog, BucketName: "data", BaseURL: "file://" + catalog.Root(), Root: publish.Root(p.Catalog)})
	exchange := batch.New(batch.Config{
		Bucket: payloads, Fetcher: fileFetcher{}, Layout: payload.Layout{Bucket: "payloads", Root: payload.DefaultRoot},
		URL: func(l payload.Location) string { return filepath.Join(payloads.Root(), filepath.FromSlash(l.Key)) },
	})
	builtins := map[string]func(context.Context, []byte) ([]byte, error){
		"pre-batch": exchange.Pre, "post-batch": exchange.Post, "publish": exchange.ByReference("publish", publisher.Publish),
	}
	var functions []function.Spec
	for _, f := range p.Functions {
		functions = append(functions, function.Spec{
			Name: f.Name, Kind: function.Kind(f.Kind), Command: f.Command, Dir: f.Dir, Timeout: f.Timeout, Concurrency: f.Concurrency, Builtin: builtins[f.Builtin],
		})
	}
	var jobs []job.Spec
	for _, j := range p.Jobs {
		jobs = append(jobs, job.Spec{Name: j.Name, Command: j.Command, Dir: j.Dir, Timeout: j.Timeout, Concurrency: j.Concurrency})
	}
	w := &world{t: t, catalog: catalog.Root()}
	var err error
	if w.functions, err = function.NewHost(functions, function.Options{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.functions.Close(context.Background()) })
	if w.jobs, err = job.NewRunner(jobs, job.Options{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.jobs.Close(context.Background()) })
	return w
}

// ingest is the workflow of this name.
func (w *world) ingest(raw []byte) ([]byte, error) {
	inspected, err := w.call("inspect", fmt.Appendf(nil, `{"attempt":0,"payload":%s}`, raw))
	var failed *function.Error
	if errors.As(err, &failed) && failed.Type == "SourceNotReady" {
		w.retries++
		inspected, err = w.call("inspect", fmt.Appendf(nil, `{"attempt":1,"payload":%s}`, raw))
	}
	if err != nil {
		return nil, err
	}
	stored, err := w.call("pre-batch", inspected)
	if err != nil {
		return nil, err
	}
	var parameters map[string]string
	if err := json.Unmarshal(stored, &parameters); err != nil {
		return nil, err
	}
	result, err := w.jobs.Run(w.t.Context(), job.Request{Job: "plan", Parameters: parameters})
	if err != nil {
		return nil, err
	}
	described, err := json.Marshal(result)
	if err != nil {
		return nil, err
	}
	fetched, err := w.call("post-batch", described)
	if err != nil {
		return nil, err
	}
	return w.call("publish", fetched)
}

// summarise is the workflow of this name.
func (w *world) summarise(raw []byte) ([]byte, error) {
	derived, err := w.call("summarise", raw)
	if err != nil {
		return nil, err
	}
	return w.call("publish", derived)
}

func (w *world) call(name string, event []byte) ([]byte, error) {
	response, err := w.functions.Invoke(w.t.Context(), function.Request{Function: name, Payload: event})
	return response.Payload, err
}

// TestAnnounce calls the function that is subscribed to radar scenes.
func TestAnnounce(t *testing.T) {
	if _, err := exec.LookPath("sh"); err != nil {
		t.Skip("the function announce needs a POSIX shell")
	}
	cmd := exec.CommandContext(t.Context(), "sh", "stac/functions/announce.sh")
	cmd.Stdin = strings.NewReader(`{"Records":[]}`)
	var log bytes.Buffer
	cmd.Stderr = &log
	out, err := cmd.Output()
	if err != nil || strings.TrimSpace(string(out)) != `{"announced": true}` || !strings.Contains(log.String(), "14 bytes") {
		t.Errorf("printed %s, logged %s, %v", out, &log, err)
	}
}

// fileFetcher reads the documents at paths.
type fileFetcher struct{}

func (fileFetcher) Fetch(_ context.Context, url string) ([]byte, error) {
	return os.ReadFile(url)
}
