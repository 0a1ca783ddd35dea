// Package embedded is the platform in one process: it puts the parts together that run a project on one machine with one data
// directory. The parts are the packages below it; each says what it promises.
//
// # The data directory
//
//	db/           the database: records, executions, queues, payloads, logs
//	catalog/      what is published, as plain files
//	exchange/     payloads on their way to batch jobs and back, kept for a time
package embedded

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"sundog/asl"
	"sundog/internal/egress"
	"sundog/internal/embedded/access"
	"sundog/internal/embedded/activity"
	"sundog/internal/embedded/audit"
	"sundog/internal/embedded/bucket"
	"sundog/internal/embedded/connection"
	"sundog/internal/embedded/engine"
	"sundog/internal/embedded/feed"
	"sundog/internal/embedded/function"
	"sundog/internal/embedded/integration"
	"sundog/internal/embedded/job"
	"sundog/internal/embedded/logs"
	"sundog/internal/embedded/metrics"
	"sundog/internal/embedded/queue"
	"sundog/internal/embedded/rerun"
	"sundog/internal/embedded/schedule"
	"sundog/internal/embedded/statedb"
	"sundog/internal/embedded/store"
	"sundog/internal/embedded/table"
	"sundog/internal/embedded/topic"
	"sundog/internal/embedded/trigger"
	"sundog/internal/pipeline"
	"sundog/internal/project"
	domainschedule "sundog/internal/schedule"
	"sundog/internal/trace"
	"sundog/payload"
)

// Names of what every platform has.
const (
	ProcessQueue   = "process"      // payloads
	UpdateQueue    = "update-state" // completions
	PublishTopic   = "publish"
	EventTopic     = "workflow-event"
	ScheduleTopic  = domainschedule.Topic
	PayloadBucket  = "payloads"
	DataBucket     = "data"
	maxCompletions = 1000 // receives of a completion before it is a dead letter: it fails only with the disk
)

// Options of a platform.
type Options struct {
	// Data is the data directory; it is made when it is missing.
	Data   string
	Logger *slog.Logger
	// Now is the clock, time.Now when nil.
	Now func() time.Time
	// Store are options for the database; FS, Logger and so on may stay zero.
	Store store.Options
	// Functions are built-in functions beside those of Sundog, by name. For benchmarks and tests.
	Functions map[string]func(ctx context.Context, event []byte) ([]byte, error)
	// Trace is told of what payloads go through; nobody when nil.
	Trace trace.Recorder
}

// Platform is a project on one machine. It is safe for concurrent use.
type Platform struct {
	Project    *project.Project
	Store      *store.Store
	Engine     *engine.Engine
	Queues     *queue.Queues
	Process    *queue.Queue // the process queue
	Topics     *topic.Topics
	Schedules  *schedule.Schedules
	Records    *statedb.DB
	Tables     *table.Tables
	Payloads   *bucket.Store // the payload bucket
	Catalog    *bucket.Files // the data bucket
	Triggers   *trigger.Triggers
	Functions  *function.Host
	Jobs       *job.Runner
	Activities *activity.Activities
	Logs       *logs.Store
	Feed       *feed.Feed
	Audit      *audit.Log
	Tokens     *access.Tokens
	Metrics    *metrics.Metrics
	Reruns     *rerun.Jobs
	Layout     payload.Layout

	opts     Options
	opened   time.Time
	logger   *slog.Logger
	update   *queue.Queue
	runner   *integration.Runner
	exchange *bucket.Files
	ended    handoff
	process  *pipeline.Consumer
	updates  *pipeline.Consumer

	reconciler *pipeline.Reconciler
}

// Receivable says whether the messages of a queue are for the project's own workers and tasks, and not for the platform itself.
func Receivable(queue string) bool {
	return queue != ProcessQueue && queue != UpdateQueue && !strings.HasPrefix(queue, "subscription/")
}

// SetStatesAPI gives tasks that ask for aws-sdk:sfn the operations of the API of Step Functions, by name. It is called before Run or never.
func (p *Platform) SetStatesAPI(operations map[string]integration.Operation) {
	p.runner.StatesAPI = operations
}

