package stepfunctions_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
)

// TestRefusals sends requests as no client would, and compares what they are answered with.
func TestRefusals(t *testing.T) {
	w := newWorld(t, "")
	w.create("express", pass)
	if _, err := w.CreateStateMachine(t.Context(), &sfn.CreateStateMachineInput{Name: aws.String("quick"), Definition: aws.String(pass), RoleArn: aws.String(role), Type: "EXPRESS"}); err != nil {
		t.Fatal(err)
	}
	const (
		validation = "com.amazon.coral.validate#ValidationException"
		service    = "com.amazonaws.swf.service.v2.model#"
	)
	definition := strings.ReplaceAll(pass, `"`, `\"`)
	create := func(member string) string {
		return `{"name":"n","definition":"` + definition + `","roleArn":"` + role + `"` + member + `}`
	}
	long := strings.Repeat("x", 300)
	for name, tt := range map[string]struct {
		operation, body string
		code, message   string
	}{
		"no such operation":    {"FlyStateMachine", "{}", "com.amazon.coral.service#UnknownOperationException", "FlyStateMachine"},
		"not JSON":             {"ListStateMachines", "{", "com.amazon.coral.service#SerializationException", "JSON"},
		"a wrong type":         {"ListStateMachines", `{"maxResults":"many"}`, "com.amazon.coral.service#SerializationException", "maxResults"},
		"no ARN":               {"DescribeStateMachine", "{}", validation, "1 validation error detected: Value null at 'stateMachineArn' failed to satisfy constraint: Member must not be null"},
		"an empty ARN":         {"DescribeStateMachine", `{"stateMachineArn":""}`, validation, "1 validation error detected: Value '' at 'stateMachineArn' failed to satisfy constraint: Member must have length greater than or equal to 1"},
		"two things":           {"ListStateMachines", `{"maxResults":1001,"nextToken":""}`, validation, "2 validation errors detected: Value '1001' at 'maxResults' failed to satisfy constraint: Member must have value less than or equal to 1000; Value '' at 'nextToken'"},
		"no ARN at all":        {"DescribeStateMachine", `{"stateMachineArn":"flow"}`, service + "InvalidArn", "Invalid Arn: 'Invalid ARN prefix: flow'"},
		"an ARN of another":    {"DescribeStateMachine", `{"stateMachineArn":"arn:aws:states:us-east-1:000000000000:activity:a"}`, service + "InvalidArn", "Resource type not valid in this context"},
		"no such machine":      {"DescribeStateMachine", `{"stateMachineArn":"` + base + `nosuch"}`, service + "StateMachineDoesNotExist", "State Machine Does Not Exist: '" + base + "nosuch'"},
		"another account":      {"StartExecution", `{"stateMachineArn":"arn:aws:states:us-east-1:111111111111:stateMachine:flow"}`, service + "StateMachineDoesNotExist", "111111111111"},
		"no map run's ARN":     {"DescribeMapRun", `{"mapRunArn":"junk"}`, service + "InvalidArn", "Invalid Arn: 'Invalid ARN prefix: junk'"},
		"no such map run":      {"UpdateMapRun", `{"mapRunArn":"arn:aws:states:us-east-1:000000000000:mapRun:flow/m:x","maxConcurrency":1}`, service + "ResourceNotFound", "Resource not found"},
		"a list for a request": {"DescribeExecution", `[]`, "com.amazon.coral.service#SerializationException", "reading the request: the request cannot be: array"},
		"a list for a text":    {"DescribeExecution", `{"executionArn":[]}`, "com.amazon.coral.service#SerializationException", "reading the request: the member 'executionArn' cannot be: array"},
		"an alias as machine":  {"DescribeStateMachine", `{"stateMachineArn":"` + base + `flow:PROD"}`, service + "StateMachineDoesNotExist", "PROD"},
		"a Map state":          {"StartExecution", `{"stateMachineArn":"` + base + `flow/label"}`, validation, "Map state"},
		"a version to delete":  {"DeleteStateMachine", `{"stateMachineArn":"` + base + `flow:1"}`, validation, "version"},
		"a wrong type of it":   {"CreateStateMachine", create(`,"type":"SLOW"`), validation, "1 validation error detected: Value 'SLOW' at 'type' failed to satisfy constraint: Member must satisfy enum value set: [STANDARD, EXPRESS]"},
		"a name with a star":   {"CreateStateMachine", strings.Replace(create(""), `"n"`, `"a*"`, 1), service + "InvalidName", "Invalid Name: 'a*'"},
		"a long name":          {"CreateStateMachine", strings.Replace(create(""), `"n"`, `"`+strings.Repeat("n", 81)+`"`, 1), validation, "less than or equal to 80"},
		"a role that is none":  {"CreateStateMachine", strings.Replace(create(""), role, "me", 1), service + "InvalidArn", "Invalid ARN prefix: me"},
		"a tag without key":    {"CreateStateMachine", create(`,"tags":[{"value":"x"}]`), validation, "'tags.1.member.key'"},
		"a version without":    {"CreateStateMachine", create(`,"versionDescription":"x"`), validation, "publish"},
		"logs without a place": {"CreateStateMachine", create(`,"loggingConfiguration":{"level":"ALL"}`), service + "InvalidLoggingConfiguration", "exactly one Log Destination"},
		"a log level":          {"CreateStateMachine", create(`,"loggingConfiguration":{"level":"SOME"}`), validation, "'loggingConfiguration.level'"},
		"a key of AWS's own":   {"CreateStateMachine", create(`,"encryptionConfiguration":{"type":"AWS_OWNED_KEY","kmsKeyId":"k"}`), service + "InvalidEncryptionConfiguration", "kmsKeyId"},
		"a wrong definition":   {"CreateStateMachine", strings.Replace(create(""), `\"Pass\"`, `\"Nap\"`, 1), service + "InvalidDefinition", "Invalid State Machine Definition: 'SCHEMA_VALIDATION_FAILED: "},
		"an input that is not": {"StartExecution", `{"stateMachineArn":"` + base + `flow","input":"{"}`, service + "InvalidExecutionInput", "Invalid State Machine Execution Input"},
		"a name of a run":      {"StartExecution", `{"stateMachineArn":"` + base + `flow","name":"a b"}`, service + "InvalidName", "Invalid Name: 'a b'"},
		"no such execution":    {"DescribeExecution", `{"executionArn":"arn:aws:states:us-east-1:000000000000:execution:flow:x"}`, service + "ExecutionDoesNotExist", "Execution Does Not Exist: 'arn:aws:states:us-east-1:000000000000:execution:flow:x'"},
		"a machine as run":     {"GetExecutionHistory", `{"executionArn":"` + base + `flow"}`, service + "InvalidArn", "Resource type not valid"},
		"an error too long":    {"StopExecution", `{"executionArn":"arn:aws:states:us-east-1:000000000000:execution:flow:x","error":"` + long + `"}`, validation, "'error'"},
		"express executions":   {"ListExecutions", `{"stateMachineArn":"` + base + `quick"}`, service + "StateMachineTypeNotSupported", "quick"},
		"executions of what":   {"ListExecutions", `{}`, validation, "mapRunArn"},
		"executions of both":   {"ListExecutions", `{"stateMachineArn":"` + base + `flow","mapRunArn":"x"}`, validation, "mapRunArn"},
		"a Map run":            {"ListExecutions", `{"mapRunArn":"arn:aws:states:us-east-1:000000000000:mapRun:m/l:1"}`, service + "ResourceNotFound", "mapRun"},
		"a severity":           {"ValidateStateMachineDefinition", `{"definition":"{}","severity":"MILD"}`, validation, "'severity'"},
		"aliases of an alias":  {"ListStateMachineAliases", `{"stateMachineArn":"` + base + `flow:PROD"}`, service + "InvalidArn", "PROD"},
		"a machine as alias":   {"DescribeStateMachineAlias", `{"stateMachineAliasArn":"` + base + `flow"}`, service + "InvalidArn", "flow"},
		"a machine as version": {"DeleteStateMachineVersion", `{"stateMachineVersionArn":"` + base + `flow"}`, service + "InvalidArn", "flow"},
		"tags of a version":    {"ListTagsForResource", `{"resourceArn":"` + base + `flow:1"}`, service + "InvalidArn", "flow"},
		"a mock of both kinds": {"TestState", `{"definition":"{}","mock":{"result":"1","errorOutput":{}}}`, validation, "only one of"},
		"too long a body":      {"CreateStateMachine", `{"definition":"` + strings.Repeat("x", 9<<20) + `"}`, "com.amazon.coral.service#RequestEntityTooLargeException", "8388608"},
	} {
		t.Run(name, func(t *testing.T) {
			status, answer := w.post(tt.operation, tt.body)
			message, _ := answer["message"].(string)
			if status/100 != 4 || answer["__type"] != tt.code || !strings.Contains(message, tt.message) {
				t.Errorf("%d %v", status, answer)
			}
		})
	}
}

