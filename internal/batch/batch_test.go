package batch_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sundog/internal/batch"
	"sundog/internal/bucket"
	"sundog/internal/bucket/buckettest"
	"sundog/payload"
)

// store is a payload bucket whose objects can be fetched by their URLs.
type store struct{ *buckettest.Memory }

func (s store) Fetch(ctx context.Context, url string) ([]byte, error) {
	place, err := payload.ParseLocation(url)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", payload.ErrUnresolvable, err)
	}
	body, _, err := s.Get(ctx, place.Key)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", payload.ErrUnresolvable, err)
	}
	return body, nil
}

// logs are the lines of every stream; nil lines cannot be read.
type logs map[string][]string

func (l logs) LastLine(_ context.Context, stream string) (string, bool, error) {
	lines, ok := l[stream]
	switch {
	case !ok:
		return "", false, errors.New("log store is down")
	case len(lines) == 0:
		return "", false, nil
	}
	return lines[len(lines)-1], true, nil
}

func newExchange(l logs) (*batch.Exchange, store) {
	s := store{buckettest.NewMemory()}
	n := 0
	return batch.New(batch.Config{
		Bucket: s, Fetcher: s, Logs: l, Layout: payload.Layout{Bucket: "payloads", Root: "cirrus"},
		NewID: func() string { n++; return fmt.Sprint("id-", n) },
	}), s
}

const document = `{"type": "FeatureCollection", "features": [{"type": "Feature", "id": "i1.json", "collection": "c1", "x": 1.50}], "process": [{"workflow": "wf"}], "id": "c1/workflow-wf/i1.json"}`

func TestPre(t *testing.T) {
	x, s := newExchange(nil)
	out, err := x.Pre(t.Context(), []byte(document))
	if err != nil {
		t.Fatal(err)
	}
	want := `{"url":"s3://payloads/cirrus/tmp/batch/c1/workflow-wf/i1.json/id-1.json","url_out":"s3://payloads/cirrus/tmp/batch/c1/workflow-wf/i1.json/id-1_out.json"}`
	if string(out) != want {
		t.Errorf("got  %s\nwant %s", out, want)
	}
	if body, _, err := s.Get(t.Context(), "cirrus/tmp/batch/c1/workflow-wf/i1.json/id-1.json"); err != nil || string(body) != document {
		t.Errorf("stored %s, %v", body, err)
	}
	again, err := x.Pre(t.Context(), []byte(`{"url": "s3://payloads/cirrus/tmp/batch/c1/workflow-wf/i1.json/id-1.json"}`))
	if err != nil || string(again) != strings.ReplaceAll(want, "id-1", "id-2") {
		t.Errorf("by reference: %s, %v", again, err)
	}
}

func TestPreTellsPaths(t *testing.T) {
	s := store{buckettest.NewMemory()}
	x := batch.New(batch.Config{
		Bucket: s, Fetcher: s, Layout: payload.Layout{Root: "cirrus"}, NewID: func() string { return "u" },
		URL: func(l payload.Location) string { return "/var/lib/sundog/jobs/" + l.Key },
	})
	out, err := x.Pre(t.Context(), []byte(document))
	if err != nil || !strings.HasPrefix(string(out), `{"url":"/var/lib/sundog/jobs/`) {
		t.Errorf("%s, %v", out, err)
	}
}

func TestPost(t *testing.T) {
	x, s := newExchange(nil)
	result := strings.Replace(document, "1.50", "2.50", 1)
	put(t, s, "out.json", result)
	out, err := x.Post(t.Context(), []byte(`{"JobId": "j", "Status": "SUCCEEDED", "Parameters": {"url": "s3://payloads/in.json", "url_out": "s3://payloads/out.json"}}`))
	if err != nil || string(out) != result {
		t.Errorf("got %s, %v", out, err)
	}
}

