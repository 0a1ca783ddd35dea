package embedded

import (
	"sundog/internal/embedded/metrics"
	"sundog/internal/project"
)

// metricNames are the names that may be labels: those of the project.
func metricNames(p *project.Project) metrics.Names {
	var n metrics.Names
	for _, w := range p.Workflows {
		n.Workflows = append(n.Workflows, w.Name)
	}
	for _, f := range p.Functions {
		n.Functions = append(n.Functions, f.Name)
	}
	for _, j := range p.Jobs {
		n.Jobs = append(n.Jobs, j.Name)
	}
	return n
}

// watch has scrapes look at the parts of the platform.
func (p *Platform) watch() error {
	lanes := make([]string, 0, len(p.Project.Lanes))
	for _, l := range p.Project.Lanes {
		lanes = append(lanes, l.Name)
	}
	return p.Metrics.Watch(metrics.Sources{
		Store: p.Store, Queues: p.Queues, Schedules: p.Schedules, Engine: p.Engine, Records: p.Records, Triggers: p.Triggers, Lanes: lanes, Now: p.opts.Now,
	})
}
