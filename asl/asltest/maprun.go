package asltest

import (
	"container/heap"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"time"

	"sundog/asl"
	"sundog/asl/maprun"
)

// maxChildren bounds the children of a map run that are played at one time.
const maxChildren = 1000

// A mapRun is a map run that is played. Its children are played to their end when they start, and end when their time has come.
type mapRun struct {
	g       *game
	x       *asl.Execution
	run     asl.MapRun
	machine *asl.Machine // of the children
	counts  *maprun.Run
	feed    *maprun.Feed
	now     time.Time
	running endings
	results []maprun.Result
	items   []int64 // of each child
}

// mapRun plays a map run and arranges for its end.
func (g *game) mapRun(x *asl.Execution, run asl.MapRun) error {
	r := &mapRun{g: g, x: x, run: run, machine: g.player.Machine.Processor(run.State), counts: maprun.New(run.Settings), now: g.now}
	output, err := r.play(context.Background())
	wrong, named := errors.AsType[*asl.RunError](err)
	switch {
	case named:
		g.later(r.now.Sub(g.now), asl.MapRunFailed{Run: run.ID, Error: wrong.Name, Cause: wrong.Cause})
	case err != nil:
		return fmt.Errorf("map run of the state %s: %w", run.State, err)
	default:
		g.later(r.now.Sub(g.now), asl.MapRunSucceeded{Run: run.ID, Output: output})
	}
	return nil
}

func (r *mapRun) play(ctx context.Context) (output *asl.Document, err error) {
	objects := r.g.player.Objects
	if objects == nil {
		objects = &Objects{}
	}
	if r.feed, err = maprun.OpenFeed(ctx, objects, r.run, 0); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, r.feed.Close()) }()
	for !r.counts.Over() {
		if err := r.start(ctx); err != nil {
			return nil, err
		}
		if len(r.running) > 0 {
			r.end(heap.Pop(&r.running).(ending))
		}
	}
	if w := r.run.Settings.Writer; w != nil && w.Bucket != "" {
		output, err = maprun.Export(ctx, objects, r.run, r.all(ctx))
	} else if r.counts.Failure == nil {
		output, err = maprun.Output(r.all(ctx), r.run.State, w, maprun.MaxInputBytes)
	}
	if r.counts.Failure != nil && err == nil {
		return nil, r.counts.Failure
	}
	return output, err
}

// start starts as many children as there is room for.
func (r *mapRun) start(ctx context.Context) error {
	for r.counts.Room(maxChildren) > 0 {
		input, err := r.feed.Next(ctx, r.selector)
		wrong, named := errors.AsType[*asl.RunError](err)
		switch {
		case errors.Is(err, io.EOF):
			r.counts.Exhausted()
		case named:
			r.counts.Fail(wrong)
		case err != nil:
			return err
		default:
			if err := r.child(input); err != nil {
				return err
			}
		}
	}
	return nil
}

func (r *mapRun) selector(item asl.Item) (*asl.Document, error) {
	return r.x.ItemInput(r.run.ID, item, r.g.moment())
}

// child plays one child.
func (r *mapRun) child(input maprun.Input) error {
	index := r.counts.Started(input.Items)
	settings := r.run.Settings
	id := maprun.Child(r.x.Identity(), r.run.ARN, settings.Label, settings.Express, index)
	player := *r.g.player
	player.Machine, player.Identity, player.Begin, player.Calls, player.Step = r.machine, id, r.now, nil, nil
	player.Seed = r.g.moment().Seed
	if player.ChildStep != nil {
		player.Step = player.ChildStep(r.machine)
	}
	played, err := player.Play(input.Document)
	if err != nil {
		return fmt.Errorf("child %d: %w", index, err)
	}
	stop := r.now.Add(played.Took)
	r.results = append(r.results, maprun.Result{
		Identity: id, Status: played.End.Status, Start: r.now, Stop: stop, Input: input.Document,
		Output: played.End.Output, Error: played.End.Error, Cause: played.End.Cause,
	})
	r.items = append(r.items, input.Items)
	heap.Push(&r.running, ending{at: stop, index: index})
	return nil
}

// end lets a child end. Once the run has failed, its other children are aborted.
func (r *mapRun) end(e ending) {
	result := &r.results[e.index]
	if r.counts.Failure != nil {
		result.Status, result.Output, result.Error, result.Cause, result.Stop = asl.Aborted, nil, "", "", r.now
	} else {
		r.now = e.at
	}
	r.counts.Ended(result.Status, r.items[e.index])
}

// all gives the results of the children, and when the run has failed the inputs of those that were never started.
func (r *mapRun) all(ctx context.Context) iter.Seq2[maprun.Result, error] {
	return func(yield func(maprun.Result, error) bool) {
		for _, result := range r.results {
			if !yield(result, nil) {
				return
			}
		}
		for index := int64(len(r.results)); r.counts.Failure != nil; index++ {
			input, err := r.feed.Next(ctx, r.selector)
			if err != nil {
				return // the end, or what the run has failed with
			}
			id := maprun.Child(r.x.Identity(), r.run.ARN, r.run.Settings.Label, r.run.Settings.Express, index)
			if !yield(maprun.Result{Identity: id, Status: maprun.Pending, Input: input.Document}, nil) {
				return
			}
		}
	}
}

// An ending is when a child ends.
type ending struct {
	at    time.Time
	index int64
}

type endings []ending

func (e endings) Len() int      { return len(e) }
func (e endings) Swap(i, j int) { e[i], e[j] = e[j], e[i] }
func (e *endings) Push(v any)   { *e = append(*e, v.(ending)) }

func (e endings) Less(i, j int) bool {
	if !e[i].at.Equal(e[j].at) {
		return e[i].at.Before(e[j].at)
	}
	return e[i].index < e[j].index
}

func (e *endings) Pop() any {
	old := *e
	last := old[len(old)-1]
	*e = old[:len(old)-1]
	return last
}
