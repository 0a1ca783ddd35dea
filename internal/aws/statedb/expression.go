package statedb

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// expression gathers an update and its condition. Names and values are placeholders throughout, because some attributes of others may be
// reserved words.
type expression struct {
	sets, removes, conditions []string
	names                     map[string]string
	values                    item
}

func (e *expression) name(attribute string) string {
	for placeholder, known := range e.names {
		if known == attribute {
			return placeholder
		}
	}
	if e.names == nil {
		e.names = map[string]string{}
	}
	placeholder := fmt.Sprintf("#n%d", len(e.names))
	e.names[placeholder] = attribute
	return placeholder
}

func (e *expression) value(v types.AttributeValue) string {
	if e.values == nil {
		e.values = item{}
	}
	placeholder := fmt.Sprintf(":v%d", len(e.values))
	e.values[placeholder] = v
	return placeholder
}

func (e *expression) set(attribute, operand string) {
	e.sets = append(e.sets, e.name(attribute)+" = "+operand)
}

func (e *expression) remove(attributes ...string) {
	for _, a := range attributes {
		e.removes = append(e.removes, e.name(a))
	}
}

// change sets and removes what differs between two items of the same key.
func (e *expression) change(before, after item) {
	for _, a := range slices.Sorted(maps.Keys(after)) {
		if a != partitionName && a != itemName && !reflect.DeepEqual(before[a], after[a]) {
			e.set(a, e.value(after[a]))
		}
	}
	for _, a := range slices.Sorted(maps.Keys(before)) {
		if after[a] == nil {
			e.remove(a)
		}
	}
}

// still makes it a condition that attributes are as in an item, missing where they are missing there. A list is taken for the same when it has
// as many elements and the same last one: executions are only ever appended.
func (e *expression) still(it item, attributes ...string) {
	for _, a := range attributes {
		name := e.name(a)
		list, isList := it[a].(*types.AttributeValueMemberL)
		switch {
		case it[a] == nil: // some programs write NULL for what is missing
			e.conditions = append(e.conditions, "(attribute_not_exists("+name+") OR attribute_type("+name+", "+e.value(text("NULL"))+"))")
		case !isList:
			e.conditions = append(e.conditions, name+" = "+e.value(it[a]))
		default:
			n := len(list.Value)
			e.conditions = append(e.conditions, "size("+name+") = "+e.value(&types.AttributeValueMemberN{Value: strconv.Itoa(n)}))
			if n > 0 {
				e.conditions = append(e.conditions, fmt.Sprintf("%s[%d] = %s", name, n-1, e.value(list.Value[n-1])))
			}
		}
	}
}

// missing makes it a condition that there is no item.
func (e *expression) missing() {
	e.conditions = append(e.conditions, "attribute_not_exists("+e.name(partitionName)+")")
}

// there makes it a condition that there is an item.
func (e *expression) there() {
	e.conditions = append(e.conditions, "attribute_exists("+e.name(partitionName)+")")
}

// beginsWith is a condition on a text.
func (e *expression) beginsWith(attribute, prefix string) string {
	return "begins_with(" + e.name(attribute) + ", " + e.value(text(prefix)) + ")"
}

// update is the update expression, nil when nothing is to change.
func (e *expression) update() *string {
	var parts []string
	if len(e.sets) > 0 {
		parts = append(parts, "SET "+strings.Join(e.sets, ", "))
	}
	if len(e.removes) > 0 {
		parts = append(parts, "REMOVE "+strings.Join(e.removes, ", "))
	}
	return joined(parts, " ")
}

// condition is the condition expression, nil when there is none.
func (e *expression) condition() *string { return joined(e.conditions, " AND ") }

func joined(parts []string, by string) *string {
	if len(parts) == 0 {
		return nil
	}
	all := strings.Join(parts, by)
	return &all
}
