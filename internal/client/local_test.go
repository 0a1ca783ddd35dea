package client_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"sundog/internal/api"
	"sundog/internal/client"
	"sundog/internal/problem"
)

// TestLocalStreams sends lines and reads the answer to each before it sends the next, as over a network.
func TestLocalStreams(t *testing.T) {
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		buffer := make([]byte, 100)
		for line := 1; ; line++ {
			n, err := r.Body.Read(buffer)
			if n > 0 {
				_, _ = fmt.Fprintf(w, `{"line":%d,"payload_id":%q}`+"\n", line, strings.TrimSpace(string(buffer[:n])))
			}
			if err != nil {
				return
			}
		}
	})
	c := client.NewLocal(h, "prod")
	reader, writer := io.Pipe()
	answered := make(chan struct{}, 1)
	go func() {
		for _, id := range []string{"a", "b", "c"} {
			_, _ = io.WriteString(writer, id+"\n")
			<-answered
		}
		_ = writer.Close()
	}()
	var ids []string
	err := c.Submit(t.Context(), reader, "", func(a api.Accepted) error {
		ids = append(ids, a.PayloadID)
		answered <- struct{}{}
		return nil
	})
	if err != nil || strings.Join(ids, "") != "abc" {
		t.Errorf("%v, %v", ids, err)
	}
}

// TestLocalErrors are those that a handler answers with, and those that cut it off.
func TestLocalErrors(t *testing.T) {
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+api.PathStats, func(w http.ResponseWriter, _ *http.Request) {
		doc := problem.DocumentOf(problem.New(problem.Forbidden, "no").WithHint("ask"), "")
		w.WriteHeader(doc.Status)
		_, _ = w.Write(doc.JSON())
	})
	mux.HandleFunc("GET "+api.PathRecords, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", api.ContentTypeNDJSON)
		_, _ = io.WriteString(w, `{"payload_id":"a"}`+"\n")
		if reason := r.URL.Query().Get("workflow"); reason != "" {
			w.(interface{ Abort(error) }).Abort(problem.New(problem.Limit, "%s", reason).WithHint("wait"))
		}
		panic(http.ErrAbortHandler)
	})
	mux.HandleFunc("GET "+api.PathHealth, func(http.ResponseWriter, *http.Request) { panic("oh") })
	c := client.NewLocal(mux, "prod")

	if _, err := c.Stats(t.Context()); !problem.Is(err, problem.Forbidden) || problem.HintOf(err) != "ask" {
		t.Errorf("%v, hint %q", err, problem.HintOf(err))
	}
	seen := 0
	each := func(api.Record) error { seen++; return nil }
	err := c.EachRecord(t.Context(), client.RecordQuery{Workflow: "throttled"}, each)
	if !problem.Is(err, problem.Limit) || problem.HintOf(err) != "wait" || !strings.Contains(err.Error(), "throttled") || seen != 1 {
		t.Errorf("%v, hint %q, %d records", err, problem.HintOf(err), seen)
	}
	if err := c.EachRecord(t.Context(), client.RecordQuery{}, each); !problem.Is(err, problem.Unavailable) {
		t.Errorf("%v", err)
	}
	if _, err := c.Health(t.Context()); err == nil || !strings.Contains(err.Error(), "panic: oh") {
		t.Errorf("%v", err)
	}
}

// TestLocalEnds: a handler ends with the request, and with whoever reads its answer.
func TestLocalEnds(t *testing.T) {
	ended := make(chan error, 1)
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == api.PathRecords {
			w.Header().Set("Content-Type", api.ContentTypeNDJSON)
			_, _ = io.WriteString(w, `{"payload_id":"a"}`+"\n")
		}
		<-r.Context().Done()
		ended <- context.Cause(r.Context())
	})
	c := client.NewLocal(h, "prod")
	stop := errors.New("enough")
	if err := c.EachRecord(t.Context(), client.RecordQuery{}, func(api.Record) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("%v", err)
	}
	if err := <-ended; err == nil {
		t.Error("the handler was not told why")
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	reads := client.NewLocal(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		cancel(stop)
		_, err := io.ReadAll(r.Body)
		ended <- err
	}), "prod")
	silent, writer := io.Pipe() // somebody who types nothing
	defer func() { _ = writer.Close() }()
	if err := reads.Submit(ctx, silent, "", nil); !errors.Is(err, stop) {
		t.Errorf("%v", err)
	}
	if err := <-ended; !errors.Is(err, stop) {
		t.Errorf("the handler read %v", err)
	}
	if _, err := c.Stats(ctx); !errors.Is(err, stop) {
		t.Errorf("%v", err)
	}
}
