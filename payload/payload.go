// Package payload holds what a payload is: a GeoJSON FeatureCollection with a `process` array that says which workflow
// works on it and which come after. It reads the envelopes payloads come in, checks them, derives their ids, their
// records' keys and the names of their executions, makes the payloads that follow on success, and gives the forms in
// which their Items are announced.
//
// Everything is a pure function of its input. A document stays the bytes it came as: fields are read in place, unknown
// ones survive, and features are parsed only where a filter looks into them.
//
// The forms are those of Cirrus (cirrus-geo 2), so that both can work on the same queue, state database and bucket.
package payload

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/tidwall/gjson"
)

// Payload is a document that passed the checks of the function that made it. It does not change; what it hands out is not
// to be changed either.
type Payload struct {
	raw      []byte
	fields   *object        // of the document
	steps    []gjson.Result // of `process`
	current  *object        // the first of them
	features []gjson.Result
	id       ID
}

// InvalidError says why a document is no payload. It is permanent: the same document fails again.
type InvalidError struct {
	// Field is the path of the field at fault, such as `process[0].tasks`; empty for the document as a whole.
	Field string
	// Reason says what is wrong and what is expected.
	Reason string
}

// Error gives the field and the reason.
func (e *InvalidError) Error() string {
	if e.Field == "" {
		return "invalid payload: " + e.Reason
	}
	return "invalid payload: " + e.Field + ": " + e.Reason
}

func invalid(field, format string, args ...any) error {
	return &InvalidError{Field: field, Reason: fmt.Sprintf(format, args...)}
}

// Parse reads a payload that is to be processed. When it has no id it gets the one derived from its items and its
// workflow. Chain filters are checked, so that none can fail once the workflow has succeeded. The error is an
// *InvalidError. The bytes belong to the payload from then on.
func Parse(raw []byte) (*Payload, error) {
	p, err := ParseTask(raw)
	if err != nil {
		return nil, err
	}
	if p.fields.index("id") < 0 {
		if err := p.addID(); err != nil {
			return nil, err
		}
	}
	if err := p.checkProcessable(); err != nil {
		return nil, err
	}
	if err := p.checkChain(); err != nil {
		return nil, err
	}
	return p, nil
}

// ParseOutput reads a payload that a workflow gave back: it has to carry its id. The error is an *InvalidError.
func ParseOutput(raw []byte) (*Payload, error) {
	p, err := ParseTask(raw)
	if err != nil {
		return nil, err
	}
	if err := p.checkProcessable(); err != nil {
		return nil, err
	}
	return p, nil
}

// ParseTask reads a payload as a task inside of a workflow gets it. It may lack an id and a workflow, and its `process`
// may be a bare definition, which is the deprecated form of an array of one. The error is an *InvalidError.
func ParseTask(raw []byte) (*Payload, error) {
	if err := checkJSON(raw); err != nil {
		return nil, &InvalidError{Reason: err.Error()}
	}
	document := gjson.ParseBytes(raw)
	if !document.IsObject() {
		return nil, invalid("", "a payload is a JSON object, not %s", kind(document))
	}
	p := &Payload{raw: raw, fields: readObject(document), current: &object{}}
	if err := p.readProcess(); err != nil {
		return nil, err
	}
	if features := p.fields.get("features"); features.IsArray() {
		p.features = features.Array()
	} else if features.Exists() {
		return nil, invalid("features", "expected an array, found %s", kind(features))
	}
	if err := checkDefinition(p.current); err != nil {
		return nil, err
	}
	if id := p.fields.get("id"); id.Type == gjson.String {
		p.id, _ = CutID(id.Str)
	}
	return p, nil
}

// Bytes is the document, with its id.
func (p *Payload) Bytes() []byte { return p.raw }

// ID is the payload's identity; the zero ID when a payload read by ParseTask has none.
func (p *Payload) ID() ID { return p.id }

// Workflow is the name of the workflow that works on the payload, which names its state machine. It is the one in
// process[0], which may differ from the one in the id.
func (p *Payload) Workflow() string {
	if workflow := p.current.get("workflow"); workflow.Exists() {
		return text(workflow)
	}
	return ""
}

// Replace says whether the payload is to be processed again whatever the state of its record. Only the boolean true says so.
func (p *Payload) Replace() bool { return p.current.get("replace").Type == gjson.True }

// Description is the text in process[0] that says for people what the step does; often empty.
func (p *Payload) Description() string { return p.current.get("description").String() }

// Process are the definitions in `process`: the current one, then those of the chain, where an array holds branches.
func (p *Payload) Process() []json.RawMessage { return rawAll(p.steps) }

// Items are the features, in their order.
func (p *Payload) Items() []json.RawMessage { return rawAll(p.features) }

// WorkflowOptions is the object `workflow_options` of process[0]; nil when there is none.
func (p *Payload) WorkflowOptions() json.RawMessage {
	return rawOrNil(p.current.get("workflow_options"))
}

// UploadOptions is the object `upload_options` of process[0]; nil when there is none.
func (p *Payload) UploadOptions() json.RawMessage { return rawOrNil(p.current.get("upload_options")) }

// CollectionOptions is the object `collection_options` of process[0] for one collection; nil when there is none.
func (p *Payload) CollectionOptions(collection string) json.RawMessage {
	return rawOrNil(lookup(p.current.get("collection_options"), collection))
}

// TaskParameters are the parameters of a task in process[0]; nil when it has none. The deprecated list of
// `{name, parameters}` is read as well; of two entries with the same name the later one counts.
func (p *Payload) TaskParameters(task string) json.RawMessage {
	tasks := p.current.get("tasks")
	if tasks.IsObject() {
		return rawOrNil(lookup(tasks, task))
	}
	var parameters gjson.Result
	for _, entry := range tasks.Array() {
		if name := lookup(entry, "name"); name.Type == gjson.String && name.Str == task {
			parameters = lookup(entry, "parameters")
		}
	}
	return rawOrNil(parameters)
}

func rawAll(values []gjson.Result) []json.RawMessage {
	all := make([]json.RawMessage, len(values))
	for i, v := range values {
		all[i] = json.RawMessage(v.Raw)
	}
	return all
}

func rawOrNil(v gjson.Result) json.RawMessage {
	if !v.Exists() {
		return nil
	}
	return json.RawMessage(v.Raw)
}

// withMember gives an object's text with one more member at its end.
func withMember(object []byte, name string, value []byte) []byte {
	end := bytes.LastIndexByte(object, '}')
	body := bytes.TrimRight(object[:end], " \t\r\n")
	out := make([]byte, 0, len(object)+len(name)+len(value)+len(`, "": }`))
	out = append(out, body...)
	if body[len(body)-1] != '{' {
		out = append(out, ", "...)
	}
	out = append(out, '"')
	out = append(out, name...)
	out = append(out, `": `...)
	out = append(out, value...)
	return append(out, '}')
}
