package metrics_test

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/google/go-cmp/cmp"

	"sundog/internal/aws/awstest"
	"sundog/internal/aws/metrics"
	"sundog/internal/cirrusapi"
	"sundog/internal/event"
	"sundog/internal/statedb"
)

var _ cirrusapi.Transitions = (*metrics.Reader)(nil)

var now = time.Date(2026, 1, 2, 3, 4, 5, 999e6, time.UTC)

func clock() time.Time { return now }

func TestWatch(t *testing.T) {
	w := metrics.NewWatcher(cloudwatchlogs.NewFromConfig(awstest.Recorded(t, "testdata/watch.json")), "cirrus-workflow", clock)
	at := time.Date(2026, 1, 2, 3, 4, 5, 123456e3, time.UTC)
	const id, arn = "c1/workflow-wf/i1", "arn:aws:states:us-east-1:123456789012:execution:cirrus-wf:e1"
	claimed := event.New(event.ClaimedProcessing, id, at)
	old := event.New(event.ExtractFailed, "missing", at.AddDate(0, -1, 0)) // is told under the time of now
	started := event.New(event.StartedProcessing, id, at.Truncate(time.Second).Add(time.Second)).WithExecution(arn)
	if err := w.Watch(t.Context(), [][]byte{[]byte(started.Message()), []byte(claimed.Message()), []byte(old.Message())}); err != nil {
		t.Fatal(err)
	}
	if err := w.Watch(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	// Somebody has deleted the stream. What is no event is told of, and holds nothing up.
	err := w.Watch(t.Context(), [][]byte{[]byte(`{"event_type": 7}`), []byte(claimed.Message())})
	if err == nil || !strings.Contains(err.Error(), "reading a workflow event") {
		t.Error(err)
	}
}

func TestWatchRefused(t *testing.T) {
	w := metrics.NewWatcher(cloudwatchlogs.NewFromConfig(awstest.Recorded(t, "testdata/watch-refused.json")), "gone", clock)
	failed := event.New(event.Failed, "c1/workflow-wf/i1", now.Truncate(time.Second))
	for _, want := range []string{
		"making a stream in the log group gone: operation error CloudWatch Logs: CreateLogStream",
		"writing events to the log group gone: operation error CloudWatch Logs: PutLogEvents",
		"writing events to the log group gone: some of them were rejected for their time",
	} {
		if err := w.Watch(t.Context(), [][]byte{[]byte(failed.Message())}); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

func TestTransitions(t *testing.T) {
	first := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, tt := range []struct {
		file string
		from time.Time
		step time.Duration
		n    int
		want []map[statedb.State]int64
	}{
		{"days", first, 24 * time.Hour, 3, []map[statedb.State]int64{
			{statedb.Claimed: 3}, {statedb.Claimed: 4, statedb.Failed: 7, statedb.Succeeded: 1_000_000}, {statedb.Claimed: 1},
		}},
		{"rolling", first.Add(37 * time.Minute), time.Hour, 2, []map[statedb.State]int64{{statedb.Processing: 3}, {statedb.Processing: 12}}},
	} {
		t.Run(tt.file, func(t *testing.T) {
			r := metrics.NewReader(cloudwatch.NewFromConfig(awstest.Recorded(t, "testdata/"+tt.file+".json")), "cirrus")
			got, err := r.Transitions(t.Context(), tt.from, tt.step, tt.n)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestTransitionsRefused(t *testing.T) {
	r := metrics.NewReader(cloudwatch.NewFromConfig(awstest.Recorded(t, "testdata/read-refused.json")), "cirrus")
	for _, want := range []string{"operation error CloudWatch: GetMetricData", "CloudWatch answers InternalError"} {
		_, err := r.Transitions(t.Context(), time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), 24*time.Hour, 1)
		if err == nil || !strings.HasPrefix(err.Error(), "reading the metrics all_workflows_by_event of cirrus: "+want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}
