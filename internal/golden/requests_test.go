package golden_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"sundog/internal/golden"
	"sundog/internal/statedb"
	"sundog/payload"
)

// request is what a recorded request was made for.
type request struct {
	Function  string `json:"fn"`
	PayloadID string `json:"payload_id"`
	Arguments struct {
		Execution string `json:"execution_arn"`
		Message   string `json:"msg"`
		Outputs   []string
	} `json:"kwargs"`
	Time string `json:"isotimestamp"`
}

// transition is ours for a request. It leads nowhere for one that sets outputs alone: they are a part of the success.
func (r *request) transition(id payload.ID, at time.Time) (statedb.Transition, error) {
	tr := statedb.Transition{ID: id, At: at, Execution: "arn:before"} // the one that holds the record
	switch r.Function {
	case "claim_processing":
		tr.To, tr.Execution = statedb.Claimed, r.Arguments.Execution
	case "set_processing":
		tr.To = statedb.Processing
	case "set_succeeded":
		tr.To, tr.Outputs = statedb.Succeeded, r.Arguments.Outputs
	case "set_failed":
		tr.To, tr.Error = statedb.Failed, r.Arguments.Message
	case "set_invalid":
		tr.To, tr.Error = statedb.Invalid, r.Arguments.Message
	case "set_aborted":
		tr.To = statedb.Aborted
	case "set_outputs":
	default:
		return tr, fmt.Errorf("unknown function %s", r.Function)
	}
	return tr, nil
}

// checkRequest makes a transition of records in all states and compares with what the recorded request does to them.
func checkRequest(t *testing.T, c golden.Case) golden.Outcome {
	var in request
	golden.Into(t, c.Input, &in)
	at, err := statedb.ParseTime(in.Time)
	if c.Error != nil {
		// A transition's time is an instant, which is always written in UTC: that one is wrong cannot happen to us.
		if err == nil && !isOffset(in.Time) {
			return golden.Failed("%q is read; the original fails: %s", in.Time, c.Error.Message)
		}
		return golden.Passed()
	}
	if err != nil {
		return golden.Failed("%v", err)
	}
	id, err := payload.ParseID(in.PayloadID)
	if err != nil {
		return golden.Failed("%v", err)
	}
	var out struct {
		Key                       map[string]string
		UpdateExpression          string
		ExpressionAttributeValues map[string]json.RawMessage
		ConditionExpression       string
	}
	golden.Into(t, c.Output, &out)
	if out.Key["collections_workflow"] != id.PartitionKey() || out.Key["itemids"] != id.ItemIDs {
		return golden.Failed("key %s %s, want %v", id.PartitionKey(), id.ItemIDs, out.Key)
	}
	shown := golden.Passed()
	for _, state := range append(statedb.States(), "") {
		before := recordIn(id, state)
		tr, err := in.transition(id, at)
		if err != nil {
			return golden.Failed("%v", err)
		}
		if tr.To == "" {
			return golden.Passed()
		}
		after, err := tr.Apply(before)
		if out.ConditionExpression == "" && before != nil && !state.Open() {
			if _, conflict := statedb.Conflict(err); !conflict {
				return golden.Failed("from %q: an execution that does not hold the record ends it", state)
			}
			shown = golden.SetAside(3)
			continue
		}
		if problem := compareRequest(t, before, after, err, out.UpdateExpression, out.ConditionExpression, out.ExpressionAttributeValues); problem != "" {
			return golden.Failed("from %q: %s", state, problem)
		}
	}
	return shown
}

// recordIn is a record in a state with every attribute, nil for no state.
func recordIn(id payload.ID, state statedb.State) *statedb.Record {
	if state == "" {
		return nil
	}
	text := "why"
	return &statedb.Record{
		ID: id, StateUpdated: string(state) + "_2024", Created: "2023", Updated: "2024", ClaimedAt: "2023", Executions: []string{"arn:before"},
		LastError: &text, Outputs: []string{"s3://x"},
	}
}

