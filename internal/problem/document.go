package problem

import (
	"encoding/json"
	"strings"
)

// MediaType is the content type of a problem document (RFC 9457, section 3).
const MediaType = "application/problem+json"

// typePrefix makes a kind's name a URI reference, as the type member has to be one (RFC 9457, section 3.1.1).
const typePrefix = "urn:sundog:problem:"

// Document is an error as it goes over the wire: a problem details object (RFC 9457).
type Document struct {
	Type     string `json:"type"`               // urn:sundog:problem:<kind>
	Title    string `json:"title"`              // the same for every problem of a kind
	Status   int    `json:"status"`             // the HTTP status
	Detail   string `json:"detail,omitempty"`   // what was being done to what, and why it failed
	Hint     string `json:"hint,omitempty"`     // what the user can do
	Instance string `json:"instance,omitempty"` // the id of the request, to be found in the server's log
}

// DocumentOf makes the problem document of an error. The text of an Internal error stays inside: the document names only the
// instance under which the log has it.
func DocumentOf(err error, instance string) Document {
	f := KindOf(err).facts()
	d := Document{Type: typePrefix + f.name, Title: f.title, Status: f.status, Hint: HintOf(err), Instance: instance}
	if f.status < 500 || KindOf(err) != Internal {
		d.Detail = err.Error()
	}
	return d
}

// JSON returns the document as JSON text.
func (d Document) JSON() []byte {
	text, err := json.Marshal(d)
	if err != nil {
		panic("problem: document of plain strings does not marshal: " + err.Error()) // cannot happen
	}
	return text
}

// ParseDocument reads the body of an answer that is not a success. A body that is no problem document, as a proxy sends it,
// becomes an error of the status's kind whose message is the first line of the body.
func ParseDocument(status int, body []byte) *Error {
	var d Document
	if err := json.Unmarshal(body, &d); err == nil && strings.HasPrefix(d.Type, typePrefix) {
		for _, k := range Kinds() {
			if d.Type == typePrefix+k.String() {
				return d.err(k)
			}
		}
	}
	e := &Error{Kind: KindOfStatus(status), Message: d.Detail}
	if e.Message == "" {
		line, _, _ := strings.Cut(strings.TrimSpace(string(body)), "\n")
		e.Message = clip(line, 200)
	}
	if e.Message == "" {
		e.Message = strings.ToLower(e.Kind.facts().title)
	}
	return e
}

func (d Document) err(k Kind) *Error {
	e := &Error{Kind: k, Message: d.Detail, Hint: d.Hint}
	if e.Message == "" {
		e.Message = strings.ToLower(d.Title)
	}
	if d.Instance != "" && k == Internal {
		e.Message += " (request " + d.Instance + ")"
	}
	return e
}

// clip cuts text from outside to a length that fits a line, at a rune's border.
func clip(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	return strings.ToValidUTF8(text[:limit], "") + "…"
}
