package pytext

import (
	"github.com/tidwall/gjson"
)

// AppendJSONString writes a string as json.dumps does: everything beyond printable ASCII is escaped.
func AppendJSONString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			dst = append(dst, '\\', byte(r))
		case r >= ' ' && r <= '~':
			dst = append(dst, byte(r))
		case r == '\n':
			dst = append(dst, `\n`...)
		case r == '\r':
			dst = append(dst, `\r`...)
		case r == '\t':
			dst = append(dst, `\t`...)
		case r == '\b':
			dst = append(dst, `\b`...)
		case r == '\f':
			dst = append(dst, `\f`...)
		case r < 0x10000:
			dst = appendHex(append(dst, `\u`...), r, 4)
		default:
			r -= 0x10000
			dst = appendHex(append(dst, `\u`...), 0xd800|r>>10, 4)
			dst = appendHex(append(dst, `\u`...), 0xdc00|r&0x3ff, 4)
		}
	}
	return append(dst, '"')
}

// DumpedTwice is the length in bytes of json.dumps(json.dumps(v)) for the value that raw holds, without making the text.
// The raw text has to be one valid JSON value. A repeated name of an object counts each time it comes.
func DumpedTwice(raw []byte) int {
	const quotes = 2
	var c dumpLength
	c.value(gjson.ParseBytes(raw))
	return c.once + c.escaped + quotes
}

// dumpLength counts the bytes of a dump, and how many of them a second dump escapes with one more.
type dumpLength struct{ once, escaped int }

func (c *dumpLength) value(v gjson.Result) {
	const comma = len(", ")
	switch {
	case v.Type == gjson.String:
		c.text(v)
	case v.Type == gjson.Number:
		c.number(v.Raw)
	case v.IsArray():
		sep := 0
		v.ForEach(func(_, e gjson.Result) bool {
			c.once += sep
			c.value(e)
			sep = comma
			return true
		})
		c.once += len("[]")
	case v.IsObject():
		sep := 0
		v.ForEach(func(name, e gjson.Result) bool {
			c.once += sep
			c.text(name)
			c.once += len(": ")
			c.value(e)
			sep = comma
			return true
		})
		c.once += len("{}")
	default: // null, true, false
		c.once += len(v.Raw)
	}
}

func (c *dumpLength) number(raw string) {
	if IsInteger(raw) && raw != "-0" {
		c.once += len(raw)
		return
	}
	text := Number(raw)
	if text == "inf" || text == "-inf" { // json.dumps writes Infinity
		c.once += len("Infinity") - len("inf")
	}
	c.once += len(text)
}

// text counts a string with its quotes, which a second dump escapes.
func (c *dumpLength) text(v gjson.Result) {
	c.once += len(`""`)
	c.escaped += len(`""`)
	if inner := v.Raw[1 : len(v.Raw)-1]; plain(inner) {
		c.once += len(inner)
		return
	}
	for _, r := range v.Str {
		switch {
		case r == '"' || r == '\\':
			c.once += 2
			c.escaped += 2
		case r >= ' ' && r <= '~':
			c.once++
		case r == '\n' || r == '\r' || r == '\t' || r == '\b' || r == '\f':
			c.once += 2
			c.escaped++
		case r < 0x10000:
			c.once += len(`\u0000`)
			c.escaped++
		default:
			c.once += 2 * len(`\u0000`)
			c.escaped += 2
		}
	}
}

// plain says whether a string's text within its quotes is printable ASCII without escapes: then it is dumped as it is.
func plain(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' || s[i] == '\\' {
			return false
		}
	}
	return true
}
