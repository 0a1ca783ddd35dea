package statedb

// Overwrite says what becomes of a record that is there already when another of the same id is brought in.
type Overwrite bool

// The ways of bringing records in. Neither touches a record that an execution holds: its end could not be told any more.
const (
	KeepExisting    Overwrite = false
	ReplaceExisting Overwrite = true
)

// MaxPut is how many records are brought in at once.
const MaxPut = 1000

// Brought is what became of a record that was brought in.
type Brought uint8

// What can become of it.
const (
	Stored Brought = iota
	Exists         // there was one, which stays
	Held           // there was one that an execution holds, which stays
)

// Decide says what becomes of a record when before is there, or nothing when that is nil.
func (o Overwrite) Decide(before *Record) Brought {
	switch {
	case before == nil:
		return Stored
	case before.State().Open():
		return Held
	case o == KeepExisting:
		return Exists
	}
	return Stored
}
