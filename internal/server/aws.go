package server

import (
	"context"
	"errors"
	"net/http"

	"sundog/internal/awsjson"
	"sundog/internal/embedded"
	"sundog/internal/embedded/engine"
	"sundog/internal/embedded/store"
	"sundog/internal/sigv4"
	"sundog/internal/stepfunctions"
)

// awsAccessKey is the id of the access key whose secret is the server's token.
const awsAccessKey = "sundog"

// newAWS makes the handler of AWS's APIs. With a token requests have to be signed with it; without one whatever they are signed with passes.
func newAWS(platform *embedded.Platform, opts Options) *awsjson.Handler {
	o := awsjson.Options{Logger: opts.Logger, Classify: unavailable}
	if opts.Token != "" {
		o.Credentials = &sigv4.Verifier{AccessKey: awsAccessKey, Secret: opts.Token}
	}
	return awsjson.NewHandler(o, stepfunctions.Service(platform.Engine))
}

// isAWS recognises a request that newAWS's handler answers, which has a way of its own to know who asks.
func isAWS(r *http.Request) bool { return r.Method == http.MethodPost && r.URL.Path == "/" }

// unavailable names the errors of a server that is being stopped, so that clients ask again.
func unavailable(err error) *awsjson.Error {
	for _, known := range []error{engine.ErrStopping, store.ErrClosed, context.Canceled, context.DeadlineExceeded} {
		if errors.Is(err, known) {
			return &awsjson.Error{Name: "ServiceUnavailable", Status: http.StatusServiceUnavailable, Message: err.Error()}
		}
	}
	return nil
}
