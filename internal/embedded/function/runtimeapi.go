package function

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// runtimeAPI is the AWS Lambda Runtime API, version 2018-06-01, for one worker: "Using the Lambda runtime API for custom runtimes" in
// the AWS Lambda Developer Guide. There are no extensions and no telemetry.
type runtimeAPI struct {
	worker *worker
	server *http.Server

	mu       sync.Mutex
	closed   bool
	handlers sync.WaitGroup
}

const apiPrefix = "/2018-06-01/runtime"

// Trailers with which a streamed response ends in an error.
const (
	trailerErrorType = "Lambda-Runtime-Function-Error-Type"
	trailerErrorBody = "Lambda-Runtime-Function-Error-Body"
)

func newRuntimeAPI(w *worker) *runtimeAPI {
	a := &runtimeAPI{worker: w}
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+apiPrefix+"/invocation/next", a.next)
	mux.HandleFunc("POST "+apiPrefix+"/invocation/{id}/response", a.response)
	mux.HandleFunc("POST "+apiPrefix+"/invocation/{id}/error", a.failure)
	mux.HandleFunc("POST "+apiPrefix+"/init/error", a.initError)
	a.server = &http.Server{
		Handler: http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			if a.enter() {
				defer a.handlers.Done()
				mux.ServeHTTP(rw, r)
			}
		}),
		ReadHeaderTimeout: 10 * time.Second,
		MaxHeaderBytes:    2 << 20, // runtimes send error causes of up to 1 MiB in a header
	}
	return a
}

func (a *runtimeAPI) serve(l net.Listener) {
	if err := a.server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		a.worker.pool.host.opts.Logger.Error("the Runtime API ended", "function", a.worker.pool.spec.Name, "error", err)
	}
}

func (a *runtimeAPI) enter() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.closed {
		a.handlers.Add(1)
	}
	return !a.closed
}

// close ends the connections and waits for the handlers.
func (a *runtimeAPI) close() {
	a.mu.Lock()
	a.closed = true
	a.mu.Unlock()
	_ = a.server.Close()
	a.handlers.Wait()
}

// next waits for a call and hands out its event.
func (a *runtimeAPI) next(rw http.ResponseWriter, r *http.Request) {
	w := a.worker
	superseded := w.startPolling()
	if superseded == nil {
		refuse(rw, http.StatusForbidden, "InvalidStateTransition", "the last event has no response yet")
		return
	}
	w.pool.ready(w)
	var t *ticket
	select {
	case t = <-w.calls:
		w.stopPolling(superseded)
	case <-superseded:
		refuse(rw, http.StatusForbidden, "InvalidStateTransition", "another request for an event has come in")
		return
	case <-r.Context().Done():
		w.stopPolling(superseded)
		w.pool.unready(w)
		return
	}
	if r.Context().Err() != nil {
		w.calls <- t // nobody is there any more; the next request fetches it
		return
	}
	h := rw.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Lambda-Runtime-Aws-Request-Id", t.id)
	h.Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(t.deadline.UnixMilli(), 10))
	h.Set("Lambda-Runtime-Invoked-Function-Arn", t.arn)
	if t.traceID != "" {
		h.Set("Lambda-Runtime-Trace-Id", t.traceID)
	}
	if t.clientContext != "" {
		h.Set("Lambda-Runtime-Client-Context", t.clientContext)
	}
	h.Set("Content-Length", strconv.Itoa(len(t.payload)))
	_, _ = rw.Write(t.payload) // a worker that is gone by now takes the call with it: see pool.ended
}

// startPolling notes a request for an event, which takes the place of an earlier one: its connection has probably broken. The channel
// is closed when the same happens to this one. It is nil when a call that was fetched has no result yet.
func (w *worker) startPolling() chan struct{} {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.active != nil && len(w.calls) == 0 {
		return nil
	}
	if w.polling != nil {
		close(w.polling)
	}
	w.polling = make(chan struct{})
	return w.polling
}

func (w *worker) stopPolling(request chan struct{}) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.polling == request {
		w.polling = nil
	}
}

