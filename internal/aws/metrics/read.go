package metrics

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"sundog/internal/event"
	"sundog/internal/statedb"
)

// The metrics, in the namespace of the deployment. The filters of the log group give each line the value 1.
const (
	// AllWorkflows has the dimension event, of {$.event = "*"}.
	AllWorkflows = "all_workflows_by_event"
	// OneWorkflow has the dimensions event and workflow, of {($.event = "*") && ($.workflow = "*")}.
	OneWorkflow = "a_workflow_by_event"
)

// transition is a state and an event that tells of it.
type transition struct {
	event event.Type
	state statedb.State
}

// transitions are all. A payload whose execution has timed out has FAILED.
func transitions() []transition {
	return []transition{
		{event.ClaimedProcessing, statedb.Claimed},
		{event.StartedProcessing, statedb.Processing},
		{event.Succeeded, statedb.Succeeded},
		{event.Failed, statedb.Failed},
		{event.TimedOut, statedb.Failed},
		{event.Invalid, statedb.Invalid},
		{event.Aborted, statedb.Aborted},
	}
}

// Reader reads the metrics. It is safe for concurrent use.
type Reader struct {
	client    *cloudwatch.Client
	namespace string
}

// NewReader makes a Reader of the metrics in a namespace.
func NewReader(client *cloudwatch.Client, namespace string) *Reader {
	return &Reader{client, namespace}
}

// Transitions returns how often payloads came into each state in n periods of the same length, the first of which begins at from, in whole minutes.
// CloudWatch keeps minutes for 15 days and hours for 15 months (Amazon CloudWatch API Reference, GetMetricData); what happened in the last
// minutes may be missing.
func (r *Reader) Transitions(ctx context.Context, from time.Time, step time.Duration, n int) ([]map[statedb.State]int64, error) {
	counts := make([]map[statedb.State]int64, n)
	for i := range counts {
		counts[i] = map[statedb.State]int64{}
	}
	// CloudWatch lays periods as it likes, unless they are whole ones of UTC: others are made of minutes.
	period := step
	if !from.Truncate(step).Equal(from) {
		period = time.Minute
	}
	states := map[string]statedb.State{}
	told := transitions()
	queries := make([]types.MetricDataQuery, len(told))
	for i, t := range told {
		id := fmt.Sprintf("t%d", i)
		states[id] = t.state
		queries[i] = types.MetricDataQuery{Id: &id, ReturnData: aws.Bool(true), MetricStat: &types.MetricStat{
			Period: aws.Int32(int32(period / time.Second)), Stat: aws.String("SampleCount"),
			Metric: &types.Metric{
				Namespace: &r.namespace, MetricName: aws.String(AllWorkflows),
				Dimensions: []types.Dimension{{Name: aws.String("event"), Value: aws.String(string(t.event))}},
			},
		}}
	}
	end := from.Add(time.Duration(n) * step)
	in := &cloudwatch.GetMetricDataInput{StartTime: &from, EndTime: &end, MetricDataQueries: queries, ScanBy: types.ScanByTimestampAscending}
	for pages := cloudwatch.NewGetMetricDataPaginator(r.client, in); pages.HasMorePages(); {
		out, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("reading the metrics %s of %s: %w", AllWorkflows, r.namespace, err)
		}
		for _, result := range out.MetricDataResults {
			if s := result.StatusCode; s == types.StatusCodeInternalError || s == types.StatusCodeForbidden {
				return nil, fmt.Errorf("reading the metrics %s of %s: CloudWatch answers %s; later it may have them", AllWorkflows, r.namespace, s)
			}
			for i, at := range result.Timestamps {
				if k := int(at.Sub(from) / step); !at.Before(from) && k < n {
					counts[k][states[aws.ToString(result.Id)]] += int64(result.Values[i])
				}
			}
		}
	}
	return counts, nil
}
