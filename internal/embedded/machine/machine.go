// Package machine is the registry of state machines: those of sundog.yaml and those made through AWS's API.
//
// # Promises
//
//   - What a method has returned is on disk.
//   - A definition is stored once, by the digest of its text, and stays: an execution goes on with the one it began with.
//   - Each change of what a machine runs is a revision. A version is a revision that was given a number; numbers of a machine only grow,
//     whatever versions are deleted, and a revision has at most one version.
//   - A workflow of sundog.yaml belongs to the project: it cannot be changed or deleted here. It takes the name when it is in use.
//   - Machines are in memory, without their definitions, which is why their number is bounded; versions and aliases are read when they are
//     asked for, and parsed definitions are a bounded cache.
package machine

import (
	"encoding/json"
	"errors"
	"strings"
	"time"
)

// Service quotas (Developer Guide, "Step Functions service quotas").
const (
	MaxMachines   = 10_000
	MaxVersions   = 1000 // of a machine
	MaxAliases    = 100  // of a machine
	MaxTags       = 50   // of a machine
	MaxDefinition = 1 << 20
)

// Errors of the registry. They are wrapped with what was asked of what.
var (
	// ErrNotFound: no such machine.
	ErrNotFound = errors.New("state machine does not exist")
	// ErrNoVersion: the machine has no version of this number.
	ErrNoVersion = errors.New("state machine version does not exist")
	// ErrNoAlias: the machine has no alias of this name.
	ErrNoAlias = errors.New("state machine alias does not exist")
	// ErrInvalidARN: not the ARN of a state machine, version or alias.
	ErrInvalidARN = errors.New("not an ARN of a state machine")
	// ErrExists: the name is taken by a machine, or an alias, that is not the same.
	ErrExists = errors.New("already exists with other properties")
	// ErrDeleting: the machine is being deleted.
	ErrDeleting = errors.New("state machine is being deleted")
	// ErrOwned: the machine is a workflow of sundog.yaml, which alone can change it.
	ErrOwned = errors.New("the workflow belongs to sundog.yaml")
	// ErrRevision: the current revision is not the one that was expected.
	ErrRevision = errors.New("the state machine has another revision")
	// ErrTooMany: a quota would be exceeded.
	ErrTooMany = errors.New("quota exceeded")
	// ErrTooManyTags: a machine would have more than MaxTags.
	ErrTooManyTags = errors.New("too many tags")
)

// ReferencedError is the refusal to delete a version to which aliases lead.
type ReferencedError struct{ Aliases []string }

func (e *ReferencedError) Error() string {
	return "aliases lead to the version: " + strings.Join(e.Aliases, ", ")
}

// Types of machines.
const (
	Standard = "STANDARD"
	Express  = "EXPRESS"
)

// Owner is who may change a machine.
type Owner string

// Owners.
const (
	Project Owner = "project" // sundog.yaml
	API     Owner = "api"     // whoever calls the API
)

// Status is AWS's status of a machine.
type Status string

// Statuses. A machine that is being deleted starts nothing.
const (
	Active   Status = "ACTIVE"
	Deleting Status = "DELETING"
)

// Config is what a machine has beside its definition. The JSON objects are those of the API, or nil; nothing here acts on them.
type Config struct {
	RoleARN    string          `json:"role,omitempty"`
	Logging    json.RawMessage `json:"logging,omitempty"`
	Tracing    json.RawMessage `json:"tracing,omitempty"`
	Encryption json.RawMessage `json:"encryption,omitempty"`
}

// Revision is what a machine runs from one change to the next.
type Revision struct {
	ID         string    `json:"id,omitempty"` // a UUID; empty for the one it was created with
	Definition string    `json:"definition"`   // digest
	Since      time.Time `json:"since"`
	Config
}

// Machine is a state machine. Values are copies; what they refer to is not to be changed.
type Machine struct {
	Name        string    `json:"name"` // without the prefix that AWS's name has
	ARN         string    `json:"-"`
	Type        string    `json:"type"` // Standard or Express
	Owner       Owner     `json:"owner"`
	Status      Status    `json:"status"`
	Created     time.Time `json:"created"`
	Revision    Revision  `json:"revision"` // the current one
	Tags        []Tag     `json:"tags,omitempty"`
	LastVersion int64     `json:"last_version,omitempty"` // the highest number that a version ever had
	// Publish is the description of the version that was asked for with the machine, nil when none was.
	Publish *string `json:"publish,omitempty"`
}

// Tag is a key with a value.
type Tag struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

// Version is a revision with a number.
type Version struct {
	ARN         string    `json:"-"`
	Number      int64     `json:"number"` // from 1
	Description string    `json:"description,omitempty"`
	Created     time.Time `json:"created"`
	Revision    Revision  `json:"revision"`
}

// Alias is a name that leads to one or two versions of a machine.
type Alias struct {
	ARN         string    `json:"-"`
	Name        string    `json:"name"`
	Description string    `json:"description,omitempty"`
	Routes      []Route   `json:"routes"`
	Created     time.Time `json:"created"`
	Updated     time.Time `json:"updated"`
}

// Route is a share of the executions that an alias starts: weights of an alias add up to 100.
type Route struct {
	Version int64 `json:"version"`
	Weight  int   `json:"weight"`
}
