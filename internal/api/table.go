package api

import (
	"encoding/json"
	"time"
)

// PathTables are the tables.
const PathTables = "/v1/tables"

// TableKey is an attribute of a key and its type: S, N or B.
type TableKey struct {
	Name string `json:"name"`
	Type string `json:"type"`
}

// TableIndex is a secondary index.
type TableIndex struct {
	Name         string    `json:"name"`
	PartitionKey TableKey  `json:"partition_key"`
	SortKey      *TableKey `json:"sort_key,omitempty"`
	Local        bool      `json:"local,omitempty"`   // within the partitions of the table
	Projection   string    `json:"projection"`        // ALL, KEYS_ONLY or INCLUDE
	Include      []string  `json:"include,omitempty"` // attributes of INCLUDE
}

// Table is a table and how much there is in it.
type Table struct {
	Name         string       `json:"name"`
	PartitionKey TableKey     `json:"partition_key"`
	SortKey      *TableKey    `json:"sort_key,omitempty"`
	Indexes      []TableIndex `json:"indexes,omitempty"`
	TTL          string       `json:"ttl,omitempty"`      // the attribute with the time of expiry
	Stream       string       `json:"stream,omitempty"`   // the view of the stream: KEYS_ONLY, NEW_IMAGE, OLD_IMAGE or NEW_AND_OLD_IMAGES
	Declared     bool         `json:"declared,omitempty"` // by the project: requests cannot change or delete the table
	ReadOnly     bool         `json:"read_only,omitempty"`
	Created      time.Time    `json:"created"`
	Items        int64        `json:"items"`
	Bytes        int64        `json:"bytes"` // of the items, as DynamoDB counts; 0 of one that can only be read
}

// Tables is a page of tables.
type Tables struct {
	Tables []Table `json:"tables"`
	Next   string  `json:"next,omitempty"`
}

// Item is an item in the form of DynamoDB: {"PK": {"S": "TASK#100"}}. The answer to a deletion, or to a put that replaced an item, has the
// item that was there before.
type Item struct {
	Item json.RawMessage `json:"item,omitempty"`
}

// Items is a page of a query or scan.
type Items struct {
	Items   []json.RawMessage `json:"items"`
	Scanned int               `json:"scanned"` // items that the filter looked at
	Next    string            `json:"next,omitempty"`
}

// Change is a record of a table's stream, with the images that its view has.
type Change struct {
	Sequence uint64          `json:"sequence,string"` // grows with each change, not by one; too long for numbers of JSON in some languages
	Event    string          `json:"event"`           // INSERT, MODIFY or REMOVE
	Expired  bool            `json:"expired,omitempty"`
	At       time.Time       `json:"at"`
	Keys     json.RawMessage `json:"keys"`
	Old      json.RawMessage `json:"old,omitempty"`
	New      json.RawMessage `json:"new,omitempty"`
}

// Changes is a part of a table's stream, oldest first. Next is the position after it, also when there is nothing yet.
type Changes struct {
	Changes []Change `json:"changes"`
	Next    uint64   `json:"next,string"`
}
