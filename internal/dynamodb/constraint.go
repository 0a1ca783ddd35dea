package dynamodb

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"github.com/tidwall/gjson"

	"sundog/internal/table"
)

// Constraints stand in the tag "api" of a field, in the order in which DynamoDB looks at them:
//
//	required        it must be there, or else nothing more is looked at
//	name            it is the name of a table, and if its length is not right nothing more is looked at
//	notnull         it must be there
//	table           it consists of letters, digits, '_', '-' and '.'
//	min=N, max=N    the length of a text, list or object; of a number itself
//	enum=A|B        it is one of these
//	keys            the names in the object are names of tables
//	values=N:M      the lists in the object have N to M members

// maxComplaints bounds the complaints about one request.
const maxComplaints = 10

// checker gathers complaints about one request.
type checker struct{ complaints []string }

// check looks at the constraints of a request of the type of dst.
func check(r gjson.Result, dst any) error {
	t := reflect.TypeOf(dst).Elem()
	given := r.Map()
	for _, f := range reflect.VisibleFields(t) {
		value := given[f.Name]
		present := value.Exists() && value.Type != gjson.Null
		for rule := range strings.SplitSeq(f.Tag.Get("api"), ",") {
			switch {
			case rule == "required" && !present:
				return table.Invalid("The parameter '%s' is required but was not present in the request", f.Name)
			case rule == "name" && present && (len(value.Str) < 3 || len(value.Str) > 255):
				return table.Invalid("%s must be at least 3 characters long and at most 255 characters long", f.Name)
			}
		}
	}
	c := &checker{}
	c.fields(r, t, "")
	if len(c.complaints) == 0 {
		return nil
	}
	plural := "s"
	if len(c.complaints) == 1 {
		plural = ""
	}
	return table.Invalid("%d validation error%s detected: %s", len(c.complaints), plural, strings.Join(c.complaints, "; "))
}

func (c *checker) fields(r gjson.Result, t reflect.Type, parent string) {
	given := r.Map()
	for i := range t.NumField() {
		f := t.Field(i)
		c.field(given[f.Name], f.Type, f.Tag.Get("api"), parent+strings.ToLower(f.Name[:1])+f.Name[1:])
	}
}

// field looks at a value, and then at what is in it.
func (c *checker) field(r gjson.Result, t reflect.Type, rules, name string) {
	present := r.Exists() && r.Type != gjson.Null
	for rule := range strings.SplitSeq(rules, ",") {
		if rule == "" || !present && rule != "notnull" {
			continue
		}
		if complaint := broken(rule, r, present); complaint != "" && len(c.complaints) < maxComplaints {
			c.complaints = append(c.complaints, fmt.Sprintf("Value %s at '%s' failed to satisfy constraint: %s", shown(r), name, complaint))
		}
	}
	if !present {
		return
	}
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch {
	case t == reflect.TypeFor[table.Raw]():
	case t.Kind() == reflect.Struct:
		c.fields(r, t, name+".")
	case strings.HasPrefix(t.Name(), "object["):
		inside := t.Elem().Field(1).Type
		r.ForEach(func(key, value gjson.Result) bool {
			c.field(value, inside, "", name+"."+key.String()+".member")
			return true
		})
	case t.Kind() == reflect.Slice:
		for i, value := range r.Array() {
			c.field(value, t.Elem(), "", name+"."+strconv.Itoa(i+1)+".member")
		}
	}
}

const tablePattern = "[a-zA-Z0-9_.-]+"

// broken is the complaint of a rule, or "".
func broken(rule string, r gjson.Result, present bool) string {
	kind, argument, _ := strings.Cut(rule, "=")
	bound, _ := strconv.ParseInt(argument, 10, 64)
	measured := "length"
	if r.Type == gjson.Number {
		measured = "value"
	}
	switch kind {
	case "notnull":
		if !present {
			return "Member must not be null"
		}
	case "table":
		if !isTableName(r.Str) {
			return "Member must satisfy regular expression pattern: " + tablePattern
		}
	case "min":
		if measure(r) < bound {
			return fmt.Sprintf("Member must have %s greater than or equal to %d", measured, bound)
		}
	case "max":
		if measure(r) > bound {
			return fmt.Sprintf("Member must have %s less than or equal to %d", measured, bound)
		}
	case "enum":
		allowed := strings.Split(argument, "|")
		for _, word := range allowed {
			if word == r.Str {
				return ""
			}
		}
		return "Member must satisfy enum value set: [" + strings.Join(allowed, ", ") + "]"
	case "keys":
		return brokenNames(r)
	case "values":
		return brokenLists(r, argument)
	}
	return ""
}

func isTableName(name string) bool {
	return name != "" && strings.Trim(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-") == ""
}

func brokenNames(r gjson.Result) (complaint string) {
	r.ForEach(func(key, _ gjson.Result) bool {
		if name := key.String(); len(name) < 3 || len(name) > 255 || !isTableName(name) {
			complaint = "Map keys must satisfy constraint: [Member must have length less than or equal to 255, Member must have length greater than or equal to 3, Member must satisfy regular expression pattern: " + tablePattern + "]"
		}
		return complaint == ""
	})
	return complaint
}

func brokenLists(r gjson.Result, bounds string) (complaint string) {
	low, high, _ := strings.Cut(bounds, ":")
	least, _ := strconv.ParseInt(low, 10, 64)
	most, _ := strconv.ParseInt(high, 10, 64)
	r.ForEach(func(_, list gjson.Result) bool {
		if n := measure(list); n < least || n > most {
			complaint = fmt.Sprintf("Map value must satisfy constraint: [Member must have length less than or equal to %d, Member must have length greater than or equal to %d]", most, least)
		}
		return complaint == ""
	})
	return complaint
}

// measure is a number, or the length of anything else.
func measure(r gjson.Result) int64 {
	switch {
	case r.Type == gjson.Number:
		return int64(r.Num)
	case r.IsArray():
		return int64(len(r.Array()))
	case r.IsObject():
		return int64(len(r.Map()))
	}
	return int64(len(r.Str))
}

// shown is a value as complaints have it.
func shown(r gjson.Result) string {
	if !r.Exists() || r.Type == gjson.Null {
		return "null"
	}
	return "'" + plain(r) + "'"
}

func plain(r gjson.Result) string {
	if r.IsObject() {
		var out bytes.Buffer
		if err := json.Compact(&out, []byte(r.Raw)); err != nil {
			return r.Raw
		}
		return out.String()
	}
	if !r.IsArray() {
		return r.String()
	}
	members := r.Array()
	texts := make([]string, 0, len(members))
	for _, m := range members {
		texts = append(texts, plain(m))
	}
	return "[" + strings.Join(texts, ", ") + "]"
}
