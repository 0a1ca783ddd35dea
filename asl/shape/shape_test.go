package shape_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"sundog/asl/shape"
)

func TestCheck(t *testing.T) {
	tests := []struct {
		service, action string
		result          string
		lenient         bool
		want            string
	}{
		{service: "states", action: "startExecution", result: `{"ExecutionArn":"a","StartDate":"today"}`},
		{service: "aws-sdk:sfn", action: "startExecution", result: `{"StartDate":"today"}`, want: "Required field 'ExecutionArn' is missing"},
		{service: "states", action: "startExecution", result: `{"StartDate":"today"}`, lenient: true},
		{service: "states", action: "startExecution", result: `{"StartDate":1}`, lenient: true, want: "Field 'StartDate' must be a string"},
		{service: "states", action: "startExecution", result: `[]`, want: "Result must be an object"},
		{service: "sqs", action: "sendMessage", result: `{"Unknown":1}`},
		{service: "lambda", action: "invoke", result: `{"Payload":[1],"StatusCode":200}`},
		{service: "lambda", action: "invoke", result: `{"StatusCode":"200"}`, want: "Field 'StatusCode' must be a number"},
		{service: "aws-sdk:lambda", action: "getFunction", result: `{"Configuration":{"MemorySize":128}}`},
		{service: "aws-sdk:lambda", action: "getFunction", result: `{"Configuration":{"MemorySize":127}}`, want: "Field 'MemorySize' is less than the minimum value"},
		{service: "aws-sdk:lambda", action: "getFunction", result: `{"Configuration":{"MemorySize":10241}}`, want: "Field 'MemorySize' exceeds the maximum value"},
		{service: "aws-sdk:lambda", action: "getFunction", result: `{"Configuration":{"EphemeralStorage":{}}}`, want: "Required field 'Size' is missing"},
		{service: "aws-sdk:s3", action: "getObject", result: `{"BucketKeyEnabled":"yes"}`, want: "Field 'BucketKeyEnabled' must be a boolean"},
		{service: "aws-sdk:s3", action: "getObject", result: `{"Metadata":{"a":1}}`, want: "Field 'a' must be a string"},
		{service: "aws-sdk:s3", action: "getObject", result: `{"StorageClass":"PAPER"}`, want: "Field 'StorageClass' is not an expected value"},
		{service: "aws-sdk:kms", action: "encrypt", result: `{"CiphertextBlob":""}`, want: "Field 'CiphertextBlob' is smaller than the minimum length"},
		{service: "aws-sdk:kms", action: "encrypt", result: `{"CiphertextBlob":"AAEC"}`},
		{service: "dynamodb", action: "getItem", result: `{"Item":{"a":{"M":{"b":{"L":[{"S":"c"}]}}}}}`},
		{service: "dynamodb", action: "getItem", result: `{"Item":{"a":{"M":{"b":{"L":[{"S":3}]}}}}}`, want: "Field 'S' must be a string"},
		{service: "aws-sdk:kms", action: "encrypt", result: `{"KeyId":"` + strings.Repeat("k", 2048) + `"}`},
		{service: "aws-sdk:kms", action: "encrypt", result: `{"KeyId":"` + strings.Repeat("k", 2049) + `"}`, want: "Field 'KeyId' exceeds the maximum length"},
		{service: "dynamodb", action: "getItem", result: `{"Item":[]}`, want: "Field 'Item' must be an object"},
		{service: "events", action: "putEvents", result: `{"Entries":{}}`, want: "Field 'Entries' must be an array"},
	}
	for _, test := range tests {
		t.Run(test.service+":"+test.action+" "+test.result, func(t *testing.T) {
			s := shape.Of(test.service, test.action)
			if s == nil {
				t.Fatal("no shape")
			}
			dec := json.NewDecoder(bytes.NewReader([]byte(test.result)))
			dec.UseNumber()
			var v any
			if err := dec.Decode(&v); err != nil {
				t.Fatal(err)
			}
			if got := s.Check(v, !test.lenient); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestUnknownAction(t *testing.T) {
	for _, action := range []string{"startExecution.sync:2", "listExecutions"} {
		if s := shape.Of("states", action); s != nil {
			t.Errorf("%s has the shape %v", action, s)
		}
	}
}
