package api

import "time"

// ErrorGroup are errors of records that look the same.
type ErrorGroup struct {
	Type    string `json:"type"`
	Shape   string `json:"shape"` // the text with what changes from one to the next left out
	Count   int64  `json:"count"`
	First   string `json:"first"` // ISO 8601 with microseconds, as the state database has it
	Last    string `json:"last"`
	Example Record `json:"example"` // the record of the latest
}

// Errors are the most frequent errors of records, the most frequent first.
type Errors struct {
	Groups []ErrorGroup `json:"groups"`
	// Counted is how many errors were counted, Other how many of them are in no group because there were too many groups.
	Counted int64 `json:"counted"`
	Other   int64 `json:"other"`
	// Complete is false when there were more records than were to be looked at; the oldest were left out.
	Complete bool `json:"complete"`
}

// Reconcile asks for a reconciliation: records are found that are CLAIMED or PROCESSING though nobody works on them, and settled.
type Reconcile struct {
	DryRun bool `json:"dry_run,omitempty"` // changes nothing
	// Foreign aborts the records whose executions belong to other deployments; they are left alone otherwise.
	Foreign bool `json:"foreign,omitempty"`
}

// Finding is a record that nobody works on.
type Finding struct {
	PayloadID  string `json:"payload_id"`
	State      string `json:"state"`
	Updated    string `json:"updated"`
	Execution  string `json:"execution,omitempty"`
	Problem    string `json:"problem"`
	Settlement string `json:"settlement"`
	Error      string `json:"error,omitempty"`
}

// FindingCount is how many findings have a problem and a settlement.
type FindingCount struct {
	Problem    string `json:"problem"`
	Settlement string `json:"settlement"`
	Count      int64  `json:"count"`
}

// Reconciliation is what a reconciliation has found and done.
type Reconciliation struct {
	Records  int64          `json:"records"`  // that have been CLAIMED or PROCESSING for long
	Running  int64          `json:"running"`  // of these, those whose execution runs as it should
	Counts   []FindingCount `json:"counts"`   // of all findings
	Findings []Finding      `json:"findings"` // the first thousand
}

// Migrate asks for records of version 1 to be rewritten as version 2 has them.
type Migrate struct {
	DryRun bool `json:"dry_run,omitempty"` // changes nothing
}

// Migration is what a migration has done, or would do.
type Migration struct {
	Records int64 `json:"records"` // that were looked at
	Changed int64 `json:"changed"` // that were rewritten, or would be
	Skipped int64 `json:"skipped"` // that somebody else changed at the same time
}

// Complaint says what is wrong with one record of an import.
type Complaint struct {
	Record int64  `json:"record"` // its number, from 1: that of its line, where records are lines
	Error  string `json:"error"`
}

// Imported is what an import has done. Every record is counted once.
type Imported struct {
	Stored    int64 `json:"stored"`
	Existing  int64 `json:"existing"`  // that were there already, and stay
	Held      int64 `json:"held"`      // that an execution holds here, and stay
	Malformed int64 `json:"malformed"` // that are no records
	// Complaints are the first hundred of the malformed ones.
	Complaints []Complaint `json:"complaints,omitempty"`
}

// Deleted is a record that was deleted.
type Deleted struct {
	PayloadID string `json:"payload_id"`
}

// AuditEntry is one thing that somebody did.
type AuditEntry struct {
	At      time.Time `json:"at"`
	Kind    string    `json:"kind"`
	Actor   string    `json:"actor"`
	Subject string    `json:"subject"`
	Reason  string    `json:"reason,omitempty"`
}

// Audit is a page of the audit log, the latest first. It may be empty though there is a next one.
type Audit struct {
	Entries []AuditEntry `json:"entries"`
	Next    string       `json:"next,omitempty"`
}

// Backup names the folder on the server's machine that a copy of the data directory goes to: an absolute path that does not exist yet.
type Backup struct {
	Dir string `json:"dir"`
}

// StoredPayload is an input or output that was brought in.
type StoredPayload struct {
	PayloadID string `json:"payload_id"`
	URL       string `json:"url"`
	Existing  bool   `json:"existing,omitempty"` // there was one already, which stays
}
