package engine

import (
	"context"

	"github.com/google/uuid"

	"sundog/asl"
)

// TestState plays one state as an express execution would (API reference, TestState). A task without a mock is carried out by the runner. It
// leaves no trace here. The error of a request that cannot be played is an *asl.TestStateError.
func (e *Engine) TestState(ctx context.Context, req asl.TestStateRequest, role string) (asl.TestStateResult, error) {
	const name = "test-state"
	run := uuid.NewString()
	d := Description{Machine: name, Name: run, ARN: e.machines.ARN("express") + name + ":" + run, Status: asl.Running, MachineType: "EXPRESS", Role: role}
	if d.Role == "" {
		d.Role = e.machines.Role(name)
	}
	req.At = e.moment()
	d.Start = req.At.Now
	req.Identity = asl.Identity{
		ARN: d.ARN, Name: d.Name, RoleARN: d.Role, MachineARN: e.machines.Names.Machine(name), MachineName: e.opts.MachinePrefix + name, Express: true,
		Region: e.opts.Region, Account: e.opts.Account,
	}
	req.Work = func(task asl.Task) asl.TaskOutcome {
		output, err := e.guard(ctx, Task{Task: task, Execution: d})
		if err != nil {
			failed := taskFailed(task.ID, d.Start, err)
			return asl.TaskOutcome{Error: failed.Error, Cause: failed.Cause}
		}
		return asl.TaskOutcome{Output: output}
	}
	return asl.TestState(req)
}