func TestPostGivesALongResultByReference(t *testing.T) {
	x, s := newExchange(nil)
	long := strings.Replace(document, `"x": 1.50`, `"x": "`+strings.Repeat("y", payload.MaxInline)+`"`, 1)
	put(t, s, "out.json", long)
	out, err := x.Post(t.Context(), []byte(`{"Parameters": {"url_out": "s3://payloads/out.json"}}`))
	if err != nil || string(out) != `{"url": "s3://payloads/cirrus/tmp/oversized/id-1.json"}` {
		t.Fatalf("got %.200s, %v", out, err)
	}
	if body, _, err := s.Get(t.Context(), "cirrus/tmp/oversized/id-1.json"); err != nil || string(body) != long {
		t.Errorf("stored %d bytes, %v", len(body), err)
	}
}

func TestErrors(t *testing.T) {
	failed := func(stream string) string {
		cause := fmt.Sprintf(`{"Attempts": [{"Container": {"LogStreamName": "first"}}, {"Container": {"LogStreamName": %q, "Reason": "OOM"}}]}`, stream)
		return fmt.Sprintf(`{"url": "u", "error": {"Error": "States.TaskFailed", "Cause": %q}}`, cause)
	}
	x, s := newExchange(logs{
		"first":  {"wrong attempt: no"},
		"named":  {"working", "stactask.exceptions.InvalidInput: cloud cover of 140 %"},
		"plain":  {"it: broke", "no luck today"},
		"silent": {},
	})
	put(t, s, "text", "no JSON")
	put(t, s, "no-id", `{"type": "FeatureCollection", "features": []}`)
	for _, tt := range []struct {
		name  string
		run   func(context.Context, []byte) ([]byte, error)
		event string
		kind  string // "" for an error without a type
		want  string
	}{
		{"named error", x.Post, failed("named"), "stactask.exceptions.InvalidInput", "cloud cover of 140 %"},
		{"plain line", x.Post, failed("plain"), "UnknownError", "no luck today"},
		{"nothing logged", x.Post, failed("silent"), "UnknownError", "the job logged nothing, its container has probably never run; reason: OOM; status: not given"},
		{"log cannot be read", x.Post, failed("absent"), "UnknownError", `the job logged nothing, its container has probably never run; reason: OOM; status: not given (its log "absent" could not be read: log store is down)`},
		{"no attempts", x.Post, `{"error": {"Cause": "{}"}}`, "", "post-batch: reading the error of a Batch job: the job was not attempted"},
		{"null error", x.Post, `{"error": null}`, "", "post-batch: reading the error of a Batch job: Cause is nothing, expected the job as JSON text"},
		{"no result", x.Post, `{"Parameters": {"url_out": "s3://payloads/absent"}}`, "", `post-batch: read the job's result: fetching the payload at s3://payloads/absent: unresolvable reference: get "absent": no such object`},
		{"result is no JSON", x.Post, `{"Parameters": {"url_out": "s3://payloads/text"}}`, "", `post-batch: read the job's result: unresolvable reference: the payload at s3://payloads/text: `},
		{"result without id", x.Post, `{"Parameters": {"url_out": "s3://payloads/no-id"}}`, "stactask.exceptions.InvalidInput", "post-batch: read the job's result: invalid payload: "},
		{"no payload", x.Pre, `[1]`, "stactask.exceptions.InvalidInput", "pre-batch: "},
		{"no JSON", x.Pre, `{`, "stactask.exceptions.InvalidInput", "pre-batch: "},
		{"two payloads", x.Pre, `{"Records": [{"body": "{}"}, {"body": "{}"}]}`, "stactask.exceptions.InvalidInput", "pre-batch: the event holds 2 payloads instead of one"},
		{"payload without id", x.Pre, `{"type": "FeatureCollection", "features": []}`, "stactask.exceptions.InvalidInput", "pre-batch: invalid payload: "},
	} {
		t.Run(tt.name, func(t *testing.T) {
			out, err := tt.run(t.Context(), []byte(tt.event))
			if err == nil {
				t.Fatalf("no error but %s", out)
			}
			var typed interface{ ErrorType() string }
			kind := ""
			if errors.As(err, &typed) {
				kind = typed.ErrorType()
			}
			if kind != tt.kind || !strings.HasPrefix(err.Error(), tt.want) {
				t.Errorf("got  %q: %v\nwant %q: %s", kind, err, tt.kind, tt.want)
			}
		})
	}
}

