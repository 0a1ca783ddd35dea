package server

import (
	"sundog/internal/access"
	"sundog/internal/api"
	"sundog/internal/server/openapi"
)

// tableRoutes are the routes of tables.
func (s *Server) tableRoutes() []route {
	const one = api.PathTables + "/{table}"
	return []route{
		answers(s, "GET", api.PathTables, access.Read, s.tables, "Tables with how much is in them", limit, next),
		answers(s, "GET", one, access.Read, s.describeTable, "A table: keys, indexes, stream, and how much is in it"),
		answers(s, "GET", one+"/item", access.Read, s.item, "An item, in the form of DynamoDB", itemKey),
		answers(s, "PUT", one+"/item", access.Operate, s.putItem, "Put an item; the answer has the one that was there", sends("an item in the form of DynamoDB: {\"PK\": {\"S\": \"TASK#100\"}}"),
			toggle("create", "only when there is no item with that key, else 409"), condition, attributeValues, attributeNames),
		answers(s, "DELETE", one+"/item", access.Operate, s.deleteItem, "Delete an item; the answer has the one that was there", itemKey, condition, attributeValues, attributeNames),
		answers(s, "GET", one+"/items", access.Read, s.items, "Items of one partition, in the order of their sort key, or without where of the whole table",
			query("where", `conditions on key attributes in plain JSON: {"PK": "a", "SK": {"begins_with": "b"}}; also <, <=, >, >= and between`),
			query("index", "the secondary index to go by"), query("filter", "a filter expression: attempts > :a"), attributeValues, attributeNames,
			query("projection", "a projection expression: the attributes that are wanted"), toggle("descending", "the last first"), limit, next),
		serves("GET", one+"/stream", access.Read, s.tableStream, "Changes of a table's items, oldest first: a part, or as they happen (Server-Sent Events)",
			query("after", "the sequence number after which to begin, or latest; the beginning when missing, and of events now"), limit,
			header("Last-Event-ID", "like after, and goes before it"),
			gives[api.Changes]("a part of the stream, or a stream without an end", "application/json", contentTypeEvents)),
	}
}

func itemKey(op *openapi.Operation) {
	must("key", `the item's key in plain JSON: {"PK": "TASK#100"}`)(op)
}

func condition(op *openapi.Operation) {
	query("condition", "a condition expression that the item has to meet, else 409: attempts < :limit")(op)
}

func attributeValues(op *openapi.Operation) {
	query("values", `what the placeholders of expressions stand for, in plain JSON: {":limit": 5}`)(op)
}

func attributeNames(op *openapi.Operation) {
	query("names", `what the placeholders of names in expressions stand for: {"#s": "status"}`)(op)
}
