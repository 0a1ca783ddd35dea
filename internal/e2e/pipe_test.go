package e2e

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"sundog/internal/api"
)

const pipeProject = `
name: pipe
workflows:
  workflow: { definition: fails.asl.json }
`

// cirrusPipe is how operators of Cirrus run again what has failed, letter for letter.
const cirrusPipe = `sundog manage dev get-payloads --collections-workflow "sar-test_workflow" --state "FAILED" --since "10 d" --rerun | xargs -0 -L 1 echo | sundog manage dev process`

// TestCirrusPipe runs failures again the way of Cirrus, and the shorter one.
func TestCirrusPipe(t *testing.T) {
	s := newServer(t, map[string]string{
		"sundog.yaml":    pipeProject,
		"fails.asl.json": `{"StartAt":"Fail","States":{"Fail":{"Type":"Fail","Error":"Broken"}}}`,
	})
	s.start()
	ids := []string{"sar-test/workflow-workflow/it's", "sar-test/workflow-workflow/b c"}
	var sent []api.Accepted
	s.post(api.PathPayloads, "["+inCollection("it's")+","+inCollection("b c")+"]", &sent)
	if len(sent) != 2 || sent[0].PayloadID != ids[0] || sent[1].PayloadID != ids[1] {
		t.Fatalf("%+v", sent)
	}
	s.runs(ids, 1)

	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	bin := filepath.Join(s.dir, "bin")
	if err := os.Mkdir(bin, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"sundog", "cirrus"} {
		if err := os.Symlink(path, filepath.Join(bin, name)); err != nil {
			t.Fatal(err)
		}
	}
	sh := func(script string) {
		t.Helper()
		cmd := exec.CommandContext(context.Background(), "sh", "-c", script)
		cmd.Env = append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH"), "SUNDOG_DEPLOYMENTS="+filepath.Join(s.dir, "deployments.yaml"), "SUNDOG_SERVER=")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", script, err, out)
		}
	}
	sh("sundog deployments add dev --server " + s.url)
	for i, pipe := range []string{
		cirrusPipe,
		`sundog manage dev get-payloads --collections-workflow "sar-test_workflow" --state "FAILED" --since "10 d" --rerun | sundog manage dev process`,
		`cirrus mgmt dev get-input-payloads --collections-workflow sar-test_workflow --state FAILED --rerun | cirrus mgmt dev process`,
	} {
		sh(pipe)
		s.runs(ids, i+2)
	}
}

// inCollection is a payload of the workflow in the collection sar-test.
func inCollection(id string) string {
	return `{"type":"FeatureCollection","features":[{"type":"Feature","stac_version":"1.0.0","id":"` + id + `","collection":"sar-test",` +
		`"geometry":null,"properties":{"datetime":"2024-05-01T00:00:00Z"},"links":[],"assets":{}}],"process":[{"workflow":"workflow"}]}`
}

// runs waits until each of some payloads has failed in its n-th execution.
func (s *server) runs(ids []string, n int) {
	s.t.Helper()
	s.until(20*time.Second, "the payloads have run again", func() bool {
		var page api.Records
		s.mustGet(api.PathRecords+"?state=FAILED", &page)
		done := 0
		for _, r := range page.Records {
			for _, id := range ids {
				if r.PayloadID == id && len(r.Executions) == n {
					done++
				}
			}
		}
		return done == len(ids)
	})
}
