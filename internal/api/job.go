package api

import (
	"encoding/json"
	"time"
)

// JobFilter selects records, all of them when it is empty. Times are "7d", "24h", "30m" ago, or RFC 3339.
type JobFilter struct {
	CollectionsWorkflow string `json:"collections_workflow,omitempty"`
	Workflow            string `json:"workflow,omitempty"`
	State               string `json:"state,omitempty"`
	Since               string `json:"since,omitempty"`
	Until               string `json:"until,omitempty"`
	ErrorPrefix         string `json:"error_prefix,omitempty"`
	ItemPrefix          string `json:"item_prefix,omitempty"`
}

// CreateJob asks for a job that runs the payloads of records again.
type CreateJob struct {
	Filter JobFilter `json:"filter"`
	// Mode is "start" (the default): a new execution of the stored input; or "failed": the last execution goes on from its unsuccessful states.
	Mode string `json:"mode,omitempty"`
	// Patch changes the input: an object is a merge patch (RFC 7396), a list is one of operations (JSON Patch, RFC 6902). Lane is one of the process queue, the first when empty. With mode start only.
	Patch json.RawMessage `json:"patch,omitempty"`
	Lane  string          `json:"lane,omitempty"`
	// Rate bounds the records that run again in a second, and Limit those that are looked at in all; 0 is no bound.
	Rate   float64 `json:"rate,omitempty"`
	Limit  int64   `json:"limit,omitempty"`
	Reason string  `json:"reason,omitempty"` // for the audit log
}

// JobPreview says what a job would do.
type JobPreview struct {
	// Records is how many records there are for it; when that is not Exact there are at least so many.
	Records int64        `json:"records"`
	Exact   bool         `json:"exact"`
	Oldest  string       `json:"oldest,omitempty"` // when a record last changed
	Newest  string       `json:"newest,omitempty"`
	Sample  []string     `json:"sample"` // payload ids, the newest first
	Errors  []ErrorGroup `json:"errors"` // the most frequent
}

// Job runs the payloads of records again. Its state is PENDING, RUNNING, PAUSED, CANCELLED or DONE.
type Job struct {
	ID      string          `json:"id"`
	State   string          `json:"state"`
	Filter  JobFilter       `json:"filter"`
	Mode    string          `json:"mode"`
	Patch   json.RawMessage `json:"patch,omitempty"`
	Lane    string          `json:"lane,omitempty"`
	Rate    float64         `json:"rate,omitempty"`
	Limit   int64           `json:"limit,omitempty"`
	Actor   string          `json:"actor"`
	Reason  string          `json:"reason,omitempty"`
	Created time.Time       `json:"created"`
	Updated time.Time       `json:"updated"`
	// Expected is how many records there were for it when it was made; when that is not Exact there were at least so many.
	Expected int64 `json:"expected"`
	Exact    bool  `json:"exact"`
	// Seen is how many were looked at. Each of them was sent again, skipped because an execution holds it, or failed: it could not be run again.
	Seen    int64 `json:"seen"`
	Sent    int64 `json:"sent"`
	Skipped int64 `json:"skipped"`
	Failed  int64 `json:"failed"`
}

// Jobs is a page of jobs, the latest first.
type Jobs struct {
	Jobs []Job  `json:"jobs"`
	Next string `json:"next,omitempty"`
}

// JobFailure is a record that could not be run again.
type JobFailure struct {
	PayloadID string `json:"payload_id"`
	Reason    string `json:"reason"`
}

// JobFailures is a page of them, in the order in which they came up. The first 10,000 of a job are kept.
type JobFailures struct {
	Failures []JobFailure `json:"failures"`
	Next     string       `json:"next,omitempty"`
}
