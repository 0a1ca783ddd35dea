package asl

import "strings"

// caller is how a Task state calls its service, which decides on the names of its history events.
type caller string

const (
	serviceCaller  caller = "Task"           // arn:<partition>:states:::<service>:<action>
	functionCaller caller = "LambdaFunction" // a function's ARN
	activityCaller caller = "Activity"       // anything else: an activity's ARN
)

// An integration is what the Resource of a Task state says.
type integration struct {
	caller       caller
	resource     string   // as history events show it
	resourceType string   // of a service: lambda, aws-sdk:s3, …
	sync         bool     // waits for a job to end: .sync, .sync:2
	token        bool     // waits for a task token: .waitForTaskToken, and activities
	lists        []string // parameters that must be objects whose members are arrays of strings
}

// parseIntegration reads a Resource (Developer Guide, "Integrating services with Step Functions").
func parseIntegration(resource string) integration {
	parts := strings.SplitN(resource, ":", 6)
	if len(parts) < 6 || parts[0] != "arn" {
		return integration{caller: activityCaller, resource: resource, token: true}
	}
	if parts[2] == "lambda" {
		return integration{caller: functionCaller, resource: resource}
	}
	if parts[2] != "states" || parts[3] != "" || parts[4] != "" {
		return integration{caller: activityCaller, resource: resource, token: true}
	}
	service, action, _ := strings.Cut(parts[5], ":")
	if service == "aws-sdk" {
		var sdk string
		sdk, action, _ = strings.Cut(action, ":")
		service += ":" + sdk
	}
	in := integration{caller: serviceCaller, resource: action, resourceType: service}
	in.sync = strings.HasSuffix(action, ".sync") || strings.Contains(action, ".sync:")
	in.token = strings.HasSuffix(action, ".waitForTaskToken")
	if service == "apigateway" {
		in.lists = []string{"Headers", "QueryParameters"}
	}
	return in
}

// mode is how the result of a task comes.
func (in integration) mode() TaskMode {
	switch {
	case in.caller == activityCaller:
		return Activity
	case in.sync:
		return Job
	case in.token:
		return Callback
	}
	return RequestResponse
}

// invalidParameter returns the name of a parameter with which the service cannot be called, or "".
func (in integration) invalidParameter(parameters *Document) string {
	for _, name := range in.lists {
		list, ok := parameters.member(name)
		if ok && !isObjectOfStringArrays(list.Get()) {
			return name
		}
	}
	return ""
}

func isObjectOfStringArrays(v any) bool {
	object, ok := v.(map[string]any)
	for _, member := range object {
		array, isArray := member.([]any)
		for _, element := range array {
			_, isString := element.(string)
			ok = ok && isString
		}
		ok = ok && isArray
	}
	return ok
}

// subject is what a message about the size of a result names.
func (in integration) subject() string {
	if in.caller == serviceCaller {
		return in.resourceType
	}
	return in.resource
}
