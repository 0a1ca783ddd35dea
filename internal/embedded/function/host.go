package function

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"sundog/internal/embedded/subprocess"
)

// Host runs the functions of a project. It is safe for concurrent use.
type Host struct {
	opts      Options
	launcher  *subprocess.Launcher
	functions map[string]*function

	life context.Context // ends when Close gives up waiting
	kill context.CancelCauseFunc

	mu      sync.Mutex
	running int
	closed  bool
	drained chan struct{} // closed when nothing runs after Close
}

type function struct {
	spec   Spec
	runner runner
}

// runner is a kind of function.
type runner interface {
	// run calls the function. An error other than *Error means that the call was given up because ctx ended.
	run(ctx context.Context, c *call) (outcome, error)
	// load returns the calls that run and wait, and the processes kept.
	load() (running, waiting, processes int)
	// close ends what is kept between calls and waits for it. No call runs any more.
	close()
}

// call is one invocation on its way.
type call struct {
	id            string
	arn           string
	payload       []byte
	clientContext string
	traceID       string
	log           callLog
}

// NewHost checks the specs and returns a host for them. Nothing is started before it is called. The error names everything that
// is wrong.
func NewHost(specs []Spec, opts Options) (*Host, error) {
	opts.complete()
	h := &Host{opts: opts, functions: make(map[string]*function, len(specs)), drained: make(chan struct{})}
	var problems []error
	for _, s := range specs {
		if err := s.check(); err != nil {
			problems = append(problems, err)
			continue
		}
		if h.functions[s.Name] != nil {
			problems = append(problems, fmt.Errorf("function %s is declared twice", s.Name))
			continue
		}
		h.functions[s.Name] = &function{spec: s}
	}
	if err := errors.Join(problems...); err != nil {
		return nil, err
	}
	h.life, h.kill = context.WithCancelCause(context.Background())
	h.launcher = subprocess.NewLauncher()
	for _, f := range h.functions {
		f.runner = h.runner(&f.spec)
	}
	return h, nil
}

func (h *Host) runner(s *Spec) runner {
	switch s.Kind {
	case Lambda:
		return newPool(h, s)
	case Command:
		return &commands{host: h, spec: s, gate: newGate(s, h.opts.MaxWaiting)}
	case HTTP:
		return newPoster(h, s)
	default:
		return &builtin{spec: s, gate: newGate(s, h.opts.MaxWaiting)}
	}
}

// Request is a call of a function.
type Request struct {
	// Function is the name or the ARN of the function; a version or alias behind it is accepted and means nothing.
	Function string
	// Payload is the event, JSON of at most MaxRequest bytes; {} when empty.
	Payload []byte
	// ClientContext is JSON for the Lambda-Runtime-Client-Context header, TraceID the X-Ray trace header; both may be empty.
	ClientContext string
	TraceID       string
	// ID is the request id; a new one when empty.
	ID string
}

// Response of a function.
type Response struct {
	// Payload is what the function returned, or, when FunctionError is not empty, the JSON report of its failure.
	Payload []byte
	// RequestID names the call, also in its log: LogStream.
	RequestID string
	LogStream string
	// LogTail is the end of the call's log, LogTail bytes at most.
	LogTail []byte
	// FunctionError is "Unhandled" when the function failed, as in AWS's response header X-Amz-Function-Error.
	FunctionError string
	// Duration is from the arrival of the call to its end, waiting included.
	Duration time.Duration
}

