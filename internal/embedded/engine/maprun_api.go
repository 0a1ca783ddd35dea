package engine

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"time"

	"sundog/asl"
	"sundog/asl/maprun"
	"sundog/internal/embedded/store"
)

// ErrNoMapRun is returned for a map run that does not exist (AWS: ResourceNotFound).
var ErrNoMapRun = errors.New("map run does not exist")

// ErrInvalidUpdate is returned for settings that a map run cannot have (AWS: ValidationException).
var ErrInvalidUpdate = errors.New("invalid update of a map run")

// MapRun is what is known about a map run (API reference, DescribeMapRun).
type MapRun struct {
	ARN       string
	Execution string     // ARN of the execution that started it
	Machine   string     // ARN of the workflow of its children: that of the execution with the Map state's label behind it
	Status    asl.Status // RUNNING, SUCCEEDED, FAILED or ABORTED
	Start     time.Time
	Stop      time.Time // zero while it runs

	MaxConcurrency      int64 // 0: as many as the engine allows
	ToleratedCount      *int64
	ToleratedPercentage *float64

	Items    maprun.Counts // those that were read
	Children maprun.Counts
	Written  int64         // results that a ResultWriter has written
	Failure  *asl.RunError // of one that has failed
}

// A MapRunUpdate changes settings of a running map run; nil leaves one as it is (API reference, UpdateMapRun).
type MapRunUpdate struct {
	MaxConcurrency      *int64   // 0 or more
	ToleratedCount      *int64   // 0 or more
	ToleratedPercentage *float64 // from 0 to 100
}

func (u *MapRunUpdate) check() error {
	switch {
	case u.MaxConcurrency != nil && *u.MaxConcurrency < 0:
		return fmt.Errorf("%w: maxConcurrency is %d, it must not be negative", ErrInvalidUpdate, *u.MaxConcurrency)
	case u.ToleratedCount != nil && *u.ToleratedCount < 0:
		return fmt.Errorf("%w: toleratedFailureCount is %d, it must not be negative", ErrInvalidUpdate, *u.ToleratedCount)
	case u.ToleratedPercentage != nil && (*u.ToleratedPercentage < 0 || *u.ToleratedPercentage > 100):
		return fmt.Errorf("%w: toleratedFailurePercentage is %g, it must be from 0 to 100", ErrInvalidUpdate, *u.ToleratedPercentage)
	}
	return nil
}

func (u *MapRunUpdate) apply(r *maprun.Run) {
	if u.MaxConcurrency != nil {
		r.MaxConcurrency = *u.MaxConcurrency
	}
	count, percentage := r.ToleratedCount, r.ToleratedPercentage
	if u.ToleratedCount != nil {
		count = u.ToleratedCount
	}
	if u.ToleratedPercentage != nil {
		percentage = u.ToleratedPercentage
	}
	r.Tolerate(count, percentage)
}

// findRun finds a map run by its ARN.
func (e *Engine) findRun(arn string) (ref runRef, err error) {
	found, err := e.getJSON(runARNKey(arn), &ref)
	if err == nil && !found {
		err = fmt.Errorf("%w: %s", ErrNoMapRun, arn)
	}
	return ref, err
}

// DescribeMapRun returns a map run. It returns ErrNoMapRun.
func (e *Engine) DescribeMapRun(_ context.Context, arn string) (MapRun, error) {
	ref, err := e.findRun(arn)
	if err != nil {
		return MapRun{}, err
	}
	return e.describeRun(ref)
}

func (e *Engine) describeRun(ref runRef) (MapRun, error) {
	record, state, err := e.readRun(ref)
	if err != nil {
		return MapRun{}, err
	}
	machine, _, err := e.split(record.Execution)
	if err != nil {
		return MapRun{}, err
	}
	return MapRun{
		ARN: record.ARN, Execution: record.Execution, Machine: e.MachineARN(machine + "/" + record.Settings.Label), Status: state.Status,
		Start: record.Start, Stop: state.Stop, MaxConcurrency: state.MaxConcurrency, ToleratedCount: state.ToleratedCount,
		ToleratedPercentage: state.ToleratedPercentage, Items: state.Items, Children: state.Children, Written: state.Written, Failure: state.Failure,
	}, nil
}

