package stepfunctions

import (
	"errors"
	"strings"

	"sundog/asl"
	"sundog/internal/awsjson"
	"sundog/internal/embedded/activity"
	"sundog/internal/embedded/engine"
	"sundog/internal/embedded/machine"
)

// machineFault names an error about the state machine, version or alias with the ARN, in AWS's words where they are known.
func machineFault(err error, arn string) error {
	if err == nil {
		return nil
	}
	if problems, ok := errors.AsType[asl.Diagnostics](err); ok {
		return awsjson.Errorf("InvalidDefinition", "%s", problems.Refusal())
	}
	switch {
	case errors.Is(err, machine.ErrInvalidARN):
		return invalidARN(arn)
	case errors.Is(err, machine.ErrNotFound), errors.Is(err, machine.ErrNoVersion), errors.Is(err, machine.ErrNoAlias):
		return awsjson.Errorf("StateMachineDoesNotExist", "State Machine Does Not Exist: '%s'", arn)
	case errors.Is(err, machine.ErrExists):
		return awsjson.Errorf("StateMachineAlreadyExists", "State Machine Already Exists: '%s'", arn)
	case errors.Is(err, machine.ErrDeleting):
		return awsjson.Errorf("StateMachineDeleting", "State Machine Deleting: '%s'", arn)
	case errors.Is(err, machine.ErrOwned):
		return awsjson.Errorf("ConflictException", "%s is a workflow of sundog.yaml: change it there and start the server again", arn)
	case errors.Is(err, machine.ErrRevision):
		return awsjson.Errorf("ConflictException", "%v", err)
	case errors.Is(err, machine.ErrTooManyTags):
		e := awsjson.Errorf("TooManyTags", "%v", err)
		e.Fields = map[string]any{"resourceName": arn}
		return e
	case errors.Is(err, machine.ErrTooMany):
		return awsjson.Errorf("ServiceQuotaExceededException", "%v", err)
	}
	return err
}

// resourceFault is machineFault for operations whose name for everything that is not there is ResourceNotFound.
func resourceFault(err error, arn string) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, machine.ErrNotFound), errors.Is(err, machine.ErrNoVersion), errors.Is(err, machine.ErrNoAlias),
		errors.Is(err, activity.ErrNotFound):
		return notFound(arn)
	case errors.Is(err, machine.ErrExists):
		return awsjson.Errorf("ConflictException", "%v", err)
	}
	return machineFault(err, arn)
}

func notFound(arn string) error {
	e := awsjson.Errorf("ResourceNotFound", "Resource not found: '%s'", arn)
	e.Fields = map[string]any{"resourceName": arn}
	return e
}

func invalidARN(arn string) error {
	if !strings.HasPrefix(arn, "arn:") {
		return awsjson.Errorf("InvalidArn", "Invalid Arn: 'Invalid ARN prefix: %s'", arn)
	}
	return awsjson.Errorf("InvalidArn", "Invalid Arn: 'Resource type not valid in this context: %s'", arn)
}

func invalidName(name string) error { return awsjson.Errorf("InvalidName", "Invalid Name: '%s'", name) }

// executionFault names an error about the execution with the ARN.
func executionFault(err error, arn string) error {
	switch {
	case errors.Is(err, engine.ErrNotFound):
		return awsjson.Errorf("ExecutionDoesNotExist", "Execution Does Not Exist: '%s'", arn)
	case errors.Is(err, engine.ErrExists):
		return awsjson.Errorf("ExecutionAlreadyExists", "Execution Already Exists: '%s'", arn)
	}
	return err
}
