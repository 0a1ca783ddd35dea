package cli

import (
	"encoding/json"
	"testing"
)

func TestEventShowsItsFailure(t *testing.T) {
	for text, want := range map[string]string{
		`{"id":3,"type":"TaskFailed","taskFailedEventDetails":{"error":"Broken","cause":"why","resource":"invoke"}}`: "Broken: why",
		`{"id":3,"type":"TaskTimedOut","taskTimedOutEventDetails":{"error":"States.Timeout"}}`:                       "States.Timeout",
		`{"id":3,"type":"PassStateEntered","stateEnteredEventDetails":{"name":"A"}}`:                                 "",
	} {
		var e historyEvent
		if err := json.Unmarshal([]byte(text), &e); err != nil || e.failure != want || e.ID != 3 {
			t.Errorf("%s shows %q, %v", text, e.failure, err)
		}
	}
}
