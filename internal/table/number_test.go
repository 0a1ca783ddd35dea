package table_test

import (
	"fmt"
	"math/big"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"sundog/internal/table"
)

// numberOf reads a number as a request has it.
func numberOf(t interface{ Fatal(...any) }, text string) (table.Value, error) {
	item, err := table.ParseItem(fmt.Appendf(nil, `{"n": {"N": %q}}`, text))
	return item["n"], err
}

func TestNumbers(t *testing.T) {
	for text, want := range map[string]string{
		"0": "0", "-0": "0", "00": "0", "0e99": "0", "1": "1", "-1": "-1", "1.0": "1", "1.50": "1.5", "007": "7", ".5": "0.5", "5.": "5", "1e3": "1000", "1E+3": "1000", "1e-3": "0.001",
		"-12.5e1": "-125", "1e125": "1" + strings.Repeat("0", 125), "1e-130": "0." + strings.Repeat("0", 129) + "1", "0.00001e5": "1",
		"99999999999999999999999999999999999999":  "99999999999999999999999999999999999999",
		"123456789012345678901234567890123456780": "123456789012345678901234567890123456780",
		"123456789012345678901234567890123456789": "Attempting to store more than 38 significant digits in a Number",
		"1e126":            "Number overflow. Attempting to store a number with magnitude larger than supported range",
		"1e999999999999":   "Number overflow. Attempting to store a number with magnitude larger than supported range",
		"-1e-131":          "Number underflow. Attempting to store a number with magnitude smaller than supported range",
		"1e-9999999999999": "Number underflow. Attempting to store a number with magnitude smaller than supported range",
		"":                 "The parameter cannot be converted to a numeric value",
		"x":                "The parameter cannot be converted to a numeric value: x", "1\t": "The parameter cannot be converted to a numeric value: 1\t", "1e": "The parameter cannot be converted to a numeric value: 1e",
		"1.2.3": "The parameter cannot be converted to a numeric value: 1.2.3", "--1": "The parameter cannot be converted to a numeric value: --1", ".": "The parameter cannot be converted to a numeric value: .",
		"NaN": "The parameter cannot be converted to a numeric value: NaN", "0x1": "The parameter cannot be converted to a numeric value: 0x1", "1e+-1": "The parameter cannot be converted to a numeric value: 1e+-1",
	} {
		got, err := numberOf(t, text)
		told := got.Text
		if err != nil {
			told = err.(*table.Error).Message //nolint:errorlint // it is never another
		}
		if told != want {
			t.Errorf("%q is read as %q, want %q", text, told, want)
		}
	}
}

// drawNumber draws numbers of up to 19 digits, most of them small, so that equal ones and neighbours come up.
func drawNumber(t *rapid.T, label string) string {
	return fmt.Sprintf("%de%d", rapid.Int64().Draw(t, label), rapid.IntRange(-40, 40).Draw(t, label+" exponent"))
}

func rational(t *rapid.T, text string) *big.Rat {
	r, ok := new(big.Rat).SetString(text)
	if !ok {
		t.Fatalf("%q is no number", text)
	}
	return r
}

// Canonical texts keep the value, and ordered bytes its order.
func TestNumbersKeepValueAndOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x, y := drawNumber(t, "x"), drawNumber(t, "y")
		if rapid.Bool().Draw(t, "near") {
			y = x + "0"
		}
		a, err := numberOf(t, x)
		if err != nil {
			t.Fatal(err)
		}
		b, err := numberOf(t, y)
		if err != nil {
			t.Skip() // the exponent became too large
		}
		if rational(t, a.Text).Cmp(rational(t, x)) != 0 {
			t.Fatalf("%s became %s", x, a.Text)
		}
		if again, err := numberOf(t, a.Text); err != nil || again.Text != a.Text {
			t.Fatalf("%s became %s, %v", a.Text, again.Text, err)
		}
		want := rational(t, x).Cmp(rational(t, y))
		if got := strings.Compare(a.OrderedBytes(), b.OrderedBytes()); got != want {
			t.Fatalf("%s and %s compare as %d, their bytes as %d", x, y, want, got)
		}
		if a.Equal(b) != (want == 0) {
			t.Fatalf("%s and %s: equal is %v", a.Text, b.Text, a.Equal(b))
		}
	})
}

// ADD is exact, or refused.
func TestSumsAreExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x, y := drawNumber(t, "x"), drawNumber(t, "y")
		a, _ := numberOf(t, x)
		b, _ := numberOf(t, y)
		for expression, want := range map[string]*big.Rat{
			"SET n = n + :v": new(big.Rat).Add(rational(t, x), rational(t, y)),
			"SET n = n - :v": new(big.Rat).Sub(rational(t, x), rational(t, y)),
			"ADD n :v":       new(big.Rat).Add(rational(t, x), rational(t, y)),
		} {
			p, err := table.NewPlaceholders(nil, []table.NamedRaw{{Name: ":v", Raw: table.RawOf(b)}})
			if err != nil {
				t.Fatal(err)
			}
			u, err := p.ParseUpdate(expression)
			if err != nil {
				t.Fatal(err)
			}
			got, err := u.Apply(table.Item{"n": a})
			if err != nil {
				if !strings.Contains(err.Error(), "38 significant digits") {
					t.Fatal(err)
				}
				continue
			}
			if rational(t, got["n"].Text).Cmp(want) != 0 {
				t.Fatalf("%s with %s and %s gives %s", expression, x, y, got["n"].Text)
			}
		}
	})
}
