// Package stepfunctions is the API of AWS Step Functions (API reference, version 2016-11-23) over the embedded engine: it checks requests as
// AWS does, turns them into calls of the engine and its registry of state machines, and errors into AWS's names and words. It keeps nothing.
//
// Workflows of sundog.yaml are state machines like others; what sundog.yaml says about them cannot be changed here. Settings for logging,
// tracing and encryption are kept and returned, and do nothing. Roles are names: nothing asks for their rights.
package stepfunctions

import (
	"sundog/internal/awsjson"
	"sundog/internal/embedded/activity"
	"sundog/internal/embedded/engine"
	"sundog/internal/embedded/machine"
)

// maxBody bounds a request, in bytes: a definition of 1 MiB whose every character is escaped fits, with what is around it.
const maxBody = 8 << 20

// Service returns the API over an engine and the activities whose tasks it schedules.
func Service(e *engine.Engine, activities *activity.Activities) awsjson.Service {
	a := &service{engine: e, machines: e.Machines(), activities: activities}
	return awsjson.Service{
		Target: "AWSStepFunctions", Namespace: "com.amazonaws.swf.service.v2.model", Version: "1.0", MaxBody: maxBody,
		Operations: map[string]awsjson.Operation{
			"CreateStateMachine":               awsjson.Of(a.createStateMachine),
			"UpdateStateMachine":               awsjson.Of(a.updateStateMachine),
			"DescribeStateMachine":             awsjson.Of(a.describeStateMachine),
			"DescribeStateMachineForExecution": awsjson.Of(a.describeStateMachineForExecution),
			"ListStateMachines":                awsjson.Of(a.listStateMachines),
			"DeleteStateMachine":               awsjson.Of(a.deleteStateMachine),
			"ValidateStateMachineDefinition":   awsjson.Of(validateStateMachineDefinition),

			"PublishStateMachineVersion": awsjson.Of(a.publishStateMachineVersion),
			"ListStateMachineVersions":   awsjson.Of(a.listStateMachineVersions),
			"DeleteStateMachineVersion":  awsjson.Of(a.deleteStateMachineVersion),

			"CreateStateMachineAlias":   awsjson.Of(a.createStateMachineAlias),
			"UpdateStateMachineAlias":   awsjson.Of(a.updateStateMachineAlias),
			"DescribeStateMachineAlias": awsjson.Of(a.describeStateMachineAlias),
			"ListStateMachineAliases":   awsjson.Of(a.listStateMachineAliases),
			"DeleteStateMachineAlias":   awsjson.Of(a.deleteStateMachineAlias),

			"StartExecution":      awsjson.Of(a.startExecution),
			"StartSyncExecution":  awsjson.Of(a.startSyncExecution),
			"StopExecution":       awsjson.Of(a.stopExecution),
			"RedriveExecution":    awsjson.Of(a.redriveExecution),
			"DescribeExecution":   awsjson.Of(a.describeExecution),
			"ListExecutions":      awsjson.Of(a.listExecutions),
			"GetExecutionHistory": awsjson.Of(a.getExecutionHistory),
			"TestState":           awsjson.Of(a.testState),

			"DescribeMapRun": awsjson.Of(a.describeMapRun),
			"ListMapRuns":    awsjson.Of(a.listMapRuns),
			"UpdateMapRun":   awsjson.Of(a.updateMapRun),

			"CreateActivity":    awsjson.Of(a.createActivity),
			"DescribeActivity":  awsjson.Of(a.describeActivity),
			"ListActivities":    awsjson.Of(a.listActivities),
			"DeleteActivity":    awsjson.Of(a.deleteActivity),
			"GetActivityTask":   awsjson.Of(a.getActivityTask),
			"SendTaskSuccess":   awsjson.Of(a.sendTaskSuccess),
			"SendTaskFailure":   awsjson.Of(a.sendTaskFailure),
			"SendTaskHeartbeat": awsjson.Of(a.sendTaskHeartbeat),

			"TagResource":         awsjson.Of(a.tagResource),
			"UntagResource":       awsjson.Of(a.untagResource),
			"ListTagsForResource": awsjson.Of(a.listTagsForResource),
		},
	}
}

type service struct {
	engine     *engine.Engine
	machines   *machine.Registry
	activities *activity.Activities
}

// empty is the answer of operations that have none.
type empty struct{}
