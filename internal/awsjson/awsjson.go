// Package awsjson serves APIs of AWS by its JSON protocol (Smithy, "AWS JSON 1.0 protocol" and 1.1): a POST to / whose header X-Amz-Target
// names service and operation, with JSON in and JSON out, and errors by name.
//
// # Promises
//
//   - A body is read up to its service's bound, and with credentials set only when the rest of its signature is in order.
//   - Each answer has a request id, in the header x-amzn-RequestId. The text of an error that has no name of AWS's stays in the log, under
//     that id.
package awsjson

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"

	"github.com/google/uuid"

	"sundog/internal/sigv4"
)

// TargetHeader is the header that makes a request one of this protocol.
const TargetHeader = "X-Amz-Target"

// A Service is one API.
type Service struct {
	Target     string // what stands before the dot in X-Amz-Target, such as AWSStepFunctions
	Namespace  string // of its errors, such as com.amazonaws.swf.service.v2.model
	Version    string // of the protocol: 1.0 or 1.1
	MaxBody    int64  // in bytes
	Operations map[string]Operation
}

// An Operation takes the body of a request and returns what becomes the JSON of the answer; nil is an empty object. The error of a request
// that cannot succeed is an *Error.
type Operation func(ctx context.Context, body []byte) (any, error)

// Of makes an operation of a function from a request to an answer. Members that the request does not know are passed over, as AWS does.
func Of[Q, A any](f func(ctx context.Context, req *Q) (A, error)) Operation {
	return func(ctx context.Context, body []byte) (any, error) {
		var req Q
		if len(body) > 0 {
			if err := json.Unmarshal(body, &req); err != nil {
				return nil, serialization(err)
			}
		}
		return f(ctx, &req)
	}
}

// Handler serves services.
type Handler struct {
	services map[string]Service
	opts     Options
}

// Options of a handler.
type Options struct {
	// Credentials are what requests have to be signed with; nil lets any pass.
	Credentials *sigv4.Verifier
	Logger      *slog.Logger
	// Classify makes an error of an operation an *Error where it can, and returns nil where not. May be nil.
	Classify func(error) *Error
}

// NewHandler makes a handler of services with different targets.
func NewHandler(opts Options, services ...Service) *Handler {
	if opts.Logger == nil {
		opts.Logger = slog.New(slog.DiscardHandler)
	}
	h := &Handler{services: map[string]Service{}, opts: opts}
	for _, s := range services {
		h.services[s.Target] = s
	}
	return h
}

// ServeHTTP implements http.Handler.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	id := uuid.NewString()
	w.Header().Set("x-amzn-RequestId", id)
	target := r.Header.Get(TargetHeader)
	name, operation, _ := strings.Cut(target, ".")
	service := h.services[name]
	answer, err := h.answer(r, service, operation)
	if err != nil {
		refused := h.refusal(err)
		if refused == nil {
			h.opts.Logger.Error("request failed", "request", id, "operation", target, "error", err)
			refused = &Error{Namespace: coral, Name: "InternalFailure", Status: http.StatusInternalServerError, Message: "internal error (request " + id + ")"}
		}
		h.write(w, service, refused.status(), refused.document(service))
		return
	}
	if answer == nil {
		answer = struct{}{}
	}
	h.write(w, service, http.StatusOK, answer)
}

// refusal is an error in AWS's form, nil when it has none.
func (h *Handler) refusal(err error) *Error {
	if refused, ok := errors.AsType[*Error](err); ok {
		return refused
	}
	if h.opts.Classify != nil {
		return h.opts.Classify(err)
	}
	return nil
}

func (h *Handler) answer(r *http.Request, service Service, operation string) (any, error) {
	var signature *sigv4.Signature
	if h.opts.Credentials != nil {
		var err error
		if signature, err = h.opts.Credentials.Read(r, strings.ToLower(TargetHeader)); err != nil {
			return nil, unauthorized(err)
		}
	}
	run := service.Operations[operation]
	if run == nil {
		return nil, &Error{Namespace: coral, Name: "UnknownOperationException", Message: "there is no operation " + r.Header.Get(TargetHeader) + " on this server"}
	}
	body, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, service.MaxBody))
	if tooLarge, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return nil, tooLong(tooLarge.Limit)
	}
	if err != nil {
		return nil, serialization(err)
	}
	if signature != nil {
		if err := signature.Check(body); err != nil {
			return nil, unauthorized(err)
		}
	}
	return run(r.Context(), body)
}

func (h *Handler) write(w http.ResponseWriter, service Service, status int, answer any) {
	version := service.Version
	if version == "" {
		version = "1.0"
	}
	w.Header().Set("Content-Type", "application/x-amz-json-"+version)
	w.WriteHeader(status)
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(answer); err != nil {
		h.opts.Logger.Debug("answer not delivered", "error", err)
	}
}
