package recording

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"sundog/asl"
	"sundog/asl/asltest"
)

// A Function is what a Lambda function does. It is known where calls of it were not recorded, because AWS keeps no history.
type Function struct {
	Behaviour    string          // echo, const, raise, sleep or large
	Const        json.RawMessage // the result
	ErrorType    string
	ErrorMessage string
	StackTrace   []string
	Seconds      int
	Size         int // of the result in characters
}

// recordsCalls says whether the calls that the execution made are known one by one.
func (c *Case) recordsCalls() bool { return c.Expected.Events != nil && !c.Uses("distributed_map") }

// invoke does what the function of a task does.
func (c *Case) invoke(task asl.Task) (asltest.Answer, bool) {
	if c.recordsCalls() {
		return asltest.Answer{}, false
	}
	name, payload := task.Resource, task.Parameters
	wrapped := strings.Contains(name, ":lambda:invoke")
	if wrapped {
		params, _ := task.Parameters.Get().(map[string]any)
		name, _ = params["FunctionName"].(string)
		payload = asl.Value(params["Payload"])
	}
	f, ok := c.Mocks.Lambda[name[strings.LastIndexByte(name, ':')+1:]]
	if !ok {
		return asltest.Answer{}, false
	}
	a := asltest.Answer{Started: true}
	switch f.Behaviour {
	case "echo":
		a.Output = payload
	case "const":
		a.Output = asl.Raw(f.Const)
	case "raise":
		cause, err := json.Marshal(map[string]any{
			"errorMessage": f.ErrorMessage, "errorType": f.ErrorType, "stackTrace": f.StackTrace, "requestId": "request-id",
		})
		if err != nil {
			return a, false
		}
		return asltest.Answer{Started: true, Failed: true, Error: f.ErrorType, Cause: string(cause)}, true
	case "sleep":
		a.Output, a.After = payload, time.Duration(f.Seconds)*time.Second
	case "large":
		a.Output = asl.Value(strings.Repeat("a", f.Size))
	default:
		return a, false
	}
	if wrapped {
		a.Output = invocation(a.Output)
	}
	return a, true
}

// invocation is what the Lambda integration returns for the result of a Python function.
func invocation(result *asl.Document) *asl.Document {
	compact := result.Bytes()
	length, quoted := len(compact), false
	for i, c := range compact {
		switch {
		case c == '"' && (i == 0 || compact[i-1] != '\\'):
			quoted = !quoted
		case !quoted && (c == ',' || c == ':'):
			length++ // Python puts a space behind it
		}
	}
	one := map[string]any{
		"X-Amz-Executed-Version": "$LATEST", "x-amzn-Remapped-Content-Length": "0", "Connection": "keep-alive", "x-amzn-RequestId": "id",
		"Content-Length": fmt.Sprint(length), "Date": "today", "X-Amzn-Trace-Id": "trace", "Content-Type": "application/json",
	}
	all := map[string]any{}
	for name, value := range one {
		all[name] = []any{value}
	}
	return asl.Value(map[string]any{
		"ExecutedVersion": "$LATEST", "Payload": result.Get(), "StatusCode": json.Number("200"), "SdkResponseMetadata": map[string]any{"RequestId": "id"},
		"SdkHttpMetadata": map[string]any{"AllHttpHeaders": all, "HttpHeaders": one, "HttpStatusCode": json.Number("200")},
	})
}
