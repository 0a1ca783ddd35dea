package integration

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unsafe"

	"github.com/tidwall/gjson"

	"sundog/asl"
	"sundog/internal/embedded/engine"
	"sundog/internal/embedded/function"
	"sundog/internal/trace"
)

// invokeByARN calls the function that the Resource names with the parameters as its event; its response is the result.
func (r *Runner) invokeByARN(ctx context.Context, task engine.Task) (*asl.Document, error) {
	resp, err := r.Functions.Invoke(ctx, function.Request{ID: derivedID(task, "request"), Function: task.Resource, Payload: task.Parameters.Bytes()})
	if err != nil {
		return nil, taskError(err)
	}
	return asl.Raw(resp.Payload), nil
}

// invoke is the optimised integration lambda:invoke: parameters FunctionName, Payload, ClientContext and InvocationType
// RequestResponse; the result is the answer of the service with the response in Payload.
func (r *Runner) invoke(ctx context.Context, task engine.Task) (*asl.Document, error) {
	req, err := invokeRequest(task)
	if err != nil {
		return nil, err
	}
	req.TraceID = traceID(ctx, task)
	resp, err := r.Functions.Invoke(ctx, req)
	if err != nil {
		return nil, taskError(err)
	}
	return asl.Raw(invokeResult(task.Begun, req.TraceID, resp)), nil
}

// sdkInvoke is aws-sdk:lambda:invoke: the response is text, and a function that fails is an answer.
func (r *Runner) sdkInvoke(ctx context.Context, task engine.Task) (*asl.Document, error) {
	req, err := invokeRequest(task)
	if err != nil {
		return nil, err
	}
	members := map[string]any{"ExecutedVersion": "$LATEST", "StatusCode": http.StatusOK}
	resp, err := r.Functions.Invoke(ctx, req)
	failed, ok := errors.AsType[*function.Error](err)
	switch {
	case err == nil:
		members["Payload"] = string(resp.Payload)
	case !ok:
		return nil, err
	case refusalStatus(failed.Type) != 0:
		message, _, _ := strings.Cut(failed.Cause, " (Service: ") // which follows in the SDK's words
		exception := strings.TrimPrefix(failed.Type, "Lambda.")
		return nil, service{sdk: "Lambda"}.fail(task, fault{exception: exception, status: refusalStatus(failed.Type), message: message})
	default:
		members["FunctionError"], members["Payload"] = "Unhandled", failed.Cause
	}
	return document(members)
}

// refusalStatus is the status with which the service refuses a call that never reaches its function, by the type of the error; 0 for other errors.
func refusalStatus(errorType string) int {
	switch errorType {
	case function.ErrorNotFound:
		return http.StatusNotFound
	case function.ErrorTooManyRequests:
		return http.StatusTooManyRequests
	case function.ErrorRequestTooLarge:
		return http.StatusRequestEntityTooLarge
	}
	return 0
}

// invokeRequest reads the parameters of Invoke.
func invokeRequest(task engine.Task) (function.Request, error) {
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
			payload = invokePayload(value, parameters[value.Index:value.Index+len(value.Raw)])
		}
		return true
	})
	if name.Type != gjson.String || name.Str == "" {
		return function.Request{}, invalid("States.Runtime", "The parameter FunctionName of the Task state '%s' is missing or is no string", task.State)
	}
	if kind.Exists() && kind.Str != "RequestResponse" {
		return function.Request{}, invalid("Lambda.InvalidParameterValueException", "InvocationType '%s' is not available on this server; use RequestResponse", kind.String())
	}
	return function.Request{ID: derivedID(task, "request"), Function: name.Str, Payload: payload, ClientContext: clientContext.Str}, nil
}

// invokePayload is the event that a function is called with. As the API takes bytes, a text that holds JSON is that JSON; and null is nothing.
func invokePayload(value gjson.Result, raw []byte) []byte {
	switch {
	case value.Type == gjson.Null:
		return nil
	case value.Type == gjson.String && json.Valid([]byte(value.Str)):
		return []byte(value.Str)
	}
	return raw
}

// traceID names the call of a function in the form of X-Ray (X-Ray Developer Guide, "Tracing header"): by its place in a trace, or, when there is
// none, by a name of its own.
func traceID(ctx context.Context, task engine.Task) string {
	if c := trace.From(ctx); !c.IsZero() {
		return fmt.Sprintf("Root=1-%x-%x;Parent=%x;Sampled=%d", c.Trace[:4], c.Trace[4:], c.Span, c.Flags&trace.Sampled)
	}
	id := strings.ReplaceAll(derivedID(task, "trace"), "-", "")
	return fmt.Sprintf("Root=1-%08x-%s", uint32(task.Begun.Unix()), id[:24])
}

// invokeResult is the result as the workflow sees it. It is written, not marshalled: the response can be large.
func invokeResult(begun time.Time, traceID string, resp function.Response) []byte {
	length := strconv.Itoa(len(resp.Payload))
	date := begun.UTC().Format(http.TimeFormat)
	b := make([]byte, 0, len(resp.Payload)+900)
	b = append(b, `{"ExecutedVersion":"$LATEST","Payload":`...)
	b = append(b, resp.Payload...)
	b = append(b, `,"SdkHttpMetadata":{"AllHttpHeaders":{"Connection":["keep-alive"],"Content-Length":["`...)
	b = append(b, length...)
	b = append(b, `"],"Content-Type":["application/json"],"Date":["`...)
	b = append(b, date...)
	b = append(b, `"],"X-Amz-Executed-Version":["$LATEST"],"X-Amzn-Trace-Id":["`...)
	b = append(b, traceID...)
	b = append(b, `"],"x-amzn-Remapped-Content-Length":["0"],"x-amzn-RequestId":["`...)
	b = append(b, resp.RequestID...)
	b = append(b, `"]},"HttpHeaders":{"Connection":"keep-alive","Content-Length":"`...)
	b = append(b, length...)
	b = append(b, `","Content-Type":"application/json","Date":"`...)
	b = append(b, date...)
	b = append(b, `","X-Amz-Executed-Version":"$LATEST","X-Amzn-Trace-Id":"`...)
	b = append(b, traceID...)
	b = append(b, `","x-amzn-Remapped-Content-Length":"0","x-amzn-RequestId":"`...)
	b = append(b, resp.RequestID...)
	b = append(b, `"},"HttpStatusCode":200},"SdkResponseMetadata":{"RequestId":"`...)
	b = append(b, resp.RequestID...)
	return append(b, `"},"StatusCode":200}`...)
}
