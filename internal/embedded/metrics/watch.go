package metrics

import (
	"context"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"sundog/internal/embedded/engine"
	"sundog/internal/embedded/queue"
	"sundog/internal/embedded/schedule"
	"sundog/internal/embedded/statedb"
	"sundog/internal/embedded/store"
	"sundog/internal/embedded/trigger"
	"sundog/payload"
)

// Sources are the parts of a platform whose state is looked at when somebody asks.
type Sources struct {
	Store     *store.Store
	Queues    *queue.Queues
	Engine    *engine.Engine
	Records   *statedb.DB
	Schedules *schedule.Schedules
	Triggers  *trigger.Triggers // nil: there are none
	Lanes     []string          // of the process queue
	Now       func() time.Time
}

// maxQueues bounds the queues that are shown, the first by name.
const maxQueues = 500

// subscriptionPrefix begins the names of the queues that belong to subscriptions.
const subscriptionPrefix = "subscription/"

var (
	depth       = prometheus.NewDesc("sundog_queue_messages", "Messages of a queue's lane by state: ready, delayed, in_flight.", []string{"queue", "lane", "state"}, nil)
	dead        = prometheus.NewDesc("sundog_dead_letters", "Dead letters of a queue.", []string{"queue"}, nil)
	age         = prometheus.NewDesc("sundog_queue_oldest_seconds", "Age of the oldest message that is ready in a queue's lane; 0 when none is.", []string{"queue", "lane"}, nil)
	lag         = prometheus.NewDesc("sundog_subscription_lag_seconds", "Age of the oldest message that waits for delivery; 0 when none does.", []string{"subscription"}, nil)
	late        = prometheus.NewDesc("sundog_trigger_lag_seconds", "Age of the oldest event that a trigger has not handled; 0 when there is none.", []string{"trigger"}, nil)
	open        = prometheus.NewDesc("sundog_executions_open", "Executions that have not ended, by the lane of their payload; none is empty.", []string{"lane"}, nil)
	count       = prometheus.NewDesc("sundog_records", "Records by workflow and state.", []string{"workflow", "state"}, nil)
	since       = prometheus.NewDesc("sundog_workflow_since_success_seconds", "Time since an execution of the workflow last succeeded; none before the first.", []string{"workflow"}, nil)
	pending     = prometheus.NewDesc("sundog_schedules_pending", "Schedules that are going to fire, paused ones left out.", nil, nil)
	undelivered = prometheus.NewDesc("sundog_schedule_dead_letters", "Deliveries of schedules that were given up.", nil, nil)
	disk        = prometheus.NewDesc("sundog_store_bytes", "Size of the database: disk, and of what it holds in memory.", []string{"in"}, nil)
)

// watch is a prometheus.Collector.
type watch struct {
	m *Metrics
	Sources
}

// Watch reads what the last process stored, and has every scrape look at the parts of a platform.
func (m *Metrics) Watch(s Sources) error {
	if err := m.load(s.Store); err != nil {
		return err
	}
	return m.Registry.Register(&watch{m, s})
}

// Describe implements prometheus.Collector.
func (*watch) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{depth, dead, age, lag, late, open, count, since, pending, undelivered, disk} {
		ch <- d
	}
}

// Collect implements prometheus.Collector. What cannot be read at the moment is left out.
func (w *watch) Collect(ch chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, value float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...)
	}
	now := w.Now()
	w.queues(gauge, now)
	w.triggers(gauge)
	total := w.Engine.OpenTotal()
	for _, lane := range w.Lanes {
		n, _ := w.Engine.Open(lane)
		total -= n
		gauge(open, float64(n), lane)
	}
	gauge(open, float64(max(0, total)), "")
	w.records(gauge)
	w.m.successes.ages(now, func(workflow string, ago time.Duration) { gauge(since, ago.Seconds(), workflow) })
	gauge(pending, float64(w.Schedules.Pending()))
	gauge(undelivered, float64(w.Schedules.Dead()))
	s := w.Store.Statistics()
	gauge(disk, float64(s.DiskBytes), "disk")
	gauge(disk, float64(s.MemTableBytes), "memtable")
	gauge(disk, float64(s.CacheBytes), "cache")
}

type gaugeFunc func(d *prometheus.Desc, value float64, labels ...string)

func (w *watch) queues(gauge gaugeFunc, now time.Time) {
	ctx := context.Background() // the queues are in memory
	names := w.Queues.Names()
	for _, name := range names[:min(len(names), maxQueues)] {
		q, err := w.Queues.Queue(ctx, name)
		if err != nil {
			continue // removed since
		}
		d := q.Depth()
		gauge(dead, float64(d.Dead), name)
		for _, l := range d.Lanes {
			gauge(depth, float64(l.Ready), name, l.Name, "ready")
			gauge(depth, float64(l.Delayed), name, l.Name, "delayed")
			gauge(depth, float64(l.InFlight), name, l.Name, "in_flight")
			gauge(age, seconds(l.Oldest, now), name, l.Name)
		}
		if subscription, ok := strings.CutPrefix(name, subscriptionPrefix); ok {
			gauge(lag, seconds(d.Oldest, now), subscription)
		}
	}
}

// triggers looks at a few events of each source.
func (w *watch) triggers(gauge gaugeFunc) {
	if w.Triggers == nil {
		return
	}
	for name, age := range w.Triggers.Ages(context.Background()) {
		gauge(late, age.Seconds(), name)
	}
}

// seconds is how long ago something was; 0 for never.
func seconds(at, now time.Time) float64 {
	if at.IsZero() {
		return 0
	}
	return max(0, now.Sub(at).Seconds())
}

// records adds up the counts of a workflow over all collections.
func (w *watch) records(gauge gaugeFunc) {
	counts, err := w.Records.Counts(context.Background(), "")
	if err != nil {
		return
	}
	sums := map[[2]string]int64{}
	for _, c := range counts {
		_, workflow, err := payload.CutPartitionKey(c.Partition)
		if err != nil {
			workflow = Other
		}
		sums[[2]string{w.m.workflows.label(workflow), string(c.State)}] += c.Records
	}
	for labels, n := range sums {
		gauge(count, float64(n), labels[0], labels[1])
	}
}
