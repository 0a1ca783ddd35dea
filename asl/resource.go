package asl

import (
	"regexp"
	"slices"
	"strings"
)

// checkResource says whether a Resource can be the target of a task: of the ARNs of functions and of services only those that can exist.
// Other forms name activities, or what an engine knows by them.
func checkResource(resource string) bool {
	switch {
	case resource == "", strings.ContainsAny(resource, " \t\r\n"):
		return false
	case strings.Count(resource, "${") != strings.Count(resource, "}"):
		return false // a placeholder of a template that is not closed
	}
	in := parseIntegration(resource)
	switch in.caller {
	case functionCaller:
		return functionARN.MatchString(resource) || strings.Contains(resource, "${")
	case serviceCaller:
		action, _, _ := strings.Cut(in.resource, ".")
		actions := serviceActions(in.resourceType)
		return action != "" && (actions == nil || slices.Contains(actions, action))
	}
	return true
}

// functionARN is the form of a function's ARN, with an optional version or alias (Lambda API reference, FunctionName).
var functionARN = regexp.MustCompile(`^arn:[^:]+:lambda:[^:]+:[^:]+:function:[a-zA-Z0-9_-]+(:(\$LATEST|[a-zA-Z0-9_-]+))?$`)

// serviceActions are the actions of the services that Step Functions has an integration for (Developer Guide, "Integrating optimized
// services"); nil for services that are not in this list.
func serviceActions(service string) []string {
	switch service {
	case "apigateway", "http", "lambda":
		return []string{"invoke"}
	case "batch":
		return []string{"submitJob"}
	case "dynamodb":
		return []string{"getItem", "putItem", "updateItem", "deleteItem"}
	case "ecs":
		return []string{"runTask"}
	case "events":
		return []string{"putEvents"}
	case "mediaconvert":
		return []string{"createJob"}
	case "sns":
		return []string{"publish"}
	case "sqs":
		return []string{"sendMessage"}
	case "states":
		return []string{"startExecution"}
	}
	return nil
}
