package intrinsic

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
)

// whole returns a number that is rounded to the nearest whole one, halves upwards, as Java does.
func whole(v any) (int64, error) {
	n := v.(json.Number)
	if i, err := n.Int64(); err == nil {
		return i, nil
	}
	f, err := n.Float64()
	if f = math.Floor(f + 0.5); err != nil || math.Abs(f) >= 1<<63 {
		return 0, fmt.Errorf("the number %.40s is out of range", n)
	}
	return int64(f), nil
}

// whole32 is whole within the range that the functions of arithmetic have.
func whole32(v any) (int64, error) {
	i, err := whole(v)
	if err != nil {
		return 0, err
	}
	if i < math.MinInt32 || i > math.MaxInt32 {
		return 0, fmt.Errorf("the number %d is not from %d to %d", i, math.MinInt32, math.MaxInt32)
	}
	return i, nil
}

func numberOf(i int64) json.Number { return json.Number(strconv.FormatInt(i, 10)) }

func mathAdd(_ Env, args []any) (any, error) {
	a, err := whole32(args[0])
	if err != nil {
		return nil, err
	}
	b, err := whole32(args[1])
	if err != nil {
		return nil, err
	}
	return numberOf(a + b), nil
}

// mathRandom includes the start and not the end. The same seed gives the same number.
func mathRandom(env Env, args []any) (any, error) {
	start, err := whole32(args[0])
	if err != nil {
		return nil, err
	}
	end, err := whole32(args[1])
	if err != nil {
		return nil, err
	}
	if start >= end {
		return nil, fmt.Errorf("the start %d must be less than the end %d", start, end)
	}
	var source rand.Source = envSource{env}
	if len(args) == 3 {
		seed, err := whole(args[2])
		if err != nil {
			return nil, err
		}
		source = rand.NewPCG(uint64(seed), 0)
	}
	return numberOf(start + rand.New(source).Int64N(end-start)), nil
}

type envSource struct{ env Env }

func (s envSource) Uint64() uint64 { return s.env.Random() }
