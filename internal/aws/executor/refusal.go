package executor

import (
	"errors"
	"fmt"

	"github.com/aws/smithy-go"
)

// refusal is what Step Functions says of an execution that it will never start. Its text becomes the record's last_error. It is the one that
// Cirrus writes there (that of AWS's library for Python), so that errors of both are found by the same prefix; the number of the request, which
// would make each text another one, is left out.
type refusal struct{ cause error }

func (r *refusal) Error() string {
	var api smithy.APIError
	if !errors.As(r.cause, &api) {
		return r.cause.Error()
	}
	return fmt.Sprintf("An error occurred (%s) when calling the StartExecution operation: %s", api.ErrorCode(), api.ErrorMessage())
}

func (r *refusal) Unwrap() error { return r.cause }
