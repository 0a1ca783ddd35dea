package engine

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"

	"sundog/asl"
	"sundog/internal/embedded/store"
)

// ErrInvalidToken is returned for a page token that this server did not give (AWS: InvalidToken).
var ErrInvalidToken = errors.New("invalid page token")

// Filter says which executions to list. An empty status means all: those that run first, then those that have ended, each newest first.
type Filter struct {
	Machine string // name or ARN, required when there is no MapRun
	MapRun  string // ARN of a map run: its children are listed, in the order of their starts
	Status  asl.Status
	Token   string // of the page, empty for the first
	Limit   int    // 1 to 1000, 100 when zero
}

// List returns a page of the executions of a workflow, and the token of the next, empty when there is none. A page costs what it shows,
// plus what it passes over of executions that ended with another status.
func (e *Engine) List(ctx context.Context, f Filter) ([]Description, string, error) {
	if f.Limit <= 0 || f.Limit > 1000 {
		f.Limit = 100
	}
	if f.MapRun != "" {
		return e.listChildren(ctx, f)
	}
	m, err := e.Machine(f.Machine)
	if err != nil {
		return nil, "", err
	}
	after, err := base64.RawURLEncoding.DecodeString(f.Token)
	if err != nil || len(after) > 0 && after[0] != store.PrefixOpen && after[0] != store.PrefixEnded {
		return nil, "", fmt.Errorf("%w: %q", ErrInvalidToken, f.Token)
	}
	var found []Description
	for _, prefix := range []byte{store.PrefixOpen, store.PrefixEnded} {
		if prefix == store.PrefixOpen && (f.Status != "" && f.Status != asl.Running || len(after) > 0 && after[0] != prefix) ||
			prefix == store.PrefixEnded && f.Status == asl.Running {
			continue
		}
		r := store.NewKey(prefix).String(m.Name).Range()
		r.Reverse = true
		if len(after) > 0 && after[0] == prefix {
			r.High = after
		}
		for entry, err := range e.store.Scan(r) {
			if err != nil {
				return nil, "", fmt.Errorf("listing executions of %s: %w", m.Name, err)
			}
			if prefix == store.PrefixEnded && f.Status != "" && string(entry.Value) != string(f.Status) {
				continue
			}
			if len(found) == f.Limit {
				return found, base64.RawURLEncoding.EncodeToString(placeOf(&found[f.Limit-1], prefix)), nil
			}
			fields := store.Split(entry.Key)
			_, _, id := fields.String(), fields.Time(), fields.Uint()
			d, err := e.describe(id)
			if errors.Is(err, ErrNotFound) {
				continue
			}
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

// placeOf is where a listing goes on after d: its own key, which the next page excludes.
func placeOf(d *Description, prefix byte) []byte {
	if prefix == store.PrefixOpen || d.Stop.IsZero() {
		return openKey(d)
	}
	return endedKey(d)
}
