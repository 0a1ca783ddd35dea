// Package access keeps the tokens of a platform in its store.
//
// # Promises
//
//   - A token that was made is on disk when its text is returned, and one that was revoked is refused from then on, also after a crash.
//   - The store holds no token's text, only a digest.
//   - A check costs one look-up in memory; comparing takes the same time wherever two texts differ.
package access

import (
	"cmp"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"sundog/internal/access"
	"sundog/internal/embedded/store"
)

// MaxTokens bounds the tokens of a platform: they are all in memory.
const MaxTokens = 1000

// Errors of the tokens. They are wrapped with what was asked.
var (
	// ErrExists: there is a token of that name.
	ErrExists = errors.New("there is a token of this name")
	// ErrNotFound: there is no token of that name.
	ErrNotFound = errors.New("there is no such token")
	// ErrTooMany: there are MaxTokens.
	ErrTooMany = fmt.Errorf("there are %d tokens already", MaxTokens)
	// ErrUnknown: the text is that of no token, or of one that was revoked.
	ErrUnknown = errors.New("this token is not known")
	// ErrExpired: the token was good once.
	ErrExpired = errors.New("this token has expired")
)

// Tokens are the tokens of one platform. They are safe for concurrent use.
type Tokens struct {
	store *store.Store
	now   func() time.Time
	note  Note

	writing sync.Mutex // held from the look at what there is to the commit

	mu   sync.RWMutex
	byID map[string]stored
}

// stored is a token as it lies in the store.
type stored struct {
	access.Token
	id     string
	digest access.Digest
}

// document is the value of a token's key.
type document struct {
	ID      string    `json:"id"`
	Digest  string    `json:"sha256"` // hexadecimal
	Role    string    `json:"role"`
	Created time.Time `json:"created"`
	Expires time.Time `json:"expires,omitzero"`
	Creator string    `json:"creator,omitempty"`
}

func key(name string) store.Key { return store.NewKey(store.PrefixToken).String(name) }

// A Note adds to the transaction in which a token is made or revoked, at the wish of whom ctx names: what was done, for the audit log. It must not
// commit it.
type Note func(ctx context.Context, tx *store.Tx, token, done string) error

// Open reads the tokens of a store. The note may be nil.
func Open(st *store.Store, now func() time.Time, note Note) (*Tokens, error) {
	if note == nil {
		note = func(context.Context, *store.Tx, string, string) error { return nil }
	}
	t := &Tokens{store: st, now: now, note: note, byID: map[string]stored{}}
	for entry, err := range st.Scan(store.NewKey(store.PrefixToken).Range()) {
		if err != nil {
			return nil, fmt.Errorf("reading the tokens: %w", err)
		}
		found, err := decode(entry)
		if err != nil {
			return nil, fmt.Errorf("reading the tokens: %w", err)
		}
		t.byID[found.id] = found
	}
	return t, nil
}

func decode(entry store.Entry) (stored, error) {
	fields := store.Split(entry.Key)
	s := stored{Token: access.Token{Name: fields.String()}}
	if err := fields.Err(); err != nil {
		return s, err
	}
	var d document
	if err := json.Unmarshal(entry.Value, &d); err != nil {
		return s, fmt.Errorf("token %s: %w", s.Name, err)
	}
	role, err := access.ParseRole(d.Role)
	if err != nil {
		return s, fmt.Errorf("token %s: %w", s.Name, err)
	}
	if n, err := hex.Decode(s.digest[:], []byte(d.Digest)); err != nil || n != len(s.digest) {
		return s, fmt.Errorf("token %s: its digest cannot be read", s.Name)
	}
	s.id, s.Role, s.Created, s.Expires, s.Creator = d.ID, role, d.Created, d.Expires, d.Creator
	return s, nil
}

func (s *stored) encode() ([]byte, error) {
	return json.Marshal(document{
		ID: s.id, Digest: hex.EncodeToString(s.digest[:]), Role: s.Role.String(), Created: s.Created, Expires: s.Expires, Creator: s.Creator,
	})
}

