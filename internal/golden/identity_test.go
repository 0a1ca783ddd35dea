package golden_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"sundog/internal/golden"
	"sundog/payload"
)

// parts are the groups that the original's pattern finds in an id.
type parts struct{ Collections, Workflow, ItemIDs string }

func (p parts) text() string {
	return payload.ID{Collections: p.Collections, Workflow: p.Workflow, ItemIDs: p.ItemIDs}.String()
}

func checkValidation(t *testing.T, c golden.Case) golden.Outcome {
	var in struct {
		Payload json.RawMessage `json:"payload"`
		SetID   bool            `json:"set_id_if_missing"`
	}
	golden.Into(t, c.Input, &in)
	parse := payload.ParseOutput
	if in.SetID {
		parse = payload.Parse
	}
	p, err := parse(in.Payload)
	if c.Error != nil {
		if err == nil {
			return golden.Failed("accepted as %s; the original fails: %s", p.ID(), c.Error.Message)
		}
		return golden.Passed()
	}
	var out struct {
		ID    string `json:"id"`
		Regex parts  `json:"regex"`
	}
	golden.Into(t, c.Output, &out)
	if err != nil {
		return refusedInput(err)
	}
	want := payload.ID{Collections: out.Regex.Collections, Workflow: out.Regex.Workflow, ItemIDs: out.Regex.ItemIDs}
	switch {
	case p.ID().String() != out.ID:
		return golden.Failed("id %q, want %q", p.ID(), out.ID)
	case !hasID(p.Bytes(), out.ID):
		return golden.Failed("the document does not carry its id: %s", p.Bytes())
	case p.ID() == want:
		return golden.Passed()
	case out.Regex.text() != out.ID: // the pattern stops at a line break, so distinct ids share a record
		return golden.SetAside(5)
	}
	return golden.Failed("parts %+v, want %+v", p.ID(), want)
}

// refusedInput judges a payload that the original accepts and we do not.
func refusedInput(err error) golden.Outcome {
	var why *payload.InvalidError
	if !errors.As(err, &why) {
		return golden.Failed("refused with an error of another kind: %v", err)
	}
	switch {
	case strings.Contains(why.Reason, "underscore") && (why.Field == "process[0].workflow" || why.Field == "id"):
		return golden.SetAside(4)
	case (why.Field == "process[0].collections" || why.Field == "process[0].workflow") && strings.Contains(why.Reason, "expected text"):
		return golden.SetAside(20)
	case strings.HasSuffix(why.Field, ".chain_filter"):
		return golden.SetAside(12)
	}
	return golden.Failed("refused: %v", err)
}

func hasID(document []byte, id string) bool {
	var d struct {
		ID string `json:"id"`
	}
	return json.Unmarshal(document, &d) == nil && d.ID == id
}

func checkKeys(t *testing.T, c golden.Case) golden.Outcome {
	var in struct {
		PayloadID string `json:"payload_id"`
	}
	golden.Into(t, c.Input, &in)
	id, err := payload.ParseID(in.PayloadID)
	if c.Error != nil {
		if err == nil {
			return golden.Failed("read as %+v; the original fails", id)
		}
		return golden.Passed()
	}
	var out struct {
		Key struct {
			Partition string `json:"collections_workflow"`
			ItemIDs   string `json:"itemids"`
		} `json:"key"`
		RoundTrip string `json:"roundtrip"`
		Regex     *parts `json:"regex"`
	}
	golden.Into(t, c.Output, &out)
	if err != nil {
		cut, ok := payload.CutID(in.PayloadID)
		switch {
		case ok && strings.Contains(cut.Workflow, "_"):
			return golden.SetAside(4)
		case out.Regex == nil && !ok: // the key is made of what the pattern does not accept
			return golden.SetAside(5)
		}
		return golden.Failed("refused: %v", err)
	}
	back, err := payload.IDFromKey(id.PartitionKey(), id.ItemIDs)
	if err != nil || back != id || id.String() != in.PayloadID {
		return golden.Failed("%q comes back from its key as %q (%v)", in.PayloadID, back, err)
	}
	if id.PartitionKey() == out.Key.Partition && id.ItemIDs == out.Key.ItemIDs {
		if out.RoundTrip != back.String() {
			return golden.Failed("round trip %q, want %q", back, out.RoundTrip)
		}
		return golden.Passed()
	}
	if out.RoundTrip != in.PayloadID || out.Regex.text() != in.PayloadID { // cut at another place than it is matched
		return golden.SetAside(5)
	}
	return golden.Failed("key %q %q, want %q %q", id.PartitionKey(), id.ItemIDs, out.Key.Partition, out.Key.ItemIDs)
}

