// Package audit keeps the audit log of the embedded platform in the store.
//
// An entry is one key in the order of time, and one without a value in the order of subjects, so that a listing of what was done to one
// payload does not pass over everything else.
package audit

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"sync/atomic"
	"time"

	"sundog/internal/audit"
	"sundog/internal/embedded/store"
)

// Log is the audit log. It is safe for concurrent use. There is one on a store.
type Log struct {
	store *store.Store
	last  atomic.Uint64 // number of the last entry: entries of one instant stay in their order
}

// Open finds the last entry in a store.
func Open(st *store.Store) (*Log, error) {
	l := &Log{store: st}
	r := store.NewKey(store.PrefixAudit).Range()
	r.Reverse = true
	for e, err := range st.Scan(r) {
		if err != nil {
			return nil, fmt.Errorf("opening the audit log: %w", err)
		}
		f := store.Split(e.Key)
		f.Time()
		l.last.Store(f.Uint())
		break
	}
	return l, nil
}

// AppendTx adds an entry to a transaction. The error wraps audit.ErrInvalidEntry.
func (l *Log) AppendTx(tx *store.Tx, e audit.Entry) error {
	if err := e.Check(); err != nil {
		return err
	}
	e.At = e.At.UTC()
	text, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("%w: %w", audit.ErrInvalidEntry, err)
	}
	n := l.last.Add(1)
	tx.Set(store.NewKey(store.PrefixAudit).Time(e.At).Uint(n), text)
	tx.Set(store.NewKey(store.PrefixAuditSubject).String(e.Subject).Time(e.At).Uint(n), nil)
	return nil
}

// Append adds an entry that goes with no other change, and returns once it is on disk.
func (l *Log) Append(ctx context.Context, e audit.Entry) error {
	tx := l.store.Begin()
	if err := l.AppendTx(tx, e); err != nil {
		return err
	}
	return tx.Commit(ctx)
}

// maxScanned bounds the entries that one page looks at.
const maxScanned = 10 * audit.MaxLimit

// Query returns a page of entries, the latest first. Errors wrap audit.ErrInvalidQuery when the query is at fault.
func (l *Log) Query(ctx context.Context, q audit.Query) (audit.Page, error) {
	if err := q.Check(); err != nil {
		return audit.Page{}, err
	}
	if q.Limit == 0 {
		q.Limit = audit.DefaultLimit
	}
	r, err := rangeOf(q)
	if err != nil {
		return audit.Page{}, err
	}
	var page audit.Page
	scanned := 0
	var last []byte // time and number of the last entry
	for e, err := range l.store.Scan(r) {
		if err == nil {
			err = context.Cause(ctx)
		}
		if err != nil {
			return audit.Page{}, fmt.Errorf("reading the audit log: %w", err)
		}
		if len(page.Entries) == q.Limit || scanned == maxScanned {
			page.Next = base64.RawURLEncoding.EncodeToString(last)
			break
		}
		scanned++
		last = bytes.Clone(e.Key[len(e.Key)-place:])
		value := e.Value
		if q.Subject != "" {
			if value, err = l.store.Get(append([]byte{store.PrefixAudit}, last...)); err != nil {
				continue // it expired meanwhile
			}
		}
		var entry audit.Entry
		if err := json.Unmarshal(value, &entry); err != nil {
			return audit.Page{}, fmt.Errorf("reading the audit log: %w", err)
		}
		if q.Matches(entry) {
			page.Entries = append(page.Entries, entry)
		}
	}
	return page, nil
}

// place is the length of what says where an entry is: its time and its number.
const place = 16

func rangeOf(q audit.Query) (store.Range, error) {
	base := func() store.Key {
		if q.Subject != "" {
			return store.NewKey(store.PrefixAuditSubject).String(q.Subject)
		}
		return store.NewKey(store.PrefixAudit)
	}
	r := base().Range()
	r.Reverse = true
	if !q.Since.IsZero() {
		r.Low = base().Time(q.Since)
	}
	if !q.Until.IsZero() {
		r.High = base().Time(q.Until).End()
	}
	if q.After != "" {
		after, err := base64.RawURLEncoding.DecodeString(q.After)
		if err != nil || len(after) != place {
			return r, fmt.Errorf("%w: %q is not a page token; use the one of the page before, or none", audit.ErrInvalidQuery, q.After)
		}
		if high := append(base(), after...); bytes.Compare(high, r.High) < 0 {
			r.High = high
		}
	}
	return r, nil
}

// expireStep bounds the entries that one transaction removes.
const expireStep = 500

// Expire removes the entries from before a time, and returns how many. It can be stopped between two transactions.
func (l *Log) Expire(ctx context.Context, before time.Time) (int, error) {
	removed := 0
	for {
		tx, n := l.store.Begin(), 0
		for e, err := range l.store.Scan(store.Range{Low: store.NewKey(store.PrefixAudit), High: store.NewKey(store.PrefixAudit).Time(before)}) {
			if err != nil {
				return removed, fmt.Errorf("expiring the audit log: %w", err)
			}
			var entry audit.Entry
			if err := json.Unmarshal(e.Value, &entry); err != nil {
				return removed, fmt.Errorf("expiring the audit log: %w", err)
			}
			tx.Delete(e.Key)
			tx.Delete(append(store.NewKey(store.PrefixAuditSubject).String(entry.Subject), e.Key[1:]...))
			if n++; n == expireStep {
				break
			}
		}
		if n == 0 {
			return removed, nil
		}
		if err := tx.Commit(ctx); err != nil {
			return removed, fmt.Errorf("expiring the audit log: %w", err)
		}
		removed += n
	}
}
