// Package access says who may do what: roles, tokens and the actor of a request. It keeps and checks nothing.
//
// # Promises
//
//   - Roles are ordered: whoever has one may do what the lower ones may.
//   - The text of a token is shown once, when it is made. What is kept of it is a SHA-256, from which it cannot be found again: it has 256
//     random bits.
//   - Every request has an actor, whose name is nothing secret.
package access

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"
)

// Role is what its holder may do.
type Role uint8

// The roles, each with everything that the ones before it may do.
const (
	None       Role = iota // nothing
	Read                   // look at everything: records, payloads, histories, logs, queues, metrics
	Operate                // submit payloads, start and stop executions, call functions, send messages, handle dead letters, delete and reconcile records
	Administer             // make and revoke tokens, import and migrate records, back up
)

// Roles are those that a token can have, the lowest first.
func Roles() []Role { return []Role{Read, Operate, Administer} }

// String is the name of a role as it stands in commands and answers.
func (r Role) String() string {
	switch r {
	case Read:
		return "read"
	case Operate:
		return "operate"
	case Administer:
		return "administer"
	default:
		return "none"
	}
}

// ErrInvalid is wrapped by errors about names and roles that cannot be.
var ErrInvalid = errors.New("invalid")

// ParseRole reads the name of a role.
func ParseRole(text string) (Role, error) {
	for _, r := range Roles() {
		if r.String() == text {
			return r, nil
		}
	}
	return None, fmt.Errorf("%w role %q: it is read, operate or administer", ErrInvalid, text)
}

// Token describes a token. Its text is not part of it.
type Token struct {
	Name    string
	Role    Role
	Created time.Time
	Expires time.Time // from then on it is refused; zero: never
	Creator string    // the actor that made it
}

// Expired reports whether a token is refused at a time because it is too old.
func (t Token) Expired(at time.Time) bool { return !t.Expires.IsZero() && !at.Before(t.Expires) }

// Names of actors that come without a token of the store.
const (
	ActorServer = "server-token" // shows the token that the server was started with
	ActorLocal  = "local"        // shows none, which on loopback may be allowed
	ActorSystem = "system"       // no request: the platform itself
)

var namePattern = regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,63}$`)

// CheckName returns an error for what cannot be the name of a token: it has 1 to 64 letters, digits, dots, hyphens or underscores, begins
// with a letter or digit, and is none of the actors' own.
func CheckName(name string) error {
	switch {
	case !namePattern.MatchString(name):
		return fmt.Errorf("%w name %q: a token's name has 1 to 64 letters, digits, dots, hyphens or underscores", ErrInvalid, name)
	case strings.EqualFold(name, ActorServer), strings.EqualFold(name, ActorLocal), strings.EqualFold(name, ActorSystem):
		return fmt.Errorf("%w name %q: it stands for something else", ErrInvalid, name)
	}
	return nil
}

type actorKey struct{}

// WithActor returns a context in which Actor is name.
func WithActor(ctx context.Context, name string) context.Context {
	return context.WithValue(ctx, actorKey{}, name)
}

// Actor is the name of who asked for what is done under ctx: that of a token, or one of the actors' names above.
func Actor(ctx context.Context) string {
	if name, ok := ctx.Value(actorKey{}).(string); ok {
		return name
	}
	return ActorSystem
}
