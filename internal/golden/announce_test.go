package golden_test

import (
	"encoding/json"
	"strings"
	"testing"

	"sundog/internal/event"
	"sundog/internal/golden"
	"sundog/payload"
)

type attribute struct {
	DataType    string
	StringValue json.RawMessage
}

// text is the value; false when it is no text, or empty, and so could not be sent.
func (a attribute) text() (string, bool) {
	var s *string
	if err := json.Unmarshal(a.StringValue, &s); err != nil || s == nil || *s == "" {
		return "", false
	}
	return *s, true
}

// sendable says whether SNS takes it.
func (a attribute) sendable() bool {
	text, ok := a.text()
	if ok && a.DataType == "Number" {
		var n json.Number
		ok = json.Unmarshal([]byte(text), &n) == nil
	}
	return ok
}

func checkItemAttributes(t *testing.T, c golden.Case) golden.Outcome {
	var in struct {
		Item    json.RawMessage `json:"item"`
		RawItem *string         `json:"raw_item"`
	}
	golden.Into(t, c.Input, &in)
	if in.RawItem != nil {
		in.Item = json.RawMessage(*in.RawItem)
	}
	got := map[string]payload.Attribute{}
	for _, a := range payload.ItemAttributes(in.Item) {
		got[a.Name] = a
	}
	for _, a := range got {
		if a.Value == "" {
			return golden.Failed("attribute %s is empty", a.Name)
		}
	}
	if c.Error != nil { // one Item stops the whole batch there, and lacks an attribute here
		return golden.SetAside(11)
	}
	var want map[string]attribute
	golden.Into(t, c.Output, &want)
	boxUnsendable := false
	for name, w := range want {
		boxUnsendable = boxUnsendable || strings.HasPrefix(name, "bbox.") && !w.sendable()
	}
	outcome := golden.Passed()
	for name, w := range want {
		a, sent := got[name]
		text, _ := w.text()
		delete(got, name)
		switch {
		case !w.sendable() || boxUnsendable && strings.HasPrefix(name, "bbox."):
			if sent {
				return golden.Failed("attribute %s is %q; it cannot be sent", name, a.Value)
			}
			outcome = golden.SetAside(11)
		case !sent || a.Type != w.DataType || a.Value != text:
			return golden.Failed("attribute %s is %+v, want %s", name, a, w.StringValue)
		}
	}
	if len(got) > 0 {
		return golden.Failed("more attributes than wanted: %v", got)
	}
	return outcome
}

func checkEvent(t *testing.T, c golden.Case) golden.Outcome {
	type fields struct {
		Type      event.Type `json:"event_type"`
		PayloadID string     `json:"payload_id"`
		Time      string     `json:"isotimestamp"`
		InputURL  *string    `json:"input_payload_url"`
		OutputURL *string    `json:"output_payload_url"`
		Execution *string    `json:"execution_arn"`
		Error     *string    `json:"error"`
	}
	var in fields
	golden.Into(t, c.Input, &in)
	var out struct {
		Serialize  string
		Attributes map[string]attribute `json:"sns_attributes"`
		LogMetric  string               `json:"log_metric"`
		RoundTrip  json.RawMessage
	}
	golden.Into(t, c.Output, &out)
	e := event.Event{
		Type: in.Type, PayloadID: in.PayloadID, Time: in.Time, Error: in.Error, ExecutionARN: in.Execution,
		InputURL: orEmpty(in.InputURL), OutputURL: orEmpty(in.OutputURL),
	}
	outcome := golden.Passed()
	if message := e.Message(); message != out.Serialize {
		// The console URL of what is no ARN shows the region of the environment there.
		theirs := strings.ReplaceAll(out.Serialize, "us-east-1.console", "us-west-2.console")
		theirs = strings.ReplaceAll(theirs, "?region=us-east-1#", "?region=us-west-2#")
		if strings.HasPrefix(orEmpty(in.Execution), "arn:") || message != theirs {
			return golden.Failed("message\n %s\nwant\n %s", message, out.Serialize)
		}
		outcome = golden.SetAside(18)
	}
	if line := e.LogMetric(); line != out.LogMetric {
		return golden.Failed("log line %s, want %s", line, out.LogMetric)
	}
	all := e.Attributes()
	if len(all) != len(out.Attributes) {
		return golden.Failed("attributes %v, want %v", all, out.Attributes)
	}
	for _, a := range all {
		var text string
		golden.Into(t, out.Attributes[a.Name].StringValue, &text)
		if a.Type != out.Attributes[a.Name].DataType || a.Value != text {
			return golden.Failed("attribute %+v, want %q", a, text)
		}
	}
	back, err := event.Parse(out.Serialize)
	var failure struct {
		Error struct{ Type string }
	}
	if json.Unmarshal(out.RoundTrip, &failure) == nil && failure.Error.Type != "" {
		if err == nil {
			return golden.Failed("read back as %+v; the original fails", back)
		}
		return outcome
	}
	if err != nil {
		return golden.Failed("reading it back: %v", err)
	}
	var w fields
	golden.Into(t, out.RoundTrip, &w)
	if back.Type != w.Type || back.PayloadID != w.PayloadID || back.Time != w.Time || back.InputURL != orEmpty(w.InputURL) ||
		back.OutputURL != orEmpty(w.OutputURL) || !equal(back.Error, w.Error) || !equal(back.ExecutionARN, w.Execution) {
		return golden.Failed("read back as %+v, want %s", back, out.RoundTrip)
	}
	return outcome
}

func orEmpty(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

func equal(a, b *string) bool {
	return (a == nil) == (b == nil) && orEmpty(a) == orEmpty(b)
}
