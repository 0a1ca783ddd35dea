package integration

import (
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/google/uuid"

	"sundog/asl"
	"sundog/internal/embedded/engine"
)

// derivedID is an id that is the same whenever a task is run again.
func derivedID(task engine.Task, what string) string {
	return uuid.NewSHA1(uuid.NameSpaceURL, fmt.Appendf(nil, "%s/%d/%s", task.Execution.ARN, task.ID, what)).String()
}

// answer is the result of an optimised integration: the members of the service's answer, in the order of their names, and beside them what the
// SDK tells of the call.
func answer(task engine.Task, members map[string]any) (*asl.Document, error) {
	body, err := json.Marshal(members)
	if err != nil {
		return nil, fmt.Errorf("writing the result of %s: %w", task.Resource, err)
	}
	id, length, kind := derivedID(task, "request"), strconv.Itoa(len(body)), "application/x-amz-json-1.0"
	members["SdkHttpMetadata"] = map[string]any{
		"AllHttpHeaders": map[string][]string{"x-amzn-RequestId": {id}, "Content-Length": {length}, "Content-Type": {kind}},
		"HttpHeaders":    map[string]string{"x-amzn-RequestId": id, "Content-Length": length, "Content-Type": kind},
		"HttpStatusCode": 200,
	}
	members["SdkResponseMetadata"] = map[string]string{"RequestId": id}
	return document(members)
}

// sdkFailure is the error of an aws-sdk integration: the exception with the service in front, and the text that the SDK makes of it.
func sdkFailure(task engine.Task, service, exception, message string) error {
	return &engine.TaskError{
		Name:  service + "." + exception,
		Cause: fmt.Sprintf("%s (Service: %s, Status Code: 400, Request ID: %s) (SDK Attempt Count: 1)", message, service, derivedID(task, "request")),
	}
}
