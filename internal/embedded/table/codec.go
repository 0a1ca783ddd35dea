package table

import (
	"encoding/binary"
	"errors"
	"maps"
	"slices"

	"sundog/internal/embedded/store"
	"sundog/internal/table"
)

// A stored item is a version byte and its attributes in the order of their names: how many, then each with its name and value. A value is its
// type and what it holds, texts with their length in front.
const codecVersion = 1

var errCorrupt = errors.New("not an item of this program")

func encode(item table.Item) []byte {
	return appendItem(append(make([]byte, 0, 256), codecVersion), item)
}

func appendItem(b []byte, item map[string]table.Value) []byte {
	b = binary.AppendUvarint(b, uint64(len(item)))
	for _, name := range slices.Sorted(maps.Keys(item)) {
		b = appendValue(appendText(b, name), item[name])
	}
	return b
}

func appendText(b []byte, text string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(text))), text...)
}

func appendValue(b []byte, v table.Value) []byte {
	b = append(b, byte(v.Type))
	switch v.Type {
	case table.BOOL:
		if v.Bool {
			return append(b, 1)
		}
		return append(b, 0)
	case table.NULL:
		return b
	case table.SS, table.NS, table.BS:
		b = binary.AppendUvarint(b, uint64(len(v.Set)))
		for _, member := range v.Set {
			b = appendText(b, member)
		}
		return b
	case table.L:
		b = binary.AppendUvarint(b, uint64(len(v.List)))
		for _, member := range v.List {
			b = appendValue(b, member)
		}
		return b
	case table.M:
		return appendItem(b, v.Map)
	default:
		return appendText(b, v.Text)
	}
}

// decode reads an item. Its texts are copies.
func decode(value []byte) (table.Item, error) {
	d := store.Decode(value)
	if d.Byte() != codecVersion {
		return nil, errCorrupt
	}
	item := readItem(d)
	return item, d.Err()
}

func readItem(d *store.Decoder) map[string]table.Value {
	n := d.Uvarint()
	item := make(map[string]table.Value, min(n, uint64(len(d.Rest()))))
	for ; n > 0 && d.Err() == nil; n-- {
		name := d.Text()
		item[name] = readValue(d)
	}
	return item
}

func readValue(d *store.Decoder) table.Value {
	v := table.Value{Type: table.Type(d.Byte())}
	switch v.Type {
	case table.BOOL:
		v.Bool = d.Byte() == 1
	case table.NULL:
	case table.SS, table.NS, table.BS:
		for n := d.Uvarint(); n > 0 && d.Err() == nil; n-- {
			v.Set = append(v.Set, d.Text())
		}
	case table.L:
		for n := d.Uvarint(); n > 0 && d.Err() == nil; n-- {
			v.List = append(v.List, readValue(d))
		}
	case table.M:
		v.Map = readItem(d)
	default:
		v.Text = d.Text()
	}
	return v
}
