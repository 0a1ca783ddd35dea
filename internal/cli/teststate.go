package cli

import (
	"context"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"sundog/asl"
	"sundog/internal/problem"
	"sundog/internal/project"
)

// stateTest are the flags of test-state.
type stateTest struct {
	project, workflow, mock, level, configuration string
	request                                       asl.TestStateRequest
}

func (a *app) testStateCommand() *cobra.Command {
	var t stateTest
	c := &cobra.Command{
		Use:   "test-state [FILE|-]",
		Short: "Play one state of a workflow, without a server",
		Long: `Play one state by itself, as AWS's TestState does, and print where it comes to. The definition is that of a state, from a file or
standard input; with --state it is that of a whole workflow, and with --workflow that of a workflow of the project.

Nothing is called: what a Task, Parallel or Map state works out is said with --mock, as {"result": …} or {"errorOutput": {"error", "cause"}}.
The exit code is 0 however the state ends, and 2 when it cannot be played.`,
		Example: `  sundog test-state --workflow ingest --state Read --input '{"id": 1}' --mock '{"result": {"StatusCode": 200}}'
  sundog test-state state.json --inspection-level DEBUG --mock '{"errorOutput": {"error": "States.Timeout"}}'
  sundog test-state --input 7 - < state.json`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := a.readTest(cmd.Context(), &t, args); err != nil {
				return err
			}
			result, err := asl.TestState(t.request)
			if refused, ok := errors.AsType[*asl.TestStateError](err); ok {
				return problem.New(problem.Invalid, "%s", refused.Message)
			}
			if err != nil {
				return err
			}
			return a.printTest(&result)
		},
	}
	f := c.Flags()
	f.StringVar(&t.project, "project", ".", "the `folder` of sundog.yaml, for --workflow")
	f.StringVar(&t.workflow, "workflow", "", "the `name` of a workflow of the project")
	f.StringVar(&t.request.StateName, "state", "", "the `name` of the state in the workflow")
	f.StringVar(&t.request.Input, "input", "", "the input, as `JSON` (default: {})")
	f.StringVar(&t.request.Variables, "variables", "", "the variables that are set before, as a `JSON` object")
	f.StringVar(&t.request.Context, "context", "", "the context object, as `JSON`; it needs a mock")
	f.StringVar(&t.mock, "mock", "", "what the work of the state comes to, as `JSON`")
	f.StringVar(&t.configuration, "state-configuration", "", "retries so far and the like, as `JSON` in the form of AWS's API")
	f.StringVar(&t.level, "inspection-level", "INFO", "how `much` is shown: INFO, DEBUG or TRACE")
	return c
}

// readTest makes a request of flags and input.
func (a *app) readTest(ctx context.Context, t *stateTest, args []string) error {
	r := &t.request
	if t.workflow != "" {
		if len(args) > 0 || r.StateName == "" {
			return problem.New(problem.Invalid, "--workflow wants --state, and no file")
		}
		w, err := workflowOf(t.project, t.workflow)
		if err != nil {
			return err
		}
		r.Definition = string(w.Definition)
	} else {
		text, err := a.readDocument(ctx, args, maxDocument)
		if err != nil {
			return err
		}
		r.Definition = string(text)
	}
	if t.mock != "" {
		var err error
		if r.Mock, err = readMock(t.mock); err != nil {
			return err
		}
	}
	if t.configuration != "" {
		if err := json.Unmarshal([]byte(t.configuration), &r.Configuration); err != nil {
			return problem.Wrap(problem.Invalid, err, "reading --state-configuration")
		}
	}
	r.InspectionLevel = asl.InspectionLevel(strings.ToUpper(t.level))
	r.At = asl.Moment{Now: time.Now(), Seed: rand.Uint64()}
	r.Identity = localIdentity()
	return nil
}

// workflowOf reads a workflow of a project.
func workflowOf(dir, name string) (project.Workflow, error) {
	p, diagnostics := project.Load(dir, project.Options{})
	if err := diagnostics.Err(); err != nil {
		return project.Workflow{}, err
	}
	w, ok := p.Workflow(name)
	if !ok {
		return w, problem.New(problem.NotFound, "the project in %s has no workflow %q", dir, name)
	}
	return w, nil
}

// readMock reads a mock. Its result may be any JSON value; a string is JSON text, as in AWS's API.
func readMock(text string) (*asl.TestStateMock, error) {
	var given struct {
		asl.TestStateMock
		Result json.RawMessage `json:"result"`
	}
	if err := json.Unmarshal([]byte(text), &given); err != nil {
		return nil, problem.Wrap(problem.Invalid, err, "reading --mock").WithHint(`such as '{"result": {"a": 1}}' or '{"errorOutput": {"error": "States.Timeout"}}'`)
	}
	mock := given.TestStateMock
	if given.Result != nil {
		result := string(given.Result)
		if unquoted, err := unquote(given.Result); err == nil {
			result = unquoted
		}
		mock.Result = &result
	}
	return &mock, nil
}

func unquote(text json.RawMessage) (string, error) {
	var s string
	err := json.Unmarshal(text, &s)
	return s, err
}

// localIdentity is who the execution is that a state sees in its context object.
func localIdentity() asl.Identity {
	const region, account, name = "us-east-1", "000000000000", "test-state"
	states := "arn:aws:states:" + region + ":" + account + ":"
	return asl.Identity{
		ARN: states + "express:" + name + ":" + name, Name: name, RoleARN: "arn:aws:iam::" + account + ":role/" + name,
		MachineARN: states + "stateMachine:" + name, MachineName: name, Express: true, Region: region, Account: account,
	}
}

// printTest prints a result: as AWS's API has it, or the way of the data from top to bottom.
func (a *app) printTest(r *asl.TestStateResult) error {
	fields := []field{{"Status", string(r.Status)}, {"Next state", r.NextState}, {"Error", r.Error}, {"Cause", r.Cause}}
	if i := r.Inspection; i != nil {
		fields = append(fields,
			field{"Input", i.Input}, field{"After InputPath", i.AfterInputPath}, field{"After Parameters", i.AfterParameters},
			field{"After Arguments", i.AfterArguments}, field{"After ItemsPath", i.AfterItemsPath}, field{"After ItemSelector", i.AfterItemSelector},
			field{"Max concurrency", number(i.MaxConcurrency)}, field{"Result", i.Result}, field{"After ResultSelector", i.AfterResultSelector},
			field{"After ResultPath", i.AfterResultPath}, field{"Variables", i.Variables},
		)
		if e := i.ErrorDetails; e != nil {
			fields = append(fields, field{"Retrier", number(e.RetryIndex)}, field{"Retry after (s)", number(e.RetryBackoffIntervalSeconds)}, field{"Catcher", number(e.CatchIndex)})
		}
	}
	return a.printOne(r, append(fields, field{"Output", r.Output}))
}

// number is a number that may be missing.
func number[N int | int64](n *N) string {
	if n == nil {
		return ""
	}
	return strconv.FormatInt(int64(*n), 10)
}
