package payload

import (
	"strings"

	"github.com/google/uuid"

	"sundog/payload/pytext"
)

// defaultRegion is the region of ARNs that name none.
const defaultRegion = "us-west-2"

// ExecutionName derives the name of a payload's next execution from its id and the ARNs of its executions so far, oldest
// first. Whoever handles the same payload in the same state derives the same name, so a second start is refused.
//
// It is the UUIDv5 in the URL namespace of `<id>/<list>`, where the list is Python's text of the console URLs.
func ExecutionName(payloadID string, executionARNs []string) string {
	urls := make([]string, len(executionARNs))
	for i, arn := range executionARNs {
		urls[i] = ConsoleURL(arn)
	}
	return ExecutionNameFromURLs(payloadID, urls)
}

// ExecutionNameFromURLs is ExecutionName for executions that are known by their console URLs.
func ExecutionNameFromURLs(payloadID string, consoleURLs []string) string {
	return uuid.NewSHA1(uuid.NameSpaceURL, []byte(payloadID+"/"+pytext.List(consoleURLs))).String()
}

// ConsoleURL is the page of an execution in the AWS console, in the region of its ARN (us-west-2 when it names none).
func ConsoleURL(executionARN string) string {
	region := arnRegion(executionARN)
	return "https://" + region + ".console.aws.amazon.com/states/home?region=" + region + "#/v2/executions/details/" + executionARN
}

// ARNFromConsoleURL gives the ARN that a console URL shows. A text that is no console URL is given back unchanged.
func ARNFromConsoleURL(consoleURL string) string {
	_, arn, found := strings.Cut(consoleURL, "#/v2/executions/details/")
	if !found {
		return consoleURL
	}
	return arn
}

// arnRegion is the fourth part of `arn:<partition>:<service>:<region>:…`.
func arnRegion(arn string) string {
	parts := strings.SplitN(arn, ":", 5)
	if len(parts) < 5 || parts[0] != "arn" || parts[3] == "" {
		return defaultRegion
	}
	return parts[3]
}

// MachineARN is the ARN of a workflow's state machine: the base, `arn:…:stateMachine:<prefix>`, and the workflow's name.
func MachineARN(base, workflow string) string {
	return base + workflow
}

// ExecutionARN is the ARN of a workflow's execution of that name, where base is that of MachineARN.
func ExecutionARN(base, workflow, name string) string {
	return strings.ReplaceAll(base, ":stateMachine:", ":execution:") + workflow + ":" + name
}

// CutExecutionARN gives the ARN of the state machine and the name of an execution. Text without a colon is all name.
func CutExecutionARN(executionARN string) (machineARN, name string) {
	at := strings.LastIndexByte(executionARN, ':')
	if at < 0 {
		return "", executionARN
	}
	return strings.ReplaceAll(executionARN[:at], ":execution:", ":stateMachine:"), executionARN[at+1:]
}