// compareRequest compares what a transition made of a record with what the request would have made of it.
func compareRequest(t *testing.T, before *statedb.Record, after statedb.Record, err error, expression, condition string, values map[string]json.RawMessage) string {
	t.Helper()
	item := map[string]json.RawMessage{}
	state := statedb.State("")
	if before != nil {
		text, err := json.Marshal(*before)
		if err != nil {
			t.Fatal(err)
		}
		golden.Into(t, text, &item)
		state = before.State()
	}
	allowed := true
	switch condition {
	case "NOT (begins_with(state_updated, :proc) or begins_with(state_updated, :claim))":
		allowed = !state.Open()
	case "begins_with(state_updated, :claim)":
		allowed = state == statedb.Claimed
	case "":
	default:
		return "unknown condition " + condition
	}
	_, conflict := statedb.Conflict(err)
	switch {
	case conflict == allowed:
		return "refused " + map[bool]string{true: "by us alone", false: "by them alone"}[conflict]
	case conflict:
		return ""
	case err != nil:
		return err.Error()
	}
	ours, err := json.Marshal(after)
	if err != nil {
		t.Fatal(err)
	}
	item = update(t, item, expression, values)
	key, err := json.Marshal(map[string]string{"collections_workflow": after.ID.PartitionKey(), "itemids": after.ID.ItemIDs})
	if err != nil {
		t.Fatal(err)
	}
	golden.Into(t, key, &item)
	want, err := json.Marshal(item)
	if err != nil {
		t.Fatal(err)
	}
	if !golden.SameJSON(ours, want) {
		return string(ours) + ", want " + string(want)
	}
	return ""
}

// update carries out an update expression of DynamoDB, as far as the recorded ones go.
func update(t *testing.T, item map[string]json.RawMessage, expression string, values map[string]json.RawMessage) map[string]json.RawMessage {
	t.Helper()
	after := map[string]json.RawMessage{}
	for name, value := range item {
		after[name] = value
	}
	set, remove, _ := strings.Cut(expression, "REMOVE ")
	for _, name := range strings.Split(remove, ",") {
		delete(after, strings.TrimSpace(name))
	}
	set = strings.TrimSpace(strings.TrimPrefix(set, "SET "))
	for set != "" {
		var name, value string
		name, set, _ = strings.Cut(set, "=")
		end, depth := len(set), 0
		for i, c := range set {
			switch c {
			case '(':
				depth++
			case ')':
				depth--
			case ',':
				if depth == 0 {
					end = min(end, i)
				}
			}
		}
		value, set = set[:end], strings.TrimSpace(strings.TrimPrefix(set[end:], ","))
		after[strings.TrimSpace(name)] = operand(t, item, strings.TrimSpace(value), values)
	}
	return after
}

// operand is the value of an operand of SET: on the right of the equals sign stands the item as it was.
func operand(t *testing.T, item map[string]json.RawMessage, text string, values map[string]json.RawMessage) json.RawMessage {
	t.Helper()
	switch {
	case strings.HasPrefix(text, ":"):
		return values[text]
	case strings.HasPrefix(text, "if_not_exists("):
		name, other, _ := strings.Cut(strings.TrimSuffix(strings.TrimPrefix(text, "if_not_exists("), ")"), ",")
		if value, there := item[name]; there {
			return value
		}
		return operand(t, item, strings.TrimSpace(other), values)
	case strings.HasPrefix(text, "list_append("):
		inner := strings.TrimSuffix(strings.TrimPrefix(text, "list_append("), ")")
		at := strings.LastIndex(inner, ",")
		var first, second []json.RawMessage
		golden.Into(t, operand(t, item, inner[:at], values), &first)
		golden.Into(t, operand(t, item, strings.TrimSpace(inner[at+1:]), values), &second)
		joined, err := json.Marshal(slices.Concat(first, second))
		if err != nil {
			t.Fatal(err)
		}
		return joined
	}
	t.Fatalf("unknown operand %q", text)
	return nil
}
