package table

import "fmt"

// Codes of errors, as they stand in the API reference of DynamoDB.
const (
	Serialization       = "SerializationException"
	Validation          = "ValidationException"
	ConditionFailed     = "ConditionalCheckFailedException"
	NotFound            = "ResourceNotFoundException"
	InUse               = "ResourceInUseException"
	LimitExceeded       = "LimitExceededException"
	TransactionCanceled = "TransactionCanceledException"
	IdempotentMismatch  = "IdempotentParameterMismatchException"
	TrimmedData         = "TrimmedDataAccessException"
	ExpiredIterator     = "ExpiredIteratorException"
	AccessDenied        = "AccessDeniedException"
)

// Error is a refusal that DynamoDB would answer with.
type Error struct {
	Code    string // one of the codes above
	Message string // DynamoDB's text
	Item    Item   // ConditionFailed: the item as it is, when the request asked for it
	Reasons []Reason
}

// Reason says of one action of a cancelled transaction why it was cancelled; its Code is "None" when it was not the cause.
type Reason struct {
	Code    string
	Message string
	Item    Item
}

// Error is the code and the text.
func (e *Error) Error() string { return e.Code + ": " + e.Message }

// Invalid makes a ValidationException in the manner of fmt.Sprintf.
func Invalid(format string, args ...any) *Error {
	return &Error{Code: Validation, Message: fmt.Sprintf(format, args...)}
}

// badParameter is the beginning of many of DynamoDB's texts.
const badParameter = "One or more parameter values were invalid: "
