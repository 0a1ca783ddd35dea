package payload

import (
	"encoding/json"

	"sundog/payload/pytext"
)

// MaxInline is the greatest length, as given by Length, of a payload that is handed to Step Functions as it is. A longer
// one goes by reference.
const MaxInline = 120_000

// Length is the length in bytes of the document as Cirrus measures it: encoded as JSON, in ASCII, twice.
func (p *Payload) Length() int {
	return pytext.DumpedTwice(p.raw)
}

// Inline says whether the payload is handed on as it is (see MaxInline).
func (p *Payload) Inline() bool {
	// A document cannot be encoded in less than it takes without its white space, so the short ones need no counting:
	// no byte takes more than six, and a second encoding adds no more than one for each of the first.
	const mostPerByte = 12
	return len(p.raw) <= MaxInline/mostPerByte || p.Length() <= MaxInline
}

// Reference is the document that stands for the payload at a URL.
func Reference(url string) json.RawMessage {
	return append(pytext.AppendJSONString([]byte(`{"url": `), url), '}')
}
