package table

// OrderedBytes returns bytes that sort as the values of one type do: numbers by value, texts and bytes by their bytes. It is defined for S,
// N and B, and no other value of the type has the same.
func (v Value) OrderedBytes() string {
	if v.Type == N {
		return string(parsedDecimal(v.Text).ordered())
	}
	return v.Text
}

// First bytes of ordered numbers.
const (
	orderedNegative = 1
	orderedZero     = 2
	orderedPositive = 3
)

// ordered is a byte for the sign, one for the exponent, and a byte for two digits each, with an end; of negative numbers all but the
// first are inverted, since the larger is the smaller.
func (d decimal) ordered() []byte {
	if d.digits == "" {
		return []byte{orderedZero}
	}
	out := make([]byte, 0, 3+(len(d.digits)+1)/2)
	out = append(out, orderedPositive, byte(d.exponent-minExponent))
	for i := 0; i < len(d.digits); i += 2 {
		pair := (d.digits[i] - '0') * 10
		if i+1 < len(d.digits) {
			pair += d.digits[i+1] - '0'
		}
		out = append(out, pair+1)
	}
	out = append(out, 0)
	if d.negative {
		out[0] = orderedNegative
		for i := 1; i < len(out); i++ {
			out[i] = ^out[i]
		}
	}
	return out
}
