package table

import (
	"slices"
	"time"
)

// Key names an attribute of a key and its type: S, N or B. An empty name is that of no attribute.
type Key struct {
	Name string
	Type Type
}

// Keys are the key attributes of a table or index. Sort is empty where there is none.
type Keys struct{ Partition, Sort Key }

// All returns the one or two key attributes.
func (k Keys) All() []Key {
	if k.Sort.Name == "" {
		return []Key{k.Partition}
	}
	return []Key{k.Partition, k.Sort}
}

// Kinds of projections of an index.
const (
	ProjectAll      = "ALL"
	ProjectKeysOnly = "KEYS_ONLY"
	ProjectInclude  = "INCLUDE"
)

// Index is a secondary index.
type Index struct {
	Name    string
	Keys    Keys
	Local   bool   // it has the partition key of the table, and reads are consistent
	Project string // ProjectAll, ProjectKeysOnly, ProjectInclude
	Include []string
}

// Views of a stream.
const (
	ViewKeysOnly = "KEYS_ONLY"
	ViewNew      = "NEW_IMAGE"
	ViewOld      = "OLD_IMAGE"
	ViewBoth     = "NEW_AND_OLD_IMAGES"
)

// Schema describes a table. It is not changed once a table has it.
type Schema struct {
	Name    string
	Keys    Keys
	Indexes []Index // global ones first, in which order complaints come
	TTL     string  // the attribute with the time of expiry in seconds since 1970; empty: items do not expire
	Stream  string  // the view of the stream; empty: there is none

	Created   time.Time
	Streaming time.Time // since when there is a stream
	OnDemand  bool      // BillingMode PAY_PER_REQUEST; it has no effect
	Reads     int64     // provisioned capacity units; they have no effect
	Writes    int64
	ID        string
	Declared  bool // by the project: it cannot be deleted or changed by a request
}

// Index returns an index by name.
func (s *Schema) Index(name string) (*Index, bool) {
	for i := range s.Indexes {
		if s.Indexes[i].Name == name {
			return &s.Indexes[i], true
		}
	}
	return nil, false
}

// KeyOf returns the key attributes of an item.
func (s *Schema) KeyOf(item Item) Item {
	key := make(Item, 2)
	for _, k := range s.Keys.All() {
		key[k.Name] = item[k.Name]
	}
	return key
}

// Has reports whether an item is in the index: it has all of its keys.
func (x *Index) Has(item Item) bool {
	return !slices.ContainsFunc(x.Keys.All(), func(k Key) bool { return item[k.Name].Type != k.Type })
}

// Entry returns the part of an item that the index keeps.
func (s *Schema) Entry(x *Index, item Item) Item {
	if x.Project == ProjectAll {
		return item
	}
	entry := s.KeyOf(item)
	for _, k := range x.Keys.All() {
		entry[k.Name] = item[k.Name]
	}
	for _, name := range x.Include {
		if v, ok := item[name]; ok {
			entry[name] = v
		}
	}
	return entry
}

const notTheKey = "The provided key element does not match the schema"

// CheckKey refuses what is no key of the table.
func (s *Schema) CheckKey(key Item) error {
	if len(key) != len(s.Keys.All()) {
		return Invalid(notTheKey)
	}
	return checkPieces(s.Keys, key)
}

func checkPieces(keys Keys, key Item) error {
	for i, k := range keys.All() {
		if err := checkPiece(k, key[k.Name], i == 0); err != nil {
			return err
		}
	}
	return nil
}

func checkPiece(k Key, v Value, partition bool) error {
	if v.Type != k.Type {
		return Invalid(notTheKey)
	}
	if v.Type != N && v.Text == "" {
		return Invalid(badParameter+"The AttributeValue for a key attribute cannot contain an empty %s value. Key: %s", kindOf(k.Type), k.Name)
	}
	return checkKeySize(v, partition)
}

func kindOf(t Type) string {
	if t == B {
		return "binary"
	}
	return "string"
}

func checkKeySize(v Value, partition bool) error {
	switch {
	case v.Type == N:
	case partition && len(v.Text) > MaxPartitionKey:
		return Invalid(badParameter + "Size of hashkey has exceeded the maximum size limit of2048 bytes")
	case !partition && len(v.Text) > MaxSortKey:
		return Invalid(badParameter + "Aggregated size of all range keys has exceeded the size limit of 1024 bytes")
	}
	return nil
}

