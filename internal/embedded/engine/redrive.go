package engine

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"time"

	"sundog/asl"
	"sundog/internal/trace"
)

// ErrNotRedrivable is returned when the execution runs, has succeeded, or may not be redriven any more (AWS: ExecutionNotRedrivable).
var ErrNotRedrivable = asl.ErrNotRedrivable

// ErrInvalidClientToken is returned when a client token of a redrive is longer than 64 characters, or has others than visible ASCII (AWS: ValidationException).
var ErrInvalidClientToken = errors.New("invalid client token")

// RedriveStatus says whether an execution can be redriven (API reference, DescribeExecution).
type RedriveStatus string

// The statuses of a redrive.
const (
	Redrivable    RedriveStatus = "REDRIVABLE"
	NotRedrivable RedriveStatus = "NOT_REDRIVABLE"
)

// RedriveToken is the client token of a redrive. A repetition of the request is answered as the request was.
type RedriveToken struct {
	Token string    `json:"token"`
	At    time.Time `json:"at"`
}

// Bounds of AWS (API reference, RedriveExecution).
const (
	redrivePeriod = 14 * 24 * time.Hour  // from the end
	maxOpen       = 365 * 24 * time.Hour // from the start
	tokenLife     = 15 * time.Minute
	maxTokens     = 10
)

var validToken = regexp.MustCompile(`^[!-~]{0,64}$`)

// judge says whether an execution can be redriven now, and if not why, in AWS's words.
func (d *Description) judge(now time.Time) {
	d.RedriveStatus, d.RedriveStatusReason = NotRedrivable, ""
	switch {
	case d.Status == asl.Running || d.Status == asl.Succeeded:
		d.RedriveStatusReason = fmt.Sprintf("Execution is %s and cannot be redriven", d.Status)
	case d.NotKept != "":
		d.RedriveStatusReason = d.NotKept
	case !d.Kept:
		d.RedriveStatusReason = "Execution was started before the launch of RedriveExecution"
	case now.Sub(d.Stop) > redrivePeriod:
		d.RedriveStatusReason = "Execution redrivable period exceeded"
	case now.Sub(d.Start) > maxOpen:
		d.RedriveStatusReason = "Execution has exceeded the max execution time"
	default:
		d.RedriveStatus = Redrivable
	}
}

// Redrive lets an execution that has ended without success go on where it did not succeed; when it returns, that is on disk. A repetition with
// the same client token (which may be empty: none) within 15 minutes changes nothing. Errors: ErrNotFound, ErrNotRedrivable,
// ErrInvalidClientToken.
func (e *Engine) Redrive(ctx context.Context, arn, clientToken string) (Description, error) {
	if !validToken.MatchString(clientToken) {
		return Description{}, fmt.Errorf("redriving %s: %w: up to 64 visible ASCII characters are allowed", arn, ErrInvalidClientToken)
	}
	machine, name, err := e.split(arn)
	if err != nil {
		return Description{}, err
	}
	// Whoever deletes ended executions holds this lock as well.
	unlock, err := e.starting.Lock(ctx, machine+":"+name)
	if err != nil {
		return Description{}, err
	}
	defer unlock()
	id, err := e.lookup(machine, name)
	if err != nil {
		return Description{}, err
	}
	var redriven Description
	done := make(chan error, 1)
	e.post(id, delivery{
		redrive: func(in *instance) (err error) {
			redriven, err = e.redrive(ctx, in, clientToken)
			return err
		},
		done: func(err error) { done <- err },
	})
	if err := <-done; err != nil { // whoever works through the mailbox comes to it, whatever becomes of the caller
		return Description{}, fmt.Errorf("redriving %s: %w", arn, err)
	}
	return redriven, nil
}

// redrive is the step of a redrive. It belongs to whoever works through the mailbox of the instance.
func (e *Engine) redrive(ctx context.Context, in *instance, token string) (Description, error) {
	at := e.moment()
	before, err := e.describe(in.id)
	if err != nil {
		return before, err
	}
	for _, t := range before.RedriveTokens {
		if token != "" && t.Token == token && at.Now.Sub(t.At) < tokenLife {
			before.RedriveDate = t.At
			return before, nil
		}
	}
	if before.RedriveStatus != Redrivable {
		return before, fmt.Errorf("%w: %s", ErrNotRedrivable, before.RedriveStatusReason)
	}
	if err := e.read(in, before); err != nil {
		return before, err
	}
	after, err := e.redriveTx(ctx, in, token, at)
	if err != nil {
		in.forget()
	}
	return after, err
}

// redriveTx makes one transaction of a redrive, then carries out its effects.
func (e *Engine) redriveTx(ctx context.Context, in *instance, token string, at asl.Moment) (Description, error) {
	step, err := in.exec.Redrive(at)
	if err != nil {
		return in.desc, err
	}
	tx := e.store.Begin()
	tx.Delete(endedKey(&in.desc))
	in.desc.reopen(at.Now, token)
	if parent := trace.From(ctx); !parent.IsZero() {
		e.place(&in.desc, parent)
	} else {
		e.place(&in.desc, in.desc.Trace)
	}
	d := in.desc
	d.write(tx)
	tx.Set(openKey(&d), []byte(d.Lane))
	var all effects
	all.add(step)
	if err := e.write(tx, in, &all); err != nil {
		return d, err
	}
	settle := func(error) {}
	if e.opts.RedriveHook != nil {
		if settle, err = e.opts.RedriveHook(ctx, tx, d); err != nil {
			return d, err
		}
	}
	err = tx.Commit(context.WithoutCancel(ctx)) // what is on disk has to be carried out
	settle(err)
	if err != nil {
		return d, fmt.Errorf("writing the redrive: %w", err)
	}
	e.lanes.start(d.Lane)
	e.carryOut(in, &all)
	return d, nil
}

// reopen makes the description that of an execution that runs again.
func (d *Description) reopen(at time.Time, token string) {
	d.Status, d.Stop, d.Error, d.Cause, d.EventCount, d.Kept = asl.Running, time.Time{}, "", "", 0, false
	d.RedriveCount++
	d.RedriveDate = at
	d.judge(at)
	if token == "" {
		return
	}
	d.RedriveTokens = append(slices.Clip(d.RedriveTokens), RedriveToken{Token: token, At: at})
	d.RedriveTokens = d.RedriveTokens[max(0, len(d.RedriveTokens)-maxTokens):]
}
