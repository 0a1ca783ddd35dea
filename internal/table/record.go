package table

import "time"

// Record is a change of an item, as a stream has it.
type Record struct {
	Sequence uint64 // grows with each change of the table, not by one
	Event    string // INSERT, MODIFY or REMOVE
	Expired  bool   // the item was removed because its time had come
	At       time.Time
	Keys     Item
	Old, New Item // nil: there was none, or the view of the stream has none
}
