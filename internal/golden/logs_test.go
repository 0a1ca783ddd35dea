package golden_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"sundog/asl"
	"sundog/internal/embedded/integration"
	"sundog/internal/embedded/logs"
	"sundog/internal/golden"
)

func TestTaskLogs(t *testing.T) {
	golden.Run(t, "q3_task_logs.json", func(t *testing.T, c golden.Case) golden.Outcome {
		var in struct {
			Events []json.RawMessage
			Line   *struct {
				Timestamp *float64 // milliseconds since 1970
				Message   string
			} `json:"log_event"`
		}
		golden.Into(t, c.Input, &in)
		if in.Line == nil {
			return checkLogMetadata(t, c, in.Events)
		}
		if in.Line.Timestamp == nil {
			if c.Error == nil {
				return golden.Failed("the original shows a line without a time")
			}
			return golden.Passed() // a line of a log always has a time here
		}
		var want string
		golden.Into(t, c.Output, &want)
		at := time.UnixMicro(int64(*in.Line.Timestamp * 1000))
		if got := (logs.Line{Time: at, Text: in.Line.Message}).String(); got != want {
			return golden.Failed("%q, want %q", got, want)
		}
		return golden.Passed()
	})
}

// checkLogMetadata compares where the logs of all events are. Whether the original fails on a whole history is whether we cannot tell of one of
// its events.
func checkLogMetadata(t *testing.T, c golden.Case, texts []json.RawMessage) golden.Outcome {
	events := map[int64]asl.HistoryEvent{}
	var order []int64
	for _, text := range texts {
		ev := historyEvent(t, text)
		events[ev.ID] = ev
		order = append(order, ev.ID)
	}
	want := wantedMetadata(t, c)
	for _, id := range order {
		ref, err := integration.LogOf("arn:aws:states:us-east-1:123456789012:execution:w:e", events[id], func(id int64) (asl.HistoryEvent, bool) {
			ev, ok := events[id]
			return ev, ok
		})
		if err != nil {
			if c.Error == nil {
				return golden.Failed("%v", err)
			}
			return golden.Passed()
		}
		got := json.RawMessage("null")
		if ref != nil {
			if stream := ref.Stream; stream != ref.JobStream && !strings.HasSuffix(stream, "/"+ref.RequestID) {
				return golden.Failed("the stream %s is not that of call %s", stream, ref.RequestID)
			}
			ref.Stream = "" // ours alone
			if got, err = json.Marshal(ref); err != nil {
				t.Fatal(err)
			}
		}
		if c.Error == nil && !golden.SameJSON(got, want[id]) {
			return golden.Failed("event %d: %s, want %s", id, got, want[id])
		}
	}
	if c.Error != nil {
		return golden.Failed("the original fails: %s", c.Error.Message)
	}
	return golden.Passed()
}

// wantedMetadata is the logMetadata of each event of a recorded answer, null where it has none.
func wantedMetadata(t *testing.T, c golden.Case) map[int64]json.RawMessage {
	want := map[int64]json.RawMessage{}
	if c.Error != nil {
		return want
	}
	var out struct{ Events []json.RawMessage }
	golden.Into(t, c.Output, &out)
	for _, text := range out.Events {
		var members map[string]json.RawMessage
		golden.Into(t, text, &members)
		metadata := json.RawMessage("null")
		for name, details := range members {
			if strings.HasSuffix(name, "EventDetails") {
				var d map[string]json.RawMessage
				golden.Into(t, details, &d)
				if found, ok := d["logMetadata"]; ok {
					metadata = found
				}
			}
		}
		want[historyEvent(t, text).ID] = metadata
	}
	return want
}

// historyEvent reads an event of GetExecutionHistory, as far as logs are concerned.
func historyEvent(t *testing.T, text json.RawMessage) asl.HistoryEvent {
	var members map[string]json.RawMessage
	golden.Into(t, text, &members)
	var plain struct {
		ID        int64
		Previous  int64 `json:"previousEventId"`
		Type      string
		Timestamp time.Time
	}
	golden.Into(t, text, &plain)
	ev := asl.HistoryEvent{ID: plain.ID, Previous: plain.Previous, Type: plain.Type, At: plain.Timestamp}
	for name, details := range members {
		if !strings.HasSuffix(name, "EventDetails") {
			continue
		}
		var d struct {
			ResourceType, Resource, Cause string
			Parameters, Output            *string
		}
		golden.Into(t, details, &d)
		ev.Details = asl.Details{ResourceType: d.ResourceType, Resource: d.Resource, Cause: d.Cause}
		if d.Parameters != nil {
			ev.Details.Parameters = asl.Raw([]byte(*d.Parameters))
		}
		if d.Output != nil {
			ev.Details.Output = asl.Raw([]byte(*d.Output))
		}
	}
	return ev
}
