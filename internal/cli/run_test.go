package cli_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http/httptest"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sundog/internal/cli"
	"sundog/internal/problem"
)

// output is a stream that tests read while it is written.
type output struct {
	mu      sync.Mutex
	text    bytes.Buffer
	changed chan struct{} // one element when there is something new
}

func newOutput() *output { return &output{changed: make(chan struct{}, 1)} }

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.text.Write(p)
	select {
	case o.changed <- struct{}{}:
	default:
	}
	return len(p), nil
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// await waits until the text holds a part, or the test's time is over.
func (o *output) await(t *testing.T, part string) {
	t.Helper()
	for !strings.Contains(o.String(), part) {
		select {
		case <-o.changed:
		case <-t.Context().Done():
			t.Fatalf("no %q in %q", part, o.String())
		}
	}
}

// started is a run of the program on a goroutine.
type started struct {
	in       *io.PipeWriter
	out, err *output
	stop     context.CancelCauseFunc
	code     chan int
}

// begin runs the program against a fake server.
func begin(t *testing.T, args ...string) *started {
	t.Helper()
	server := httptest.NewServer(newFake())
	t.Cleanup(server.Close)
	ctx, cancel := context.WithCancelCause(t.Context())
	in, feed := io.Pipe()
	r := &started{in: feed, out: newOutput(), err: newOutput(), stop: cancel, code: make(chan int, 1)}
	go func() {
		r.code <- cli.Run(ctx, append([]string{"--server", server.URL}, args...), cli.Streams{In: in, Out: r.out, Err: r.err}, cli.Deps{})
	}()
	t.Cleanup(func() {
		cancel(nil)
		_ = feed.Close()
	})
	return r
}

func one(id string) string {
	return fmt.Sprintf(`{"id": "c/workflow-ok/%s", "process": [{"workflow": "ok"}], "features": []}`, id)
}

// TestProcessStreams feeds each document only when the one before it was answered: nothing is read ahead, whatever the form.
func TestProcessStreams(t *testing.T) {
	tests := []struct{ name, open, between, lineEnd, end string }{
		{"array", "[", ",", "", "]"},
		{"lines", "", "", "\n", ""},
		{"documents", "\n", "\n", "\n", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := begin(t, "process", "-")
			before := tt.open
			for i := range 5 {
				doc := one(fmt.Sprintf("i%d", i))
				if tt.name == "documents" {
					doc = "{\n" + strings.TrimPrefix(doc, "{") // a line that is none by itself
				}
				if _, err := io.WriteString(r.in, before+doc+tt.lineEnd); err != nil {
					t.Fatal(err)
				}
				r.out.await(t, fmt.Sprintf(`"payload_id":"c/workflow-ok/i%d"`, i))
				before = tt.between
			}
			if _, err := io.WriteString(r.in, tt.end); err != nil {
				t.Fatal(err)
			}
			_ = r.in.Close()
			if code := <-r.code; code != 0 {
				t.Errorf("exit code %d\n%s", code, r.err)
			}
		})
	}
}

func TestSignals(t *testing.T) {
	tests := []struct {
		signal syscall.Signal
		code   int
	}{
		{syscall.SIGINT, problem.ExitInterrupted},
		{syscall.SIGTERM, problem.ExitTerminated},
	}
	for _, tt := range tests {
		t.Run(tt.signal.String(), func(t *testing.T) {
			r := begin(t, "process", "--wait", "--poll-interval", "1ms", "-")
			if _, err := io.WriteString(r.in, one("i1")+"\n"); err != nil {
				t.Fatal(err)
			}
			r.out.await(t, `"state":"SUCCEEDED"`)
			r.stop(cli.Signal{Signal: tt.signal}) // it waits for more input, and ends all the same
			if code := <-r.code; code != tt.code {
				t.Errorf("exit code %d, want %d", code, tt.code)
			}
			want := "sundog: 1 payload accepted up to line 1 of standard input; what comes after it can be sent again\n"
			if diff := cmp.Diff(want, r.err.String()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestSignalWhileReading: nobody has to type more before Ctrl-C counts.
func TestSignalWhileReading(t *testing.T) {
	for _, args := range [][]string{{"process", "-"}, {"run-workflow"}, {"payload", "validate"}, {"queue", "send", "orders"}} {
		t.Run(args[0], func(t *testing.T) {
			r := begin(t, args...)
			if _, err := io.WriteString(r.in, "{"); err != nil { // returns when it was read, so more is being waited for
				t.Fatal(err)
			}
			r.stop(cli.Signal{Signal: syscall.SIGINT})
			if code := <-r.code; code != problem.ExitInterrupted {
				t.Errorf("exit code %d\n%s", code, r.err)
			}
		})
	}
}

// TestServeEndsWell: a server that was told to stop and did so has not failed.
func TestServeEndsWell(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	code := cli.Run(ctx, []string{"serve"}, cli.Streams{In: strings.NewReader(""), Out: io.Discard, Err: io.Discard}, cli.Deps{
		Getenv: func(string) string { return "" },
		Serve: func(ctx context.Context, _ cli.ServeOptions) error {
			cancel(cli.Signal{Signal: syscall.SIGTERM})
			<-ctx.Done()
			return nil
		},
	})
	if code != 0 {
		t.Errorf("exit code %d", code)
	}
}
