package stepfunctions

import (
	"context"
	"errors"
	"time"

	"sundog/asl"
	"sundog/internal/awsjson"
	"sundog/internal/embedded/engine"
)

type startSyncOutput struct {
	ARN           string         `json:"executionArn"`
	MachineARN    string         `json:"stateMachineArn"`
	Name          string         `json:"name"`
	Start         awsjson.Time   `json:"startDate"`
	Stop          awsjson.Time   `json:"stopDate"`
	Status        asl.Status     `json:"status"`
	Error         string         `json:"error,omitempty"`
	Cause         string         `json:"cause,omitempty"`
	Input         *string        `json:"input,omitempty"`
	InputDetails  *dataIncluded  `json:"inputDetails,omitempty"`
	Output        *string        `json:"output,omitempty"`
	OutputDetails *dataIncluded  `json:"outputDetails,omitempty"`
	Billing       billingDetails `json:"billingDetails"`
}

// billingDetails are what AWS would charge for: memory by steps of 64 MB, and time by steps of 100 ms.
type billingDetails struct {
	MemoryMB     int64 `json:"billedMemoryUsedInMB"`
	Milliseconds int64 `json:"billedDurationInMilliseconds"`
}

const billingStep = 100 * time.Millisecond

func (a *service) startSyncExecution(ctx context.Context, req *startExecutionInput) (*startSyncOutput, error) {
	start, err := a.startRequest(req)
	if err != nil {
		return nil, err
	}
	ended, err := a.engine.StartSync(ctx, start)
	if errors.Is(err, engine.ErrNotExpress) {
		return nil, awsjson.Errorf("StateMachineTypeNotSupported", "This operation is not supported by this type of state machine")
	}
	if err != nil {
		return nil, startFault(err, start)
	}
	out := &startSyncOutput{
		ARN: ended.ARN, MachineARN: a.machines.Names.Machine(ended.Machine), Name: ended.Name, Start: awsjson.Time(ended.Start), Stop: awsjson.Time(ended.Stop),
		Status: ended.Status, Error: ended.Error, Cause: ended.Cause, Input: document(ended.InputText), InputDetails: &dataIncluded{Included: true},
		Billing: billingDetails{MemoryMB: 64, Milliseconds: int64((ended.Stop.Sub(ended.Start) + billingStep - 1) / billingStep * billingStep / time.Millisecond)},
	}
	if ended.OutputText != nil {
		out.Output, out.OutputDetails = document(ended.OutputText), &dataIncluded{Included: true}
	}
	return out, nil
}
