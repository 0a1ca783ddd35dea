package server

import (
	"context"
	"errors"
	"net/http"
	"time"

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
	return awsjson.NewHandler(o, stepfunctions.Service(platform.Engine, platform.Activities))
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
