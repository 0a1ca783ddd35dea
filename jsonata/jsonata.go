// Package jsonata is JSONata as AWS Step Functions has it.
//
// It owns the bounds on what an expression may cost, the functions that Step Functions adds ($partition, $range, $hash, $random with a seed,
// $uuid, $parse) and the one that it takes away ($eval), and the way values go in and out. The language itself is github.com/recolabs/gnata.
// The functions are described in the Step Functions Developer Guide, "Transforming data with JSONata in Step Functions".
//
// Time and chance come from outside, so that the same expression with the same input gives the same result. Expressions are immutable and
// safe for concurrent use.
package jsonata

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"time"

	"github.com/recolabs/gnata"
)

// Bounds on an expression, and those on its evaluation when Options says nothing else.
const (
	// MaxLength is the longest expression accepted, in bytes. Compiling takes up to half a second at that length.
	MaxLength = 20_000
	// MaxNesting is the number of parentheses, brackets and braces that may be open at one place.
	MaxNesting = 500
	// DefaultMaxSteps is the number of steps that an evaluation may take: nodes of the expression and calls of functions.
	DefaultMaxSteps = 5_000_000
	// DefaultMaxOutput is the longest result, in bytes of JSON text.
	DefaultMaxOutput = 64 << 20
)

// Errors of an evaluation that gave no value that JSON has.
var (
	// ErrUndefined says that the result is nothing, as that of a path that leads nowhere.
	ErrUndefined = errors.New("the JSONata expression returned nothing (undefined)")
	// ErrUnsupported says that the result is or holds a function.
	ErrUnsupported = errors.New("the JSONata expression returned an unsupported result type")
	// ErrTooCostly says that the evaluation took more steps, memory or output than it may.
	ErrTooCostly = errors.New("the JSONata expression is too costly")
)

// An Error is what JSONata has against an expression, when it is compiled or when it is evaluated.
type Error struct {
	Code    string // of JSONata, such as T1006; "" when there is none
	Message string
}

func (e *Error) Error() string {
	if e.Code == "" {
		return e.Message
	}
	return e.Code + ": " + e.Message
}

// An Expression is a compiled expression. Compile makes one.
type Expression struct {
	source    string
	compiled  *gnata.Expression
	functions bool // it names functions that are not the library's
}

// Compile reads an expression, without the {% and %} around it. The error is an *Error.
func Compile(source string) (e *Expression, err error) {
	if len(source) > MaxLength {
		return nil, &Error{Message: fmt.Sprintf("the expression has %d bytes, more than %d", len(source), MaxLength)}
	}
	if depth := nesting(source); depth > MaxNesting {
		return nil, &Error{Message: fmt.Sprintf("the expression has %d brackets open at one place, more than %d", depth, MaxNesting)}
	}
	defer func() {
		if r := recover(); r != nil {
			e, err = nil, &Error{Message: fmt.Sprintf("the expression cannot be read: %v", r)}
		}
	}()
	compiled, err := gnata.Compile(source)
	if err != nil {
		return nil, errorOf(err)
	}
	return &Expression{source, compiled, needsFunctions(source)}, nil
}

// String returns the source of the expression.
func (e *Expression) String() string { return e.source }

// Options are what an evaluation takes besides its variables.
type Options struct {
	// Data is what $ and unqualified names refer to. Step Functions has none: nil is undefined.
	Data any
	// Now is the time of $now and $millis.
	Now time.Time
	// Random returns 64 random bits, for $random, $shuffle and $uuid. Without it these fail.
	Random func() uint64
	// MaxSteps and MaxOutput bound the evaluation; 0 is the default.
	MaxSteps  int
	MaxOutput int
}

// Eval evaluates the expression with variables: bindings["states"] is $states. Values are as encoding/json makes them with UseNumber, with a
// json.RawMessage wherever a value is still text; those the expression does not name are not looked at. So is the result.
//
// The error is ErrUndefined, ErrUnsupported, ErrTooCostly, that of the context, or an *Error of JSONata.
func (e *Expression) Eval(ctx context.Context, bindings map[string]any, o Options) (any, error) {
	text, err := e.EvalText(ctx, bindings, o)
	if err != nil {
		return nil, err
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, fmt.Errorf("reading the result of a JSONata expression: %w", err)
	}
	return v, nil
}