// Create makes a token with a name and a role that is good until it expires (zero: for ever), and returns its text, which nobody can ask
// for again. It returns an error that wraps access.ErrInvalid, ErrExists or ErrTooMany.
func (t *Tokens) Create(ctx context.Context, name string, role access.Role, expires time.Time) (access.Secret, access.Token, error) {
	secret := access.NewSecret()
	now := t.now().UTC()
	s := stored{
		Token: access.Token{Name: name, Role: role, Created: now, Expires: expires.UTC(), Creator: access.Actor(ctx)},
		id:    secret.ID(), digest: secret.Digest(),
	}
	if err := access.CheckName(name); err != nil {
		return access.Secret{}, s.Token, err
	}
	if _, err := access.ParseRole(role.String()); err != nil {
		return access.Secret{}, s.Token, err
	}
	if s.Expired(now) {
		return access.Secret{}, s.Token, fmt.Errorf("%w expiry of token %s: %s has passed", access.ErrInvalid, name, expires.Format(time.RFC3339))
	}
	t.writing.Lock()
	defer t.writing.Unlock()
	if err := t.room(name); err != nil {
		return access.Secret{}, s.Token, fmt.Errorf("making token %s: %w", name, err)
	}
	value, err := s.encode()
	if err != nil {
		return access.Secret{}, s.Token, fmt.Errorf("making token %s: %w", name, err)
	}
	tx := t.store.Begin()
	tx.Set(key(name), value)
	tx.OnCommit(func() { t.put(s) })
	if err := t.note(ctx, tx, name, made(&s.Token)); err != nil {
		return access.Secret{}, s.Token, fmt.Errorf("making token %s: %w", name, err)
	}
	if err := tx.Commit(context.WithoutCancel(ctx)); err != nil { // its outcome has to be known
		return access.Secret{}, s.Token, fmt.Errorf("making token %s: %w", name, err)
	}
	return secret, s.Token, nil
}

// made says what a token is good for.
func made(t *access.Token) string {
	text := "made with the role " + t.Role.String()
	if !t.Expires.IsZero() {
		text += ", until " + t.Expires.Format(time.RFC3339)
	}
	return text
}

// room returns why a token of a name cannot be made.
func (t *Tokens) room(name string) error {
	t.mu.RLock()
	defer t.mu.RUnlock()
	for _, other := range t.byID {
		if other.Name == name {
			return ErrExists
		}
	}
	if len(t.byID) >= MaxTokens {
		return ErrTooMany
	}
	return nil
}

func (t *Tokens) put(s stored) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.byID[s.id] = s
}

// Revoke takes a token away. It returns an error that wraps ErrNotFound when there is none of that name.
func (t *Tokens) Revoke(ctx context.Context, name string) error {
	t.writing.Lock()
	defer t.writing.Unlock()
	id, ok := t.find(name)
	if !ok {
		return fmt.Errorf("revoking token %q: %w", name, ErrNotFound)
	}
	tx := t.store.Begin()
	tx.Delete(key(name))
	tx.OnCommit(func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		delete(t.byID, id)
	})
	if err := t.note(ctx, tx, name, "revoked"); err != nil {
		return fmt.Errorf("revoking token %s: %w", name, err)
	}
	if err := tx.Commit(context.WithoutCancel(ctx)); err != nil { // its outcome has to be known
		return fmt.Errorf("revoking token %s: %w", name, err)
	}
	return nil
}

func (t *Tokens) find(name string) (id string, ok bool) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	for id, s := range t.byID {
		if s.Name == name {
			return id, true
		}
	}
	return "", false
}

// List returns the tokens by name, those that have expired too.
func (t *Tokens) List() []access.Token {
	t.mu.RLock()
	defer t.mu.RUnlock()
	all := make([]access.Token, 0, len(t.byID))
	for _, s := range t.byID {
		all = append(all, s.Token)
	}
	slices.SortFunc(all, func(a, b access.Token) int { return cmp.Compare(a.Name, b.Name) })
	return all
}

// Guarded reports whether there is a token of role administer, good or expired: from then on who shows none is nobody.
func (t *Tokens) Guarded() bool {
	t.mu.RLock()
	defer t.mu.RUnlock()
	for _, s := range t.byID {
		if s.Role == access.Administer {
			return true
		}
	}
	return false
}

// Check returns the token with a text, or ErrUnknown or ErrExpired.
func (t *Tokens) Check(text string) (access.Token, error) {
	secret, err := access.ParseSecret(text)
	if err != nil {
		return access.Token{}, ErrUnknown
	}
	t.mu.RLock()
	s, ok := t.byID[secret.ID()]
	t.mu.RUnlock()
	switch {
	case !ok || !s.digest.Equal(secret.Digest()):
		return access.Token{}, ErrUnknown
	case s.Expired(t.now()):
		return access.Token{}, ErrExpired
	}
	return s.Token, nil
}
