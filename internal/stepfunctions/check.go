package stepfunctions

import (
	"strings"

	"sundog/internal/awsjson"
	"sundog/internal/embedded/machine"
)

// Bounds of the model's members, in characters.
const (
	maxARN         = 256
	maxLongARN     = 2000
	maxName        = 80
	maxData        = 262144
	maxError       = 256
	maxCause       = 32768
	maxDescription = 256
)

// text is the value of a member, "" when it is not there.
func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// parse takes the ARN of a machine, a version or an alias apart.
func (a *service) parse(arn string) (machine.Ref, error) {
	if !strings.Contains(arn, ":") {
		return machine.Ref{}, invalidARN(arn)
	}
	return a.machines.Parse(arn)
}

// unqualified returns the name of the machine that an ARN is of, which must not be that of a version, an alias or a Map state.
func (a *service) unqualified(arn string) (string, error) {
	ref, err := a.parse(arn)
	if err != nil {
		return "", machineFault(err, arn)
	}
	if ref.Label != "" {
		return "", labelled(arn)
	}
	if ref.Qualified() {
		return "", awsjson.Validation("%s is the ARN of a version or an alias; use that of the state machine", arn)
	}
	return ref.Name, nil
}

// labelled refuses the ARN of a distributed Map state.
func labelled(arn string) error {
	e := awsjson.Validation("%s is the ARN of a Map state, which this operation does not take", arn)
	e.Fields = map[string]any{"reason": "API_DOES_NOT_SUPPORT_LABELED_ARNS"}
	return e
}

// alias takes the ARN of an alias apart.
func (a *service) alias(arn string) (machine.Ref, error) {
	ref, err := a.parse(arn)
	if err == nil && ref.Alias == "" {
		err = machine.ErrInvalidARN
	}
	return ref, resourceFault(err, arn)
}

// version takes the ARN of a version apart.
func (a *service) version(arn string) (machine.Ref, error) {
	ref, err := a.parse(arn)
	if err == nil && ref.Version == 0 {
		err = machine.ErrInvalidARN
	}
	return ref, resourceFault(err, arn)
}
