// Package operator answers the HTTP API (/v1) for a deployment on AWS, in the process of whoever operates it: a deployment there has no
// server. It speaks to AWS's services with the credentials of that person, so their policies say what may be done.
//
// # Promises
//
//   - What a server and a deployment on AWS both have is answered alike: the same documents, errors and hints (package operations). What has no
//     counterpart on AWS says so, and what to use instead.
//   - It holds nothing but pages. Nothing runs when it is not asked.
//   - An error of AWS says which action on which resource failed, and what to do (config.Explain).
package operator

import (
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/sfn"

	"sundog/internal/access"
	platform "sundog/internal/aws"
	"sundog/internal/aws/config"
	"sundog/internal/aws/executor"
	"sundog/internal/aws/queue"
	"sundog/internal/aws/rerun"
	"sundog/internal/aws/statedb"
	"sundog/internal/operations"
	"sundog/internal/pipeline"
	"sundog/internal/problem"
	domain "sundog/internal/statedb"
)

// Options of an operator.
type Options struct {
	// Platform is the deployment. Whoever opened it closes it, after the operator's last request.
	Platform *platform.Platform
	// Name is that of the deployment, Version that of this program, and Actor who operates.
	Name, Version, Actor string
	// Logger is told of what is noted; discarded when nil.
	Logger *slog.Logger
	Now    func() time.Time // time.Now when nil
}

// Operator is an http.Handler.
type Operator struct {
	opts      Options
	env       platform.Environment
	mux       *http.ServeMux
	surface   *operations.Surface
	records   *operations.Records
	jobs      *operations.Jobs
	reruns    *rerun.Jobs
	db        *statedb.DB
	process   *queue.Queue
	executor  *executor.Executor
	machines  *sfn.Client
	functions *lambda.Client
	logs      *cloudwatchlogs.Client
	tokens    tokens
}

// Required are the variables of a deployment without which nobody can operate it.
func Required() []string {
	return []string{platform.StateDB, platform.PayloadBucket, platform.BaseWorkflowARN, platform.ProcessQueueURL}
}

// New makes an operator. It calls nobody.
func New(opts Options) (*Operator, error) {
	if opts.Now == nil {
		opts.Now = time.Now
	}
	if opts.Logger == nil {
		opts.Logger = slog.New(slog.DiscardHandler)
	}
	p := opts.Platform
	cfg, env := p.Config(), p.Environment()
	o := &Operator{
		opts: opts, env: env, db: p.Records(), process: p.Queue(env.ProcessQueueURL), executor: p.Executor().Within(env.BaseWorkflowARN),
		machines: sfn.NewFromConfig(cfg), functions: lambda.NewFromConfig(cfg), logs: cloudwatchlogs.NewFromConfig(cfg),
	}
	updater, err := p.Updater()
	if err != nil {
		return nil, err
	}
	reconciler := pipeline.NewReconciler(pipeline.ReconcilerOptions{
		Config: p.PipelineConfig(), StateDB: o.db, Executions: o.executor, Updater: updater, Fetcher: p, Now: opts.Now, Logger: opts.Logger,
	})
	payloads := p.Bucket(env.PayloadBucket)
	o.surface = &operations.Surface{Classify: classify, Logger: opts.Logger, Frank: true}
	o.records = &operations.Records{
		Surface: o.surface, DB: o.db, Payloads: payloads, Layout: env.Layout(), Delete: o.deleteRecord, Reconcile: reconciler.Reconcile, Note: o.note,
	}
	o.reruns = rerun.New(rerun.Options{
		Bucket: payloads, Layout: env.Layout(), Records: o.db, Counts: o.db.Counts, Fit: o.fit, Send: o.send, CheckLane: o.CheckLane, Redriver: redriver{o},
		Logger: opts.Logger, Now: opts.Now,
	})
	o.jobs = &operations.Jobs{Reruns: o.reruns, Records: o.records}
	o.mux = o.routes()
	return o, nil
}

// ServeHTTP answers a request.
func (o *Operator) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	o.mux.ServeHTTP(w, r.WithContext(access.WithActor(r.Context(), o.opts.Actor)))
}

// classify gives an error its kind: those of AWS say what they mean.
func classify(err error) error {
	said := config.Plainly(err)
	for _, k := range []struct {
		err  error
		kind problem.Kind
	}{
		{executor.ErrNotRedrivable, problem.Conflict},
		{executor.ErrNoMachine, problem.NotFound},
		{queue.ErrNoDeadLetters, problem.NotFound},
		{statedb.ErrTable, problem.Invalid},
		{domain.ErrMalformed, problem.Invalid},
	} {
		if errors.Is(err, k.err) {
			return problem.Wrap(k.kind, said, "")
		}
	}
	if known := operations.Classify(said); !problem.Is(known, problem.Internal) {
		return known
	}
	return config.Explain(err)
}
