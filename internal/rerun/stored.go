package rerun

import (
	"context"
	"errors"
	"fmt"

	"sundog/internal/bucket"
	"sundog/payload"
)

// Stored are the inputs of executions in a payload bucket.
type Stored struct {
	Payloads interface {
		Get(ctx context.Context, key string) (body []byte, etag string, err error)
	}
	Layout payload.Layout
}

// Input implements Inputs.
func (s Stored) Input(ctx context.Context, id payload.ID, execution string) ([]byte, error) {
	_, name := payload.CutExecutionARN(execution)
	text, _, err := s.Payloads.Get(ctx, s.Layout.Input(id.String(), name).Key)
	if errors.Is(err, bucket.ErrNotFound) {
		return nil, fmt.Errorf("%w: the input of %s", ErrNoInput, execution)
	}
	return text, err
}
