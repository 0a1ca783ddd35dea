package function

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"time"

	"sundog/internal/embedded/subprocess"
)

// commands runs one process per call: the event on standard input, the response on standard output, the log on standard error.
type commands struct {
	host *Host
	spec *Spec
	gate *gate
}

func (k *commands) run(ctx context.Context, c *call) (outcome, error) {
	if err := k.gate.enter(ctx, c); err != nil {
		return outcome{}, err
	}
	defer k.gate.leave()
	output := &limitedBuffer{limit: k.spec.MaxResponse, full: make(chan struct{})}
	process, err := k.host.launcher.Start(subprocess.Command{
		Args: k.spec.Command, Dir: k.spec.Dir, Env: k.env(c), Stdin: bytes.NewReader(c.payload), Stdout: output, Stderr: &c.log,
	})
	if err != nil {
		return failure(ErrorInvalidEntrypoint, c.id, "%v", err), nil
	}
	ended := make(chan subprocess.Status, 1)
	go func() { ended <- process.Wait() }()
	timer := time.NewTimer(k.spec.Timeout)
	defer timer.Stop()
	select {
	case status := <-ended:
		select {
		case <-output.full:
			return tooLarge(k.spec.MaxResponse), nil
		default:
		}
		if !status.Success() {
			return k.failed(c, output.kept.Bytes(), status), nil
		}
		return k.spec.response(c.id, bytes.TrimSpace(output.kept.Bytes())), nil
	case <-output.full:
		process.Kill()
		<-ended
		return tooLarge(k.spec.MaxResponse), nil
	case <-timer.C:
		process.Kill()
		<-ended
		return timedOut(c.id, k.spec.Timeout), nil
	case <-ctx.Done():
		process.Kill()
		<-ended
		return outcome{}, fmt.Errorf("function: %s was given up: %w", k.spec.Name, context.Cause(ctx))
	}
}

// failed makes the report of a command that exited with an error. One that printed a report of its own, with an errorType, is taken
// at its word: so a script can raise errors by name.
func (k *commands) failed(c *call, stdout []byte, status subprocess.Status) outcome {
	own := outcome{payload: bytes.TrimSpace(stdout), failed: true}
	if own.err().Type != ErrorUnknown {
		return own
	}
	return failure(ErrorExit, c.id, "Runtime exited with error: %s", status)
}

func (k *commands) env(c *call) []string {
	return slices.Concat(subprocess.BaseEnv(), k.host.opts.Env, k.spec.Env, []string{
		"AWS_LAMBDA_FUNCTION_NAME=" + k.spec.Name,
		"SUNDOG_REQUEST_ID=" + c.id,
	})
}

func (k *commands) load() (running, waiting, processes int) {
	running, waiting = k.gate.load()
	return running, waiting, running
}

func (k *commands) close() {}

// limitedBuffer keeps up to limit bytes and says when there were more. It is written by one goroutine and read when that is done.
type limitedBuffer struct {
	kept  bytes.Buffer // not embedded: io.Copy would go around Write
	limit int
	full  chan struct{} // closed when there was more
}

// Write takes what is too much as well: the process is killed for it, and until then must not hang on a full pipe.
func (b *limitedBuffer) Write(p []byte) (int, error) {
	if b.kept.Len()+len(p) <= b.limit {
		return b.kept.Write(p)
	}
	select {
	case <-b.full:
	default:
		close(b.full)
	}
	return len(p), nil
}
