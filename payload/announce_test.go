package payload_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sundog/payload"
)

func TestItemAttributes(t *testing.T) {
	full := `{"collection": "c", "bbox": [-1.50, 2, 1e-7, 4, 5, 6], "properties": {"datetime": "D", "end_datetime": "E", "eo:cloud_cover": 0.0, "created": "C", "updated": "U"}}`
	want := []payload.Attribute{
		{"collection", "String", "c"},
		{"bbox.ll_lon", "Number", "-1.5"},
		{"bbox.ll_lat", "Number", "2"},
		{"bbox.ur_lon", "Number", "1e-07"},
		{"bbox.ur_lat", "Number", "4"},
		{"start_datetime", "String", "D"},
		{"end_datetime", "String", "E"},
		{"datetime", "String", "D"},
		{"cloud_cover", "Number", "0.0"},
		{"status", "String", "updated"},
	}
	if diff := cmp.Diff(want, payload.ItemAttributes(json.RawMessage(full))); diff != "" {
		t.Errorf("attributes (-want +got):\n%s", diff)
	}
	for item, want := range map[string]string{
		`{}`: "", `5`: "", `{"properties": "datetime"}`: "", `{"collection": null}`: "", `{"collection": ""}`: "",
		`{"bbox": [1, 2, 3]}`: "", `{"bbox": null}`: "", `{"bbox": [1, 2, null, 4]}`: "",
		`{"properties": {"datetime": null, "eo:cloud_cover": null}}`: "",
		`{"properties": {"datetime": null, "start_datetime": "S"}}`:  "start_datetime=S",
		`{"properties": {"start_datetime": null, "datetime": "D"}}`:  "end_datetime=D datetime=D",
		`{"properties": {"eo:cloud_cover": "12"}}`:                   "cloud_cover=12",
		`{"properties": {"eo:cloud_cover": "NaN"}}`:                  "", `{"properties": {"eo:cloud_cover": 1e400}}`: "",
		`{"properties": {"eo:cloud_cover": "much"}}`:                                 "",
		`{"properties": {"created": {"a": [1, "x"]}, "updated": {"a": [1.0, "x"]}}}`: "status=created",
		`{"properties": {"created": null, "updated": "U"}}`:                          "status=updated",
		`{"properties": {"created": "C"}}`:                                           "",
	} {
		var got []string
		for _, a := range payload.ItemAttributes(json.RawMessage(item)) {
			got = append(got, a.Name+"="+a.Value)
		}
		if text := strings.Join(got, " "); text != want {
			t.Errorf("%s: %q, want %q", item, text, want)
		}
	}
}