// Open puts a platform together. Nothing runs before Run. It returns store.ErrInUse when another process has the data directory.
func Open(ctx context.Context, p *project.Project, opts Options) (_ *Platform, err error) {
	if opts.Logger == nil {
		opts.Logger = slog.New(slog.DiscardHandler)
	}
	if opts.Now == nil {
		opts.Now = time.Now
	}
	if opts.Store.Logger == nil {
		opts.Store.Logger = opts.Logger
	}
	pf := &Platform{Project: p, opts: opts, opened: opts.Now(), logger: opts.Logger, Layout: payload.Layout{Bucket: PayloadBucket, Root: payload.DefaultRoot}}
	pf.Metrics = metrics.New(metricNames(p))
	opts.Store.Observe = pf.Metrics.Committed
	defer func() {
		if err != nil {
			err = errors.Join(err, pf.Close(context.WithoutCancel(ctx)))
		}
	}()
	if pf.Store, err = store.Open(opts.Data, opts.Store); err != nil {
		return nil, err
	}
	if err := pf.openStorage(ctx); err != nil {
		return nil, err
	}
	if err := pf.openWorkers(); err != nil {
		return nil, err
	}
	if err := pf.openEngine(ctx); err != nil {
		return nil, err
	}
	if err := pf.openPipeline(); err != nil {
		return nil, err
	}
	if err := pf.openReruns(); err != nil {
		return nil, err
	}
	if err := pf.openTriggers(ctx); err != nil {
		return nil, err
	}
	if err := pf.openSchedules(); err != nil {
		return nil, err
	}
	if err := pf.declareSchedules(ctx); err != nil {
		return nil, err
	}
	return pf, pf.watch()
}

// openStorage opens what lies on the store.
func (p *Platform) openStorage(ctx context.Context) (err error) {
	p.Payloads = bucket.NewStore(p.Store, PayloadBucket, p.opts.Now)
	if p.Catalog, err = bucket.OpenFiles(filepath.Join(p.opts.Data, "catalog")); err != nil {
		return err
	}
	if p.exchange, err = bucket.OpenFiles(filepath.Join(p.opts.Data, "exchange")); err != nil {
		return err
	}
	p.Logs = logs.New(p.Store, p.opts.Now)
	p.Feed = feed.New(p.Store, p.opts.Now)
	if p.Audit, err = audit.Open(p.Store); err != nil {
		return err
	}
	if p.Tokens, err = access.Open(p.Store, p.opts.Now, p.noteToken); err != nil {
		return err
	}
	if p.Queues, err = queue.Open(ctx, p.Store, queue.Options{Now: p.opts.Now, Logger: p.logger}); err != nil {
		return err
	}
	if err := p.openQueues(ctx); err != nil {
		return err
	}
	if p.Tables, err = table.Open(p.Store, table.Options{Now: p.opts.Now}); err != nil {
		return err
	}
	if err := p.Tables.Declare(ctx, p.Project.Tables); err != nil {
		return err
	}
	p.Records, err = statedb.Open(p.Store, p)
	return err
}

func (p *Platform) openQueues(ctx context.Context) (err error) {
	lanes := make([]string, 0, len(p.Project.Lanes))
	for _, lane := range p.Project.Lanes {
		lanes = append(lanes, lane.Name)
	}
	p.Process, err = p.Queues.Declare(ctx, ProcessQueue, queue.Config{
		Lanes: lanes, Visibility: p.Project.Process.VisibilityTimeout, MaxReceives: p.Project.Process.MaxReceives,
		MaxBytes: p.Project.Limits.PayloadBytes + messageOverhead,
	})
	if err != nil {
		return err
	}
	if p.update, err = p.Queues.Declare(ctx, UpdateQueue, queue.Config{Visibility: time.Minute, MaxReceives: maxCompletions}); err != nil {
		return err
	}
	for _, name := range p.Project.Queues {
		if name == ProcessQueue || name == UpdateQueue {
			continue // there anyway
		}
		if _, err := p.Queues.Declare(ctx, name, queue.Config{}); err != nil {
			return fmt.Errorf("queue %s: %w", name, err)
		}
	}
	return nil
}

// messageOverhead is room for attributes beside a payload.
const messageOverhead = 16 << 10

// openWorkers opens functions and jobs.
func (p *Platform) openWorkers() (err error) {
	specs, err := p.functionSpecs()
	if err != nil {
		return err
	}
	p.Functions, err = function.NewHost(specs, function.Options{
		Logs: p.Logs, Logger: p.logger, Region: p.Project.Region, Account: p.Project.Account, Observe: p.Metrics.Function,
	})
	if err != nil {
		return err
	}
	p.Jobs, err = job.NewRunner(p.jobSpecs(), job.Options{
		Logs: p.Logs, Logger: p.logger, Region: p.Project.Region, Account: p.Project.Account, Observe: p.Metrics.Job,
	})
	if err != nil {
		return err
	}
	p.Topics = topic.Open(p.Store, p.Queues, topic.Options{
		Declared:  append([]string{PublishTopic, EventTopic, ScheduleTopic, integration.DefaultBus}, p.Project.Topics...),
		Functions: invoker{p.Functions}, Now: p.opts.Now, Logger: p.logger, Region: p.Project.Region, Account: p.Project.Account,
		Trace: p.opts.Trace,
	})
	return nil
}

// idleConnections are kept for each host that workflows call.
const idleConnections = 16