func (a *runtimeAPI) response(rw http.ResponseWriter, r *http.Request) {
	spec := a.worker.pool.spec
	a.result(rw, r, func(id string, body []byte) outcome {
		if r.Trailer.Get(trailerErrorType) != "" {
			return trailerError(r.Trailer)
		}
		if len(body) == 0 {
			body = []byte("null") // runtimes acknowledge a call with an empty body
		}
		return spec.response(id, body)
	})
}

func (a *runtimeAPI) failure(rw http.ResponseWriter, r *http.Request) {
	a.result(rw, r, func(_ string, body []byte) outcome { return outcome{payload: body, failed: true} })
}

// result ends the call that the path names. The runtime is told what becomes of it only when the caller has been.
func (a *runtimeAPI) result(rw http.ResponseWriter, r *http.Request, read func(id string, body []byte) outcome) {
	id := r.PathValue("id")
	if !a.worker.serves(id) {
		refuse(rw, http.StatusBadRequest, "InvalidRequestID", "Invalid request ID")
		return
	}
	limit := a.worker.pool.spec.MaxResponse
	body, err := readBody(r, limit)
	switch {
	case errors.Is(err, errTooLarge):
		a.worker.finish(id, tooLarge(limit))
		refuse(rw, http.StatusRequestEntityTooLarge, "RequestEntityTooLarge",
			"Exceeded maximum allowed payload size ("+strconv.Itoa(limit)+" bytes).")
	case err != nil: // the call goes on: its process has broken off, and is probably about to die
		refuse(rw, http.StatusBadRequest, "InvalidRequest", "reading the body: "+err.Error())
	default:
		a.worker.finish(id, read(id, body))
		accept(rw)
	}
}

// serves reports whether the call with the given id was fetched by the worker and has no result yet.
func (w *worker) serves(id string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.active != nil && w.active.id == id && len(w.calls) == 0
}

// initError takes the report of a process that could not initialise. The process usually ends by itself; it has nothing more to
// do here.
func (a *runtimeAPI) initError(rw http.ResponseWriter, r *http.Request) {
	body, err := readBody(r, a.worker.pool.spec.MaxResponse)
	if err != nil {
		refuse(rw, http.StatusRequestEntityTooLarge, "RequestEntityTooLarge", "the report is too large or incomplete")
		return
	}
	accept(rw)
	_ = http.NewResponseController(rw).Flush() // before the kill
	w := a.worker
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.initDead == nil && w.active == nil {
		w.initDead = &outcome{payload: body, failed: true}
		w.kill()
	}
}

var errTooLarge = errors.New("function: body too large")

// readBody returns errTooLarge for a body of more than limit bytes. It reads on for a while in that case: most runtimes read the
// answer, and survive, only when they could send everything.
func readBody(r *http.Request, limit int) ([]byte, error) {
	const patience = 64 << 20
	if r.ContentLength <= int64(limit) {
		size := min(max(r.ContentLength, 0), int64(limit))
		body := bytes.NewBuffer(make([]byte, 0, size+bytes.MinRead))
		if _, err := body.ReadFrom(io.LimitReader(r.Body, int64(limit)+1)); err != nil {
			return nil, err
		}
		if body.Len() <= limit {
			return body.Bytes(), nil
		}
	}
	_, err := io.Copy(io.Discard, io.LimitReader(r.Body, patience))
	return nil, errors.Join(errTooLarge, err)
}

// trailerError is a function error at the end of a streamed response.
func trailerError(trailer http.Header) outcome {
	body, err := base64.StdEncoding.DecodeString(trailer.Get(trailerErrorBody))
	if err != nil || !json.Valid(body) {
		return report(trailer.Get(trailerErrorType), "the function failed while it was streaming its response")
	}
	return outcome{payload: body, failed: true}
}

func accept(rw http.ResponseWriter) {
	rw.Header().Set("Content-Type", "application/json")
	rw.WriteHeader(http.StatusAccepted)
	_, _ = io.WriteString(rw, `{"status":"OK"}`+"\n") // the runtime may have gone
}

func refuse(rw http.ResponseWriter, status int, errorType, message string) {
	rw.Header().Set("Content-Type", "application/json")
	rw.WriteHeader(status)
	_, _ = rw.Write(report(errorType, message).payload) // the runtime may have gone
}
