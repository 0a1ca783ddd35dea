package main

import (
	"context"
	"encoding/json"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sync/errgroup"

	"sundog/internal/aws/awstest"
	"sundog/internal/embedded"
	"sundog/internal/project"
	"sundog/internal/server"
)

// laptop runs a server with the workflows ok and bad, where bad succeeds, and returns its URL.
func laptop(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"sundog.yaml": "name: laptop\nworkflows:\n  ok: { definition: pass.asl.json }\n  bad: { definition: pass.asl.json }\n", "pass.asl.json": passes,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	p, diagnostics := project.Load(dir, project.Options{})
	if err := diagnostics.Err(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	urls := make(chan string, 1)
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		return host(ctx, p, filepath.Join(dir, "data"), server.Options{Listen: "127.0.0.1:0", Logger: slog.New(slog.DiscardHandler)}, func(_ context.Context, s *server.Server, _ *embedded.Platform) error {
			urls <- s.URL()
			return nil
		})
	})
	t.Cleanup(func() {
		cancel()
		if err := g.Wait(); err != nil {
			t.Error(err)
		}
	})
	select {
	case url := <-urls:
		return url
	case <-ctx.Done():
		t.Fatal(g.Wait())
		return ""
	}
}

// TestSync brings what failed on AWS to a server, runs it there again, and brings what came of it back.
func TestSync(t *testing.T) {
	f := newFleet(t)
	local := laptop(t)
	f.manage(payloadOf("bad", "1")+"\n"+payloadOf("bad", "2")+"\n"+payloadOf("ok", "1")+"\n"+payloadOf("slow", "1"), "process")
	f.work()

	run := func(args ...string) string {
		t.Helper()
		r := sundog(t, "", args...)
		if r.code != 0 {
			t.Fatalf("%v ended with %d: %s", args, r.code, r.err)
		}
		return r.out
	}
	mustHold(t, run("sync", "dev", local, "--payloads", "--outputs"), `"stored":3`, `"left_out":1`, `"payloads":4`)
	mustHold(t, run("sync", "dev", local, "--payloads", "--outputs"), `"stored":0`, `"existing":3`, `"payloads":0`, `"payloads_existing":4`)
	mustHold(t, run("--server", local, "get-state", "c/workflow-bad/1"), "FAILED", "Broken: on purpose", awstest.Region+":"+awstest.Account)
	mustHold(t, run("--server", local, "get-output-payload", "c/workflow-ok/1"), "FeatureCollection")
	mustHold(t, run("--server", local, "rerun", "--workflow", "bad", "--state", "FAILED", "--limit", "1", "--yes", "--wait"), `"sent":1`)
	eventually(t, func() bool {
		return strings.Contains(run("--server", local, "query", "--workflow", "bad", "--state", "SUCCEEDED"), "c/workflow-bad/")
	})
	// What ran here since stays as it is, and goes back only when it is to replace what is there.
	mustHold(t, run("sync", "dev", local, "--payloads"), `"payloads_newer":1`)
	mustHold(t, run("sync", local, "dev", "--workflow", "bad", "--state", "SUCCEEDED", "--outputs"), `"existing":1`, `"payloads_newer":1`)
	mustHold(t, run("sync", local, "dev", "--workflow", "bad", "--state", "SUCCEEDED", "--payloads", "--outputs", "--overwrite"), `"stored":1`, `"payloads":2`)
	back := f.manage("", "query", "--workflow", "bad", "--state", "SUCCEEDED")
	var again struct {
		PayloadID string `json:"payload_id"`
	}
	if err := json.Unmarshal([]byte(back), &again); err != nil {
		t.Fatalf("%s: %v", back, err)
	}
	mustHold(t, f.manage("", "get-output-payload", again.PayloadID), again.PayloadID)

	if r := sundog(t, "", "sync", "dev", "gone"); r.code != 3 || !strings.Contains(r.err, "gone") {
		t.Errorf("%+v", r)
	}
	if r := sundog(t, "", "sync", "dev", "http://127.0.0.1:1"); r.code != 8 || !strings.Contains(r.err, "cannot be reached") {
		t.Errorf("%+v", r)
	}
}

// TestSyncServers copies between two servers, which needs no stand-ins.
func TestSyncServers(t *testing.T) {
	from, to := laptop(t), laptop(t)
	run := func(input string, args ...string) string {
		t.Helper()
		r := sundog(t, input, args...)
		if r.code != 0 {
			t.Fatalf("%v ended with %d: %s", args, r.code, r.err)
		}
		return r.out
	}
	var all strings.Builder
	for i := range 450 {
		all.WriteString(payloadOf("ok", strconv.Itoa(i)) + "\n")
	}
	run(all.String(), "--server", from, "process", "--wait")
	mustHold(t, run("", "sync", from, to, "--payloads", "--outputs"), `"stored":450`, `"payloads":900`)
	mustHold(t, run("", "sync", from, to, "--payloads", "--limit", "300"), `"existing":300`, `"payloads_existing":300`)
	mustHold(t, run("", "--server", to, "stats"), `"count":450`)
	mustHold(t, run("", "--server", to, "get-output-payload", "c/workflow-ok/449"), "FeatureCollection")
	mustHold(t, run("", "--server", to, "rerun", "--state", "SUCCEEDED", "--yes", "--wait"), `"sent":450`)
}