func TestValidation(t *testing.T) {
	w := newWorld(t, "")
	validate := func(in sfn.ValidateStateMachineDefinitionInput) *sfn.ValidateStateMachineDefinitionOutput {
		t.Helper()
		return must[*sfn.ValidateStateMachineDefinitionOutput](t)(w.ValidateStateMachineDefinition(t.Context(), &in))
	}
	if v := validate(sfn.ValidateStateMachineDefinitionInput{Definition: aws.String(pass)}); v.Result != "OK" || len(v.Diagnostics) != 0 || *v.Truncated {
		t.Errorf("%+v", v)
	}
	wrong := aws.String(`{"StartAt":"A","States":{"A":{"Type":"Nap"},"B":{"Type":"Pass"},"C":{"Type":"Doze"}}}`)
	all := validate(sfn.ValidateStateMachineDefinitionInput{Definition: wrong})
	if all.Result != "FAIL" || len(all.Diagnostics) < 3 || *all.Truncated {
		t.Errorf("%+v", all)
	}
	if v := validate(sfn.ValidateStateMachineDefinitionInput{Definition: wrong, MaxResults: 2}); v.Result != "FAIL" || len(v.Diagnostics) != 2 || !*v.Truncated {
		t.Errorf("%+v", v)
	}
}

// TestSignatures talks to a server with a token, which is the secret of the access key sundog.
func TestSignatures(t *testing.T) {
	w, ctx := newWorld(t, "the token"), t.Context()
	must[*sfn.ListStateMachinesOutput](t)(w.ListStateMachines(ctx, &sfn.ListStateMachinesInput{}))
	w.create("signed", pass)
	_, err := w.client("sundog", "another").ListStateMachines(ctx, &sfn.ListStateMachinesInput{})
	refused(t, err, "InvalidSignatureException", "does not match")
	_, err = w.client("AKIDEXAMPLE", "the token").ListStateMachines(ctx, &sfn.ListStateMachinesInput{})
	refused(t, err, "UnrecognizedClientException", "sundog")
	if status, answer := w.post("ListStateMachines", "{}"); status != http.StatusBadRequest || answer["__type"] != "com.amazon.coral.service#MissingAuthenticationTokenException" {
		t.Errorf("not signed: %d %v", status, answer)
	}
}

// TestHostPrefix sends a request whose host has the prefix that clients give it for TestState and StartSyncExecution.
func TestHostPrefix(t *testing.T) {
	w := newWorld(t, "")
	for host, want := range map[string]int{
		"sync-127.0.0.1": http.StatusOK, "sync-localhost": http.StatusOK, "sync-sundog.localhost": http.StatusOK,
		"example.com": http.StatusForbidden, "sync-example.com": http.StatusForbidden, "localhost.example.com": http.StatusForbidden,
	} {
		if got := w.postTo(t.Context(), host); got != want {
			t.Errorf("%s: status %d, want %d", host, got, want)
		}
	}
}

func (w *world) postTo(ctx context.Context, host string) int {
	w.t.Helper()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, w.url, strings.NewReader("{}"))
	if err != nil {
		w.t.Fatal(err)
	}
	r.Host = host + ":8123"
	r.Header.Set("X-Amz-Target", "AWSStepFunctions.ListStateMachines")
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		w.t.Fatal(err)
	}
	defer resp.Body.Close()
	return resp.StatusCode
}
