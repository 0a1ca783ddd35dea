// Package metrics counts what a platform does and shows it to Prometheus. docs/operations.md lists the metrics.
//
// # Promises
//
//   - The number of series is bounded by the project: labels hold names that the project declares, and "other" for any other. No payload
//     id, execution or error text is a label.
//   - Counting takes no lock that others hold for long, and a scrape reads numbers that are kept anyway: it costs the same however much is
//     stored.
//   - When a workflow last succeeded outlives a restart. All other counters begin at zero, as Prometheus expects it.
//   - Each platform has a registry of its own.
package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"sundog/internal/schedule"
)

// Other is the label of every name that the project does not declare.
const Other = "other"

// Names are what labels can hold.
type Names struct {
	Workflows, Functions, Jobs []string
}

// Metrics are the metrics of one platform. They are safe for concurrent use.
type Metrics struct {
	// Registry has all metrics; others may register theirs.
	Registry *prometheus.Registry

	workflows, functions, jobs known

	commits       prometheus.Histogram
	groups        prometheus.Histogram
	events        *prometheus.CounterVec
	executions    *prometheus.CounterVec
	executionTime *prometheus.HistogramVec
	tasks         *prometheus.HistogramVec
	successes     *successes
	lateness      prometheus.Histogram
	deliveries    *prometheus.HistogramVec
}

// known are the names that the project declares.
type known map[string]bool

func newKnown(names []string) known {
	k := known{}
	for _, n := range names {
		k[n] = true
	}
	return k
}

// label is a name if the project declares it.
func (k known) label(name string) string {
	if k[name] {
		return name
	}
	return Other
}

// Limits of histograms' buckets, in seconds.
var (
	commitBuckets   = []float64{.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 5}
	taskBuckets     = []float64{.005, .025, .1, .5, 1, 5, 15, 60, 300, 900, 3600, 14400}
	latenessBuckets = []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 5, 60, 3600}
	groupBuckets    = []float64{1, 2, 5, 10, 20, 50, 100, 200, 500, 1024}
)

// New returns metrics that have counted nothing.
func New(names Names) *Metrics {
	m := &Metrics{
		Registry:  prometheus.NewRegistry(),
		workflows: newKnown(names.Workflows), functions: newKnown(names.Functions), jobs: newKnown(names.Jobs),
		commits: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "sundog_commit_seconds", Help: "How long the oldest transaction of a group waited until it was on disk.", Buckets: commitBuckets,
		}),
		groups: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "sundog_commit_group_transactions", Help: "Transactions that went to disk together.", Buckets: groupBuckets,
		}),
		events: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "sundog_workflow_events_total", Help: "Workflow events by workflow and type; CLAIMED_PROCESSING are the claims.",
		}, []string{"workflow", "event"}),
		executions: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "sundog_executions_total", Help: "Executions that have ended, by workflow and status.",
		}, []string{"workflow", "status"}),
		executionTime: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "sundog_execution_seconds", Help: "How long executions took from start to end.", Buckets: taskBuckets,
		}, []string{"workflow"}),
		tasks: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "sundog_task_seconds", Help: "How long calls of functions and jobs took, waiting for a place included.", Buckets: taskBuckets,
		}, []string{"kind", "name", "result"}),
		successes: newSuccesses(),
		lateness: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "sundog_schedule_lateness_seconds", Help: "How long after their time schedules fired; jitter within a flexible window is not late.", Buckets: latenessBuckets,
		}),
		deliveries: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "sundog_schedule_delivery_seconds", Help: "How long attempts to deliver what schedules cause took, by action and result.", Buckets: taskBuckets,
		}, []string{"action", "result"}),
	}
	m.Registry.MustRegister(
		m.commits, m.groups, m.events, m.executions, m.executionTime, m.tasks, m.lateness, m.deliveries,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	return m
}

// Committed takes a group of transactions into account that is on disk (store.Options.Observe).
func (m *Metrics) Committed(transactions int, took time.Duration) {
	m.commits.Observe(took.Seconds())
	m.groups.Observe(float64(transactions))
}

// Event takes a workflow event into account.
func (m *Metrics) Event(workflow, typ string) {
	m.events.WithLabelValues(m.workflows.label(workflow), typ).Inc()
}

// Function takes a call of a function into account (function.Options.Observe).
func (m *Metrics) Function(name string, took time.Duration, succeeded bool) {
	m.tasks.WithLabelValues("function", m.functions.label(name), result(succeeded)).Observe(took.Seconds())
}

// Job takes a job into account (job.Options.Observe).
func (m *Metrics) Job(name string, took time.Duration, succeeded bool) {
	m.tasks.WithLabelValues("job", m.jobs.label(name), result(succeeded)).Observe(took.Seconds())
}

// Fired takes a schedule into account that has fired (schedule.Observer).
func (m *Metrics) Fired(late time.Duration) { m.lateness.Observe(late.Seconds()) }

// Attempted takes an attempt of a schedule's delivery into account (schedule.Observer).
func (m *Metrics) Attempted(action schedule.ActionType, took time.Duration, succeeded bool) {
	m.deliveries.WithLabelValues(string(action), result(succeeded)).Observe(took.Seconds())
}

func result(succeeded bool) string {
	if succeeded {
		return "succeeded"
	}
	return "failed"
}
