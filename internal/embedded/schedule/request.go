package schedule

import (
	"context"
	"errors"
	"fmt"
	"time"

	"sundog/internal/errand"
)

// request makes the HTTP request of a delivery.
func (s *Schedules) request(ctx context.Context, d delivery) outcome {
	o := errand.Run(ctx, s.client, d.attempt(), s.opts.Now)
	return outcome{failure: o.Failure, status: o.Status, final: o.Final, asked: o.Asked}
}

// functionTime bounds a call of a function, beyond the function's own bound and the time it may wait for its turn.
const functionTime = time.Hour

// call calls the function of a delivery.
func (s *Schedules) call(ctx context.Context, d delivery) outcome {
	name := d.Schedule.Action.Lambda.Function
	event, err := d.attempt().FunctionEvent()
	if err != nil {
		return outcome{failure: err, final: true}
	}
	about, err := d.attempt().ClientContext()
	if err != nil {
		return outcome{failure: err, final: true}
	}
	if s.opts.Functions == nil {
		return outcome{failure: errors.New("there are no functions here")}
	}
	ctx, cancel := context.WithTimeout(ctx, functionTime)
	defer cancel()
	if err := s.opts.Functions.Call(ctx, name, event, about); err != nil {
		return outcome{failure: fmt.Errorf("function %s: %w", name, err)}
	}
	return outcome{}
}