// ListMapRuns returns a page of the map runs of an execution in the order of their starts, and the token of the next page, empty when there is
// none. The limit is 1 to 1000, 100 when zero. It returns ErrNotFound or ErrInvalidToken.
func (e *Engine) ListMapRuns(_ context.Context, execution, token string, limit int) ([]MapRun, string, error) {
	id, err := e.find(execution)
	if err != nil {
		return nil, "", err
	}
	if limit <= 0 || limit > 1000 {
		limit = 100
	}
	r := store.NewKey(store.PrefixMapRun).Uint(runSettings).Uint(id).Range()
	if r.Low, err = pageStart(r.Low, token); err != nil {
		return nil, "", err
	}
	var found []MapRun
	for entry, err := range e.store.Scan(r) {
		if err != nil {
			return nil, "", fmt.Errorf("listing the map runs of %s: %w", execution, err)
		}
		f := store.Split(entry.Key)
		f.Uint()
		ref := runRef{Execution: f.Uint(), Run: asl.MapRunID(f.Uint())}
		if len(found) == limit {
			return found, base64.RawURLEncoding.EncodeToString(entry.Key), f.Err()
		}
		run, err := e.describeRun(ref)
		if err != nil {
			return nil, "", err
		}
		found = append(found, run)
	}
	return found, "", nil
}

// pageStart is where a listing goes on: at the key in the token, which must be of the listing that begins at first.
func pageStart(first []byte, token string) ([]byte, error) {
	if token == "" {
		return first, nil
	}
	at, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil || len(at) < len(first) || string(at[:len(first)]) != string(first) {
		return nil, fmt.Errorf("%w: %q", ErrInvalidToken, token)
	}
	return at, nil
}

// UpdateMapRun changes the settings of a running map run; when it returns, the change is on disk. It returns ErrNoMapRun, ErrInvalidUpdate, or
// ErrEnded for a run that is over.
func (e *Engine) UpdateMapRun(ctx context.Context, arn string, update MapRunUpdate) error {
	if err := update.check(); err != nil {
		return err
	}
	ref, err := e.findRun(arn)
	if err != nil {
		return err
	}
	done := make(chan error, 1)
	e.runs.post(ref, runMail{update: &update, done: done})
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// listChildren lists the children of a map run: those that run, then those that have ended, each in the order of their starts.
func (e *Engine) listChildren(ctx context.Context, f Filter) (found []Description, next string, err error) {
	ref, err := e.findRun(f.MapRun)
	if err != nil {
		return nil, "", err
	}
	view := e.store.View()
	defer func() { err = errors.Join(err, view.Close()) }()
	for _, kind := range []uint64{runRunning, runChild} {
		r := ref.key(kind).Range()
		at, err := pageStart(r.Low, f.Token)
		if err != nil && kind == runRunning {
			continue // the page is of those that have ended, or of nothing
		}
		if err != nil {
			return nil, "", err
		}
		if r.Low = at; f.Token != "" {
			f.Token = "" // the other kind begins at its beginning
		}
		for entry, err := range view.Scan(r) {
			if err != nil {
				return nil, "", fmt.Errorf("listing the children of %s: %w", f.MapRun, err)
			}
			_, row, err := childOfEntry(entry)
			if err != nil {
				return nil, "", err
			}
			if f.Status != "" && row.status != f.Status {
				continue
			}
			if len(found) == f.Limit {
				return found, base64.RawURLEncoding.EncodeToString(entry.Key), nil
			}
			d, err := e.describeIn(view, row.execution)
			if err != nil {
				return nil, "", err
			}
			found = append(found, d)
		}
		if ctx.Err() != nil {
			return nil, "", context.Cause(ctx)
		}
	}
	return found, "", nil
}
