package statedb

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/tidwall/gjson"

	"sundog/internal/statedb"
	"sundog/payload"
)

// The names of the table's keys, and of those of its indexes.
const (
	partitionName = "collections_workflow"
	itemName      = "itemids"
	stateName     = "state_updated"
	updatedName   = "updated"
)

// Bounds of a key in bytes (Amazon DynamoDB Developer Guide, Quotas).
const (
	maxPartitionKey = 2048
	maxSortKey      = 1024
)

type item = map[string]types.AttributeValue

func text(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }

func keyOf(id payload.ID) item {
	return item{partitionName: text(id.PartitionKey()), itemName: text(id.ItemIDs)}
}

// checkKey returns statedb.ErrMalformed for an id that no item of the table can have. It is told here because the service refuses a whole
// batch for one such key.
func checkKey(id payload.ID) error {
	switch {
	case id.ItemIDs == "":
		return fmt.Errorf("%w %s: it names no items", statedb.ErrMalformed, id)
	case len(id.PartitionKey()) > maxPartitionKey:
		return fmt.Errorf("%w %.80s…: its collections and workflow have %d bytes, a key has up to %d", statedb.ErrMalformed, id, len(id.PartitionKey()), maxPartitionKey)
	case len(id.ItemIDs) > maxSortKey:
		return fmt.Errorf("%w %.80s…: its item ids have %d bytes, a key has up to %d", statedb.ErrMalformed, id, len(id.ItemIDs), maxSortKey)
	}
	return nil
}

// decode reads a record from an item. The error wraps statedb.ErrMalformed.
func decode(it item) (statedb.Record, error) {
	var out bytes.Buffer
	out.WriteByte('{')
	for i, name := range slices.Sorted(maps.Keys(it)) {
		if i > 0 {
			out.WriteByte(',')
		}
		quote(&out, name)
		out.WriteByte(':')
		if err := write(&out, it[name]); err != nil {
			return statedb.Record{}, fmt.Errorf("%w: attribute %s: %w", statedb.ErrMalformed, name, err)
		}
	}
	out.WriteByte('}')
	var r statedb.Record
	return r, r.UnmarshalItem(out.Bytes())
}

// write writes an attribute value as the service's JSON has it.
func write(out *bytes.Buffer, v types.AttributeValue) error {
	var kind string
	var content any
	switch v := v.(type) {
	case *types.AttributeValueMemberS:
		kind, content = "S", v.Value
	case *types.AttributeValueMemberN:
		kind, content = "N", v.Value
	case *types.AttributeValueMemberB:
		kind, content = "B", v.Value
	case *types.AttributeValueMemberBOOL:
		kind, content = "BOOL", v.Value
	case *types.AttributeValueMemberNULL:
		kind, content = "NULL", v.Value
	case *types.AttributeValueMemberSS:
		kind, content = "SS", v.Value
	case *types.AttributeValueMemberNS:
		kind, content = "NS", v.Value
	case *types.AttributeValueMemberBS:
		kind, content = "BS", v.Value
	case *types.AttributeValueMemberL:
		return writeList(out, v.Value)
	case *types.AttributeValueMemberM:
		return writeMap(out, v.Value)
	default:
		return fmt.Errorf("unknown type %T", v)
	}
	encoded, err := json.Marshal(content)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, `{%q:%s}`, kind, encoded)
	return nil
}

func writeList(out *bytes.Buffer, list []types.AttributeValue) error {
	out.WriteString(`{"L":[`)
	for i, v := range list {
		if i > 0 {
			out.WriteByte(',')
		}
		if err := write(out, v); err != nil {
			return err
		}
	}
	out.WriteString(`]}`)
	return nil
}

func writeMap(out *bytes.Buffer, m item) error {
	out.WriteString(`{"M":{`)
	for i, name := range slices.Sorted(maps.Keys(m)) {
		if i > 0 {
			out.WriteByte(',')
		}
		quote(out, name)
		out.WriteByte(':')
		if err := write(out, m[name]); err != nil {
			return err
		}
	}
	out.WriteString(`}}`)
	return nil
}

func quote(out *bytes.Buffer, s string) {
	quoted, err := json.Marshal(s)
	if err != nil {
		panic(fmt.Sprintf("statedb: writing %q: %v", s, err)) // texts always marshal
	}
	out.Write(quoted)
}

// encode writes a record as an item.
func encode(r *statedb.Record) (item, error) {
	it := item{}
	var err error
	gjson.ParseBytes(r.MarshalItem()).ForEach(func(name, value gjson.Result) bool {
		it[name.String()], err = read(value)
		return err == nil
	})
	if err != nil {
		return nil, fmt.Errorf("%w %s: %w", statedb.ErrMalformed, r.ID, err)
	}
	return it, nil
}

// read reads an attribute value from the service's JSON.
func read(v gjson.Result) (value types.AttributeValue, err error) {
	v.ForEach(func(kind, content gjson.Result) bool {
		switch kind.String() {
		case "S":
			value = text(content.String())
		case "N":
			value = &types.AttributeValueMemberN{Value: content.String()}
		case "BOOL":
			value = &types.AttributeValueMemberBOOL{Value: content.Bool()}
		case "NULL":
			value = &types.AttributeValueMemberNULL{Value: true}
		case "SS":
			value = &types.AttributeValueMemberSS{Value: texts(content)}
		case "NS":
			value = &types.AttributeValueMemberNS{Value: texts(content)}
		case "B":
			var b []byte
			b, err = base64.StdEncoding.DecodeString(content.String())
			value = &types.AttributeValueMemberB{Value: b}
		case "BS":
			set := &types.AttributeValueMemberBS{}
			for _, one := range texts(content) {
				var b []byte
				if b, err = base64.StdEncoding.DecodeString(one); err != nil {
					break
				}
				set.Value = append(set.Value, b)
			}
			value = set
		case "L":
			list := &types.AttributeValueMemberL{Value: []types.AttributeValue{}}
			content.ForEach(func(_, element gjson.Result) bool {
				var e types.AttributeValue
				e, err = read(element)
				list.Value = append(list.Value, e)
				return err == nil
			})
			value = list
		case "M":
			m := &types.AttributeValueMemberM{Value: item{}}
			content.ForEach(func(name, member gjson.Result) bool {
				m.Value[name.String()], err = read(member)
				return err == nil
			})
			value = m
		}
		return false
	})
	if err == nil && value == nil {
		err = fmt.Errorf("%.80s is no attribute value", v.Raw)
	}
	return value, err
}

func texts(list gjson.Result) []string {
	all := []string{}
	list.ForEach(func(_, v gjson.Result) bool {
		all = append(all, v.String())
		return true
	})
	return all
}
