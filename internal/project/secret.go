package project

import (
	"log/slog"
	"maps"
	"slices"
)

const redacted = "•••"

// Secret is a value that must not show up in a log, an answer or a page. It formats, marshals and logs as dots; only Reveal
// gives it away.
type Secret string

// String returns dots.
func (s Secret) String() string { return redacted }

// GoString returns dots.
func (s Secret) GoString() string { return redacted }

// MarshalText returns dots.
func (s Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// LogValue returns dots.
func (s Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// Reveal returns the value.
func (s Secret) Reveal() string { return string(s) }

// Env is the environment that a project gives to a process, in addition to the little that every process gets. Each value is
// treated as a secret, wherever it comes from.
type Env map[string]Secret

// Reveal returns the environment as "NAME=value", sorted by name.
func (e Env) Reveal() []string {
	list := make([]string, 0, len(e))
	for _, name := range slices.Sorted(maps.Keys(e)) {
		list = append(list, name+"="+e[name].Reveal())
	}
	return list
}

// Secrets are values by name, each treated as a secret.
type Secrets map[string]Secret

// Values returns a copy that gives them away.
func (s Secrets) Values() map[string]string {
	values := make(map[string]string, len(s))
	for name, value := range s {
		values[name] = value.Reveal()
	}
	return values
}
