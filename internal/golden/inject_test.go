package golden_test

import (
	"context"
	"errors"
	"fmt"
	"regexp"

	"sundog/internal/statedb"
	"sundog/internal/statedb/statedbtest"
)

// injection is what a scenario lets go wrong.
type injection struct {
	beforeStart string // another worker writes this state right before the record is set to PROCESSING
	beforeClaim string // another worker writes this state right before the record is claimed
	started     bool   // setting the record to PROCESSING fails once the execution has started
	upload      bool   // storing objects fails
	start       string // starting executions fails with this error of Step Functions
}

var injections = []struct {
	pattern *regexp.Regexp
	set     func(i *injection, found string)
}{
	{regexp.MustCompile(`^right before set_processing, the record's state becomes ([A-Z]+)$`), func(i *injection, s string) { i.beforeStart = s }},
	{regexp.MustCompile(`^right before claim_processing another worker writes state ([A-Z]+) with executions \[..:other-1\]$`), func(i *injection, s string) { i.beforeClaim = s }},
	{regexp.MustCompile(`^StateDB.set_processing raises (.*) after the execution started$`), func(i *injection, _ string) { i.started = true }},
	{regexp.MustCompile(`^boto3utils upload_json raises (.*)$`), func(i *injection, _ string) { i.upload = true }},
	{regexp.MustCompile(`^StartExecution fails with (\w+)$`), func(i *injection, s string) { i.start = s }},
}

func parseInjection(text string) (injection, error) {
	var i injection
	if text == "" {
		return i, nil
	}
	for _, known := range injections {
		if m := known.pattern.FindStringSubmatch(text); m != nil {
			known.set(&i, m[1])
			return i, nil
		}
	}
	return i, fmt.Errorf("unknown injection %q", text)
}

// injected is the state database with what a scenario lets go wrong.
type injected struct {
	statedbtest.DB
	world *world
}

// injectedAt is when other workers write.
const injectedAt = "2025-06-01T00:00:00.000001+00:00"

func (d *injected) Apply(ctx context.Context, t statedb.Transition, e statedb.Effects) (statedb.Record, error) {
	inject := &d.world.inject
	switch {
	case t.To == statedb.Claimed && inject.beforeClaim != "":
		other := statedb.Record{
			ID: t.ID, StateUpdated: inject.beforeClaim + "_" + injectedAt, Updated: injectedAt, Created: "2025-01-01T00:00:00.000001+00:00",
			Executions: []string{otherExecution},
		}
		inject.beforeClaim = ""
		if err := d.Put(ctx, other); err != nil {
			return other, err
		}
	case t.To == statedb.Processing && inject.beforeStart != "":
		r, err := d.Get(ctx, t.ID)
		if err != nil {
			return r, err
		}
		r.StateUpdated, r.Updated = inject.beforeStart+"_"+injectedAt, injectedAt
		if err := d.Put(ctx, r); err != nil {
			return r, err
		}
	case t.To == statedb.Processing && inject.started:
		return statedb.Record{}, errors.New("injected: ThrottlingException")
	}
	r, err := d.DB.Apply(ctx, t, e)
	if err != nil {
		return r, fmt.Errorf("state database: %w", err)
	}
	return r, nil
}

const otherExecution = account + "execution:cirrus-wf1:other-1"
