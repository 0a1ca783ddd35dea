package config

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"sundog/internal/problem"
)

// Explain says plainly what an error of AWS's SDK means: what was refused, to which resource, and what to do. It is a problem of a kind that has
// the error in its chain. An error that is none of the SDK's, or of which nothing is known, comes back as it is.
func Explain(err error) error {
	var known *problem.Error
	op, ok := errors.AsType[*smithy.OperationError](err)
	if !ok || errors.As(err, &known) {
		// Why there are no credentials has been explained already. What is around that is of no interest.
		if ok && known != nil && (known.Kind == problem.Unauthorized || known.Kind == problem.Forbidden) {
			return tell(known.Kind, err, known.Error(), known.Hint)
		}
		return err
	}
	sentence, kind, hint := sentenceOf(op)
	if sentence == "" {
		return err
	}
	// What the SDK says stands at the end of what our own packages say of it.
	return tell(kind, err, strings.Replace(err.Error(), op.Error(), sentence, 1), hint)
}

// Plainly is the error with the sentence of Explain where the SDK has its own, and without a kind: for those who know better what it means here.
func Plainly(err error) error {
	if op, ok := errors.AsType[*smithy.OperationError](err); ok {
		sentence, _, _ := sentenceOf(op)
		if known, ok := errors.AsType[*problem.Error](op.Err); ok { // why there are no credentials
			sentence = known.Error()
		}
		if sentence != "" {
			return &quieted{strings.Replace(err.Error(), op.Error(), sentence, 1), err}
		}
	}
	return err
}

// LogAttr has logs tell errors plainly: it is a slog.HandlerOptions.ReplaceAttr.
func LogAttr(_ []string, a slog.Attr) slog.Attr {
	if err, ok := a.Value.Any().(error); ok {
		if said, ok := any(Plainly(err)).(*quieted); ok {
			a.Value = slog.StringValue(said.text)
		}
	}
	return a
}

// plain is that sentence alone.
func plain(err error) error {
	if op, ok := errors.AsType[*smithy.OperationError](err); ok {
		if sentence, _, _ := sentenceOf(op); sentence != "" {
			return &quieted{sentence, err}
		}
	}
	return err
}

// meaning is what some of the codes of AWS's services mean.
type meaning struct {
	codes []string
	kind  problem.Kind
	words string // with the service and the operation
	hint  string
}

// meanings are by code (API references of the services, Common errors).
func meanings() []meaning {
	return []meaning{
		{
			[]string{"AccessDenied", "AccessDeniedException", "AuthorizationError", "AuthorizationErrorException", "UnauthorizedOperation", "Forbidden", "KMSAccessDeniedException", "KMS.AccessDeniedException"},
			problem.Forbidden, "access was denied to %s:%s", "allow that action on that resource in the policies of who asks; `aws sts get-caller-identity` shows who that is",
		},
		{
			[]string{"ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired"},
			problem.Unauthorized, "the credentials have expired, %s refused %s", "renew them: `aws sso login`, or new values of the AWS_ variables",
		},
		{
			[]string{"InvalidClientTokenId", "UnrecognizedClientException", "InvalidAccessKeyId", "InvalidSecurity", "SignatureDoesNotMatch", "IncompleteSignature", "InvalidToken", "AuthFailure"},
			problem.Unauthorized, "%s does not know the credentials that %s was signed with", "`aws sts get-caller-identity` shows whether they are good, and whose",
		},
		{
			[]string{"RequestExpired", "RequestTimeTooSkewed", "InvalidSignatureException"},
			problem.Unauthorized, "%s refused the time or signature of %s", "is the clock of this machine right? If so, the secret access key is not that of the access key's id",
		},
		{
			[]string{
				"ResourceNotFoundException", "QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue", "NoSuchBucket", "StateMachineDoesNotExist",
				"ExecutionDoesNotExist", "NotFound", "NotFoundException", "ParameterNotFound", "NoSuchKey",
			},
			problem.NotFound, "%s has no such resource for %s", "do the name, the region and the account belong to this deployment?",
		},
		{
			[]string{"OptInRequired", "SubscriptionRequiredException", "InvalidRegion", "InvalidRegionException", "AuthorizationHeaderMalformed", "PermanentRedirect"},
			problem.Invalid, "%s does not serve %s in this region", "--region or AWS_REGION names another",
		},
	}
}

// sentenceOf says what went wrong in an operation; empty when that is not known.
func sentenceOf(op *smithy.OperationError) (sentence string, kind problem.Kind, hint string) {
	service, operation := prefix(op.Service()), op.Operation()
	var api smithy.APIError
	if errors.As(op.Err, &api) {
		code, message := api.ErrorCode(), strings.TrimSpace(api.ErrorMessage())
		for _, m := range meanings() {
			if slices.Contains(m.codes, code) {
				return withMessage(fmt.Sprintf(m.words, service, operation), message), m.kind, m.hint
			}
		}
		if _, throttled := retry.DefaultThrottleErrorCodes[code]; throttled {
			return withMessage(fmt.Sprintf("%s throttles %s%s", service, operation, attempts(op.Err)), message), problem.Limit,
				"later it will pass; if it does not, raise the quota or the capacity, or do less at a time"
		}
		if status := statusOf(op.Err); status == 503 || status == 500 {
			return withMessage(fmt.Sprintf("%s cannot answer %s now (%s)", service, operation, code), message), problem.Unavailable, "later it may"
		}
		return withMessage(fmt.Sprintf("%s refused %s (%s)", service, operation, code), message), problem.Internal, ""
	}
	var unsent *smithyhttp.RequestSendError
	if errors.As(op.Err, &unsent) && !errors.As(op.Err, new(*smithy.CanceledError)) {
		return fmt.Sprintf("%s cannot be reached for %s: %v", service, operation, unsent.Err), problem.Unavailable,
			"is there a network, and is the region right? AWS_ENDPOINT_URL and proxies count as well"
	}
	return "", problem.Internal, ""
}

// prefix is what IAM's policies call a service.
func prefix(service string) string {
	switch service {
	case "SFN":
		return "states"
	case "CloudWatch Logs":
		return "logs"
	}
	return strings.ToLower(strings.ReplaceAll(service, " ", ""))
}

func withMessage(sentence, message string) string {
	if message == "" {
		return sentence
	}
	return sentence + ": " + message
}

// attempts says how often it was tried, if more than once.
func attempts(err error) string {
	if tried, ok := errors.AsType[*retry.MaxAttemptsError](err); ok {
		return fmt.Sprintf(", also at the attempt %d", tried.Attempt)
	}
	return ""
}

func statusOf(err error) int {
	var response *smithyhttp.ResponseError
	if errors.As(err, &response) {
		return response.HTTPStatusCode()
	}
	return 0
}
