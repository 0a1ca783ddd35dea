package integration

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"sundog/asl"
	"sundog/internal/embedded/engine"
)

// An Operation of an API of AWS takes the JSON of a request, and returns what json.Marshal makes the answer of. An error that is for whoever
// asks has a method Fault, which returns AWS's name of it and its text.
type Operation func(ctx context.Context, request []byte) (any, error)

// statesOperations are the actions of aws-sdk:sfn that are nothing but a request to the API of Step Functions. The others, which
// have to know the task that asks, have handlers of their own.
var statesOperations = []string{
	"createStateMachine", "updateStateMachine", "describeStateMachine", "describeStateMachineForExecution", "listStateMachines", "deleteStateMachine",
	"validateStateMachineDefinition", "publishStateMachineVersion", "listStateMachineVersions", "deleteStateMachineVersion",
	"createStateMachineAlias", "updateStateMachineAlias", "describeStateMachineAlias", "listStateMachineAliases", "deleteStateMachineAlias",
	"startSyncExecution", "redriveExecution", "listExecutions", "getExecutionHistory", "testState", "describeMapRun", "listMapRuns", "updateMapRun",
	"createActivity", "describeActivity", "listActivities", "deleteActivity", "getActivityTask", "tagResource", "untagResource", "listTagsForResource",
}

// sdkStates is aws-sdk:sfn: with an operation of the API. Members of requests and answers begin with a capital letter in a definition and with a
// small one in the API, and times are texts. A redrive has a client token that is derived from the task, so that it is not done twice.
func (r *Runner) sdkStates(ctx context.Context, task engine.Task) (*asl.Document, error) {
	operation := apiName(strings.TrimSuffix(lastPart(task.Resource), ".waitForTaskToken"))
	call := r.StatesAPI[operation]
	if call == nil {
		return nil, invalid("States.TaskFailed", "The resource '%s' is not available: this server does not serve the API of Step Functions", task.Resource)
	}
	request, ok := task.Parameters.Get().(map[string]any)
	if !ok {
		return nil, invalid("States.Runtime", "The parameters of the Task state '%s' cannot be used: they have to be an object", task.State)
	}
	request, err := textsOf(request, "Input", "Definition", "Output")
	if err != nil {
		return nil, err
	}
	request = renamed(request, unicode.ToLower, keep).(map[string]any)
	if operation == "RedriveExecution" && request["clientToken"] == nil {
		request["clientToken"] = derivedID(task, "redrive")
	}
	body, err := json.Marshal(request)
	if err != nil {
		return nil, fmt.Errorf("writing the request of %s: %w", task.Resource, err)
	}
	answer, err := call(ctx, body)
	if fault, ok := errors.AsType[interface {
		error
		Fault() (name, message string)
	}](err); ok {
		name, message := fault.Fault()
		return nil, sdkFailure(task, "Sfn", strings.TrimSuffix(name, "Exception")+"Exception", message)
	}
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(answer)
	if err != nil {
		return nil, fmt.Errorf("writing the result of %s: %w", task.Resource, err)
	}
	members := map[string]any{}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	if err := dec.Decode(&members); err != nil {
		return nil, fmt.Errorf("writing the result of %s: %w", task.Resource, err)
	}
	return document(renamed(members, unicode.ToUpper, timeText))
}

// textsOf is a request with texts for those members that are texts in the API, where it has the JSON itself.
func textsOf(request map[string]any, names ...string) (map[string]any, error) {
	all := maps.Clone(request)
	for _, name := range names {
		switch all[name].(type) {
		case map[string]any, []any:
			text, err := json.Marshal(all[name])
			if err != nil {
				return nil, fmt.Errorf("writing the parameter %s: %w", name, err)
			}
			all[name] = string(text)
		}
	}
	return all, nil
}

// renamed is a value with the first letter of each name in another case, and each member made another one. Variables keep their names.
func renamed(v any, first func(rune) rune, member func(name string, v any) any) any {
	switch v := v.(type) {
	case map[string]any:
		all := make(map[string]any, len(v))
		for name, value := range v {
			if name != "assignedVariables" {
				value = renamed(value, first, member)
			}
			r, size := utf8.DecodeRuneInString(name)
			all[string(first(r))+name[size:]] = member(name, value)
		}
		return all
	case []any:
		all := make([]any, len(v))
		for i, element := range v {
			all[i] = renamed(element, first, member)
		}
		return all
	}
	return v
}

func keep(_ string, v any) any { return v }

// timeText makes a text of a time, which the API has in seconds since 1970.
func timeText(name string, v any) any {
	seconds, ok := v.(json.Number)
	if !ok || name != "timestamp" && !strings.HasSuffix(name, "Date") {
		return v
	}
	f, err := seconds.Float64()
	if err != nil {
		return v
	}
	return isoTime(time.UnixMilli(int64(f*1000 + 0.5)))
}
