package golden_test

import (
	"encoding/json"
	"testing"

	"sundog/internal/golden"
	"sundog/payload"
)

func checkExtract(t *testing.T, c golden.Case) golden.Outcome {
	var in struct {
		Event    json.RawMessage `json:"event"`
		RawEvent *string         `json:"raw_event"`
	}
	golden.Into(t, c.Input, &in)
	if in.RawEvent != nil {
		in.Event = json.RawMessage(*in.RawEvent)
	}
	records := payload.Extract(in.Event)
	if c.Error != nil {
		unreadable := 0
		for _, r := range records {
			if r.Err != nil {
				unreadable++
			}
		}
		switch unreadable {
		case 0:
			return golden.Failed("%d records are read; the original fails: %s", len(records), c.Error.Message)
		case len(records):
			return golden.Passed()
		}
		return golden.SetAside(6) // the readable ones are read, which is what the original misses
	}
	var want []json.RawMessage
	golden.Into(t, c.Output, &want)
	if len(records) == 1 && records[0].Err != nil && len(want) != 1 { // Records is text, which Python reads letter by letter
		return golden.SetAside(6)
	}
	if len(records) != len(want) {
		return golden.Failed("%d records, want %d", len(records), len(want))
	}
	outcome := golden.Passed()
	for i, r := range records {
		one := compareRecord(r, want[i])
		if one.Problem != "" {
			return one
		}
		if one.Fault != 0 {
			outcome = one
		}
	}
	return outcome
}

func compareRecord(r payload.Record, want json.RawMessage) golden.Outcome {
	var fields map[string]json.RawMessage
	isObject := json.Unmarshal(want, &fields) == nil && fields != nil
	rawURL, isReference := fields["url"]
	var url string
	isURL := isReference && json.Unmarshal(rawURL, &url) == nil && url != ""
	switch {
	case !isObject || isReference && !isURL:
		if r.Err != nil { // the original lets it pass here, and then the whole batch fails
			return golden.SetAside(6)
		}
		return golden.Failed("read as payload %.200s url %q; it is unreadable: %.200s", r.Payload, r.URL, want)
	case r.Err != nil:
		return golden.Failed("unreadable: %v; want %.200s", r.Err, want)
	case isURL && (r.URL != url || r.Payload != nil):
		return golden.Failed("reference %q, want %q", r.URL, url)
	case !isURL && (r.URL != "" || !golden.SameJSON(r.Payload, want)):
		return golden.Failed("payload %.200s, want %.200s", r.Payload, want)
	}
	return golden.Passed()
}

// checkSinglePayload: where the original takes one payload only, we hand on as many as there are.
func checkSinglePayload(t *testing.T, c golden.Case) golden.Outcome {
	var in struct{ Event json.RawMessage }
	golden.Into(t, c.Input, &in)
	records := payload.Extract(in.Event)
	if c.Error != nil {
		if len(records) == 1 && records[0].Err == nil {
			return golden.Failed("one payload is read; the original fails: %s", c.Error.Message)
		}
		return golden.Passed()
	}
	if len(records) != 1 {
		return golden.Failed("%d records, want one", len(records))
	}
	return compareRecord(records[0], c.Output)
}
