package server

import (
	"sundog/internal/access"
	"sundog/internal/api"
	"sundog/internal/server/openapi"
)

// recordRoutes are the routes of what is asked of the state database as a whole, and done to it.
func (s *Server) recordRoutes() []route {
	return []route{
		serves("GET", api.PathRecords, access.Read, s.records.Page, "Records, the latest first",
			selection, query("index", "the order: updated, state_updated or itemids"), toggle("ascending", "the earliest first"), limit, next,
			gives[api.Records]("a page of records or, as NDJSON, a Record in each line, all that there are or as many as limit", "application/json", api.ContentTypeNDJSON)),
		answers(s, "GET", api.PathErrors, access.Read, s.records.Errors, "The most frequent errors of records",
			selection, numbered("records", "how many records are looked at, the latest first")),
		serves("GET", api.PathExport, access.Read, s.records.Export, "Records as DynamoDB items",
			selection, toggle("ascending", "the earliest first"), numbered("limit", "how many at most; without it all"), next,
			gives[any]("an item in each line", api.ContentTypeNDJSON)),
		answers(s, "POST", api.PathImport, access.Administer, s.records.Import, "Bring in records",
			toggle("overwrite", "replace records that are there already"), sends("DynamoDB items, one in each line, or documents of a table scan", api.ContentTypeNDJSON)),
		answers(s, "POST", api.PathMigrate, access.Administer, s.records.Migrate, "Rewrite records of version 1 as version 2 has them", takes[api.Migrate]),
		answers(s, "POST", api.PathReconcile, access.Operate, s.records.Settle, "Find records that nobody works on, and settle them", takes[api.Reconcile]),
		answers(s, "PUT", api.PathPayloads, access.Operate, s.records.Store, "Bring in the input or output of a record's last execution, which ran elsewhere",
			must("id", "the payload's id"), must("doc", "input or output"), must("execution", "the ARN of that execution"), sends("the payload")),
		answers(s, "DELETE", api.PathPayloads, access.Operate, s.records.Remove, "Delete the record of a payload with what is stored for it",
			must("id", "the payload's id"), reason, held),
		answers(s, "DELETE", api.PathPayloads+"/{id...}", access.Operate, s.records.Remove, "Delete the record of a payload with what is stored for it",
			reason, held),
		answers(s, "GET", api.PathAudit, access.Read, s.audit, "Who did what to what, when, and why, the latest first",
			query("kind", "what was done"), query("actor", "who did it"), query("subject", "what it was done to"),
			query("since", "a time: 7d, 24h, 30m ago, or RFC 3339"), query("until", "a time, like since"), limit, next),
		answers(s, "POST", api.PathBackup, access.Administer, s.backup, "Copy the data directory into a new folder of the server's machine", takes[api.Backup]),
	}
}

// selection are the parameters that filters reads.
func selection(op *openapi.Operation) {
	for _, add := range []detail{
		query("collections_workflow", "<collections>_<workflow>"), query("workflow", "a workflow's name, whatever the collections"),
		query("state", "a state"), query("since", "a time: 7d, 24h, 30m ago, or RFC 3339"), query("until", "a time, like since"),
		query("error_prefix", "how the last error begins"), query("item_prefix", "how the item ids begin"),
	} {
		add(op)
	}
}

func reason(op *openapi.Operation) { must("reason", "why, for the audit log")(op) }

func held(op *openapi.Operation) {
	toggle("held", "also when an execution holds the record")(op)
}