func (p *Platform) openEngine(ctx context.Context) (err error) {
	p.Activities = activity.New(activity.Options{Store: p.Store, Region: p.Project.Region, Account: p.Project.Account, Now: p.opts.Now})
	client := egress.NewClient(egress.NewTransport(idleConnections))
	connections, err := connection.New(p.connections(), client, p.opts.Now)
	if err != nil {
		return err
	}
	p.runner = &integration.Runner{
		Functions: p.Functions, Jobs: p.Jobs, Activities: p.Activities, Store: p.Store, Queues: p.Queues, Topics: p.Topics, Tables: p.Tables, See: p.withState, HTTP: client,
		Connections: connections, Region: p.Project.Region, Account: p.Project.Account, Now: p.opts.Now,
		Receivable: Receivable,
	}
	limits := p.Project.Limits
	p.Engine, err = engine.New(engine.Options{
		Store: p.Store, Logger: p.logger, Now: p.opts.Now, Region: p.Project.Region, Account: p.Project.Account,
		Runner:  p.runner,
		EndHook: p.completed, RedriveHook: p.redriven, StopHook: p.noteStop, MaxInput: limits.InputBytes,
		Limits:  asl.Limits{DataBytes: limits.DataBytes, HistoryEvents: int64(limits.HistoryEvents), MapConcurrency: limits.MapConcurrency},
		Objects: objects{p.Payloads, p.Catalog},
		Trace:   p.opts.Trace,
	})
	if err != nil {
		return err
	}
	p.runner.Executions = p.Engine
	p.Activities.SetTakers(p.Engine)
	for _, w := range p.Project.Workflows {
		if err := p.Engine.Register(ctx, w.Name, w.Type, w.Definition); err != nil {
			return err
		}
	}
	return nil
}

// Run works until ctx ends, and returns when everything that was under way has ended or is back where the next start finds it. It returns
// store.ErrFailed when the disk fails: the process is then to end, and the next start finds what was acknowledged.
func (p *Platform) Run(ctx context.Context) error {
	err := p.subscribe(ctx) // before anything can be published
	if ctx.Err() != nil {
		return nil
	}
	if err != nil {
		return err
	}
	defer p.Topics.Close()
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return p.Engine.Run(ctx) })
	g.Go(func() error { return p.process.Run(ctx) })
	g.Go(func() error { return p.updates.Run(ctx) })
	g.Go(func() error { return p.sweep(ctx) })
	g.Go(func() error { return p.reconcile(ctx) })
	g.Go(func() error { return p.Reruns.Run(ctx) })
	g.Go(func() error { return p.Tables.Run(ctx, p.logger) })
	g.Go(func() error { return p.Triggers.Run(ctx) })
	g.Go(func() error { return p.Schedules.Run(ctx) })
	g.Go(func() error {
		select {
		case <-p.Store.Broken():
			return p.Store.Failed()
		case <-ctx.Done():
			return nil
		}
	})
	return g.Wait()
}

// closeTime is how long functions and jobs have to end by themselves.
const closeTime = 5 * time.Second

// Close lets go of everything. Run has to have returned.
func (p *Platform) Close(ctx context.Context) error {
	bounded, cancel := context.WithTimeout(ctx, closeTime)
	defer cancel()
	var errs []error
	if p.Functions != nil {
		errs = append(errs, p.Functions.Close(bounded))
	}
	if p.Jobs != nil {
		errs = append(errs, p.Jobs.Close(bounded))
	}
	if p.Queues != nil {
		p.Queues.Close()
	}
	if p.Store != nil {
		errs = append(errs, p.Store.Close())
	}
	return errors.Join(errs...)
}

// Submission is a payload, or an event that holds payloads, for the process queue.
type Submission struct {
	Body []byte
	Lane string // the first when empty
}

// Totals are numbers that say how much there is to do.
type Totals struct {
	Records, Open, Queued int64
}

// Totals counts, at no cost that grows with what is stored.
func (p *Platform) Totals(ctx context.Context) (Totals, error) {
	var t Totals
	counts, err := p.Records.Counts(ctx, "")
	if err != nil {
		return t, err
	}
	for _, c := range counts {
		t.Records += c.Records
	}
	t.Open = int64(p.Engine.OpenTotal())
	t.Queued = p.Process.Depth().Total() + p.update.Depth().Total()
	return t, nil
}

// CheckLane returns an error for a lane that the process queue has not.
func (p *Platform) CheckLane(lane string) error {
	if lane == "" {
		return nil
	}
	names := ""
	for _, l := range p.Project.Lanes {
		if l.Name == lane {
			return nil
		}
		names += " " + l.Name
	}
	return fmt.Errorf("there is no lane %q; there are:%s", lane, names)
}
