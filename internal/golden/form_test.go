package golden_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"sundog/internal/golden"
	"sundog/payload"
)

func checkLayout(t *testing.T, c golden.Case) golden.Outcome {
	var in struct {
		Bucket      string
		Root        *string `json:"root_prefix"`
		PayloadID   string  `json:"payload_id"`
		ExecutionID string  `json:"execution_id"`
	}
	golden.Into(t, c.Input, &in)
	var out struct {
		Input, Output                                     string
		Parsed                                            []string
		PrefixOversized, PrefixInvalid, PrefixBatch, Exec string
	}
	golden.Into(t, c.Output, &out)
	var prefixes map[string]json.RawMessage
	golden.Into(t, c.Output, &prefixes)
	layout := payload.Layout{Bucket: in.Bucket, Root: payload.DefaultRoot}
	if in.Root != nil {
		layout.Root = *in.Root
	}
	input := layout.Input(in.PayloadID, in.ExecutionID)
	if input.String() != out.Input || layout.Output(in.PayloadID, in.ExecutionID).String() != out.Output {
		return golden.Failed("input %s, want %s", input, out.Input)
	}
	for name, key := range map[string]string{
		"prefix_oversized": layout.Oversized("u").Key,
		"prefix_invalid":   layout.Invalid("u").Key,
		"prefix_batch":     layout.Batch("id", "u").Key,
		"prefix_execs":     layout.Executions() + "/",
	} {
		var prefix string
		golden.Into(t, prefixes[name], &prefix)
		if !strings.HasPrefix(key, prefix+"/") {
			return golden.Failed("%s: key %s is not below %s", name, key, prefix)
		}
	}
	back, err := payload.ParseLocation(out.Input)
	if err != nil || back != input {
		return golden.Failed("the URL %s is read as %+v (%v)", out.Input, back, err)
	}
	if back.Bucket != out.Parsed[0] || back.Key != out.Parsed[1] {
		return cutKey(back, out.Parsed[0], out.Parsed[1])
	}
	return golden.Passed()
}

// cutKey judges a key that the original cuts at ? or #.
func cutKey(ours payload.Location, bucket, key string) golden.Outcome {
	whole, found := strings.CutPrefix(ours.Key, key)
	if ours.Bucket == bucket && found && whole != "" && strings.ContainsAny(whole[:1], "?#") {
		return golden.SetAside(9)
	}
	return golden.Failed("bucket %q, key %q; want %q, %q", ours.Bucket, ours.Key, bucket, key)
}

func checkLocation(t *testing.T, c golden.Case) golden.Outcome {
	var in struct{ URL string }
	golden.Into(t, c.Input, &in)
	l, err := payload.ParseLocation(in.URL)
	if c.Error != nil {
		if err == nil {
			return golden.Failed("read as %+v; the original fails", l)
		}
		return golden.Passed()
	}
	var out struct{ Bucket, Key string }
	golden.Into(t, c.Output, &out)
	if err != nil {
		return golden.Failed("refused: %v", err)
	}
	if l.Bucket != out.Bucket || l.Key != out.Key {
		return cutKey(l, out.Bucket, out.Key)
	}
	return golden.Passed()
}

func checkSince(t *testing.T, c golden.Case) golden.Outcome {
	var in struct{ Since string }
	golden.Into(t, c.Input, &in)
	got, err := payload.ParseSince(in.Since)
	if c.Error != nil {
		switch withoutSpaces, errWithout := payload.ParseSince(strings.ReplaceAll(in.Since, " ", "")); {
		case err != nil:
			return golden.Passed()
		case strings.Contains(in.Since, " ") && errWithout == nil && got == withoutSpaces: // spaces are allowed
			return golden.SetAside(20)
		}
		return golden.Failed("read as %d seconds; the original fails", got)
	}
	var want float64
	golden.Into(t, c.Output, &want)
	if err != nil {
		if strings.HasSuffix(in.Since, "\n") {
			return golden.SetAside(20)
		}
		return golden.Failed("refused: %v", err)
	}
	if float64(got) != want {
		return golden.Failed("%d seconds, want %v", got, want)
	}
	return golden.Passed()
}

func checkLength(t *testing.T, c golden.Case) golden.Outcome {
	var in struct {
		Payload json.RawMessage
		Unit    string `json:"pad_unit"`
		Count   int    `json:"pad_count"`
	}
	golden.Into(t, c.Input, &in)
	var out struct {
		Length int
		Inline bool
	}
	golden.Into(t, c.Output, &out)
	pad, err := json.Marshal(strings.Repeat(in.Unit, in.Count))
	if err != nil {
		t.Fatal(err)
	}
	document := strings.TrimSuffix(strings.TrimSpace(string(in.Payload)), "}") + `, "pad": ` + string(pad) + "}"
	if in.Count == 0 {
		document = string(in.Payload)
	}
	p, err := payload.ParseTask([]byte(document))
	if err != nil {
		return golden.Failed("refused: %v", err)
	}
	if p.Length() != out.Length || p.Inline() != out.Inline {
		return golden.Failed("length %d, inline %v; want %d, %v", p.Length(), p.Inline(), out.Length, out.Inline)
	}
	return golden.Passed()
}