func checkPartitionKey(t *testing.T, c golden.Case) golden.Outcome {
	var in struct {
		Split *string
		Join  []string
	}
	golden.Into(t, c.Input, &in)
	if in.Split == nil {
		var want string
		golden.Into(t, c.Output, &want)
		if got := payload.PartitionKey(in.Join[0], in.Join[1]); got != want {
			return golden.Failed("joined to %q, want %q", got, want)
		}
		return golden.Passed()
	}
	collections, workflow, err := payload.CutPartitionKey(*in.Split)
	if c.Error != nil {
		if err == nil {
			return golden.Failed("cut into %q and %q; the original fails", collections, workflow)
		}
		return golden.Passed()
	}
	var want []string
	golden.Into(t, c.Output, &want)
	if err != nil || collections != want[0] || workflow != want[1] {
		return golden.Failed("cut into %q and %q (%v), want %q", collections, workflow, err, want)
	}
	return golden.Passed()
}

func checkExecutionName(t *testing.T, c golden.Case) golden.Outcome {
	var in struct {
		Base       string
		PayloadID  string `json:"payload_id"`
		Workflow   string
		Executions []string
	}
	golden.Into(t, c.Input, &in)
	var out struct {
		ExecutionARN string `json:"execution_arn"`
		MachineARN   string `json:"state_machine_arn"`
		Name         string `json:"execution_name"`
	}
	golden.Into(t, c.Output, &out)
	name := payload.ExecutionNameFromURLs(in.PayloadID, in.Executions)
	arn := payload.ExecutionARN(in.Base, in.Workflow, name)
	machine, cutName := payload.CutExecutionARN(arn)
	if name != out.Name || arn != out.ExecutionARN || machine != out.MachineARN || cutName != name || payload.MachineARN(in.Base, in.Workflow) != machine {
		return golden.Failed("name %s, execution %s, machine %s; want %+v", name, arn, machine, out)
	}
	return golden.Passed()
}

func checkCutExecutionARN(t *testing.T, c golden.Case) golden.Outcome {
	var in struct {
		ARN string `json:"execution_arn"`
	}
	var want []string
	golden.Into(t, c.Input, &in)
	golden.Into(t, c.Output, &want)
	if machine, name := payload.CutExecutionARN(in.ARN); machine != want[0] || name != want[1] {
		return golden.Failed("machine %q, name %q, want %q", machine, name, want)
	}
	return golden.Passed()
}

func checkConsoleURL(t *testing.T, c golden.Case) golden.Outcome {
	var in struct{ ARN string }
	var want string
	golden.Into(t, c.Input, &in)
	golden.Into(t, c.Output, &want)
	got := payload.ConsoleURL(in.ARN)
	if got == want {
		return golden.Passed()
	}
	// The region comes from an argument or the environment there; here it is the ARN's own.
	region := "us-west-2"
	if fields := strings.Split(in.ARN, ":"); len(fields) > 3 {
		region = fields[3]
	}
	if strings.HasPrefix(got, "https://"+region+".console.aws.amazon.com/") && strings.HasSuffix(got, in.ARN) && payload.ARNFromConsoleURL(got) == in.ARN {
		return golden.SetAside(18)
	}
	return golden.Failed("%s, want %s", got, want)
}
