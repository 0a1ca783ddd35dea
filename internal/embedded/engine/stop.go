package engine

import (
	"context"
	"errors"
	"strings"

	"sundog/asl"
	"sundog/internal/embedded/store"
)

// Stop aborts an execution. It returns ErrNotFound, or nil when it has ended already, as AWS does. Only a stop that ends an execution calls
// Options.StopHook.
func (e *Engine) Stop(ctx context.Context, arn, errorName, cause string) error {
	id, err := e.find(arn)
	if err != nil {
		return err
	}
	stop := delivery{event: asl.StopRequested{Error: errorName, Cause: cause}}
	if e.opts.StopHook != nil {
		stop.with = func(tx *store.Tx, in *instance) error {
			return e.opts.StopHook(ctx, tx, in.desc, strings.Trim(errorName+": "+cause, ": "))
		}
	}
	if err = e.send(ctx, id, stop); errors.Is(err, ErrEnded) {
		return nil
	}
	return err
}
