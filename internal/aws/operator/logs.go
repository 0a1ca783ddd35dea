package operator

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"

	"sundog/internal/api"
	"sundog/internal/problem"
	"sundog/internal/request"
)

// How the names of logs begin in this API: function/NAME/STREAM is a log stream of a function, job/STREAM one of a job of Batch.
const (
	functionStreams = "function/"
	jobStreams      = "job/"
	functionGroups  = "/aws/lambda/" // where Lambda keeps them
)

// place is the log group that a name lies in, the beginning of the names of its logs in this API, and the rest, which is CloudWatch's name of
// the stream or a part of it.
func (o *Operator) place(name string) (group, begin, stream string, err error) {
	if rest, ok := strings.CutPrefix(name, jobStreams); ok {
		return o.env.BatchLogGroup, jobStreams, rest, nil
	}
	if rest, ok := strings.CutPrefix(name, functionStreams); ok && rest != "" {
		function, stream, _ := strings.Cut(rest, "/")
		return functionGroups + o.functionName(function), functionStreams + function + "/", stream, nil
	}
	return "", "", "", problem.New(problem.Invalid, "on AWS a log is function/NAME/STREAM or job/STREAM, not %q", name).
		WithHint("sundog manage %[1]s get-lambda-logs NAME, or get-batch-logs STREAM, lists them", o.opts.Name)
}

// logStreams lists log streams. Those of a function come with the latest first when no more than its name is given.
func (o *Operator) logStreams(r *http.Request) (api.LogStreams, error) {
	page, err := request.PageOf(r)
	if err != nil {
		return api.LogStreams{}, err
	}
	group, begin, prefix, err := o.place(r.URL.Query().Get("prefix"))
	if err != nil {
		return api.LogStreams{}, err
	}
	found, next, err := o.streams(r.Context(), group, prefix, page)
	out := api.LogStreams{Streams: []api.LogStream{}, Next: next}
	for _, s := range found {
		out.Streams = append(out.Streams, api.LogStream{Name: begin + aws.ToString(s.LogStreamName), Start: moment(s.CreationTime), Bytes: aws.ToInt64(s.StoredBytes)}) //nolint:staticcheck // CloudWatch still tells it, of most streams as 0
	}
	return out, err
}

// maxStreams is how many streams CloudWatch lists at once (DescribeLogStreams).
const maxStreams = 50

func (o *Operator) streams(ctx context.Context, group, prefix string, page request.Page) ([]types.LogStream, string, error) {
	in := &cloudwatchlogs.DescribeLogStreamsInput{LogGroupName: &group, Limit: aws.Int32(int32(min(page.Limit, maxStreams)))}
	if page.After != "" {
		in.NextToken = &page.After
	}
	if prefix == "" {
		in.OrderBy, in.Descending = types.OrderByLastEventTime, aws.Bool(true)
	} else {
		in.LogStreamNamePrefix = &prefix // which cannot be in the order of time
	}
	out, err := o.logs.DescribeLogStreams(ctx, in)
	if missing, ok := errors.AsType[*types.ResourceNotFoundException](err); ok && missing != nil {
		return nil, "", problem.Wrap(problem.NotFound, err, "there is no log group %s", group).WithHint("it is made when something is written to it first")
	}
	if err != nil {
		return nil, "", fmt.Errorf("listing the log streams of %s: %w", group, err)
	}
	return out.LogStreams, aws.ToString(out.NextToken), nil
}

// log gives a part of a log, from a line on. Of a function without a stream it is the latest one.
func (o *Operator) log(r *http.Request) (api.Log, error) {
	asked, err := request.LogOf(r)
	if err != nil {
		return api.Log{}, err
	}
	group, begin, stream, err := o.place(asked.Stream)
	if err != nil {
		return api.Log{}, err
	}
	if stream == "" {
		latest, _, err := o.streams(r.Context(), group, "", request.Page{Limit: 1})
		if err != nil {
			return api.Log{}, err
		}
		if len(latest) == 0 {
			return api.Log{}, problem.New(problem.NotFound, "nothing was written to %s", group)
		}
		stream = aws.ToString(latest[0].LogStreamName)
	}
	out := api.Log{Stream: begin + stream, Lines: []api.LogLine{}}
	out.Lines, out.Next, err = o.lines(r.Context(), group, stream, asked)
	return out, err
}

// lines reads lines of a stream behind as many as were read before, and returns how many those are then; 0 at the end. CloudWatch's tokens
// lead on; without one it is read from its beginning.
func (o *Operator) lines(ctx context.Context, group, stream string, asked request.Log) (lines []api.LogLine, next int64, err error) {
	list, from := "log "+group+" "+stream, int64(asked.From)
	token := o.tokens.behind(list, from)
	at := from
	if token == "" {
		at = 0
	}
	lines = []api.LogLine{}
	for {
		in := &cloudwatchlogs.GetLogEventsInput{LogGroupName: &group, LogStreamName: &stream, StartFromHead: aws.Bool(true), Limit: aws.Int32(int32(asked.Limit))}
		if token != "" {
			in.NextToken = &token
		}
		out, err := o.logs.GetLogEvents(ctx, in)
		if missing, ok := errors.AsType[*types.ResourceNotFoundException](err); ok && missing != nil {
			return lines, 0, problem.Wrap(problem.NotFound, err, "there is no log %s in %s", stream, group)
		}
		if err != nil {
			return lines, 0, fmt.Errorf("reading the log %s in %s: %w", stream, group, err)
		}
		for _, e := range out.Events {
			if at >= from {
				lines = append(lines, api.LogLine{Time: moment(e.Timestamp), Text: strings.TrimRight(aws.ToString(e.Message), "\n")})
			}
			at++
		}
		forward := aws.ToString(out.NextForwardToken)
		if forward == token || forward == "" { // the same again is the end (GetLogEvents)
			return lines, 0, nil
		}
		if token = forward; len(lines) > 0 {
			o.tokens.keep(list, at, token)
			return lines, at, nil
		}
	}
}

// moment is a time in milliseconds since 1970; none when it is not told.
func moment(ms *int64) time.Time {
	if ms == nil {
		return time.Time{}
	}
	return time.UnixMilli(*ms).UTC()
}
