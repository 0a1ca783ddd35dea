package machine

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// Names makes ARNs of names and back. Prefix stands before a machine's name in whatever AWS's clients see of it.
type Names struct{ Region, Account, Prefix string }

// ARN is the beginning of an ARN of a kind (stateMachine, execution, …), to be followed by the name of a machine.
func (n Names) ARN(kind string) string {
	return "arn:aws:states:" + n.Region + ":" + n.Account + ":" + kind + ":" + n.Prefix
}

// Machine is the ARN of a machine.
func (n Names) Machine(name string) string { return n.ARN("stateMachine") + name }

// Version is the ARN of a version of a machine.
func (n Names) Version(name string, number int64) string {
	return n.Machine(name) + ":" + strconv.FormatInt(number, 10)
}

// Alias is the ARN of an alias of a machine.
func (n Names) Alias(name, alias string) string { return n.Machine(name) + ":" + alias }

// Role is the role that a machine has which names none. Nothing asks for its rights.
func (n Names) Role(name string) string {
	return "arn:aws:iam::" + n.Account + ":role/" + n.Prefix + name
}

// Ref is what an ARN of a machine refers to.
type Ref struct {
	Name    string // of the machine, without prefix
	Version int64  // 0: none
	Alias   string // or empty
	Label   string // of a distributed Map state within the machine, or empty
}

// Qualified says whether the ARN was more than that of a machine.
func (r Ref) Qualified() bool { return r.Version != 0 || r.Alias != "" || r.Label != "" }

var (
	arnForm   = regexp.MustCompile(`^arn:[a-z0-9-]+:states:[a-z0-9-]*:[0-9]*:stateMachine:([^:/]+)(?:/([^:/]+))?(?::([^:/]+))?$`)
	number    = regexp.MustCompile(`^[0-9]{1,18}$`)
	aliasName = regexp.MustCompile(`^[a-zA-Z0-9_.-]{1,80}$`)
)

// Parse takes the ARN of a machine, a version or an alias apart, or takes a plain name of a machine. It returns ErrInvalidARN, or ErrNotFound
// for an ARN of another account, region or prefix.
func (n Names) Parse(nameOrARN string) (Ref, error) {
	if !strings.Contains(nameOrARN, ":") {
		return Ref{Name: nameOrARN}, nil
	}
	if rest, ok := strings.CutPrefix(nameOrARN, n.ARN("stateMachine")); ok && rest != "" && !strings.ContainsAny(rest, ":/") {
		return Ref{Name: rest}, nil // nearly always
	}
	found := arnForm.FindStringSubmatch(nameOrARN)
	if found == nil {
		return Ref{}, fmt.Errorf("%w: %s", ErrInvalidARN, nameOrARN)
	}
	name, ok := strings.CutPrefix(found[1], n.Prefix)
	if !ok || name == "" || !strings.HasPrefix(nameOrARN, n.ARN("stateMachine")) {
		return Ref{}, fmt.Errorf("%w: %s (those of this server are named %s…)", ErrNotFound, nameOrARN, n.ARN("stateMachine"))
	}
	ref := Ref{Name: name, Label: found[2]}
	switch qualifier := found[3]; {
	case qualifier == "":
	case number.MatchString(qualifier):
		ref.Version, _ = strconv.ParseInt(qualifier, 10, 64) // at most 18 digits
		if ref.Version == 0 {
			return Ref{}, fmt.Errorf("%w: %s: versions begin with 1", ErrInvalidARN, nameOrARN)
		}
	case aliasName.MatchString(qualifier):
		ref.Alias = qualifier
	default:
		return Ref{}, fmt.Errorf("%w: %s", ErrInvalidARN, nameOrARN)
	}
	return ref, nil
}
