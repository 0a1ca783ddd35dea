package rerun

import (
	"encoding/json"
	"fmt"

	"github.com/tidwall/gjson"
	"github.com/tidwall/sjson"
)

// merge applies a JSON merge patch (RFC 7396). What it does not name stays as it is, to the last digit.
func merge(target, patch []byte) ([]byte, error) {
	if len(patch) == 0 {
		return target, nil
	}
	var changes map[string]json.RawMessage
	if json.Unmarshal(patch, &changes) != nil || changes == nil {
		return patch, nil // anything but an object takes the place of the target
	}
	var members map[string]json.RawMessage
	if json.Unmarshal(target, &members) != nil || members == nil {
		members = map[string]json.RawMessage{}
	}
	for name, change := range changes {
		if string(change) == "null" {
			delete(members, name)
			continue
		}
		merged, err := merge(members[name], change)
		if err != nil {
			return nil, err
		}
		members[name] = merged
	}
	merged, err := json.Marshal(members)
	if err != nil {
		return nil, fmt.Errorf("applying the patch: %w", err)
	}
	return merged, nil
}

// replaced sets `replace` of the payload's process definition.
func replaced(doc []byte) ([]byte, error) {
	at := "process.0.replace"
	if gjson.GetBytes(doc, "process").IsObject() { // the deprecated form
		at = "process.replace"
	}
	out, err := sjson.SetRawBytes(doc, at, []byte("true"))
	if err != nil {
		return nil, fmt.Errorf("the input is no payload: %w", err)
	}
	return out, nil
}
