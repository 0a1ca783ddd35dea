package awsjson

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"sundog/internal/sigv4"
)

// coral is the namespace of errors that are not a service's own.
const coral = "com.amazon.coral.service"

// An Error is one that AWS's clients know by its name.
type Error struct {
	Namespace string         // that of the service when empty
	Name      string         // such as StateMachineDoesNotExist
	Message   string         //
	Status    int            // of HTTP, 400 when 0
	Fields    map[string]any // what the error has beside its message, or nil
}

// Errorf makes an error of a service.
func Errorf(name, format string, args ...any) *Error {
	return &Error{Name: name, Message: fmt.Sprintf(format, args...)}
}

// Error is the name and the message.
func (e *Error) Error() string { return e.Name + ": " + e.Message }

// Fault is the name of the error, and its text.
func (e *Error) Fault() (name, message string) { return e.Name, e.Message }

func (e *Error) status() int {
	if e.Status == 0 {
		return http.StatusBadRequest
	}
	return e.Status
}

// document is the body of the answer.
func (e *Error) document(s Service) map[string]any {
	namespace := e.Namespace
	if namespace == "" {
		namespace = s.Namespace
	}
	doc := map[string]any{"__type": namespace + "#" + e.Name, "message": e.Message}
	for name, value := range e.Fields {
		doc[name] = value
	}
	return doc
}

// Validation is the error of a request that breaks a constraint of the API's model.
func Validation(format string, args ...any) *Error {
	return &Error{Namespace: "com.amazon.coral.validate", Name: "ValidationException", Message: fmt.Sprintf(format, args...)}
}

func serialization(err error) *Error {
	text := err.Error()
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		if text = "the request cannot be: " + wrong.Value; wrong.Field != "" {
			text = "the member '" + wrong.Field + "' cannot be: " + wrong.Value
		}
	}
	return &Error{Namespace: coral, Name: "SerializationException", Message: "reading the request: " + text}
}

func tooLong(limit int64) *Error {
	return &Error{
		Namespace: coral, Name: "RequestEntityTooLargeException", Status: http.StatusRequestEntityTooLarge,
		Message: fmt.Sprintf("the request is larger than %d bytes", limit),
	}
}

// unauthorized gives an error of the signature the name that AWS gives it (API reference of DynamoDB, "Error handling").
func unauthorized(err error) *Error {
	e := &Error{Namespace: coral, Name: "InvalidSignatureException", Message: err.Error()}
	switch {
	case errors.Is(err, sigv4.ErrMissing):
		e.Name = "MissingAuthenticationTokenException"
	case errors.Is(err, sigv4.ErrIncomplete):
		e.Name = "IncompleteSignatureException"
	case errors.Is(err, sigv4.ErrUnknown):
		e.Name = "UnrecognizedClientException"
	}
	return e
}
