package asl

import "time"

// HistoryEvent is one event of an execution's history, as GetExecutionHistory gives it. Type is AWS's name of the event, and the
// fields that AWS keeps in the event's details structure lie flat in Details.
type HistoryEvent struct {
	ID       int64
	Previous int64
	Type     string
	At       time.Time
	Details  Details
}

// Details are the details of a history event. Which of them a type carries is AWS's rule (API reference, HistoryEvent).
type Details struct {
	Name              string            // state, map iteration
	Input             *Document         // *StateEntered, ExecutionStarted, LambdaFunctionScheduled, ActivityScheduled
	Output            *Document         // *StateExited, *Succeeded, TaskSubmitted, ExecutionSucceeded
	Parameters        *Document         // TaskScheduled
	Resource          string            //
	ResourceType      string            // TaskScheduled and its successors
	Region            string            // TaskScheduled
	TimeoutSeconds    int64             // 0: none
	HeartbeatSeconds  int64             // 0: none
	Credentials       *Document         // taskCredentials
	Error             string            //
	Cause             string            //
	HasError          bool              // whether AWS writes error at all
	HasCause          bool              //
	Index             int64             // MapIteration*
	Length            int64             // MapStateStarted
	RoleARN           string            // ExecutionStarted
	WorkerName        string            // ActivityStarted
	MapRunARN         string            // MapRunStarted
	State             string            // EvaluationFailed
	Location          string            // EvaluationFailed
	AssignedVariables map[string]string // *StateExited, JSON texts by name
}
