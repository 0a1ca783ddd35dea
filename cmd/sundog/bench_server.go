package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"sundog/internal/api"
	"sundog/internal/client"
)

// benchServer is a server in a process of its own, so that what it holds is its own, and so that it can be killed.
type benchServer struct {
	dir    string // of the project; the data lies in it
	listen string
	err    io.Writer
	client *client.Client
	cmd    *exec.Cmd
	ended  chan struct{} // closed when the process has ended
	end    error         // how; to be read once ended is closed
}

const (
	startAtMost = 2 * time.Minute
	askAgain    = 2 * time.Millisecond // while it starts
)

// newBenchServer makes a project. Its server does not run yet.
func newBenchServer(ctx context.Context, dir, project string, errs io.Writer) (*benchServer, error) {
	if err := os.WriteFile(filepath.Join(dir, "sundog.yaml"), []byte(project), 0o600); err != nil {
		return nil, err
	}
	s := &benchServer{dir: dir, err: errs}
	var err error
	if s.listen, err = freeAddress(ctx); err != nil {
		return nil, err
	}
	s.client, err = client.New("http://"+s.listen, "")
	return s, err
}

// freeAddress finds a port below those that connections are given, which could take it while the server is down.
func freeAddress(ctx context.Context) (string, error) {
	var listen net.ListenConfig
	for port := 20_000; ; port++ {
		free, err := listen.Listen(ctx, "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if err == nil {
			return free.Addr().String(), free.Close()
		}
		if port == 32_000 {
			return "", fmt.Errorf("finding a free port: %w", err)
		}
	}
}

// start starts it, and returns how long it took until it answered.
func (s *benchServer) start(ctx context.Context) (time.Duration, error) {
	self, err := os.Executable()
	if err != nil {
		return 0, err
	}
	s.cmd = exec.CommandContext(ctx, self, "serve", "--quiet", "--project", s.dir, "--data", filepath.Join(s.dir, "data"), "--listen", s.listen)
	s.cmd.Stderr = s.err
	ended, cmd := make(chan struct{}), s.cmd
	s.ended = ended
	began := time.Now()
	if err := s.cmd.Start(); err != nil {
		return 0, err
	}
	go func() {
		defer close(ended)
		s.end = cmd.Wait()
	}()
	for {
		if _, err = s.client.Health(ctx); err == nil {
			return time.Since(began), nil
		}
		select {
		case <-s.ended:
			s.cmd = nil
			return 0, fmt.Errorf("the server ended before it answered: %w", errors.Join(s.end, err))
		case <-ctx.Done():
			return 0, context.Cause(ctx)
		case <-time.After(askAgain):
		}
		if time.Since(began) > startAtMost {
			return 0, fmt.Errorf("the server does not answer: %w", err)
		}
	}
}

// kill ends it as a crash does, and waits until it is gone.
func (s *benchServer) kill() {
	if s.cmd == nil {
		return
	}
	_ = s.cmd.Process.Kill()
	<-s.ended
	s.cmd = nil
}

// resident is its memory in bytes.
func (s *benchServer) resident() (peak, now int64, err error) {
	return residentBytes(strconv.Itoa(s.cmd.Process.Pid))
}

// processorTime is how long processors have worked for it since it was started, to the hundredth of a second.
func (s *benchServer) processorTime() (time.Duration, error) {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(s.cmd.Process.Pid) + "/stat")
	if err != nil {
		return 0, err
	}
	_, rest, _ := strings.Cut(string(text), ") ") // what follows the name of the program: the third field and those after it
	fields := strings.Fields(rest)
	const user, system = 14 - 3, 15 - 3 // proc(5)
	if len(fields) <= system {
		return 0, fmt.Errorf("reading processor times: %q", text)
	}
	ticks := int64(0)
	for _, field := range []string{fields[user], fields[system]} {
		n, err := strconv.ParseInt(field, 10, 64)
		if err != nil {
			return 0, fmt.Errorf("reading processor times: %w", err)
		}
		ticks += n
	}
	return time.Duration(ticks) * time.Second / 100, nil
}

// metrics returns the values of its metrics whose names begin with a prefix, by name and labels.
func (s *benchServer) metrics(ctx context.Context, prefix string) (map[string]float64, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.client.Server()+api.PathMetrics, http.NoBody)
	if err != nil {
		return nil, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, err
	}
	all := map[string]float64{}
	for line := range strings.Lines(string(text)) {
		name, value, ok := strings.Cut(strings.TrimSpace(line), " ")
		if !ok || !strings.HasPrefix(name, prefix) {
			continue
		}
		if all[name], err = strconv.ParseFloat(value, 64); err != nil {
			return nil, fmt.Errorf("metric %s: %w", name, err)
		}
	}
	return all, nil
}
