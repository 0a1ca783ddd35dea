package integration

import (
	"context"
	"strconv"
	"unsafe"

	"github.com/tidwall/gjson"

	"sundog/asl"
	"sundog/internal/embedded/engine"
	"sundog/internal/embedded/function"
)

// invokeByARN calls the function that the Resource names with the parameters as its event; its response is the result.
func (r *Runner) invokeByARN(ctx context.Context, task engine.Task) (*asl.Document, error) {
	resp, err := r.Functions.Invoke(ctx, function.Request{Function: task.Resource, Payload: task.Parameters.Bytes()})
	if err != nil {
		return nil, taskError(err)
	}
	return asl.Raw(resp.Payload), nil
}

// invoke is the optimised integration lambda:invoke: parameters FunctionName, Payload, ClientContext and InvocationType
// RequestResponse; the result is the answer of the service with the response in Payload.
func (r *Runner) invoke(ctx context.Context, task engine.Task) (*asl.Document, error) {
	var name, kind, clientContext gjson.Result
	var payload []byte
	parameters := task.Parameters.Bytes()
	// The text is only looked at, and a payload can be large: it is not copied.
	gjson.Parse(unsafe.String(unsafe.SliceData(parameters), len(parameters))).ForEach(func(key, value gjson.Result) bool {
		switch key.Str {
		case "FunctionName":
			name = value
		case "InvocationType":
			kind = value
		case "ClientContext":
			clientContext = value
		case "Payload":
			payload = parameters[value.Index : value.Index+len(value.Raw)]
		}
		return true
	})
	if name.Type != gjson.String || name.Str == "" {
		return nil, invalid("States.Runtime", "The parameter FunctionName of the Task state '%s' is missing or is no string", task.State)
	}
	if kind.Exists() && kind.Str != "RequestResponse" {
		return nil, invalid("Lambda.InvalidParameterValueException", "InvocationType '%s' is not available on this server; use RequestResponse", kind.String())
	}
	resp, err := r.Functions.Invoke(ctx, function.Request{Function: name.Str, Payload: payload, ClientContext: clientContext.Str})
	if err != nil {
		return nil, taskError(err)
	}
	return asl.Raw(invokeResult(resp)), nil
}

// invokeResult is the result as the workflow sees it. It is written, not marshalled: the response can be large.
func invokeResult(resp function.Response) []byte {
	b := make([]byte, 0, len(resp.Payload)+350)
	b = append(b, `{"ExecutedVersion":"$LATEST","Payload":`...)
	b = append(b, resp.Payload...)
	b = append(b, `,"SdkHttpMetadata":{"HttpHeaders":{"Content-Length":"`...)
	b = strconv.AppendInt(b, int64(len(resp.Payload)), 10)
	b = append(b, `","Content-Type":"application/json","X-Amz-Executed-Version":"$LATEST","x-amzn-RequestId":"`...)
	b = append(b, resp.RequestID...)
	b = append(b, `"},"HttpStatusCode":200},"SdkResponseMetadata":{"RequestId":"`...)
	b = append(b, resp.RequestID...)
	return append(b, `"},"StatusCode":200}`...)
}
