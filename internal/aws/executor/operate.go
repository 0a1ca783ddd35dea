package executor

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// Errors of what operators do. They are wrapped with what was being done to what.
var (
	// ErrNotRedrivable: the execution runs, has succeeded, or ended too long ago.
	ErrNotRedrivable = errors.New("the execution cannot be redriven")
	// ErrNoMachine: there is no state machine with this ARN.
	ErrNoMachine = errors.New("no such state machine")
)

// Bounds of pages, which are those of Step Functions.
const (
	MaxPage    = 1000
	maxHistory = 64 << 20 // bytes of one page: 1,000 events with inputs and outputs of 256 KiB do not come close
)

// Stop ends a running execution as ABORTED, with an error and a cause, which may be empty. One that has ended is left as it is.
func (e *Executor) Stop(ctx context.Context, arn, errorName, cause string) error {
	in := &sfn.StopExecutionInput{ExecutionArn: &arn}
	if errorName != "" {
		in.Error = &errorName
	}
	if cause != "" {
		in.Cause = &cause
	}
	if _, err := e.client.StopExecution(ctx, in); err != nil {
		return failed("stopping", arn, err)
	}
	return nil
}

// Redrive lets an execution that ended without success within the last 14 days go on where it did not succeed. A repetition with the same token
// changes nothing. The error may wrap ErrNotRedrivable or pipeline.ErrNoExecution.
func (e *Executor) Redrive(ctx context.Context, arn, token string) (at time.Time, err error) {
	in := &sfn.RedriveExecutionInput{ExecutionArn: &arn}
	if token != "" {
		in.ClientToken = &token
	}
	out, err := e.client.RedriveExecution(ctx, in)
	if err != nil {
		return time.Time{}, failed("redriving", arn, err)
	}
	return aws.ToTime(out.RedriveDate), nil
}

// Page says which part of a list is wanted.
type Page struct {
	// Token is what the page before returned; the first page when empty.
	Token string
	// Limit is 1 to MaxPage; MaxPage when zero.
	Limit int
	// Reverse is the newest first, of a history.
	Reverse bool
}

func (p Page) limit() int32 {
	if p.Limit <= 0 || p.Limit > MaxPage {
		return MaxPage
	}
	return int32(p.Limit)
}

func (p Page) token() *string {
	if p.Token == "" {
		return nil
	}
	return &p.Token
}

// History returns a page of the events of an execution, each in the form of GetExecutionHistory as Step Functions wrote it, and the token of the next page, empty
// at the end.
func (e *Executor) History(ctx context.Context, arn string, page Page) (events []json.RawMessage, next string, err error) {
	var answer captured
	out, err := e.client.GetExecutionHistory(ctx, &sfn.GetExecutionHistoryInput{
		ExecutionArn: &arn, MaxResults: page.limit(), NextToken: page.token(), ReverseOrder: page.Reverse,
	}, sfn.WithAPIOptions(answer.add))
	if err != nil {
		return nil, "", failed("reading the history of", arn, err)
	}
	var body struct {
		Events []json.RawMessage `json:"events"`
	}
	if err := json.Unmarshal(answer.body, &body); err != nil {
		return nil, "", failed("reading the history of", arn, err)
	}
	return body.Events, aws.ToString(out.NextToken), nil
}

// Listed is an execution in a list.
type Listed struct {
	ARN, Name, Status string
	Start, Stop       time.Time // Stop is zero while it runs
	Redrives          int64
}

// List returns a page of the executions of a state machine, the newest first, those with a status when it is not empty, and the token of the next
// page, empty at the end.
func (e *Executor) List(ctx context.Context, machineARN, status string, page Page) (listed []Listed, next string, err error) {
	out, err := e.client.ListExecutions(ctx, &sfn.ListExecutionsInput{
		StateMachineArn: &machineARN, StatusFilter: types.ExecutionStatus(status), MaxResults: page.limit(), NextToken: page.token(),
	})
	if err != nil {
		return nil, "", failed("listing the executions of", machineARN, err)
	}
	listed = make([]Listed, len(out.Executions))
	for i, x := range out.Executions {
		listed[i] = Listed{
			ARN: aws.ToString(x.ExecutionArn), Name: aws.ToString(x.Name), Status: string(x.Status), Start: aws.ToTime(x.StartDate), Stop: aws.ToTime(x.StopDate),
			Redrives: int64(aws.ToInt32(x.RedriveCount)),
		}
	}
	return listed, aws.ToString(out.NextToken), nil
}

// Definition returns the definition of a state machine as it is now, in the States Language. The error may wrap ErrNoMachine.
func (e *Executor) Definition(ctx context.Context, machineARN string) (string, error) {
	out, err := e.client.DescribeStateMachine(ctx, &sfn.DescribeStateMachineInput{StateMachineArn: &machineARN})
	if err != nil {
		return "", failed("reading the definition of", machineARN, err)
	}
	return aws.ToString(out.Definition), nil
}

// captured keeps the body of an answer, since what the client makes of an event does not become JSON again.
type captured struct{ body []byte }

func (c *captured) add(stack *middleware.Stack) error {
	return stack.Deserialize.Add(c, middleware.After)
}

// ID names the step.
func (c *captured) ID() string { return "capturedBody" }

// HandleDeserialize reads the body, and gives it to the steps that come after.
func (c *captured) HandleDeserialize(ctx context.Context, in middleware.DeserializeInput, next middleware.DeserializeHandler) (middleware.DeserializeOutput, middleware.Metadata, error) {
	out, metadata, err := next.HandleDeserialize(ctx, in)
	response, ok := out.RawResponse.(*smithyhttp.Response)
	if err != nil || !ok {
		return out, metadata, err
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, maxHistory+1))
	if err == nil && len(body) > maxHistory {
		err = fmt.Errorf("the answer is longer than %d bytes; ask for fewer events", maxHistory)
	}
	c.body = body
	response.Body = struct {
		io.Reader
		io.Closer
	}{bytes.NewReader(body), response.Body}
	return out, metadata, err
}
