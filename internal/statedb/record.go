package statedb

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"sundog/payload"
)

// Record is what is kept of a payload. Times are texts as FormatTime writes them; those that others wrote stay as they are.
type Record struct {
	ID payload.ID
	// StateUpdated is "<STATE>_<updated>", the range key of the index by state.
	StateUpdated string
	// Created is the time of the first transition. Empty: none, as in some records of version 1.
	Created string
	// Updated is the time of the last transition.
	Updated string
	// ClaimedAt is the time of the last claim, or empty.
	ClaimedAt string
	// Executions are the ARNs of the payload's executions, oldest first. The last one holds the record while its state is open.
	// Nil: the attribute is missing.
	Executions []string
	// LastError says why the last execution did not succeed. Nil: it did, or has not ended.
	LastError *string
	// Outputs are URLs that the workflow gave back. Nil: the attribute is missing.
	Outputs []string
	// Extra are attributes that others wrote. They are kept. The count of redrives is among them too, for Cirrus does not know it.
	Extra map[string]json.RawMessage
}

// redrives is the attribute that counts how often the last execution was redriven; it is there only when it was.
const redrives = "redrives"

// Redrives is how often the last execution was redriven.
func (r Record) Redrives() int64 {
	var n int64
	if json.Unmarshal(r.Extra[redrives], &n) != nil {
		return 0
	}
	return n
}

// setRedrives changes the count in a record that shares nothing with another.
func (r *Record) setRedrives(n int64) {
	delete(r.Extra, redrives)
	switch {
	case n > 0 && r.Extra == nil:
		r.Extra = map[string]json.RawMessage{redrives: strconv.AppendInt(nil, n, 10)}
	case n > 0:
		r.Extra[redrives] = strconv.AppendInt(nil, n, 10)
	case len(r.Extra) == 0:
		r.Extra = nil
	}
}

// State is the record's state. It may be one that Known denies, when others wrote the record.
func (r Record) State() State {
	state, _, _ := strings.Cut(r.StateUpdated, "_")
	return State(state)
}

// Stamp is the time of the last transition as far as the record tells it: `updated`, or else the time in `state_updated`, or nothing.
func (r Record) Stamp() string {
	if r.Updated != "" {
		return r.Updated
	}
	_, at, _ := strings.Cut(r.StateUpdated, "_")
	return at
}

// LastExecution is the ARN of the last execution, or empty.
func (r Record) LastExecution() string {
	if len(r.Executions) == 0 {
		return ""
	}
	return r.Executions[len(r.Executions)-1]
}

// HeldBy reports whether an execution holds the record: it is the last one, and the state is open.
func (r Record) HeldBy(execution string) bool {
	return r.State().Open() && r.LastExecution() == execution && execution != ""
}

// Check returns ErrMalformed with the reason when the record lacks what everybody relies on: a state, and its times. The state may
// still be one that Known denies.
func (r Record) Check() error {
	var reason string
	_, updated, found := strings.Cut(r.StateUpdated, "_")
	switch {
	case r.StateUpdated == "":
		reason = "state_updated is missing"
	case !found || strings.Contains(updated, "_"):
		reason = fmt.Sprintf("state_updated %q is not <STATE>_<time>", r.StateUpdated)
	case r.Created == "":
		reason = "created is missing"
	case r.Updated == "":
		reason = "updated is missing"
	default:
		return nil
	}
	return fmt.Errorf("%w %s: %s", ErrMalformed, r.ID, reason)
}

// CheckStored returns ErrMalformed with the reason when a record cannot be kept: its key has an empty part or leads elsewhere, or it is
// in no state that is known. That it lacks times is no reason: some of version 1 do.
func (r Record) CheckStored() error {
	if err := checkID(r.ID); err != nil {
		return err
	}
	if !r.State().Known() {
		return fmt.Errorf("%w %s: state_updated is %q, expected <STATE>_<time>", ErrMalformed, r.ID, r.StateUpdated)
	}
	return nil
}

