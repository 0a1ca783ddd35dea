package golden_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"sundog/internal/cirrusapi"
	"sundog/internal/embedded/feed"
	"sundog/internal/embedded/store"
	"sundog/internal/event"
	"sundog/internal/golden"
	"sundog/internal/queue"
	"sundog/internal/statedb"
	"sundog/payload"
)

// TestGoldenStatistics runs the files about what the original keeps in a time series database, which here are the counters of the feed of workflow
// events, and about the addresses of queues.
func TestGoldenStatistics(t *testing.T) {
	for file, check := range map[string]func(*testing.T, golden.Case) golden.Outcome{
		"p_parse_queue_arn.json":     checkQueueARN,
		"p3_eventdb_record.json":     checkTransition,
		"p4_eventdb_transforms.json": checkPeriods,
		"p5_date_formatter.json":     checkPeriodNames,
	} {
		t.Run(file, func(t *testing.T) { golden.Run(t, file, check) })
	}
}

func checkQueueARN(t *testing.T, c golden.Case) golden.Outcome {
	var in struct{ ARN string }
	golden.Into(t, c.Input, &in)
	arn, err := queue.ParseARN(in.ARN)
	switch {
	case err != nil && c.Error == nil && strings.HasSuffix(in.ARN, "\n"): // as with 7d: $ of Python's patterns stands before it too
		return golden.SetAside(20)
	case (err != nil) != (c.Error != nil):
		return golden.Failed("%+v, %v", arn, err)
	case err != nil:
		return golden.Passed()
	}
	text, err := json.Marshal(arn)
	if err != nil || !golden.SameJSON(text, c.Output) {
		return golden.Failed("%s (%v), want %s", text, err, c.Output)
	}
	return golden.Passed()
}

// eventOf is the event that tells that a payload has come into a state.
var eventOf = map[statedb.State]event.Type{
	statedb.Claimed: event.ClaimedProcessing, statedb.Processing: event.StartedProcessing, statedb.Succeeded: event.Succeeded,
	statedb.Failed: event.Failed, statedb.Invalid: event.Invalid, statedb.Aborted: event.Aborted,
}

// checkTransition records a transition, and compares what is then known of it: whose it was, when, and into which state.
func checkTransition(t *testing.T, c golden.Case) golden.Outcome {
	var in struct {
		PayloadID string `json:"payload_id"`
		State     statedb.State
		Time      time.Time `json:"event_time"`
		Execution string    `json:"execution_arn"`
	}
	golden.Into(t, c.Input, &in)
	id, err := payload.ParseID(in.PayloadID)
	if err != nil || c.Error != nil {
		if (err != nil) != (c.Error != nil) {
			return golden.Failed("%+v, %v", id, err)
		}
		return golden.Passed()
	}
	var out struct {
		Records []struct {
			Dimensions  []struct{ Name, Value string }
			Time        json.Number
			MeasureName string
			State       statedb.State `json:"MeasureValue"`
		}
	}
	golden.Into(t, c.Output, &out)
	if len(out.Records) != 1 {
		return golden.Failed("%d records", len(out.Records))
	}
	want := out.Records[0]
	ev := event.New(eventOf[in.State], in.PayloadID, in.Time).WithExecution(in.Execution)
	recorded, counted, err := recordEvent(t, in.Time, ev, id.Workflow)
	if err != nil {
		return golden.Failed("%v", err)
	}
	ours := map[string]string{"workflow": id.Workflow, "collections": id.Collections, "item_ids": id.ItemIDs, "execution_arn": orEmpty(recorded.ExecutionARN)}
	for _, d := range want.Dimensions {
		if ours[d.Name] != d.Value {
			return golden.Failed("%s is %q, want %q", d.Name, ours[d.Name], d.Value)
		}
	}
	at, err := statedb.ParseTime(recorded.Time)
	if ms, errMS := want.Time.Int64(); err != nil || errMS != nil || at.UnixMilli() != ms {
		return golden.Failed("at %s (%v, %v), want %s", recorded.Time, err, errMS, want.Time)
	}
	if want.State == statedb.Completed {
		want.State = statedb.Succeeded // which is how the original shows it again
	}
	if want.State != counted {
		return golden.Failed("counted as %s, want %s", counted, want.State)
	}
	return golden.Passed()
}

