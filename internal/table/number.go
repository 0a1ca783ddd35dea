package table

import (
	"math/big"
	"strconv"
	"strings"
)

// Bounds of numbers (Supported data types and naming rules in Amazon DynamoDB, Number).
const (
	maxDigits   = 38
	maxExponent = 125
	minExponent = -130
)

// decimal is an exact number: 0.digits scaled so that the first digit stands before the point, times ten to the exponent. Digits begin
// and end with none that is 0; there are none in zero, whose exponent is 0.
type decimal struct {
	negative bool
	digits   string
	exponent int
}

func formatInt(n int64) string { return strconv.FormatInt(n, 10) }

// parseNumber reads a number and returns its canonical text, or DynamoDB's complaint.
func parseNumber(text string) (canonical, problem string) {
	if plainInteger(text) {
		return text, ""
	}
	if text == "" {
		return "", "The parameter cannot be converted to a numeric value"
	}
	d, ok := parseDecimal(text)
	if !ok {
		return "", "The parameter cannot be converted to a numeric value: " + text
	}
	if problem := d.outOfRange(); problem != "" {
		return "", problem
	}
	return d.String(), ""
}

// plainInteger reports whether a text is the canonical one of a whole number of a few digits, as most numbers are.
func plainInteger(text string) bool {
	digits := strings.TrimPrefix(text, "-")
	if len(digits) == 0 || len(digits) > 18 || digits[0] == '0' && len(text) > 1 {
		return false
	}
	for i := range len(digits) {
		if digits[i] < '0' || digits[i] > '9' {
			return false
		}
	}
	return true
}

func (d decimal) outOfRange() string {
	switch {
	case d.exponent > maxExponent:
		return "Number overflow. Attempting to store a number with magnitude larger than supported range"
	case d.exponent < minExponent:
		return "Number underflow. Attempting to store a number with magnitude smaller than supported range"
	case len(d.digits) > maxDigits:
		return "Attempting to store more than 38 significant digits in a Number"
	}
	return ""
}

// maxExponentDigits bounds the exponent as it is written, so that it cannot overflow.
const maxExponentDigits = 9

// parseDecimal reads digits with at most one point and an optional exponent: -12.50e-3.
func parseDecimal(text string) (d decimal, ok bool) {
	rest, negative := strings.CutPrefix(text, "-")
	mantissa, exponent := rest, 0
	if i := strings.IndexAny(rest, "eE"); i >= 0 {
		sign, digits := 1, rest[i+1:]
		mantissa = rest[:i]
		if cut, minus := strings.CutPrefix(digits, "-"); minus {
			sign, digits = -1, cut
		} else {
			digits = strings.TrimPrefix(digits, "+")
		}
		if digits == "" || strings.Trim(digits, "0123456789") != "" {
			return d, false
		}
		if digits = strings.TrimLeft(digits, "0"); len(digits) > maxExponentDigits {
			digits = digits[:maxExponentDigits]
		}
		exponent, _ = strconv.Atoi(digits) // "" is 0
		exponent *= sign
	}
	whole, fraction, _ := strings.Cut(mantissa, ".")
	if whole+fraction == "" || strings.Trim(whole+fraction, "0123456789") != "" {
		return d, false
	}
	all := whole + fraction
	significant := strings.TrimLeft(all, "0")
	if significant == "" {
		return decimal{}, true
	}
	exponent += len(whole) - 1 - (len(all) - len(significant))
	return decimal{negative: negative, digits: strings.TrimRight(significant, "0"), exponent: exponent}, true
}

// parsedDecimal reads a number that was read before.
func parsedDecimal(text string) decimal {
	d, _ := parseDecimal(text)
	return d
}

// String is the canonical text: all digits, no exponent.
func (d decimal) String() string {
	if d.digits == "" {
		return "0"
	}
	sign := ""
	if d.negative {
		sign = "-"
	}
	switch point := d.exponent + 1; {
	case point <= 0:
		return sign + "0." + strings.Repeat("0", -point) + d.digits
	case point >= len(d.digits):
		return sign + d.digits + strings.Repeat("0", point-len(d.digits))
	default:
		return sign + d.digits[:point] + "." + d.digits[point:]
	}
}

// compare orders two numbers.
func (d decimal) compare(e decimal) int {
	ds, es := d.sign(), e.sign()
	switch {
	case ds != es:
		return ds - es
	case d.exponent != e.exponent:
		if (d.exponent < e.exponent) == (ds > 0) {
			return -1
		}
		return 1
	}
	return ds * strings.Compare(d.digits, e.digits)
}

func (d decimal) sign() int {
	switch {
	case d.digits == "":
		return 0
	case d.negative:
		return -1
	}
	return 1
}

// coefficient is the number times ten to the minus scale, which has to be small enough for it to be whole.
func (d decimal) coefficient(scale int) *big.Int {
	n := new(big.Int)
	if d.digits == "" {
		return n
	}
	n.SetString(d.digits+strings.Repeat("0", d.scale()-scale), 10)
	if d.negative {
		n.Neg(n)
	}
	return n
}

// scale is the power of ten of the last digit.
func (d decimal) scale() int { return d.exponent - len(d.digits) + 1 }

// sum adds two numbers, or subtracts the second; the problem is DynamoDB's when the result is no number that it can keep.
func sum(a, b string, subtract bool) (canonical, problem string) {
	x, y := parsedDecimal(a), parsedDecimal(b)
	if y.negative = y.negative != subtract; y.digits == "" {
		return a, ""
	}
	scale := min(x.scale(), y.scale())
	if x.digits == "" {
		scale = y.scale()
	}
	n := new(big.Int).Add(x.coefficient(scale), y.coefficient(scale))
	result, _ := parseDecimal(n.String())
	if result.digits != "" {
		result.exponent += scale
	}
	if problem := result.outOfRange(); problem != "" {
		return "", problem
	}
	return result.String(), ""
}

// Seconds returns a number without its fraction; false when it is negative or too large for an int64.
func (v Value) Seconds() (int64, bool) {
	whole, _, _ := strings.Cut(v.Text, ".")
	n, err := strconv.ParseInt(whole, 10, 64)
	return n, err == nil && n >= 0
}
