// Package e2e tests the program as its users run it: as a process of its own, over HTTP, killed.
package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"sundog/internal/api"
)

// binary builds the program once for all tests.
var binary = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "sundog-e2e-")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "sundog")
	out, err := exec.Command("go", "build", "-o", path, "sundog/cmd/sundog").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("building: %w\n%s", err, out)
	}
	return path, nil
})

func TestMain(m *testing.M) {
	code := m.Run()
	if path, err := binary(); err == nil {
		_ = os.RemoveAll(filepath.Dir(path))
	}
	os.Exit(code)
}

// server is a server process.
type server struct {
	t         *testing.T
	dir, data string
	addr, url string
	cmd       *exec.Cmd
	log       bytes.Buffer
	done      chan error
}

func newServer(t *testing.T, project, data string) *server {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	_ = l.Close()
	s := &server{t: t, dir: project, data: data, addr: addr, url: "http://" + addr}
	t.Cleanup(func() {
		if s.cmd != nil {
			s.kill()
		}
		if t.Failed() {
			tail := s.log.Bytes()
			t.Logf("end of the server's log:\n%s", tail[max(0, len(tail)-5000):])
		}
	})
	return s
}

// start starts the server and waits until it answers.
func (s *server) start() {
	s.t.Helper()
	path, err := binary()
	if err != nil {
		s.t.Fatal(err)
	}
	s.log.Reset()
	s.cmd = exec.Command(path, "serve", "--project", s.dir, "--data", s.data, "--listen", s.addr)
	s.cmd.Stdout, s.cmd.Stderr = &s.log, &s.log
	if err := s.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.done = make(chan error, 1)
	go func(cmd *exec.Cmd, done chan error) { done <- cmd.Wait() }(s.cmd, s.done)
	s.until(30*time.Second, "the server answers", func() bool {
		select {
		case err := <-s.done:
			s.t.Fatalf("the server ended: %v\n%s", err, s.log.String())
		default:
		}
		var h api.Health
		return s.get(api.PathHealth, &h)
	})
}

// kill sends SIGKILL and waits for the end.
func (s *server) kill() {
	_ = s.cmd.Process.Kill()
	<-s.done
	s.cmd = nil
}

// stop sends SIGTERM and expects a clean end.
func (s *server) stop() {
	s.t.Helper()
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		s.t.Fatal(err)
	}
	select {
	case err := <-s.done:
		if err != nil {
			s.t.Errorf("the server ended with %v\n%s", err, s.log.String())
		}
	case <-time.After(30 * time.Second):
		s.t.Error("the server does not stop on SIGTERM")
		s.kill()
		return
	}
	s.cmd = nil
}

// get reads a JSON document, false when the server does not answer with one.
func (s *server) get(path string, into any) bool {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url+path, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	defer resp.Body.Close()
	return resp.StatusCode == http.StatusOK && json.NewDecoder(resp.Body).Decode(into) == nil
}

// until polls across the border of the process.
func (s *server) until(limit time.Duration, what string, ok func() bool) {
	s.t.Helper()
	deadline := time.Now().Add(limit)
	for !ok() {
		if time.Now().After(deadline) {
			s.t.Fatalf("waited %v in vain until %s\n%s", limit, what, s.log.String())
		}
		<-time.After(5 * time.Millisecond)
	}
}

// drain waits until nothing is left to do.
func (s *server) drain() {
	s.t.Helper()
	idle := 0
	s.until(3*time.Minute, "all payloads are through", func() bool {
		var h api.Health
		var q api.Queues
		if !s.get(api.PathHealth, &h) || !s.get(api.PathQueues, &q) {
			return false
		}
		waiting := h.Open + h.Queued
		for _, queue := range q.Queues {
			for _, lane := range queue.Lanes {
				waiting += lane.Ready + lane.Delayed + lane.InFlight
			}
		}
		if waiting > 0 {
			idle = 0
			return false
		}
		idle++
		return idle >= 3
	})
}

func writeFiles(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
