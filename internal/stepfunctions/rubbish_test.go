package stepfunctions_test

import (
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/sfn"
)

// operationsOfClient returns the names of all operations of the API that AWS's client knows.
func operationsOfClient() (names []string) {
	for method := range reflect.TypeFor[*sfn.Client]().Methods() {
		if f := method.Type; f.NumIn() == 4 && f.In(2).Kind() == reflect.Pointer && f.In(2).Elem().Name() == method.Name+"Input" {
			names = append(names, method.Name)
		}
	}
	return names
}

// TestRubbish sends to every operation what no client would. Each is answered, and by an error that is the client's unless the operation wants
// nothing of what is wrong: never by one of the server.
func TestRubbish(t *testing.T) {
	w := newWorld(t, "")
	members := []string{
		"stateMachineArn", "executionArn", "activityArn", "mapRunArn", "resourceArn", "stateMachineAliasArn", "stateMachineVersionArn", "taskToken",
		"name", "definition", "roleArn", "nextToken", "error", "cause", "output", "input", "workerName", "clientToken", "revisionId", "traceHeader",
		"type", "statusFilter", "redriveFilter", "severity", "inspectionLevel", "includedData", "description", "versionDescription",
	}
	every := func(value any) string {
		request := map[string]any{}
		for _, name := range members {
			request[name] = value
		}
		text, err := json.Marshal(request)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	const (
		arn    = "arn:aws:states:us-east-1:000000000000:"
		absent = `{"stateMachineArn":"` + arn + `stateMachine:no","executionArn":"` + arn + `execution:no:no","activityArn":"` + arn + `activity:no","mapRunArn":"` + arn +
			`mapRun:no/x:y","resourceArn":"` + arn + `stateMachine:no","stateMachineAliasArn":"` + arn + `stateMachine:no:al","stateMachineVersionArn":"` + arn + `stateMachine:no:7"}`
	)
	bodies := map[string]string{
		"nothing": ``, "null": `null`, "an empty object": `{}`, "a list": `[]`, "a text": `"x"`, "half an object": `{"name":`, "no UTF-8": "{\"name\":\"\xff\"}",
		"two objects": `{}{}`, "numbers": every(7), "lists": every([]any{}), "objects": every(map[string]any{}), "true": every(true), "nulls": every(nil),
		"empty texts": every(""), "junk": every("junk"), "long texts": every(strings.Repeat("x", 300)), "control characters": every("a\x00\x1fb"),
		"an ARN cut short": every("arn:aws:states:us-east-1"), "an ARN of colons": every(strings.Repeat(":", 20)), "what there is not": absent,
		"a deep object":   strings.Repeat(`{"name":`, 5000) + `1` + strings.Repeat(`}`, 5000),
		"numbers too big": `{"maxResults":99999999999999999999,"maxConcurrency":1e99,"toleratedFailurePercentage":-1,"routingConfiguration":[{"weight":1e9}]}`,
	}
	indifferent := map[string]bool{ // lists, which want nothing; those that are done already when there is nothing; a verdict on what is sent
		"ListStateMachines": true, "ListActivities": true, "ListStateMachineVersions": true, "DeleteStateMachine": true, "DeleteStateMachineVersion": true,
		"DeleteActivity": true, "CreateActivity": true, "ValidateStateMachineDefinition": true,
	}
	operations := operationsOfClient()
	if len(operations) < 37 {
		t.Fatalf("AWS's client has the operations %v, fewer than 37", operations)
	}
	for _, operation := range operations {
		for _, what := range slices.Sorted(maps.Keys(bodies)) {
			status, answer := w.post(operation, bodies[what])
			name, _ := answer["__type"].(string)
			message, _ := answer["message"].(string)
			switch {
			case status == 200 && indifferent[operation]:
			case status != 400 || !strings.HasPrefix(name, "com.amazon") || strings.HasSuffix(name, "#UnknownOperationException") || message == "":
				t.Errorf("%s with %s: %d %.200v", operation, what, status, answer)
			}
		}
	}
}