func TestByReference(t *testing.T) {
	x, s := newExchange(nil)
	put(t, s, "in.json", document)
	long := false
	f := x.ByReference("publish", func(_ context.Context, raw []byte) ([]byte, error) {
		if string(raw) != document {
			t.Errorf("called with %s", raw)
		}
		if long {
			raw = []byte(strings.Replace(document, "1.50", `"`+strings.Repeat("y", payload.MaxInline)+`"`, 1))
		}
		return raw, nil
	})
	for _, event := range []string{document, `{"url": "s3://payloads/in.json"}`} {
		if out, err := f(t.Context(), []byte(event)); err != nil || string(out) != document {
			t.Errorf("%.40s…: %s, %v", event, out, err)
		}
	}
	long = true
	if out, err := f(t.Context(), []byte(document)); err != nil || string(out) != `{"url": "s3://payloads/cirrus/tmp/oversized/id-1.json"}` {
		t.Errorf("%.100s, %v", out, err)
	}
	if _, err := f(t.Context(), []byte(`{"url": "s3://payloads/absent"}`)); !errors.Is(err, payload.ErrUnresolvable) || !strings.HasPrefix(err.Error(), "publish: ") {
		t.Errorf("absent reference: %v", err)
	}
}

// TestRecordedAnswers runs what Cirrus answered: the same payloads, and errors under the same names where a job gave one.
func TestRecordedAnswers(t *testing.T) {
	dir := os.Getenv("SUNDOG_GOLDEN_CASES")
	if dir == "" {
		t.Skip("set SUNDOG_GOLDEN_CASES to a folder of recorded cases to run this test")
	}
	raw, err := os.ReadFile(filepath.Join(dir, "p8_post_batch_handler.json"))
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Cases []struct {
			ID    string
			Input struct {
				Event       json.RawMessage
				LogMessages []string `json:"log_messages"`
			}
			Output json.RawMessage
			Error  *struct{ Type, Message string }
		}
	}
	if err := json.Unmarshal(raw, &file); err != nil {
		t.Fatal(err)
	}
	for _, c := range file.Cases {
		l := logs{}
		if c.Input.LogMessages != nil {
			l["ls"], l["l2"] = c.Input.LogMessages, c.Input.LogMessages
		}
		x, _ := newExchange(l)
		out, err := x.Post(t.Context(), c.Input.Event)
		if (err != nil) != (c.Error != nil) {
			t.Errorf("%s: got %s, %v; recorded %s, %v", c.ID, out, err, c.Output, c.Error)
			continue
		}
		var named *batch.Error
		if len(c.Input.LogMessages) > 0 && errors.As(err, &named) && c.Error.Type != "KeyError" && (named.Type != c.Error.Type || named.Message != c.Error.Message) {
			t.Errorf("%s: got %s: %s; recorded %s: %s", c.ID, named.Type, named.Message, c.Error.Type, c.Error.Message)
		}
		if err == nil && compact(t, out) != compact(t, c.Output) {
			t.Errorf("%s: got %s, recorded %s", c.ID, out, c.Output)
		}
	}
	t.Logf("%d cases", len(file.Cases))
}

func compact(t *testing.T, raw []byte) string {
	t.Helper()
	var v any
	if err := json.Unmarshal(raw, &v); err != nil {
		t.Fatal(err)
	}
	out, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

func put(t *testing.T, s store, key, body string) {
	t.Helper()
	if _, err := s.Put(t.Context(), key, []byte(body), bucket.PutOptions{}); err != nil {
		t.Fatal(err)
	}
}