func TestInline(t *testing.T) {
	padded := func(pad string) *payload.Payload {
		p, err := payload.Parse([]byte(`{"id": "a/workflow-b/c", "process": [{"workflow": "b"}], "features": [], "pad": "` + pad + `"}`))
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	bare := padded("")
	// Two quotes, the text, and a backslash for each quote in it.
	if want := 2 + len(bare.Bytes()) + strings.Count(string(bare.Bytes()), `"`); bare.Length() != want {
		t.Errorf("length %d of %s", bare.Length(), bare.Bytes())
	}
	room := payload.MaxInline - bare.Length()
	for name, c := range map[string]struct {
		pad    string
		length int
		inline bool
	}{
		"short":           {"", bare.Length(), true},
		"just fits":       {strings.Repeat("a", room), payload.MaxInline, true},
		"one beyond":      {strings.Repeat("a", room+1), payload.MaxInline + 1, false},
		"escaped, fits":   {strings.Repeat("é", room/7), bare.Length() + room/7*7, true},
		"escaped, beyond": {strings.Repeat("é", room/7+1), bare.Length() + room/7*7 + 7, false},
	} {
		if p := padded(c.pad); p.Length() != c.length || p.Inline() != c.inline {
			t.Errorf("%s: length %d, inline %v; want %d, %v", name, p.Length(), p.Inline(), c.length, c.inline)
		}
	}
	if got := payload.Reference("s3://b/é\""); string(got) != `{"url": "s3://b/\u00e9\""}` {
		t.Errorf("reference %s", got)
	}
}

func TestSince(t *testing.T) {
	for text, want := range map[string]payload.Since{
		"7d": 604800, "24h": 86400, "30m": 1800, "0m": 0, "10 d": 864000, "٣d": 259200, "999999999d": 86399999913600,
		"": -1, "d": -1, "7": -1, "7D": -1, "7w": -1, " 7d": -1, "7d ": -1, "7d\n": -1, "+7d": -1, "-7d": -1, "7\td": -1, "1.5d": -1, "²d": -1,
		"1000000000d": -1, "99999999999999999999999999m": -1,
	} {
		got, err := payload.ParseSince(text)
		if (err != nil) != (want < 0) || err == nil && got != want {
			t.Errorf("ParseSince(%q) = %d, %v", text, got, err)
		}
	}
	now := time.Date(2025, 3, 31, 21, 36, 41, 123456000, time.UTC)
	if got := payload.Since(86400).Before(now); !got.Equal(now.AddDate(0, 0, -1)) {
		t.Errorf("a day before is %v", got)
	}
	if got := payload.Since(86399999913600).Before(now); !got.IsZero() {
		t.Errorf("before all time is %v", got)
	}
}

func TestJudge(t *testing.T) {
	for _, c := range []struct {
		status, name, cause string
		outcome             payload.Outcome
		text                string
	}{
		{"SUCCEEDED", "", "", payload.Succeeded, ""},
		{"ABORTED", "E", "c", payload.Aborted, ""},
		{"RUNNING", "", "", 0, ""},
		{"FAILED", "E", "plain", payload.Failed, "E: plain"},
		{"FAILED", "", "plain", payload.Failed, "Unknown: plain"},
		{"FAILED", "E", `{"errorMessage": "boom", "errorType": "T"}`, payload.Failed, "E: boom"},
		{"FAILED", "E", `{"errorMessage": {"b": [true, null, 1.0], "a": "it's"}}`, payload.Failed, `E: {'b': [True, None, 1.0], 'a': "it's"}`},
		{"FAILED", "E", `{"other": 1}`, payload.Failed, `E: {"other": 1}`},
		{"FAILED", "E", `["errorMessage"]`, payload.Failed, `E: ["errorMessage"]`},
		{"FAILED", "cirrus.lib.errors.InvalidInput", "x", payload.Invalid, "cirrus.lib.errors.InvalidInput: x"},
		{"FAILED", "stactask.exceptions.InvalidInput", "x", payload.Invalid, "stactask.exceptions.InvalidInput: x"},
		{"FAILED", "TimedOutError", "x", payload.TimedOut, "TimedOutError: x"},
	} {
		if outcome, text := payload.Judge(c.status, c.name, c.cause); outcome != c.outcome || text != c.text {
			t.Errorf("%s %s %s: %v %q", c.status, c.name, c.cause, outcome, text)
		}
	}
	if outcome, text := payload.Judge("TIMED_OUT", "", ""); outcome != payload.TimedOut || !strings.HasPrefix(text, "TimedOutError: ") {
		t.Errorf("timed out: %v %q", outcome, text)
	}
	if _, text := payload.Judge("FAILED", "E", ""); len(text) <= len("E: ") {
		t.Errorf("no cause: %q", text)
	}
}

func TestLocation(t *testing.T) {
	for url, want := range map[string]payload.Location{
		"s3://b/k?x=1#y": {"b", "k?x=1#y"}, "s3://b/a%20b": {"b", "a%20b"}, "s3://b//k": {"b", "/k"}, "s3://b/": {"b", ""}, "s3://b": {"b", ""},
		"S3://b/k": {}, "https://b/k": {}, "s3:///k": {}, "": {},
	} {
		got, err := payload.ParseLocation(url)
		if got != want || (err == nil) != (want != payload.Location{}) {
			t.Errorf("ParseLocation(%q) = %+v, %v", url, got, err)
		}
	}
	l := payload.Layout{Bucket: "b", Root: "root/x"}
	got := []string{l.Input("c/workflow-w/i", "e").String(), l.Output("c/workflow-w/i", "e").Key, l.Oversized("u").Key, l.Invalid("u").Key, l.Batch("c/workflow-w/i", "u").Key}
	want := []string{
		"s3://b/root/x/executions/c/workflow-w/i/e/input.json", "root/x/executions/c/workflow-w/i/e/output.json",
		"root/x/tmp/oversized/u.json", "root/x/tmp/invalid/u.json", "root/x/tmp/batch/c/workflow-w/i/u.json",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("layout (-want +got):\n%s", diff)
	}
	for _, kept := range []string{l.Input("p", "e").Key, l.Output("p", "e").Key} {
		if !strings.HasPrefix(kept, l.Executions()+"/") || strings.HasPrefix(kept, l.Temporary()+"/") {
			t.Errorf("%s does not lie with what is kept", kept)
		}
	}
}

func TestTaskErrors(t *testing.T) {
	for line, want := range map[string]payload.TaskError{
		"a.b.InvalidInput: no": {"a.b.InvalidInput", "no"}, "two words: no": {"UnknownError", "two words: no"}, "": {"UnknownError", ""},
		"E: one\ntwo": {"E", "one"}, "\u00a0 E: x": {"UnknownError", "E: x"}, "日本: x": {"日本", "x"}, ": x": {"UnknownError", ": x"}, "E:": {"E", ""}, "E": {"UnknownError", "E"},
	} {
		if got := payload.ParseTaskError(line); got != want {
			t.Errorf("%q is read as %+v", line, got)
		}
	}
	job := func(attempts string) json.RawMessage {
		return json.RawMessage(`{"Error": "States.TaskFailed", "Cause": ` + quote(`{"Attempts": `+attempts+`}`) + `}`)
	}
	f, err := payload.ParseJobFailure(job(`[{}, {"Container": {"LogStreamName": "s", "Reason": "OOM"}, "StatusReason": "exited"}]`))
	if err != nil || f != (payload.JobFailure{LogStream: "s", Reason: "OOM", StatusReason: "exited"}) {
		t.Errorf("%+v, %v", f, err)
	}
	if e := f.Unlogged(); e.Name != payload.UnknownError || !strings.Contains(e.Message, "OOM") || !strings.Contains(e.Message, "exited") {
		t.Errorf("unlogged: %v", e)
	}
	for _, bad := range []json.RawMessage{nil, []byte(`null`), []byte(`"x"`), []byte(`{"Cause": 5}`), []byte(`{"Cause": "x"}`), []byte(`{"Cause": "[]"}`), job(`null`), job(`[]`), job(`[{}]`), job(`[{"Container": {"LogStreamName": ""}}]`)} {
		if f, err := payload.ParseJobFailure(bad); err == nil {
			t.Errorf("%s is read as %+v", bad, f)
		}
	}
}
