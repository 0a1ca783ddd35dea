package pipeline

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"sundog/internal/statedb"
	"sundog/payload"
)

// Executions says what has become of executions.
type Executions interface {
	// Look returns an execution without its input and output. It returns an error that wraps ErrNoExecution when there is none, and
	// ErrForeign when there cannot be one, since the ARN is that of another deployment.
	Look(ctx context.Context, arn string) (Execution, error)
}

// ErrForeign is the error of an ARN that belongs to an execution of another deployment.
var ErrForeign = errors.New("the execution belongs to another deployment")

// Problem is what is wrong with a record that an execution is said to hold.
type Problem string

// The problems, and how each is settled.
const (
	// NeverStarted: CLAIMED, and the execution is not there; whoever made the claim gave up. The stored input goes into the process
	// queue, where the claim is taken up under the name that it has; without an input the record fails.
	NeverStarted Problem = "never-started"
	// Unmarked: CLAIMED, and the execution runs. The record becomes PROCESSING.
	Unmarked Problem = "unmarked"
	// Ended: the execution has ended, and update-state has not heard of it. It hears of it now, with all that follows.
	Ended Problem = "ended"
	// Vanished: PROCESSING, and the execution is not there. The record fails.
	Vanished Problem = "vanished"
	// Unnamed: the record names no execution. It fails.
	Unnamed Problem = "unnamed"
	// Foreign: the execution is that of another deployment, as in records that were imported while it ran. The record stays, unless the
	// request says otherwise; then it is aborted.
	Foreign Problem = "foreign"
	// Unreachable: what has become of the execution could not be learned. The record stays.
	Unreachable Problem = "unreachable"
)

// Settlement is what became of a finding.
type Settlement string

// The settlements.
const (
	Found    Settlement = "found"    // a dry run: nothing
	Settled  Settlement = "settled"  // as the problem says
	Overtook Settlement = "overtook" // somebody else changed the record in the meantime
	Left     Settlement = "left"     // nothing, since the request does not ask for it
	Unknown  Settlement = "unknown"  // nothing: see the error
)

// Finding is a record with a problem.
type Finding struct {
	ID         payload.ID
	State      statedb.State
	Updated    string // when the record last changed
	Execution  string
	Problem    Problem
	Settlement Settlement
	Err        error
}

// MaxFindings bounds the findings that a report lists. All are counted.
const MaxFindings = 1000

// Report is what a reconciliation has found.
type Report struct {
	Records  int64 // that an execution is said to hold, for longer than the grace
	Running  int64 // of these, those whose execution runs as it should
	Findings []Finding
	Counts   map[Problem]map[Settlement]int64
}

// ReconcileRequest asks for a reconciliation.
type ReconcileRequest struct {
	// DryRun changes nothing.
	DryRun bool
	// Foreign aborts the records whose executions belong to other deployments.
	Foreign bool
	// Grace is how long a record has to have been as it is, so that what is under way is left alone; ReconcileGrace when zero.
	Grace time.Duration
	// Query says which records are looked at; its state, order and bounds of time do not matter.
	Query statedb.Query
	// Actor is who asks, for the audit log.
	Actor string
}

// ReconcileGrace is longer than anything takes between a claim and its start, and between an end and its completion, as long as the
// queues are worked on.
const ReconcileGrace = 15 * time.Minute

// ReconcilerOptions are what a Reconciler is made of.
type ReconcilerOptions struct {
	Config
	StateDB interface {
		StateDB
		statedb.Migrator
	}
	Executions Executions
	// Updater applies the ends that were not heard of.
	Updater *Updater
	// Fetcher reads stored inputs.
	Fetcher payload.Fetcher
	Now     func() time.Time
	Logger  *slog.Logger
}

// Reconciler finds records that are CLAIMED or PROCESSING though nobody works on them, and settles them. What it does for one record is
// one conditional write, so it may run beside everything else, and be cut off anywhere.
type Reconciler struct{ opts ReconcilerOptions }

// NewReconciler makes a Reconciler.
func NewReconciler(opts ReconcilerOptions) *Reconciler {
	if opts.Now == nil {
		opts.Now = time.Now
	}
	if opts.Logger == nil {
		opts.Logger = slog.New(slog.DiscardHandler)
	}
	return &Reconciler{opts: opts}
}

// Reconcile looks at all records that have been held for longer than the grace. The report says what was done until an error that ended
// it, which is one of the state database; what goes wrong with one execution is its finding's.
func (c *Reconciler) Reconcile(ctx context.Context, req ReconcileRequest) (Report, error) {
	if req.Grace == 0 {
		req.Grace = ReconcileGrace
	}
	if req.Actor == "" {
		req.Actor = "reconciler"
	}
	report := Report{Counts: map[Problem]map[Settlement]int64{}}
	q := req.Query
	q.Since, q.Until, q.Ascending, q.Limit = time.Time{}, c.opts.Now().Add(-req.Grace), true, 0
	for _, q.State = range []statedb.State{statedb.Claimed, statedb.Processing} {
		for r, err := range statedb.All(ctx, c.opts.StateDB, q) {
			if err != nil {
				return report, fmt.Errorf("looking for records that nobody works on: %w", err)
			}
			report.Records++
			c.look(ctx, &req, &report, r)
		}
	}
	return report, nil
}

// look looks at one record.
func (c *Reconciler) look(ctx context.Context, req *ReconcileRequest, report *Report, r statedb.Record) {
	f := Finding{ID: r.ID, State: r.State(), Updated: r.Updated, Execution: r.LastExecution()}
	var x Execution
	if f.Execution == "" {
		f.Problem = Unnamed
	} else {
		var err error
		if x, err = c.opts.Executions.Look(ctx, f.Execution); err != nil && !errors.Is(err, ErrNoExecution) && !errors.Is(err, ErrForeign) {
			f.Problem, f.Settlement, f.Err = Unreachable, Unknown, fmt.Errorf("looking at %s: %w", f.Execution, err)
			report.add(f)
			return
		}
		if f.Problem = problemOf(f.State, x, err); f.Problem == "" {
			report.Running++
			return
		}
	}
	switch {
	case f.Problem == Foreign && !req.Foreign:
		f.Settlement = Left
	case req.DryRun:
		f.Settlement = Found
	default:
		f.Settlement, f.Err = c.settle(ctx, req, f, r, x)
	}
	if f.Settlement == Settled || f.Err != nil {
		c.opts.Logger.Warn("nobody worked on a record", "payload_id", r.ID.String(), "execution", f.Execution, "state", f.State,
			"problem", f.Problem, "settlement", f.Settlement, "error", f.Err)
	}
	report.add(f)
}

// problemOf names what is wrong, or nothing.
func problemOf(state statedb.State, x Execution, err error) Problem {
	outcome, _ := payload.Judge(x.Status, "", "")
	switch {
	case errors.Is(err, ErrForeign):
		return Foreign
	case err != nil && state == statedb.Claimed:
		return NeverStarted
	case err != nil:
		return Vanished
	case outcome != 0:
		return Ended
	case state == statedb.Claimed:
		return Unmarked
	}
	return ""
}

func (r *Report) add(f Finding) {
	if r.Counts[f.Problem] == nil {
		r.Counts[f.Problem] = map[Settlement]int64{}
	}
	r.Counts[f.Problem][f.Settlement]++
	if len(r.Findings) < MaxFindings {
		r.Findings = append(r.Findings, f)
	}
}
