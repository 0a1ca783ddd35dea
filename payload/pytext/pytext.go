// Package pytext writes values as Python does.
//
// Cirrus hashes, stores and sends texts that Python made: the text of a list, of a number, of a JSON document. Whoever
// shares a state database or a topic with it has to write the same bytes.
package pytext

import (
	"math"
	"math/big"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/tidwall/gjson"
)

// List gives what str gives in Python for a list of strings.
func List(items []string) string {
	dst := []byte{'['}
	for i, s := range items {
		if i > 0 {
			dst = append(dst, ", "...)
		}
		dst = appendQuoted(dst, s)
	}
	return string(append(dst, ']'))
}

// Str gives what str(json.loads(raw)) gives in Python: a string as it is, anything else as Python would write it in a
// program. The raw text has to be one valid JSON value.
func Str(raw []byte) string {
	v := gjson.ParseBytes(raw)
	if v.Type == gjson.String {
		return v.Str
	}
	return string(appendRepr(nil, v))
}

func appendRepr(dst []byte, v gjson.Result) []byte {
	switch {
	case v.Type == gjson.Null:
		return append(dst, "None"...)
	case v.Type == gjson.True:
		return append(dst, "True"...)
	case v.Type == gjson.False:
		return append(dst, "False"...)
	case v.Type == gjson.String:
		return appendQuoted(dst, v.Str)
	case v.Type == gjson.Number:
		return append(dst, Number(v.Raw)...)
	case v.IsArray():
		dst = append(dst, '[')
		sep := ""
		v.ForEach(func(_, e gjson.Result) bool {
			dst = append(dst, sep...)
			dst = appendRepr(dst, e)
			sep = ", "
			return true
		})
		return append(dst, ']')
	}
	return appendDict(dst, v)
}

// appendDict writes an object. A repeated name stands where it came first, with the value that came last.
func appendDict(dst []byte, object gjson.Result) []byte {
	var names []string
	values := map[string]gjson.Result{}
	object.ForEach(func(name, value gjson.Result) bool {
		if _, repeated := values[name.Str]; !repeated {
			names = append(names, name.Str)
		}
		values[name.Str] = value
		return true
	})
	dst = append(dst, '{')
	for i, name := range names {
		if i > 0 {
			dst = append(dst, ", "...)
		}
		dst = appendQuoted(dst, name)
		dst = append(dst, ": "...)
		dst = appendRepr(dst, values[name])
	}
	return append(dst, '}')
}

// Number gives the text that Python gives a JSON number: integers in full, others as the shortest decimal that reads
// back as the same float, `inf` beyond the range of floats.
func Number(text string) string {
	if IsInteger(text) {
		if text == "-0" {
			return "0"
		}
		return text
	}
	f, _ := strconv.ParseFloat(text, 64) // beyond the range it gives ±Inf, and so does Python
	return formatFloat(f)
}

// MaxDigits is how many digits an integer may have; Python refuses to read a longer one. Here it counts as a float.
const MaxDigits = 4300

// IsInteger says whether Python reads a JSON number as an int: it has neither fraction nor exponent.
func IsInteger(number string) bool {
	return number != "" && len(number) <= MaxDigits && !strings.ContainsAny(number, ".eE")
}

func formatFloat(f float64) string {
	switch {
	case math.IsInf(f, 1):
		return "inf"
	case math.IsInf(f, -1):
		return "-inf"
	}
	if a := math.Abs(f); a != 0 && (a < 1e-4 || a >= 1e16) {
		return strconv.FormatFloat(f, 'e', -1, 64)
	}
	s := strconv.FormatFloat(f, 'f', -1, 64)
	if !strings.Contains(s, ".") {
		s += ".0"
	}
	return s
}

// CompareNumbers orders two JSON numbers by value, as -1, 0 or 1: integers exactly whatever their size, others as floats.
func CompareNumbers(a, b string) int {
	if IsInteger(a) && IsInteger(b) {
		return compareIntegers(a, b)
	}
	x, _ := strconv.ParseFloat(a, 64) // beyond the range it gives ±Inf, which orders as it should
	y, _ := strconv.ParseFloat(b, 64)
	switch {
	case x < y:
		return -1
	case x > y:
		return 1
	}
	return 0
}

func compareIntegers(a, b string) int {
	x, errX := strconv.ParseInt(a, 10, 64)
	y, errY := strconv.ParseInt(b, 10, 64)
	switch {
	case errX != nil || errY != nil:
		bigX, _ := new(big.Int).SetString(a, 10)
		bigY, _ := new(big.Int).SetString(b, 10)
		return bigX.Cmp(bigY)
	case x < y:
		return -1
	case x > y:
		return 1
	}
	return 0
}

// appendQuoted writes a string in the quotes that Python chooses: single ones, unless only single ones are inside.
func appendQuoted(dst []byte, s string) []byte {
	quote := '\''
	if strings.Contains(s, "'") && !strings.Contains(s, `"`) {
		quote = '"'
	}
	dst = append(dst, byte(quote))
	for _, r := range s {
		switch {
		case r == quote || r == '\\':
			dst = append(dst, '\\', byte(r))
		case r == '\n':
			dst = append(dst, `\n`...)
		case r == '\r':
			dst = append(dst, `\r`...)
		case r == '\t':
			dst = append(dst, `\t`...)
		case unicode.IsPrint(r):
			dst = utf8.AppendRune(dst, r)
		case r < 0x100:
			dst = appendHex(append(dst, `\x`...), r, 2)
		case r < 0x10000:
			dst = appendHex(append(dst, `\u`...), r, 4)
		default:
			dst = appendHex(append(dst, `\U`...), r, 8)
		}
	}
	return append(dst, byte(quote))
}

func appendHex(dst []byte, v rune, digits int) []byte {
	const hex = "0123456789abcdef"
	for i := digits - 1; i >= 0; i-- {
		dst = append(dst, hex[v>>(4*i)&0xf])
	}
	return dst
}
