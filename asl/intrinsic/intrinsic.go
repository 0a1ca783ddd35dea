// Package intrinsic is the intrinsic functions of the Amazon States Language: States.Format, States.MathAdd and the others.
//
// It owns their syntax and their results. A call is parsed once and evaluated with an [Env] that gives it the values of its paths and
// its randomness, so that a call without chance has the same result every time. Calls are immutable and safe for concurrent use.
//
// What the functions take and give is in the AWS Step Functions Developer Guide, "Intrinsic functions for JSONPath states"; the syntax is
// in the States Language specification, "Intrinsic Functions".
package intrinsic

import (
	"fmt"

	"sundog/jsonpath"
)

// Bounds on a call.
const (
	// MaxLength is the longest expression accepted, in bytes.
	MaxLength = 128 << 10
	// MaxCalls is the number of function calls that one expression may hold.
	MaxCalls = 10
	// MaxText is the longest text that a function takes to encode or to hash, in characters.
	MaxText = 10_000
	// MaxRange is the largest number of items that States.ArrayRange makes.
	MaxRange = 1000
	// MaxResult is the longest text that a function makes, in bytes.
	MaxResult = 16 << 20
)

// An Env is what an evaluation needs from outside.
type Env interface {
	// Path returns the value of a path. The error says why there is none.
	Path(arg *PathArg) (any, error)
	// Random returns 64 random bits.
	Random() uint64
	// UUID returns a random UUID, version 4, in its text form.
	UUID() string
}

// A PathArg is a path that stands as an argument.
type PathArg struct {
	Text     string        // as written: $.a, $$.Execution.Id, $name[0]
	Root     jsonpath.Root // what the path goes into
	Variable string        // its name, when Root is jsonpath.Variable
	Path     *jsonpath.Path
}

// A Call is a parsed call of a function. Parse makes one.
type Call struct {
	text     string // of the whole expression
	name     string
	function *function
	args     []argument
}

// An argument is one of a literal, a path and a call.
type argument struct {
	literal any
	path    *PathArg
	call    *Call
}

// An Error is the failure of an evaluation.
type Error struct {
	Call  string // the whole expression, as written
	Cause error

	ofPath bool
}

// Error is the text that AWS writes into the cause of the failed state.
func (e *Error) Error() string {
	return fmt.Sprintf("The function '%s' had the following error: %v", e.Call, e.Cause)
}

func (e *Error) Unwrap() error { return e.Cause }

// Name is the error name of the States Language: States.Runtime when a path has no value, as AWS has it, and else
// States.IntrinsicFailure.
func (e *Error) Name() string {
	if e.ofPath {
		return "States.Runtime"
	}
	return "States.IntrinsicFailure"
}

// Eval returns the result of the call. The error is an *Error, whose Cause is the error of Env.Path when a path has no value.
func (c *Call) Eval(env Env) (any, error) {
	v, err := c.eval(env)
	if err != nil {
		err.Call = c.text
		return nil, err
	}
	return v, nil
}

func (c *Call) eval(env Env) (any, *Error) {
	args := make([]any, len(c.args))
	for i, a := range c.args {
		switch {
		case a.path != nil:
			v, err := env.Path(a.path)
			if err != nil {
				return nil, &Error{Cause: err, ofPath: true}
			}
			args[i] = v
		case a.call != nil:
			v, err := a.call.eval(env)
			if err != nil {
				return nil, err
			}
			args[i] = v
		default:
			args[i] = a.literal
		}
		if err := c.function.check(i, args[i]); err != nil {
			return nil, &Error{Cause: fmt.Errorf("%s: %w", c.name, err)}
		}
	}
	v, err := c.function.apply(env, args)
	if err != nil {
		return nil, &Error{Cause: fmt.Errorf("%s: %w", c.name, err)}
	}
	return v, nil
}

// Paths calls yield for every path in the call and the calls within it, in the order of the text.
func (c *Call) Paths(yield func(*PathArg) bool) {
	c.paths(yield)
}

func (c *Call) paths(yield func(*PathArg) bool) bool {
	for _, a := range c.args {
		if a.path != nil && !yield(a.path) || a.call != nil && !a.call.paths(yield) {
			return false
		}
	}
	return true
}

// Name returns the name of the function, with States. before it.
func (c *Call) Name() string { return c.name }

// ResultKind returns the type that every result of the function has: "string", "number", "array", "object" or "boolean"; "" when it
// depends on the arguments.
func (c *Call) ResultKind() string { return c.function.result }

// String returns the expression as it was written.
func (c *Call) String() string { return c.text }
