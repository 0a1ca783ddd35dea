// Package e2e tests the program as its users run it: as a process of its own, over HTTP, with whatever may befall it.
package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
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
	log       output
	cmd       *exec.Cmd     // nil while none runs
	done      chan struct{} // closed when the process has ended
	err       error         // how it ended; to be read once done is closed
}

// output is what a process prints. It may be read while the process runs.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

func (o *output) reset() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.text.Reset()
}

// newServer prepares a server on a data directory, and starts none yet. The project's files are written to dir.
func newServer(t *testing.T, files map[string]string) *server {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		writeFile(t, dir, name, text)
	}
	addr := freeAddress(t)
	s := &server{t: t, dir: dir, data: filepath.Join(dir, "data"), addr: addr, url: "http://" + addr}
	t.Cleanup(func() {
		s.kill()
		if t.Failed() {
			text := s.log.String()
			t.Logf("end of the server's log:\n%s", text[max(0, len(text)-5000):])
		}
	})
	return s
}

func writeFile(t *testing.T, dir, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// freeAddress finds a port below those that connections are given, which could take it while the server is down.
func freeAddress(t *testing.T) string {
	t.Helper()
	for range 100 {
		l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(20_000+rand.IntN(12_000))))
		if err != nil {
			continue
		}
		addr := l.Addr().String()
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		return addr
	}
	t.Fatal("there is no free port from 20000 to 32000")
	return ""
}

// launch starts the process and does not wait until it answers.
func (s *server) launch() {
	s.t.Helper()
	path, err := binary()
	if err != nil {
		s.t.Fatal(err)
	}
	s.log.reset()
	s.cmd = exec.Command(path, "serve", "--project", s.dir, "--data", s.data, "--listen", s.addr)
	s.cmd.Stdout, s.cmd.Stderr = &s.log, &s.log
	if err := s.cmd.Start(); err != nil {
		s.cmd = nil
		s.t.Fatal(err)
	}
	done, cmd := make(chan struct{}), s.cmd
	s.done = done
	go func() {
		defer close(done)
		s.err = cmd.Wait()
	}()
}

// start starts the process and waits until it answers.
func (s *server) start() {
	s.t.Helper()
	s.launch()
	s.until(30*time.Second, "the server answers", func() bool {
		select {
		case <-s.done:
			s.t.Fatalf("the server ended: %v\n%s", s.err, s.log.String())
		default:
		}
		var h api.Health
		return s.get(api.PathHealth, &h)
	})
}

// kill sends SIGKILL and waits for the end. It does nothing when no process runs.
func (s *server) kill() {
	if s.cmd == nil {
		return
	}
	_ = s.cmd.Process.Kill() // fails when it has ended by itself
	<-s.done
	s.cmd = nil
}

// terminate sends SIGTERM.
func (s *server) terminate() {
	s.t.Helper()
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		s.t.Fatal(err)
	}
}

// stopLimit is how long a stop may take.
const stopLimit = 10 * time.Second

// stop sends SIGTERM and expects the end that was asked for: soon, with code 0.
func (s *server) stop() {
	s.t.Helper()
	s.terminate()
	limit := time.NewTimer(stopLimit)
	defer limit.Stop()
	select {
	case <-s.done:
		if s.err != nil {
			s.t.Errorf("the server ended with %v\n%s", s.err, s.log.String())
		}
	case <-limit.C:
		s.t.Errorf("the server has not stopped %v after SIGTERM\n%s", stopLimit, s.log.String())
		s.kill()
	}
	s.cmd = nil
}

// request sends a request and returns status and body; 0 when the server did not answer it to the end.
func (s *server) request(ctx context.Context, method, path, contentType string, body []byte) (int, []byte) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, s.url+path, bytes.NewReader(body))
	if err != nil {
		s.t.Error(err)
		return 0, nil
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, nil
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, text
	}
	return resp.StatusCode, text
}

// get reads a JSON document, and reports whether the server answered with one.
func (s *server) get(path string, into any) bool {
	status, text := s.request(context.Background(), http.MethodGet, path, "", nil)
	return status == http.StatusOK && json.Unmarshal(text, into) == nil
}

// mustGet reads a JSON document that has to be there.
func (s *server) mustGet(path string, into any) {
	s.t.Helper()
	status, text := s.request(context.Background(), http.MethodGet, path, "", nil)
	if status != http.StatusOK {
		s.t.Fatalf("GET %s: %d %s", path, status, text)
	}
	if err := json.Unmarshal(text, into); err != nil {
		s.t.Fatalf("GET %s: %v: %s", path, err, text)
	}
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

// drain waits until nothing is left to do: three looks in a row, because one may fall between a message and what it causes.
func (s *server) drain(limit time.Duration) {
	s.t.Helper()
	idle := 0
	s.until(limit, "nothing is left to do", func() bool {
		var h api.Health
		var q api.Queues
		if !s.get(api.PathHealth, &h) || !s.get(api.PathQueues, &q) {
			return false
		}
		left := h.Open + h.Queued
		for _, queue := range q.Queues {
			for _, lane := range queue.Lanes {
				left += lane.Ready + lane.Delayed + lane.InFlight
			}
		}
		if left > 0 {
			idle = 0
			return false
		}
		idle++
		return idle == 3
	})
}

// newRandom is the chance of a test. It prints its seed and takes it from SUNDOG_SEED.
func newRandom(t *testing.T) *rand.Rand {
	t.Helper()
	seed := uint64(time.Now().UnixNano())
	if text := os.Getenv("SUNDOG_SEED"); text != "" {
		n, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			t.Fatalf("SUNDOG_SEED: %v", err)
		}
		seed = n
	}
	t.Logf("SUNDOG_SEED=%d", seed)
	return rand.New(rand.NewPCG(seed, 0))
}
