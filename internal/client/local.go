package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime/debug"
	"sync"
)

// NewLocal returns a client of a handler in this process, which answers for the deployment of that name: there is no network in between,
// and no token. Whoever reads an answer to its end, or closes it, waits for the handler.
func NewLocal(h http.Handler, deployment string) *Client {
	local := &http.Client{Transport: inProcess{h}}
	return &Client{base: "http://" + deployment, http: local, patient: local}
}

// inProcess has a handler answer. Its requests and answers are streamed, and both at a time, as over HTTP/2.
type inProcess struct{ handler http.Handler }

// RoundTrip implements http.RoundTripper. The handler runs until it returns, but is told to end when the body of its answer is closed.
func (t inProcess) RoundTrip(req *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithCancelCause(req.Context())
	reader, writer := io.Pipe()
	a := &localAnswer{header: http.Header{}, body: writer, begun: make(chan struct{})}
	ended := make(chan struct{})
	served := req.Clone(ctx)
	served.Body = interruptible(ctx, req)
	served.RequestURI, served.RemoteAddr = req.URL.RequestURI(), "in process"
	go func() {
		defer close(ended)
		defer func() { _ = served.Body.Close() }()
		a.serve(t.handler, served)
	}()
	select {
	case <-a.begun:
	case <-ctx.Done():
		cancel(nil)
		_ = reader.Close()
		<-ended
		return nil, context.Cause(ctx)
	}
	return &http.Response{
		Status: http.StatusText(a.status), StatusCode: a.status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: a.sent, ContentLength: -1, Request: req,
		Body: &localBody{PipeReader: reader, end: func() {
			cancel(errClosed)
			<-ended
		}},
	}, nil
}

// interruptible is the body of a request, whose reading ends with ctx. Where it comes as somebody types it, a read cannot be called off: what is
// stuck in it is left behind, as net/http does.
func interruptible(ctx context.Context, req *http.Request) io.ReadCloser {
	switch {
	case req.Body == nil:
		return http.NoBody
	case req.ContentLength != 0 || req.Body == http.NoBody: // it is in memory
		return req.Body
	}
	reader, writer := io.Pipe()
	stop := context.AfterFunc(ctx, func() { _ = writer.CloseWithError(context.Cause(ctx)) })
	go func() {
		_, err := io.Copy(writer, req.Body)
		_ = writer.CloseWithError(err)
		stop()
		_ = req.Body.Close()
	}()
	return reader
}

// errClosed ends a handler whose answer nobody reads any more.
var errClosed = errors.New("the answer was closed")

// localBody is the body of an answer.
type localBody struct {
	*io.PipeReader
	end func()
}

// Close ends the handler, and waits for that.
func (b *localBody) Close() error {
	err := b.PipeReader.Close()
	b.end()
	return err
}

// localAnswer is what the handler writes to.
type localAnswer struct {
	header, sent http.Header
	status       int
	body         *io.PipeWriter
	once         sync.Once
	begun        chan struct{} // closed when status and sent are there
	reason       error         // why the answer is cut off
}

// serve runs the handler and ends the answer as it ends: a handler that panics cuts its answer off.
func (a *localAnswer) serve(h http.Handler, r *http.Request) {
	defer func() {
		p := recover()
		switch {
		case p == nil:
			a.WriteHeader(http.StatusOK)
			_ = a.body.Close()
			return
		case p == http.ErrAbortHandler && a.reason != nil: //nolint:errorlint // net/http compares so too
			_ = a.body.CloseWithError(a.reason)
		case p == http.ErrAbortHandler: //nolint:errorlint // see above
			_ = a.body.CloseWithError(io.ErrUnexpectedEOF)
		default:
			_ = a.body.CloseWithError(fmt.Errorf("panic: %v\n%s", p, debug.Stack()))
		}
		a.WriteHeader(http.StatusOK)
	}()
	h.ServeHTTP(a, r)
}

// Header implements http.ResponseWriter.
func (a *localAnswer) Header() http.Header { return a.header }

// WriteHeader implements http.ResponseWriter.
func (a *localAnswer) WriteHeader(status int) {
	a.once.Do(func() {
		a.status, a.sent = status, a.header.Clone()
		close(a.begun)
	})
}

// Write implements http.ResponseWriter.
func (a *localAnswer) Write(p []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	return a.body.Write(p)
}

// FlushError is for http.ResponseController: nothing is held back.
func (a *localAnswer) FlushError() error {
	a.WriteHeader(http.StatusOK)
	return nil
}

// EnableFullDuplex is for http.ResponseController: it is so anyway.
func (*localAnswer) EnableFullDuplex() error { return nil }

// Abort says why the handler is about to panic with http.ErrAbortHandler: here is no log that would tell.
func (a *localAnswer) Abort(reason error) { a.reason = reason }