// recordEvent puts an event into a feed at a time, and returns it as it is read there, and the one state under which that minute counts it.
func recordEvent(t *testing.T, at time.Time, ev event.Event, workflow string) (event.Event, statedb.State, error) {
	st, err := store.Open("data", store.Options{FS: vfs.NewMem()})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	}()
	f := feed.New(st, func() time.Time { return at })
	tx := st.Begin()
	f.RecordTx(tx, ev.Type, workflow, []byte(ev.Message()))
	if err := tx.Commit(t.Context()); err != nil {
		return ev, "", err
	}
	entries, err := f.Read(t.Context(), 0, 2)
	if err != nil || len(entries) != 1 || entries[0].Workflow != workflow {
		return ev, "", fmt.Errorf("the feed has %v, %w", entries, err)
	}
	recorded, err := event.Parse(string(entries[0].Message))
	if err != nil {
		return ev, "", err
	}
	counts, err := f.Transitions(t.Context(), at, time.Minute, 1)
	if err != nil || len(counts[0]) != 1 {
		return ev, "", fmt.Errorf("the minute has %v, %w", counts, err)
	}
	for state, n := range counts[0] {
		if n == 1 {
			return recorded, state, nil
		}
	}
	return ev, "", fmt.Errorf("the minute has %v", counts)
}

// timeline says how often payloads came into each state at which times.
type timeline map[time.Time]map[statedb.State]int64

func (l timeline) Transitions(_ context.Context, from time.Time, step time.Duration, n int) ([]map[statedb.State]int64, error) {
	periods := make([]map[statedb.State]int64, n)
	for i := range periods {
		periods[i] = l[from.Add(time.Duration(i)*step)]
	}
	return periods, nil
}

// A period is one of those that /stats tells of.
type period struct {
	Period   string
	Interval string
	States   []struct {
		State statedb.State
		Count int64
	}
}

type periods struct {
	Daily   []period
	Hourly  []period
	Rolling []period `json:"hourly_rolling"`
}

// statistics asks /stats at a time.
func statistics(t *testing.T, at time.Time, of timeline) periods {
	api := &cirrusapi.API{Transitions: of, Now: func() time.Time { return at }}
	got, err := api.Answer(t.Context(), cirrusapi.Request{Path: "stats"})
	if err != nil || got.Status != http.StatusOK {
		t.Fatalf("%+v, %v", got, err)
	}
	var answer struct {
		Transitions periods `json:"state_transitions"`
	}
	golden.Into(t, got.Body, &answer)
	return answer.Transitions
}

// checkPeriods compares how often payloads came into each state. To how many payloads that belongs is not compared: it is not counted here.
func checkPeriods(t *testing.T, c golden.Case) golden.Outcome {
	var in struct {
		Kind    string
		Results []struct {
			Rows []struct {
				Data []struct{ ScalarValue string }
			}
		}
	}
	golden.Into(t, c.Input, &in)
	unit := map[string]time.Duration{"daily": 24 * time.Hour, "hourly": time.Hour}[in.Kind]
	counts := timeline{}
	for _, result := range in.Results {
		for _, row := range result.Rows {
			at, err := statedb.ParseTime(row.Data[0].ScalarValue)
			if err != nil {
				return golden.Failed("%v", err)
			}
			at = at.Truncate(unit)
			state := statedb.State(row.Data[1].ScalarValue)
			if state == statedb.Completed {
				state = statedb.Succeeded
			}
			n, err := strconv.ParseInt(row.Data[3].ScalarValue, 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			if counts[at] == nil {
				counts[at] = map[statedb.State]int64{}
			}
			counts[at][state] = n // of two rows the second counts, as there
		}
	}
	var want []period
	golden.Into(t, c.Output, &want)
	for _, w := range want {
		at, err := statedb.ParseTime(w.Period)
		if err != nil {
			return golden.Failed("%v", err)
		}
		all := statistics(t, at, counts)
		got := map[string][]period{"daily": all.Daily, "hourly": all.Hourly}[in.Kind]
		if last := got[len(got)-1]; !reflect.DeepEqual(last, w) {
			return golden.Failed("%+v, want %+v", last, w)
		}
	}
	return golden.Passed()
}

// checkPeriodNames compares how a time is told by day, by hour, by minute (where a rolling hour ends) and exactly, as instants.
func checkPeriodNames(t *testing.T, c golden.Case) golden.Outcome {
	var in struct {
		Granularity string
		At          string `json:"dt"`
	}
	golden.Into(t, c.Input, &in)
	at, err := statedb.ParseTime(in.At)
	if err != nil {
		return golden.Failed("%v", err)
	}
	all := statistics(t, at, nil)
	last := func(of []period) string { return of[len(of)-1].Period }
	var got string
	var later time.Duration
	switch in.Granularity {
	case "d":
		got = last(all.Daily)
	case "h":
		got = last(all.Hourly)
	case "m":
		got, later = last(all.Rolling), time.Hour-time.Minute
	case "s":
		got = event.FormatTime(at)
	default:
		if c.Error == nil {
			return golden.Failed("nothing is told by %s", in.Granularity)
		}
		return golden.Passed()
	}
	var want string
	golden.Into(t, c.Output, &want)
	ours, err := statedb.ParseTime(got)
	theirs, errTheirs := statedb.ParseTime(want)
	if err != nil || errTheirs != nil || !ours.Add(later).Equal(theirs) {
		return golden.Failed("%s (%v), want %s (%v)", got, err, want, errTheirs)
	}
	return golden.Passed()
}
