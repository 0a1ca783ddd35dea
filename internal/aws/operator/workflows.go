package operator

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	middleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/tidwall/gjson"

	"sundog/internal/api"
	"sundog/internal/aws/executor"
	"sundog/internal/problem"
	"sundog/internal/request"
)

// maxEvent is what Lambda takes (Lambda quotas, Invocation payload).
const maxEvent = 6 << 20

// workflows lists the state machines whose ARNs begin as those of the deployment do.
func (o *Operator) workflows(r *http.Request) (api.Workflows, error) {
	all := api.Workflows{Workflows: []api.Workflow{}}
	for pages := sfn.NewListStateMachinesPaginator(o.machines, &sfn.ListStateMachinesInput{MaxResults: executor.MaxPage}); pages.HasMorePages(); {
		page, err := pages.NextPage(r.Context())
		if err != nil {
			return all, fmt.Errorf("listing state machines: %w", err)
		}
		for _, m := range page.StateMachines {
			if name, ours := strings.CutPrefix(aws.ToString(m.StateMachineArn), o.env.BaseWorkflowARN); ours {
				all.Workflows = append(all.Workflows, api.Workflow{Name: name, ARN: aws.ToString(m.StateMachineArn), Type: string(m.Type)})
			}
		}
	}
	return all, nil
}

func (o *Operator) workflow(r *http.Request) (api.Workflow, error) {
	name := r.PathValue("name")
	w := api.Workflow{Name: name, ARN: o.env.BaseWorkflowARN + name, Type: "STANDARD"}
	definition, err := o.executor.Definition(r.Context(), w.ARN)
	w.Definition = json.RawMessage(definition)
	return w, err
}

// functionName is the name that a function has in Lambda: with the prefix of the deployment, which may be left out.
func (o *Operator) functionName(name string) string {
	if strings.HasPrefix(name, o.env.Prefix) {
		return name
	}
	return o.env.Prefix + name
}

// listFunctions lists the functions whose names begin with the prefix of the deployment. What they are doing only CloudWatch knows.
func (o *Operator) listFunctions(r *http.Request) (api.Functions, error) {
	all := api.Functions{Functions: []api.Function{}}
	for pages := lambda.NewListFunctionsPaginator(o.functions, &lambda.ListFunctionsInput{}); pages.HasMorePages(); {
		page, err := pages.NextPage(r.Context())
		if err != nil {
			return all, fmt.Errorf("listing functions: %w", err)
		}
		for _, f := range page.Functions {
			if name, ours := strings.CutPrefix(aws.ToString(f.FunctionName), o.env.Prefix); ours {
				all.Functions = append(all.Functions, api.Function{Name: name, ARN: aws.ToString(f.FunctionArn), Kind: "lambda"})
			}
		}
	}
	return all, nil
}

// invoke calls a function and waits. That the function failed is an answer, not an error.
func (o *Operator) invoke(r *http.Request) (api.Invocation, error) {
	event, err := request.Event(r, maxEvent)
	if err != nil {
		return api.Invocation{}, err
	}
	name := r.PathValue("name")
	began := o.opts.Now()
	out, err := o.functions.Invoke(r.Context(), &lambda.InvokeInput{FunctionName: aws.String(o.functionName(name)), Payload: event})
	if missing, ok := errors.AsType[*types.ResourceNotFoundException](err); ok && missing != nil {
		return api.Invocation{}, problem.New(problem.NotFound, "there is no function %q", o.functionName(name)).WithHint("sundog manage %s list-lambdas lists them", o.opts.Name)
	}
	if err != nil {
		return api.Invocation{}, fmt.Errorf("calling %s: %w", o.functionName(name), err)
	}
	answer := api.Invocation{Seconds: o.opts.Now().Sub(began).Seconds(), LogStream: functionStreams + name + "/", Payload: out.Payload}
	answer.RequestID, _ = middleware.GetRequestIDMetadata(out.ResultMetadata)
	if out.FunctionError != nil {
		answer.Error, answer.Cause, answer.Payload = gjson.GetBytes(out.Payload, "errorType").Str, string(out.Payload), nil
		if answer.Error == "" {
			answer.Error = aws.ToString(out.FunctionError)
		}
	}
	return answer, nil
}
