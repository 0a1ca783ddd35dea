package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"golang.org/x/sync/errgroup"

	"sundog/internal/statedb"
	"sundog/payload"
)

// How records are asked for while payloads are processed.
const (
	stateRate  = 2000 // payloads per second
	stateTime  = 10 * time.Second
	stateEvery = 2 * time.Millisecond // between two questions
	beforehand = 20                   // workflows that the records which are there already belong to
)

// fill puts records of payloads that succeeded into the state database, as an import does.
func (b *bench) fill(ctx context.Context) error {
	began, day := time.Now(), time.Now().Add(-24*time.Hour)
	for from := 0; from < b.opts.Records; from += statedb.MaxPut {
		batch := make([]statedb.Record, 0, statedb.MaxPut)
		for i := from; i < min(b.opts.Records, from+statedb.MaxPut); i++ {
			id := payload.ID{Collections: "bench", Workflow: "before" + strconv.Itoa(i%beforehand), ItemIDs: strconv.Itoa(i)}
			at := statedb.FormatTime(day.Add(time.Duration(i) * time.Millisecond))
			batch = append(batch, statedb.Record{
				ID: id, Created: at, Updated: at, ClaimedAt: at, StateUpdated: string(statedb.Succeeded) + "_" + at,
				Executions: []string{payload.ExecutionARN(b.platform.Engine.MachineARN(""), id.Workflow, payload.ExecutionName(id.String(), nil))},
			})
		}
		if _, err := b.platform.Records.PutMany(ctx, batch, statedb.KeepExisting); err != nil {
			return err
		}
	}
	b.report("records brought in", float64(b.opts.Records)/time.Since(began).Seconds(), "/s", "50,000", "%d records, before all that follows", b.opts.Records)
	return nil
}

// states asks for records over HTTP while payloads come at a steady rate.
func (b *bench) states(ctx context.Context) error {
	const first, group = 5_000_000, submitGroup
	total := int(stateRate * stateTime / time.Second)
	began := time.Now()
	g, ctx := errgroup.WithContext(ctx)
	fed, feeding := context.WithCancel(ctx)
	g.Go(func() error {
		defer feeding()
		return b.feed(ctx, first, total, group)
	})
	var took []time.Duration
	g.Go(func() error {
		tick := time.NewTicker(stateEvery)
		defer tick.Stop()
		for n := 0; ; n++ {
			select {
			case <-tick.C:
			case <-fed.Done():
				return nil
			}
			id := "bench/workflow-three/" + strconv.Itoa(n*7919%b.opts.Payloads) // of those that went through
			asked := time.Now()
			if _, err := b.client.Record(ctx, id); err != nil {
				return err
			}
			took = append(took, time.Since(asked))
		}
	})
	if err := g.Wait(); err != nil {
		return err
	}
	if len(took) == 0 {
		return errors.New("no record was asked for in time")
	}
	rate := float64(total) / time.Since(began).Seconds()
	slices.Sort(took)
	for _, p := range []struct {
		percent int
		aim     string
	}{{50, ""}, {99, "5"}} {
		at := took[len(took)*p.percent/100]
		b.report(fmt.Sprintf("get-state p%d", p.percent), float64(at.Microseconds())/1000, "ms", p.aim, "%d questions over HTTP while %.0f payloads/s come", len(took), rate)
	}
	return nil
}

// feed submits payloads in groups, at stateRate if the server takes them so fast, and waits until they have succeeded.
func (b *bench) feed(ctx context.Context, first, total, group int) error {
	before, err := b.count(ctx, "three", statedb.Succeeded)
	if err != nil {
		return err
	}
	tick := time.NewTicker(time.Second * time.Duration(group) / stateRate)
	defer tick.Stop()
	for from := first; from < first+total; from += group {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		var body bytes.Buffer
		for i := range group {
			body.WriteString(benchPayload("three", strconv.Itoa(from+i)) + "\n")
		}
		if err := b.client.Submit(ctx, &body, "live", refused); err != nil {
			return err
		}
	}
	return b.wait(ctx, "three", statedb.Succeeded, before+total)
}

// count returns how many records of a workflow are in a state.
func (b *bench) count(ctx context.Context, workflow string, state statedb.State) (int, error) {
	counts, err := b.platform.Records.Counts(ctx, payload.PartitionKey("bench", workflow))
	for _, c := range counts {
		if c.State == state {
			return int(c.Records), nil
		}
	}
	return 0, err
}