// EvalText is Eval with the result as JSON text, in which the members of objects are in the order in which the expression made them.
func (e *Expression) EvalText(ctx context.Context, bindings map[string]any, o Options) (json.RawMessage, error) {
	variables, err := e.variables(ctx, bindings, o)
	if err != nil {
		return nil, err
	}
	data, err := valueIn(o.Data)
	if err != nil {
		return nil, fmt.Errorf("the data of a JSONata expression: %w", err)
	}
	if o.Data == nil {
		data = nil // undefined, not null
	}
	m := newMeter(ctx, o.MaxSteps)
	result, err := e.compiled.EvalWithVars(m, data, variables) //nolint:contextcheck // the meter wraps the context
	switch {
	case m.err != nil:
		if m.heavy { // otherwise what it made counts as the memory in use of the next one, which could take twice as much
			runtime.GC()
		}
		return nil, m.err
	case err != nil:
		return nil, errorOf(err)
	case result == nil:
		return nil, ErrUndefined
	}
	maxOutput := o.MaxOutput
	if maxOutput == 0 {
		maxOutput = DefaultMaxOutput
	}
	w := writer{limit: maxOutput}
	if err := w.value(result); err != nil {
		return nil, err
	}
	return w.text, nil
}

// variables returns what the names of the expression are bound to.
func (e *Expression) variables(ctx context.Context, bindings map[string]any, o Options) (map[string]any, error) {
	variables := map[string]any{"eval": nil}
	if e.functions {
		f := functions{ctx: ctx, options: o}
		f.bind(variables)
	}
	for name, v := range bindings {
		if !names(e.source, name) {
			continue
		}
		converted, err := valueIn(e.needed(name, v))
		if err != nil {
			return nil, fmt.Errorf("the variable $%s of a JSONata expression: %w", name, err)
		}
		variables[name] = converted
	}
	return variables, nil
}

// Needs says whether the value of a member of a variable can matter to the result: context in $states.context. It is false only when that
// is certain, so that whoever makes the bindings can leave out what is not needed.
func (e *Expression) Needs(variable, member string) bool {
	for rest := range occurrences(e.source, variable) {
		rest = strings.TrimLeft(rest, " \t\r\n")
		after, ok := strings.CutPrefix(rest, ".")
		if !ok {
			return true
		}
		after = strings.TrimLeft(after, " \t\r\n")
		end := 0
		for end < len(after) && isNameByte(after[end]) {
			end++
		}
		if name := after[:end]; name == "" || name == member {
			return true
		}
	}
	return false
}

// needed leaves out the members of a variable that cannot matter: $states holds the whole context object, which few expressions name.
func (e *Expression) needed(variable string, v any) any {
	object, ok := v.(map[string]any)
	if !ok {
		return v
	}
	needed := make(map[string]any, len(object))
	for name, member := range object {
		if e.Needs(variable, name) {
			needed[name] = member
		}
	}
	return needed
}

// names says whether a variable stands in a source. Nothing else can refer to one, as there is no $eval.
func names(source, variable string) bool {
	for range occurrences(source, variable) {
		return true
	}
	return false
}

// occurrences calls yield with the source behind each place where a variable stands.
func occurrences(source, variable string) func(yield func(rest string) bool) {
	return func(yield func(string) bool) {
		rest := source
		for {
			i := strings.Index(rest, "$"+variable)
			if i < 0 {
				return
			}
			rest = rest[i+1+len(variable):]
			if (rest == "" || !isNameByte(rest[0])) && !yield(rest) {
				return
			}
		}
	}
}

// isNameByte says whether a byte belongs to a name. Bytes of characters beyond ASCII do.
func isNameByte(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'z' || c >= 0x80
}

// nesting returns the largest number of brackets that are open at one place, outside of strings.
func nesting(source string) int {
	deepest, open := 0, 0
	for i := 0; i < len(source); i++ {
		switch c := source[i]; c {
		case '(', '[', '{':
			open++
			deepest = max(deepest, open)
		case ')', ']', '}':
			open--
		case '"', '\'', '`':
			for i++; i < len(source) && source[i] != c; i++ {
				if source[i] == '\\' && c != '`' {
					i++
				}
			}
		}
	}
	return deepest
}

// errorOf brings an error of the library into ours. Its type is not exported, its text begins with or holds the code.
func errorOf(err error) error {
	text := err.Error()
	code, message, ok := strings.Cut(text, ": ")
	if !ok && isCode(text) {
		code, message = text, "the expression failed"
	}
	if !isCode(code) {
		code, message = "", text
		for word := range strings.FieldsSeq(text) {
			if word = strings.TrimSuffix(word, ":"); isCode(word) {
				code = word
				break
			}
		}
	}
	if code == "T1006" {
		message = "Attempted to invoke a non-function" // the words of AWS
	}
	return &Error{Code: code, Message: message}
}

// isCode says whether a word is a code of JSONata: a letter and four digits.
func isCode(word string) bool {
	if len(word) != 5 || !strings.ContainsRune("STDU", rune(word[0])) {
		return false
	}
	return strings.Trim(word[1:], "0123456789") == ""
}
