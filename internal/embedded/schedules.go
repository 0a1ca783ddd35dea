package embedded

import (
	"context"
	"slices"

	"sundog/internal/embedded/function"
	"sundog/internal/embedded/schedule"
	"sundog/internal/project"
)

// openSchedules opens the schedules. Their requests may go where the project allows it.
func (p *Platform) openSchedules() (err error) {
	p.Schedules, err = schedule.Open(schedule.Options{
		Store: p.Store, Queues: p.Queues, Topics: p.Topics, ProcessQueue: ProcessQueue, Refused: []string{UpdateQueue},
		Functions: caller{p.Functions, p.Project.Functions}, Now: p.opts.Now, Logger: p.logger, Region: p.Project.Region, Account: p.Project.Account,
		Allowed: p.Project.Egress,
		Observe: schedule.Observer{Fired: p.Metrics.Fired, Attempted: p.Metrics.Attempted},
	})
	return err
}

// caller calls functions for schedules.
type caller struct {
	host  *function.Host
	known []project.Function
}

func (c caller) Known(name string) bool {
	return slices.ContainsFunc(c.known, func(f project.Function) bool { return f.Name == name })
}

func (c caller) Call(ctx context.Context, name string, event, clientContext []byte) error {
	_, err := c.host.Invoke(ctx, function.Request{Function: name, Payload: event, ClientContext: string(clientContext)})
	return err
}
