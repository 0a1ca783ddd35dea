package e2e

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// start is one start of a function.
type start struct {
	asked    time.Duration // from the start of the process to its first request for an event
	answered time.Duration // from there to its answer to the first event
	again    time.Duration // how long the second event took
	memory   int           // KiB resident at most, until then
}

// invocations serve the Runtime API to one process: two events, and no more.
type invocations struct {
	events [][]byte
	asked  chan time.Time
	done   chan string // an answer, or an error
	over   chan struct{}
}

func (i *invocations) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path { // the Extensions API, of which a function that wants SIGTERM is a part
	case "/2020-01-01/extension/register":
		w.Header().Set("Lambda-Extension-Identifier", "e")
		return
	case "/2020-01-01/extension/event/next":
		<-i.over
		return
	}
	if r.Method == http.MethodGet {
		i.asked <- time.Now()
		if len(i.events) == 0 {
			<-i.over
			return
		}
		w.Header().Set("Lambda-Runtime-Aws-Request-Id", "r")
		w.Header().Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(time.Now().Add(time.Minute).UnixMilli(), 10))
		_, _ = w.Write(i.events[0])
		i.events = i.events[1:]
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil || !strings.HasSuffix(r.URL.Path, "/response") {
		body = fmt.Appendf(nil, "%s: %s, %v", r.URL.Path, body, err)
	}
	w.WriteHeader(http.StatusAccepted)
	i.done <- string(body)
}

// coldStart starts a function once.
func (d *functions) coldStart(program, handler string, events ...[]byte) start {
	d.t.Helper()
	listener, err := new(net.ListenConfig).Listen(d.t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		d.t.Fatal(err)
	}
	i := &invocations{events: events, asked: make(chan time.Time, len(events)+1), done: make(chan string), over: make(chan struct{})}
	server := &http.Server{Handler: i, ReadHeaderTimeout: time.Minute}
	ended := make(chan error)
	go func() { ended <- server.Serve(listener) }()
	cmd := exec.CommandContext(d.t.Context(), program)
	cmd.Env = append(slices.Clone(d.environ), "AWS_LAMBDA_RUNTIME_API="+listener.Addr().String(), "_HANDLER="+handler, "AWS_LAMBDA_FUNCTION_MEMORY_SIZE=256")
	cmd.Stderr = os.Stderr
	began := time.Now()
	if err := cmd.Start(); err != nil {
		d.t.Fatal(err)
	}
	s := start{asked: (<-i.asked).Sub(began)}
	for n := range events {
		if answer := <-i.done; answer != `{"batchItemFailures":[]}` {
			d.t.Fatalf("%s answers %s", handler, answer)
		}
		if n == 0 {
			s.answered = time.Since(began) - s.asked
			began = <-i.asked
		} else {
			s.again = time.Since(began)
		}
	}
	s.memory = peakMemory(d.t, cmd.Process.Pid)
	if err := cmd.Process.Kill(); err != nil {
		d.t.Fatal(err)
	}
	_ = cmd.Wait() // it was killed
	close(i.over)
	_ = server.Close()
	<-ended
	return s
}

// peakMemory is VmHWM of a process (proc_pid_status(5)).
func peakMemory(t *testing.T, pid int) int {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(status), "VmHWM:")
	kb, err := strconv.Atoi(strings.Fields(rest)[0])
	if err != nil {
		t.Fatal(err)
	}
	return kb
}

// TestColdStart measures how long a function takes to come up, and how much memory it needs, with batches of ten payloads on stand-ins. The
// figures are in docs/benchmarks.md; the bounds here are for machines that are busy with other things.
func TestColdStart(t *testing.T) {
	d := deployFunctions(t)
	program, err := bootstrap()
	if err != nil {
		t.Fatal(err)
	}
	// The messages are in the queue that the event names, but nobody receives them: the function deletes nothing.
	batch := func(round string) []byte {
		var records []string
		for n := range 10 {
			body := strings.ReplaceAll(chained, "workflow-first/a", fmt.Sprintf("workflow-first/%s-%d", round, n))
			record := string(document(t, "sqs", "BODY="+quoted(body)))
			record = strings.TrimSuffix(strings.TrimSpace(strings.SplitN(record, "[", 2)[1]), "]\n}")
			records = append(records, strings.TrimSpace(record))
		}
		return []byte(`{"Records":[` + strings.Join(records, ",") + `]}`)
	}
	if _, err := os.ReadFile(program); err != nil { // it is in the cache of the file system now, as on a machine of Lambda that has unpacked the zip
		t.Fatal(err)
	}
	const rounds = 11
	var all []start
	for n := range rounds {
		all = append(all, d.coldStart(program, "process", batch(fmt.Sprint(n, "-first")), batch(fmt.Sprint(n, "-second"))))
	}
	median := func(of func(start) float64) float64 {
		values := make([]float64, len(all))
		for i, s := range all {
			values[i] = of(s)
		}
		slices.Sort(values)
		return values[len(values)/2]
	}
	ms := func(of func(start) time.Duration) float64 {
		return median(func(s start) float64 { return float64(of(s)) / float64(time.Millisecond) })
	}
	asked, answered := ms(func(s start) time.Duration { return s.asked }), ms(func(s start) time.Duration { return s.answered })
	memory := median(func(s start) float64 { return float64(s.memory) / 1024 })
	t.Logf("process, median of %d starts: %.0f ms until it asks for an event, %.0f ms more for the first batch of ten, %.0f ms for the second; %.1f MiB at most",
		rounds, asked, answered, ms(func(s start) time.Duration { return s.again }), memory)
	if asked > 1000 || memory > 80 {
		t.Error("a function is to be up in a second, and to need no more than 80 MiB")
	}
	if got := len(d.executions("first")); got == 0 {
		t.Error("no execution was started")
	}
}
