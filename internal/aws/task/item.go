package task

import (
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"sundog/internal/table"
)

// attributes are an item's values in the form of AWS's client.
func attributes(item table.Item) map[string]types.AttributeValue {
	all := make(map[string]types.AttributeValue, len(item))
	for name, v := range item {
		all[name] = attribute(v)
	}
	return all
}

// attribute is a value that plain JSON can have: it has no sets and no bytes.
func attribute(v table.Value) types.AttributeValue {
	switch v.Type {
	case table.S:
		return &types.AttributeValueMemberS{Value: v.Text}
	case table.N:
		return &types.AttributeValueMemberN{Value: v.Text}
	case table.BOOL:
		return &types.AttributeValueMemberBOOL{Value: v.Bool}
	case table.L:
		list := make([]types.AttributeValue, len(v.List))
		for i, member := range v.List {
			list[i] = attribute(member)
		}
		return &types.AttributeValueMemberL{Value: list}
	case table.M:
		return &types.AttributeValueMemberM{Value: attributes(v.Map)}
	}
	return &types.AttributeValueMemberNULL{Value: true}
}

// itemOf is an item as AWS's client has it.
func itemOf(all map[string]types.AttributeValue) (table.Item, error) {
	item := make(table.Item, len(all))
	for name, a := range all {
		v, err := valueOf(a)
		if err != nil {
			return nil, fmt.Errorf("reading attribute %s: %w", name, err)
		}
		item[name] = v
	}
	return item, nil
}

func valueOf(a types.AttributeValue) (table.Value, error) {
	switch a := a.(type) {
	case *types.AttributeValueMemberS:
		return table.Text(a.Value), nil
	case *types.AttributeValueMemberN:
		return table.Value{Type: table.N, Text: a.Value}, nil
	case *types.AttributeValueMemberB:
		return table.Value{Type: table.B, Text: string(a.Value)}, nil
	case *types.AttributeValueMemberBOOL:
		return table.Value{Type: table.BOOL, Bool: a.Value}, nil
	case *types.AttributeValueMemberNULL:
		return table.Value{Type: table.NULL}, nil
	case *types.AttributeValueMemberSS:
		return table.Value{Type: table.SS, Set: a.Value}, nil
	case *types.AttributeValueMemberNS:
		return table.Value{Type: table.NS, Set: a.Value}, nil
	case *types.AttributeValueMemberBS:
		set := make([]string, len(a.Value))
		for i, b := range a.Value {
			set[i] = string(b)
		}
		return table.Value{Type: table.BS, Set: set}, nil
	case *types.AttributeValueMemberL:
		list := make([]table.Value, len(a.Value))
		for i, member := range a.Value {
			v, err := valueOf(member)
			if err != nil {
				return table.Value{}, err
			}
			list[i] = v
		}
		return table.Value{Type: table.L, List: list}, nil
	case *types.AttributeValueMemberM:
		item, err := itemOf(a.Value)
		return table.Value{Type: table.M, Map: item}, err
	}
	return table.Value{}, fmt.Errorf("a value of type %T is not known", a)
}
