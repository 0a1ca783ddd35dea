package jsonata

import (
	"context"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/recolabs/gnata"
)

// functions are those that Step Functions adds to JSONata, and those of JSONata that depend on time or chance.
type functions struct {
	ctx     context.Context
	options Options
}

// maxRange is the number of items that $range makes at most.
const maxRange = 1_000_000

func (f functions) all() map[string]gnata.CustomFunc {
	return map[string]gnata.CustomFunc{
		"partition": f.partition,
		"range":     f.rangeOf,
		"hash":      f.hash,
		"random":    f.random,
		"shuffle":   f.shuffle,
		"uuid":      f.uuid,
		"parse":     f.parse,
		"now":       f.now,
		"millis":    f.millis,
	}
}

// needsFunctions says whether a source names one of the functions. Making them costs more than most evaluations.
func needsFunctions(source string) bool {
	for name := range (functions{}).all() {
		if names(source, name) {
			return true
		}
	}
	return false
}

// bind adds the functions to the variables of an evaluation. The library takes functions as variables only in a form that it alone makes.
func (f functions) bind(variables map[string]any) {
	all := f.all()
	env := gnata.NewCustomEnv(all)
	for name := range all {
		variables[name], _ = env.Lookup(name)
	}
}

func mismatch(function string, argument int, want string) error {
	return &Error{Code: "T0410", Message: fmt.Sprintf("Argument %d of function $%s must be %s", argument, function, want)}
}

// argument returns an argument, nil when it is not there.
func argument(args []any, i int) any {
	if i < len(args) {
		return args[i]
	}
	return nil
}

// numberArgument returns a whole number.
func numberArgument(function string, args []any, i int) (int64, error) {
	var x float64
	switch v := argument(args, i).(type) {
	case float64:
		x = v
	case json.Number:
		var err error
		if x, err = v.Float64(); err != nil {
			return 0, mismatch(function, i+1, "a number")
		}
	default:
		return 0, mismatch(function, i+1, "a number")
	}
	if x != math.Trunc(x) || math.Abs(x) > 1<<53 {
		return 0, mismatch(function, i+1, "a whole number")
	}
	return int64(x), nil
}

// partition splits an array into arrays of a size; the last may be shorter.
func (functions) partition(args []any, _ any) (any, error) {
	if argument(args, 0) == nil {
		return nil, nil
	}
	items, ok := args[0].([]any)
	if !ok {
		items = []any{args[0]} // as JSONata has it, a value is an array of one
	}
	size, err := numberArgument("partition", args, 1)
	if err != nil {
		return nil, err
	}
	if size < 1 {
		return nil, mismatch("partition", 2, "at least 1")
	}
	parts := []any{}
	for part := range slices.Chunk(items, int(min(size, int64(len(items)+1)))) {
		converted, err := valueIn(part)
		if err != nil {
			return nil, err
		}
		parts = append(parts, converted)
	}
	return parts, nil
}

// rangeOf makes the numbers from the first to the last, which is included. As with every sequence of JSONata, one number is that number
// and none is undefined.
func (functions) rangeOf(args []any, _ any) (any, error) {
	var bounds [3]int64
	for i := range bounds {
		var err error
		if bounds[i], err = numberArgument("range", args, i); err != nil {
			return nil, err
		}
	}
	first, last, step := bounds[0], bounds[1], bounds[2]
	if step == 0 {
		return nil, mismatch("range", 3, "other than 0")
	}
	var items []any
	for v := first; step > 0 && v <= last || step < 0 && v >= last; v += step {
		if len(items) == maxRange {
			return nil, &Error{Code: "D2014", Message: fmt.Sprintf("$range makes at most %d items", maxRange)}
		}
		items = append(items, float64(v))
	}
	switch len(items) {
	case 0:
		return nil, nil
	case 1:
		return items[0], nil
	}
	return items, nil
}

func (functions) hash(args []any, _ any) (any, error) {
	data, ok := argument(args, 0).(string)
	if !ok {
		return nil, mismatch("hash", 1, "a string")
	}
	switch algorithm, _ := argument(args, 1).(string); algorithm {
	case "MD5":
		sum := md5.Sum([]byte(data))
		return hex.EncodeToString(sum[:]), nil
	case "SHA-1":
		sum := sha1.Sum([]byte(data))
		return hex.EncodeToString(sum[:]), nil
	case "SHA-256":
		sum := sha256.Sum256([]byte(data))
		return hex.EncodeToString(sum[:]), nil
	case "SHA-384":
		sum := sha512.Sum384([]byte(data))
		return hex.EncodeToString(sum[:]), nil
	case "SHA-512":
		sum := sha512.Sum512([]byte(data))
		return hex.EncodeToString(sum[:]), nil
	}
	return nil, mismatch("hash", 2, "MD5, SHA-1, SHA-256, SHA-384 or SHA-512")
}

// parse reads JSON text.
func (functions) parse(args []any, _ any) (any, error) {
	if argument(args, 0) == nil {
		return nil, nil
	}
	text, ok := args[0].(string)
	if !ok {
		return nil, mismatch("parse", 1, "a string")
	}
	v, err := valueIn(json.RawMessage(text))
	if err != nil {
		return nil, &Error{Code: "D3137", Message: "$parse cannot read its argument: " + err.Error()}
	}
	return v, nil
}

// source returns the random numbers of the evaluation.
func (f functions) source() (*rand.Rand, error) {
	if f.options.Random == nil {
		return nil, errors.New("there is no source of random numbers for this expression")
	}
	return rand.New(randomFunc(f.options.Random)), nil
}

type randomFunc func() uint64

func (f randomFunc) Uint64() uint64 { return f() }

// random gives a number from 0 to below 1, the same for the same seed.
func (f functions) random(args []any, _ any) (any, error) {
	if len(args) > 0 {
		seed, err := numberArgument("random", args, 0)
		if err != nil {
			return nil, err
		}
		return rand.New(rand.NewPCG(uint64(seed), 0)).Float64(), nil
	}
	r, err := f.source()
	if err != nil {
		return nil, err
	}
	return r.Float64(), nil
}

func (f functions) shuffle(args []any, _ any) (any, error) {
	items, ok := argument(args, 0).([]any)
	if !ok || len(items) < 2 {
		return valueOrUndefined(argument(args, 0))
	}
	r, err := f.source()
	if err != nil {
		return nil, err
	}
	items = slices.Clone(items)
	r.Shuffle(len(items), func(i, j int) { items[i], items[j] = items[j], items[i] })
	return valueIn(items)
}

func valueOrUndefined(v any) (any, error) {
	if v == nil {
		return nil, nil
	}
	return valueIn(v)
}

// uuid makes a random UUID, version 4 (RFC 9562, section 5.4).
func (f functions) uuid([]any, any) (any, error) {
	r, err := f.source()
	if err != nil {
		return nil, err
	}
	var b [16]byte
	binary.BigEndian.PutUint64(b[:8], r.Uint64())
	binary.BigEndian.PutUint64(b[8:], r.Uint64())
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:]), nil
}

func (f functions) millis([]any, any) (any, error) {
	return float64(f.options.Now.UnixMilli()), nil
}

// now formats the time of the evaluation, which is left to the library.
func (f functions) now(args []any, _ any) (any, error) {
	e, err := gnata.Compile("$fromMillis($millis, $picture, $timezone)")
	if err != nil {
		return nil, err
	}
	return e.EvalWithVars(f.ctx, nil, map[string]any{
		"millis":   float64(f.options.Now.UnixMilli()),
		"picture":  argument(args, 0),
		"timezone": argument(args, 1),
	})
}