// CheckItem refuses an item that lacks a key, or has one of a wrong type.
func (s *Schema) CheckItem(item Item) error {
	for _, k := range s.Keys.All() {
		v, ok := item[k.Name]
		if !ok {
			return Invalid(badParameter+"Missing the key %s in the item", k.Name)
		}
		if v.Type != k.Type {
			return Invalid(badParameter+"Type mismatch for key %s expected: %s actual: %s", k.Name, k.Type, v.Type)
		}
		if v.Type != N && v.Text == "" {
			return Invalid("One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty %s value. Key: %s", kindOf(k.Type), k.Name)
		}
		if err := checkKeySize(v, k.Name == s.Keys.Partition.Name); err != nil {
			return err
		}
	}
	return s.checkIndexKeys(item)
}

// checkIndexKeys refuses attributes that are keys of an index and have another type, or nothing in them.
func (s *Schema) checkIndexKeys(item Item) error {
	for i := range s.Indexes {
		x := &s.Indexes[i]
		for _, k := range x.Keys.All() {
			v, ok := item[k.Name]
			if ok && v.Type != k.Type {
				return Invalid(badParameter+"Type mismatch for Index Key %s Expected: %s Actual: %s IndexName: %s", k.Name, k.Type, v.Type, x.Name)
			}
			if ok && v.Type != N && v.Text == "" {
				return Invalid("One or more parameter values are not valid. A value specified for a secondary index key is not supported. The AttributeValue for a key attribute cannot contain an empty %s value. IndexName: %s, IndexKey: %s", kindOf(k.Type), x.Name, k.Name)
			}
		}
	}
	return nil
}

// CheckUpdate refuses an update of a key attribute, or one that would give the key of an index another type.
func (s *Schema) CheckUpdate(u *Update) error {
	for _, k := range s.Keys.All() {
		if slices.Contains(u.Heads(), k.Name) {
			return Invalid(badParameter+"Cannot update attribute %s. This attribute is part of the key", k.Name)
		}
	}
	for i := range s.Indexes {
		for _, k := range s.Indexes[i].Keys.All() {
			for _, a := range u.actions {
				if t := a.knownType(); len(a.path) == 1 && a.path[0].name == k.Name && t != None && t != k.Type {
					return Invalid(badParameter+"Type mismatch for Index Key %s Expected: %s Actual: %s IndexName: %s", k.Name, k.Type, t, s.Indexes[i].Name)
				}
			}
		}
	}
	return s.checkNested(u.nested)
}

// CheckUpdated refuses the result of an update: an index key of another type, or an item that is too large.
func (s *Schema) CheckUpdated(item Item) error {
	if item.Size() > MaxItemBytes {
		return Invalid("Item size to update has exceeded the maximum allowed size")
	}
	return s.checkIndexKeys(item)
}

// knownType is the type that an action gives an attribute whatever the item, or None.
func (a action) knownType() Type {
	if a.source == nil {
		return None
	}
	return sourceType(a.source)
}

func sourceType(src source) Type {
	switch src := src.(type) {
	case Value:
		return src.Type
	case *call:
		switch {
		case src.isSum():
			return N
		case src.name == "list_append":
			return L
		}
		return sourceType(src.args[1])
	}
	return None
}

// CheckPaths refuses document paths that go on after a key attribute. Missing ones are fine.
func (s *Schema) CheckPaths(p *Projection, c *Condition) error {
	if p != nil {
		if err := s.checkNested(p.nested); err != nil {
			return err
		}
	}
	if c != nil {
		return s.checkNested(c.nested)
	}
	return nil
}

func (s *Schema) checkNested(heads []string) error {
	const text = "Key attributes must be scalars; list random access '[]' and map lookup '.' are not allowed: "
	for _, k := range s.Keys.All() {
		if slices.Contains(heads, k.Name) {
			return Invalid(text+"Key: %s", k.Name)
		}
	}
	for i := range s.Indexes {
		for _, k := range s.Indexes[i].Keys.All() {
			if slices.Contains(heads, k.Name) {
				return Invalid(text+"IndexKey: %s", k.Name)
			}
		}
	}
	return nil
}

// Info is a table as it is at a moment.
type Info struct {
	Schema *Schema
	Items  int64 // how many
	Bytes  int64 // their sizes together
}