// Invoke calls a function and waits for its response. The error is an *Error when the function failed or the call was refused; in
// the first case the response says so too. Any other error means that ctx ended or the host was closed, and the call was given up.
func (h *Host) Invoke(ctx context.Context, req Request) (Response, error) {
	began := time.Now()
	id := req.ID
	if id == "" {
		id = h.opts.NewID()
	}
	resp := Response{RequestID: id}
	name, qualifier := parseName(req.Function)
	f := h.functions[name]
	if f == nil {
		if qualifier == "" {
			qualifier = "$LATEST"
		}
		return resp, refusal(ErrorNotFound, "ResourceNotFoundException", 404, id, "Function not found: %s:%s", h.ARN(name), qualifier)
	}
	if len(req.Payload) > MaxRequest {
		return resp, refusal(ErrorRequestTooLarge, "RequestEntityTooLargeException", 413, id,
			"%d byte payload is too large for the RequestResponse invocation type (limit %d bytes)", len(req.Payload), MaxRequest)
	}
	if !h.enter() {
		return resp, ErrClosed
	}
	defer h.leave()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(h.life, func() { cancel(context.Cause(h.life)) })() //nolint:contextcheck // the call ends with either context

	c := &call{id: id, arn: h.ARN(name), payload: req.Payload, clientContext: req.ClientContext, traceID: req.TraceID}
	if qualifier != "" {
		c.arn += ":" + qualifier
	}
	if len(c.payload) == 0 {
		c.payload = []byte("{}")
	}
	resp.LogStream = "function/" + name + "/" + id
	c.log.logs, c.log.stream = h.opts.Logs, resp.LogStream
	out, err := f.runner.run(ctx, c)
	if err == nil && out.failed {
		resp.FunctionError = "Unhandled"
		failed := out.err()
		err = failed
		if out.note != "" {
			_, _ = fmt.Fprintf(&c.log, "%s %s\n", out.note, failed.Type)
		}
	}
	tail, logErr := c.log.close()
	if logErr != nil {
		h.opts.Logger.Warn("the log of a call is lost", "function", name, "request", id, "error", logErr)
	}
	resp.Payload, resp.LogTail, resp.Duration = out.payload, tail, time.Since(began)
	if h.opts.Observe != nil {
		h.opts.Observe(name, resp.Duration, err == nil)
	}
	return resp, err
}

// ARN returns the ARN of a function of this name, whether there is one or not.
func (h *Host) ARN(name string) string {
	return "arn:aws:lambda:" + h.opts.Region + ":" + h.opts.Account + ":function:" + name
}

// parseName splits "name", "name:alias", "account:function:name" and whole ARNs with or without a qualifier.
func parseName(s string) (name, qualifier string) {
	if strings.HasPrefix(s, "arn:") || strings.Contains(s, ":function:") {
		if _, rest, ok := strings.Cut(s, ":function:"); ok {
			s = rest
		}
	}
	name, qualifier, _ = strings.Cut(s, ":")
	return name, qualifier
}

func (h *Host) enter() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return false
	}
	h.running++
	return true
}

func (h *Host) leave() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.running--; h.running == 0 && h.closed {
		close(h.drained)
	}
}

// Close refuses new calls and waits for those under way; when ctx ends first they are given up and their processes killed. It
// returns when everything has ended, with the cause of ctx if calls were given up.
func (h *Host) Close(ctx context.Context) error {
	h.mu.Lock()
	if h.closed {
		h.mu.Unlock()
		<-h.life.Done()
		return nil
	}
	h.closed = true
	if h.running == 0 {
		close(h.drained)
	}
	h.mu.Unlock()
	var err error
	select {
	case <-h.drained:
	case <-ctx.Done():
		err = fmt.Errorf("function: gave up calls that were under way: %w", context.Cause(ctx))
		h.kill(ErrClosed)
		<-h.drained
	}
	var pools sync.WaitGroup
	for _, f := range h.functions {
		pools.Go(f.runner.close)
	}
	pools.Wait()
	h.launcher.Close()
	h.kill(ErrClosed)
	return err
}

// Status is the load of one function.
type Status struct {
	Name string `json:"name"`
	Kind Kind   `json:"kind"`
	// Running and Waiting count calls, Processes those that are kept for calls to come or are serving one.
	Running   int `json:"running"`
	Waiting   int `json:"waiting"`
	Processes int `json:"processes"`
}

// Functions returns the load of all functions in the order of their names.
func (h *Host) Functions() []Status {
	out := make([]Status, 0, len(h.functions))
	for _, f := range h.functions {
		s := Status{Name: f.spec.Name, Kind: f.spec.Kind}
		s.Running, s.Waiting, s.Processes = f.runner.load()
		out = append(out, s)
	}
	slices.SortFunc(out, func(a, b Status) int { return strings.Compare(a.Name, b.Name) })
	return out
}