// checkID returns ErrMalformed for an id whose key would not lead back to it.
func checkID(id payload.ID) error {
	if id.Collections == "" || id.Workflow == "" || id.ItemIDs == "" {
		return fmt.Errorf("%w %s: its key has an empty part", ErrMalformed, id)
	}
	if strings.Contains(id.Workflow, "_") {
		return fmt.Errorf("%w %s: the workflow's name holds an underscore, at which the key is cut", ErrMalformed, id)
	}
	return nil
}

// Clone returns a copy that shares nothing that can be written.
func (r Record) Clone() Record {
	c := r
	c.Executions = slices.Clone(r.Executions)
	c.Outputs = slices.Clone(r.Outputs)
	if r.LastError != nil {
		text := *r.LastError
		c.LastError = &text
	}
	if r.Extra != nil {
		c.Extra = make(map[string]json.RawMessage, len(r.Extra))
		for name, value := range r.Extra {
			c.Extra[name] = slices.Clone(value)
		}
	}
	return c
}

// item is the record as a DynamoDB item in plain JSON.
type item struct {
	CollectionsWorkflow *string  `json:"collections_workflow"`
	ItemIDs             *string  `json:"itemids"`
	StateUpdated        string   `json:"state_updated,omitempty"`
	Created             string   `json:"created,omitempty"`
	Updated             string   `json:"updated,omitempty"`
	ClaimedAt           string   `json:"claimed_at,omitempty"`
	Executions          []string `json:"executions"`
	LastError           *string  `json:"last_error,omitempty"`
	Outputs             []string `json:"outputs"`
}

// attributes are the names that item knows.
var attributes = [...]string{
	"collections_workflow", "itemids", "state_updated", "created", "updated", "claimed_at", "executions", "last_error", "outputs",
}

// MarshalJSON writes the record as an object with the attributes of its DynamoDB item. Attributes that are missing in the record
// are missing there.
func (r Record) MarshalJSON() ([]byte, error) {
	out := make(map[string]any, len(attributes)+len(r.Extra))
	for name, value := range r.Extra {
		out[name] = value
	}
	out["collections_workflow"] = r.ID.PartitionKey()
	out["itemids"] = r.ID.ItemIDs
	for name, text := range map[string]string{
		"state_updated": r.StateUpdated, "created": r.Created, "updated": r.Updated, "claimed_at": r.ClaimedAt,
	} {
		if text != "" {
			out[name] = text
		}
	}
	if r.Executions != nil {
		out["executions"] = r.Executions
	}
	if r.LastError != nil {
		out["last_error"] = *r.LastError
	}
	if r.Outputs != nil {
		out["outputs"] = r.Outputs
	}
	return json.Marshal(out)
}

// UnmarshalJSON reads what MarshalJSON writes. Attributes that it does not know are kept in Extra. The error wraps ErrMalformed
// when the keys are missing or an attribute has the wrong type.
func (r *Record) UnmarshalJSON(text []byte) error {
	var it item
	if err := json.Unmarshal(text, &it); err != nil {
		return fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	if it.CollectionsWorkflow == nil || it.ItemIDs == nil {
		return fmt.Errorf("%w: it lacks collections_workflow or itemids", ErrMalformed)
	}
	id, err := payload.IDFromKey(*it.CollectionsWorkflow, *it.ItemIDs)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	var all map[string]json.RawMessage
	if err := json.Unmarshal(text, &all); err != nil {
		return fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	if string(all["executions"]) == "null" {
		return fmt.Errorf("%w %s: executions is null, expected a list", ErrMalformed, id)
	}
	for _, name := range attributes {
		delete(all, name)
	}
	if len(all) == 0 {
		all = nil
	}
	*r = Record{
		ID: id, StateUpdated: it.StateUpdated, Created: it.Created, Updated: it.Updated, ClaimedAt: it.ClaimedAt,
		Executions: it.Executions, LastError: it.LastError, Outputs: it.Outputs, Extra: all,
	}
	return nil
}