func checkTemplate(t *testing.T, c golden.Case) golden.Outcome {
	var in struct {
		Template        string
		Mapping, Kwargs map[string]string
		Silence         bool
	}
	golden.Into(t, c.Input, &in)
	variables := map[string]string{}
	for _, m := range []map[string]string{in.Mapping, in.Kwargs} {
		for name, value := range m {
			variables[name] = value
		}
	}
	got, err := payload.Expand(in.Template, variables, in.Silence)
	if c.Error != nil {
		kind := map[string]error{"KeyError": payload.ErrUnknownVariable, "ValueError": payload.ErrPlaceholder}[c.Error.Type]
		if err == nil || !errors.Is(err, kind) {
			return golden.Failed("%q, %v; want an error like %s", got, err, c.Error.Type)
		}
		return golden.Passed()
	}
	var want string
	golden.Into(t, c.Output, &want)
	if err != nil || got != want {
		return golden.Failed("%q, %v; want %q", got, err, want)
	}
	return golden.Passed()
}

func checkCompletion(t *testing.T, c golden.Case) golden.Outcome {
	var in struct {
		Status       string
		Error, Cause *string
		Direct       *struct {
			Detail struct{ Error, Cause *string }
		} `json:"get_execution_error"`
	}
	golden.Into(t, c.Input, &in)
	var out struct {
		Method, Error string
		Cause         *string
	}
	golden.Into(t, c.Output, &out)
	if in.Direct != nil {
		in.Status, in.Error, in.Cause = payload.StatusFailed, in.Direct.Detail.Error, in.Direct.Detail.Cause
		out.Method, out.Error = "failed", out.Error+": "+orEmpty(out.Cause)
	}
	outcome, text := payload.Judge(in.Status, orEmpty(in.Error), orEmpty(in.Cause))
	method := map[payload.Outcome]string{payload.Failed: "failed", payload.TimedOut: "timed_out", payload.Invalid: "invalid"}[outcome]
	if method != out.Method {
		return golden.Failed("%s, want %s", method, out.Method)
	}
	if text == out.Error {
		return golden.Passed()
	}
	name, message, _ := cutError(text, orEmpty(in.Error))
	theirName, theirMessage, _ := cutError(out.Error, orEmpty(in.Error))
	switch {
	case name != theirName:
	case theirMessage == "unknown" && message == orEmpty(in.Cause):
		return golden.SetAside(15)
	case orEmpty(in.Cause) == "" || in.Status == payload.StatusTimedOut:
		// Neither knows why; what is said about that is nobody's contract.
		if message != "" {
			return golden.Passed()
		}
	}
	return golden.Failed("%q, want %q", text, out.Error)
}

// cutError cuts `<name>: <message>`, where the name may hold a colon.
func cutError(text, name string) (string, string, bool) {
	if message, ok := strings.CutPrefix(text, name+": "); ok && name != "" {
		return name, message, true
	}
	return strings.Cut(text, ": ")
}

func checkTaskError(t *testing.T, c golden.Case) golden.Outcome {
	var in struct{ Messages []string }
	golden.Into(t, c.Input, &in)
	if c.Error != nil {
		if len(in.Messages) > 0 {
			return golden.Failed("the original fails on a line: %s", c.Error.Message)
		}
		return golden.Passed() // no line, nothing to read
	}
	var want []string
	golden.Into(t, c.Output, &want)
	if got := payload.ParseTaskError(in.Messages[len(in.Messages)-1]); got.Name != want[0] || got.Message != want[1] {
		return golden.Failed("%+v, want %q", got, want)
	}
	return golden.Passed()
}

func checkJobFailure(t *testing.T, c golden.Case) golden.Outcome {
	var in struct {
		Event    map[string]json.RawMessage
		Messages []string `json:"log_messages"`
	}
	golden.Into(t, c.Input, &in)
	failure, failed := in.Event["error"]
	if !failed {
		document, err := json.Marshal(in.Event)
		if err != nil {
			t.Fatal(err)
		}
		switch _, err = payload.ParseOutput(document); {
		case (err != nil) == (c.Error != nil):
			return golden.Passed()
		case err != nil:
			return refusedInput(err)
		}
		return golden.Failed("the job's output is accepted; the original fails: %s", c.Error.Message)
	}
	job, err := payload.ParseJobFailure(failure)
	if err != nil {
		if strings.Contains(c.Error.Message, "likely never ran") || c.Error.Type == payload.UnknownError {
			return golden.Failed("%v, want %s: %s", err, c.Error.Type, c.Error.Message)
		}
		return golden.Passed()
	}
	if len(in.Messages) == 0 {
		reported := job.Unlogged()
		if !strings.Contains(c.Error.Message, "likely never ran") || !strings.Contains(reported.Message, job.Reason) {
			return golden.Failed("%v, want %s", reported, c.Error.Message)
		}
		return golden.Passed()
	}
	if got := payload.ParseTaskError(in.Messages[len(in.Messages)-1]); got.Name != c.Error.Type || got.Message != c.Error.Message {
		return golden.Failed("%+v, want %s: %s", got, c.Error.Type, c.Error.Message)
	}
	return golden.Passed()
}
