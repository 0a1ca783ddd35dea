package engine

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"

	"sundog/asl"
	"sundog/internal/embedded/machine"
	"sundog/internal/embedded/store"
)

// ErrInvalidToken is returned for a page token that this server did not give (AWS: InvalidToken).
var ErrInvalidToken = errors.New("invalid page token")

// Filter says which executions to list. An empty status means all: those that run first, then those that have ended, each newest first.
type Filter struct {
	// Machine is a name or ARN, required when there is no MapRun. The ARN of a version or an alias takes those that were started by it.
	Machine string
	MapRun  string // ARN of a map run: its children are listed, in the order of their starts
	Status  asl.Status
	Token   string // of the page, empty for the first
	Limit   int    // 1 to 1000, 100 when zero
}

// maxPassed bounds the executions that a page passes over because they are not wanted. A page that reaches it ends early.
const maxPassed = 20_000

// List returns a page of the executions of a workflow, and the token of the next, empty when there is none. A page with a token may have
// fewer executions than asked for, or none. A page is of one moment; an execution that ends between two pages may be on both.
func (e *Engine) List(ctx context.Context, f Filter) (found []Description, next string, err error) {
	if f.Limit <= 0 || f.Limit > 1000 {
		f.Limit = 100
	}
	if f.MapRun != "" {
		return e.listChildren(ctx, f)
	}
	ref, err := e.machines.Parse(f.Machine)
	if err != nil {
		return nil, "", err
	}
	if _, err := e.machines.Machine(f.Machine); err != nil {
		return nil, "", err
	}
	after, err := base64.RawURLEncoding.DecodeString(f.Token)
	if err != nil || len(after) > 0 && after[0] != store.PrefixOpen && after[0] != store.PrefixEnded {
		return nil, "", fmt.Errorf("%w: %q", ErrInvalidToken, f.Token)
	}
	view := e.store.View()
	defer func() { err = errors.Join(err, view.Close()) }()
	p := listing{engine: e, view: view, ref: ref, filter: f}
	for _, prefix := range []byte{store.PrefixOpen, store.PrefixEnded} {
		if prefix == store.PrefixOpen && (f.Status != "" && f.Status != asl.Running || len(after) > 0 && after[0] != prefix) ||
			prefix == store.PrefixEnded && f.Status == asl.Running {
			continue
		}
		r := store.NewKey(prefix).String(ref.Name).Range()
		r.Reverse = true
		if len(after) > 0 && after[0] == prefix {
			r.High = after
		}
		full, err := p.scan(r)
		if err != nil {
			return nil, "", fmt.Errorf("listing executions of %s: %w", f.Machine, err)
		}
		if full {
			return p.found, base64.RawURLEncoding.EncodeToString(p.last), nil
		}
		if ctx.Err() != nil {
			return nil, "", context.Cause(ctx)
		}
	}
	return p.found, "", nil
}

// A listing is a page that is being filled.
type listing struct {
	engine *Engine
	view   *store.View // in which no execution is both open and ended
	ref    machine.Ref
	filter Filter

	found  []Description
	passed int
	last   []byte // key of the last entry that was looked at
}

// scan looks at the executions of a range until the page is full: then there may be more.
func (p *listing) scan(r store.Range) (full bool, err error) {
	for entry, err := range p.view.Scan(r) {
		if err != nil {
			return false, err
		}
		if len(p.found) == p.filter.Limit || p.passed == maxPassed {
			return true, nil
		}
		p.last = append(p.last[:0], entry.Key...)
		if entry.Key[0] == store.PrefixEnded && p.filter.Status != "" && string(entry.Value) != string(p.filter.Status) {
			p.passed++
			continue
		}
		fields := store.Split(entry.Key)
		_, _, id := fields.String(), fields.Time(), fields.Uint()
		d, err := p.engine.describeIn(p.view, id)
		if errors.Is(err, ErrNotFound) {
			continue
		}
		if err != nil {
			return false, err
		}
		if p.ref.Version != 0 && d.Version != p.ref.Version || p.ref.Alias != "" && d.Alias != p.ref.Alias {
			p.passed++
			continue
		}
		p.found = append(p.found, d)
	}
	return false, nil
}
