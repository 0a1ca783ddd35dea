package engine

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/google/uuid"

	"sundog/internal/embedded/machine"
)

// ErrNotExpress is returned when the state machine is a STANDARD one (AWS: StateMachineTypeNotSupported).
var ErrNotExpress = errors.New("state machine is not of the type EXPRESS")

// StartSync starts an execution of an EXPRESS workflow and waits until it has ended (API reference, StartSyncExecution), which it has after five
// minutes at the latest. Its name need not be unique; without one it gets one. When ctx ends first the execution goes on.
// Errors are those of Start, but for ErrExists, ErrNotExpress and ErrStopping; that the execution failed is none.
func (e *Engine) StartSync(ctx context.Context, req StartRequest) (Ended, error) {
	t, err := e.machines.Target(req.Machine, e.opts.Seed)
	if err != nil {
		return Ended{}, err
	}
	if t.Machine.Type != machine.Express {
		return Ended{}, fmt.Errorf("%w: %s is %s", ErrNotExpress, t.Machine.Name, t.Machine.Type)
	}
	if req.Name == "" {
		req.Name = e.newUUID()
	}
	input, err := e.check(&req)
	if err != nil {
		return Ended{}, err
	}
	d, err := e.start(ctx, t, req, e.newUUID(), input)
	if err != nil {
		return Ended{}, err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stop := context.AfterFunc(e.ctx, func() { cancel(ErrStopping) })
	defer stop()
	d, inputText, output, err := e.Wait(ctx, d.ARN)
	if err != nil {
		return Ended{}, fmt.Errorf("waiting for %s: %w", d.ARN, err)
	}
	return Ended{Description: d, InputText: inputText, OutputText: output}, nil
}

// syncARN is the ARN of an execution of StartSync, which has an id behind its name.
func (e *Engine) syncARN(name, unique string) string {
	return e.machines.ARN("express") + name + ":" + unique
}

// newUUID makes a random UUID (version 4) of the engine's source of chance.
func (e *Engine) newUUID() string {
	var id uuid.UUID
	binary.BigEndian.PutUint64(id[:8], e.opts.Seed())
	binary.BigEndian.PutUint64(id[8:], e.opts.Seed())
	id[6] = id[6]&0x0f | 0x40
	id[8] = id[8]&0x3f | 0x80
	return id.String()
}
