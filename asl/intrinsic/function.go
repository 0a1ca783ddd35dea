package intrinsic

import (
	"encoding/json"
	"fmt"
)

// A function says what an intrinsic function takes and does.
type function struct {
	least, most int    // number of arguments
	kinds       []kind // of the arguments; the last is that of all that follow
	result      string // kind of the result, "" if it depends
	template    bool   // the first argument is a template of States.Format
	apply       func(env Env, args []any) (any, error)
}

// A kind is a type that an argument must have.
type kind string

const (
	anything kind = "value"
	text     kind = "string"
	number   kind = "number"
	array    kind = "array"
	object   kind = "object"
	boolean  kind = "boolean"
)

// noLimit is as many arguments as fit into a definition.
const noLimit = 1 << 20

// functionOf returns the function of a name, without States., or nil.
func functionOf(name string) *function {
	switch name {
	case "Array":
		return &function{0, noLimit, []kind{anything}, "array", false, makeArray}
	case "ArrayPartition":
		return &function{2, 2, []kind{array, number}, "array", false, arrayPartition}
	case "ArrayContains":
		return &function{2, 2, []kind{array, anything}, "boolean", false, arrayContains}
	case "ArrayRange":
		return &function{3, 3, []kind{number}, "array", false, arrayRange}
	case "ArrayGetItem":
		return &function{2, 2, []kind{array, number}, "", false, arrayGetItem}
	case "ArrayLength":
		return &function{1, 1, []kind{array}, "number", false, arrayLength}
	case "ArrayUnique":
		return &function{1, 1, []kind{array}, "array", false, arrayUnique}
	case "Base64Encode":
		return &function{1, 1, []kind{text}, "string", false, base64Encode}
	case "Base64Decode":
		return &function{1, 1, []kind{text}, "string", false, base64Decode}
	case "Hash":
		return &function{2, 2, []kind{anything, text}, "string", false, hash}
	case "JsonMerge":
		return &function{3, 3, []kind{object, object, boolean}, "object", false, jsonMerge}
	case "StringToJson":
		return &function{1, 1, []kind{text}, "", false, stringToJSON}
	case "JsonToString":
		return &function{1, 1, []kind{anything}, "string", false, jsonToString}
	case "MathRandom":
		return &function{2, 3, []kind{number}, "number", false, mathRandom}
	case "MathAdd":
		return &function{2, 2, []kind{number}, "number", false, mathAdd}
	case "StringSplit":
		return &function{2, 2, []kind{text}, "array", false, stringSplit}
	case "UUID":
		return &function{0, 0, nil, "string", false, uuid}
	case "Format":
		return &function{1, noLimit, []kind{text, anything}, "string", true, format}
	}
	return nil
}

// checkCount says how many arguments there should be, or "" when n is right.
func (f *function) checkCount(n int) string {
	switch {
	case n >= f.least && n <= f.most:
		return ""
	case f.least == f.most:
		return fmt.Sprintf("takes %d arguments", f.least)
	case f.most == noLimit:
		return fmt.Sprintf("takes at least %d arguments", f.least)
	}
	return fmt.Sprintf("takes %d to %d arguments", f.least, f.most)
}

// check says what is wrong with the type of argument i.
func (f *function) check(i int, v any) error {
	if len(f.kinds) == 0 {
		return nil // there are too many, which checkCount says
	}
	want := f.kinds[min(i, len(f.kinds)-1)]
	if got := kindOf(v); want != anything && got != want {
		return fmt.Errorf("argument %d must be of type %s but is of type %s", i+1, want, got)
	}
	return nil
}

func kindOf(v any) kind {
	switch v.(type) {
	case string:
		return text
	case json.Number:
		return number
	case []any:
		return array
	case map[string]any:
		return object
	case bool:
		return boolean
	}
	return "null"
}
