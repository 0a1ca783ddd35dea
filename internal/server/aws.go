package server

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"sundog/internal/awsjson"
	"sundog/internal/dynamodb"
	"sundog/internal/embedded"
	"sundog/internal/embedded/engine"
	"sundog/internal/embedded/integration"
	"sundog/internal/embedded/store"
	"sundog/internal/sigv4"
	"sundog/internal/stepfunctions"
	"sundog/internal/table"
)

// awsAccessKey is the id of the access key whose secret is the server's token.
const awsAccessKey = "sundog"

// newAWS makes the handler of AWS's APIs, and lets tasks of workflows use that of Step Functions. With a token requests have to be signed with it; without one whatever they are signed with passes.
func newAWS(platform *embedded.Platform, opts Options) *awsjson.Handler {
	o := awsjson.Options{Logger: opts.Logger, Classify: unavailable}
	if opts.Token != "" {
		o.Credentials = &sigv4.Verifier{AccessKey: awsAccessKey, Secret: opts.Token}
	}
	tables := dynamodb.New(platform.VisibleTables(), dynamodb.Options{Region: platform.Project.Region, Account: platform.Project.Account})
	states := stepfunctions.Service(platform.Engine, platform.Activities)
	operations := make(map[string]integration.Operation, len(states.Operations))
	for name, do := range states.Operations {
		operations[name] = integration.Operation(do)
	}
	platform.SetStatesAPI(operations)
	return awsjson.NewHandler(o, states,
		tableService(tables.Operations(), "DynamoDB_20120810"), tableService(tables.StreamOperations(), "DynamoDBStreams_20120810"))
}

// maxTableBody bounds a request to DynamoDB's API: a batch of 25 items of 400 KB, and what is around them.
const maxTableBody = 17 << 20

// tableService makes a service of operations of DynamoDB's API.
func tableService(operations map[string]dynamodb.Operation, target string) awsjson.Service {
	s := awsjson.Service{
		Target: target, Namespace: "com.amazonaws.dynamodb.v20120810", Version: "1.0", MaxBody: maxTableBody, Operations: map[string]awsjson.Operation{},
	}
	for name, do := range operations {
		s.Operations[name] = func(ctx context.Context, body []byte) (any, error) {
			out, err := do(ctx, body)
			if refused, ok := errors.AsType[*table.Error](err); ok {
				return nil, refusedByTable(refused)
			}
			return out, err
		}
	}
	return s
}

// refusedByTable is an error of DynamoDB's API.
func refusedByTable(refused *table.Error) error {
	failure := dynamodb.FailureOf(refused)
	namespace, name, _ := strings.Cut(failure.Type, "#")
	e := &awsjson.Error{Namespace: namespace, Name: name, Message: refused.Message, Fields: map[string]any{}}
	if failure.SerializationText != "" {
		e.Fields["Message"] = failure.SerializationText
	}
	if failure.Item != nil {
		e.Fields["Item"] = failure.Item
	}
	if failure.CancellationReasons != nil {
		e.Fields["CancellationReasons"] = failure.CancellationReasons
	}
	return e
}

// awsTime is how long a request may take: a state is tested for five minutes at most, and nothing takes longer.
const awsTime = 6 * time.Minute

// serveAWS answers a request of AWS's protocol. Those who wait for a task are sent home when the server is told to stop.
func (s *Server) serveAWS(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := s.untilClosing(r, awsTime)
	defer cancel()
	s.aws.ServeHTTP(w, r.WithContext(ctx))
}

// isAWS recognises a request that newAWS's handler answers, which has a way of its own to know who asks.
func isAWS(r *http.Request) bool { return r.Method == http.MethodPost && r.URL.Path == "/" }

// unavailable names the errors of a server that is being stopped, so that clients ask again.
func unavailable(err error) *awsjson.Error {
	for _, known := range []error{engine.ErrStopping, store.ErrClosed, http.ErrServerClosed, context.Canceled, context.DeadlineExceeded} {
		if errors.Is(err, known) {
			return &awsjson.Error{Name: "ServiceUnavailable", Status: http.StatusServiceUnavailable, Message: err.Error()}
		}
	}
	return nil
}
