// Package audit is the vocabulary of the audit log: who did what to what, when, and why. It stores nothing.
//
// # Promises of every implementation
//
//   - An entry that goes with a change is recorded with it: both are there after a crash, or neither. Where no write can hold both, as on AWS, the
//     change comes first, and whoever makes it hears when the entry was not kept.
//   - Entries are not changed. They go when they have been kept long enough, and only then.
//   - A listing costs what it returns and what it passes over, which is bounded.
package audit

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// Kind is what was done.
type Kind string

// The kinds.
const (
	Rerun     Kind = "rerun"     // a payload was put into the process queue again
	Delete    Kind = "delete"    // a record was deleted
	Stop      Kind = "stop"      // an execution was stopped
	Redrive   Kind = "redrive"   // an execution or a dead letter was taken up again
	Job       Kind = "job"       // a job over many records was made, paused, resumed or cancelled
	Reconcile Kind = "reconcile" // a record was settled whose execution had ended or was not there
	Import    Kind = "import"    // records were brought in
	Migrate   Kind = "migrate"   // records of version 1 were rewritten
	Purge     Kind = "purge"     // messages of a queue were thrown away
	Trigger   Kind = "trigger"   // a trigger was paused, resumed or replayed
	Token     Kind = "token"     // a token was made or revoked
	Backup    Kind = "backup"    // the data directory was copied
)

// Kinds returns all kinds.
func Kinds() []Kind {
	return []Kind{Rerun, Delete, Stop, Redrive, Job, Reconcile, Import, Migrate, Purge, Trigger, Token, Backup}
}

// Bounds of an entry, in bytes, and of a page.
const (
	MaxActor     = 256
	MaxSubject   = 4096
	MaxReason    = 4096
	DefaultLimit = 100
	MaxLimit     = 1000
)

// Errors of an audit log.
var (
	// ErrInvalidEntry: an entry that says too little or too much.
	ErrInvalidEntry = errors.New("invalid entry of the audit log")
	// ErrInvalidQuery: a query that is wrong in itself, or a page token that was not given out.
	ErrInvalidQuery = errors.New("invalid query of the audit log")
	// ErrNoReason: nobody may delete without saying why.
	ErrNoReason = errors.New("a deletion needs a reason")
)

// Entry is one thing that somebody did.
type Entry struct {
	At   time.Time `json:"at"`
	Kind Kind      `json:"kind"`
	// Actor is who did it: the name of a token, or of the part of Sundog that acted by itself.
	Actor string `json:"actor"`
	// Subject is what it was done to: a payload id, an execution's ARN, the name of a queue or job.
	Subject string `json:"subject"`
	// Reason is why, in the words of the actor.
	Reason string `json:"reason,omitempty"`
}

// Check returns an error that wraps ErrInvalidEntry and names what is wrong.
func (e Entry) Check() error {
	switch {
	case !slices.Contains(Kinds(), e.Kind):
		return fmt.Errorf("%w: unknown kind %q; there are %s", ErrInvalidEntry, e.Kind, kindNames())
	case e.At.IsZero():
		return fmt.Errorf("%w: it has no time", ErrInvalidEntry)
	}
	for _, f := range []struct {
		name, text string
		least, max int
	}{{"actor", e.Actor, 1, MaxActor}, {"subject", e.Subject, 1, MaxSubject}, {"reason", e.Reason, 0, MaxReason}} {
		if len(f.text) < f.least || len(f.text) > f.max || !utf8.ValidString(f.text) {
			return fmt.Errorf("%w: the %s has %d bytes; %d to %d of UTF-8 are allowed", ErrInvalidEntry, f.name, len(f.text), f.least, f.max)
		}
	}
	return nil
}

// Query asks for entries, the latest first. Zero values ask for nothing in particular.
type Query struct {
	Kind    Kind
	Actor   string
	Subject string
	// Since and Until bound the time, both included.
	Since, Until time.Time
	// Limit is the number of entries of a page: 1 to MaxLimit, DefaultLimit when zero.
	Limit int
	// After is the token of the page before, or empty.
	After string
}

// Check returns an error that wraps ErrInvalidQuery and names what is wrong.
func (q Query) Check() error {
	switch {
	case q.Kind != "" && !slices.Contains(Kinds(), q.Kind):
		return fmt.Errorf("%w: unknown kind %q; there are %s", ErrInvalidQuery, q.Kind, kindNames())
	case q.Limit < 0 || q.Limit > MaxLimit:
		return fmt.Errorf("%w: limit %d is not within 1 to %d", ErrInvalidQuery, q.Limit, MaxLimit)
	}
	return nil
}

// Matches reports whether an entry belongs to the answer.
func (q Query) Matches(e Entry) bool {
	return (q.Kind == "" || e.Kind == q.Kind) && (q.Actor == "" || e.Actor == q.Actor) && (q.Subject == "" || e.Subject == q.Subject) &&
		(q.Since.IsZero() || !e.At.Before(q.Since)) && (q.Until.IsZero() || !e.At.After(q.Until))
}

// Page is an answer. It may hold fewer entries than asked for, even none, while Next says that there is more.
type Page struct {
	Entries []Entry
	Next    string // token of the next page, empty after the last
}

func kindNames() string {
	names := make([]string, len(Kinds()))
	for i, k := range Kinds() {
		names[i] = string(k)
	}
	return strings.Join(names, ", ")
}
