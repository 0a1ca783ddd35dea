package asl

import (
	"encoding/json"
	"math"
	"strconv"
	"strings"
	"time"
)

// This file has the fields that are written in several ways: as a literal, as a path with a name of its own (SecondsPath), or, in
// JSONata, as an expression.

// seconds is a whole number of a field such as Seconds, TimeoutSeconds or MaxConcurrency.
type seconds struct {
	field string // its name as it was written, with Path
	most  int64
	fixed int64
	expr  expression // nil: the number is fixed
	path  *path      // expr, when it is a path
}

// percentage is a number from 0 to 100: ToleratedFailurePercentage.
type percentage struct {
	field string
	fixed float64
	expr  expression // nil: the number is fixed
	path  *path      // expr, when it is a path
}

// text is a string of a Fail state.
type text struct {
	field string
	fixed string
	expr  expression
}

// timestamp is the end of a Wait state.
type timestamp struct {
	field string
	fixed time.Time
	expr  expression
	path  *path
}

// seconds reads a number that may also stand under the name with Path behind it.
func (p *parser) seconds(o *object, field string, jsonata bool, least int64) *seconds {
	return p.bounded(o, field, jsonata, least, maxSeconds)
}

// bounded is seconds for numbers with another upper bound.
func (p *parser) bounded(o *object, field string, jsonata bool, least, most int64) *seconds {
	if n := o.left[field]; n != nil && jsonata && n.kind == '"' {
		o.take(field)
		if e := p.jsonata(n, pointer(o.at, field)); e != nil {
			return &seconds{field: field, most: most, expr: e}
		}
		o.errorf(field, "The field '%s' must be a number or a JSONata expression", field)
		return nil
	}
	if !jsonata {
		o.atMostOne(field, field+"Path")
		if n := o.ofKind(field+"Path", '"'); n != nil {
			path, err := parsePath(n.str)
			if err != nil {
				o.errorf(field+"Path", "The value for the field '%s' must be a valid JSONPath", field+"Path")
				return nil
			}
			o.take(field)
			return &seconds{field: field + "Path", most: most, expr: path, path: path}
		}
	}
	if fixed, ok := o.whole(field, least, most); ok {
		return &seconds{field: field, most: most, fixed: fixed}
	}
	return nil
}

// value returns the number. A value that is none, or too small, is an error in the words that AWS has for the field.
func (n *seconds) value(s *scope, least int64) (int64, *failure) {
	if n.expr == nil {
		return n.fixed, nil
	}
	f := s.frame
	if n.path == nil {
		d, err := n.expr.eval(s, n.field)
		if err != nil {
			return 0, err
		}
		v, ok := wholeNumber(d)
		if !ok || v < least || v > n.most {
			return 0, f.queryFailure(n.field, "The field '%s' must be a whole number from %d to %d but was: %s", n.field, least, n.most, d.Bytes())
		}
		return v, nil
	}
	d, found, err := n.path.get(s)
	if err != nil || !found {
		if n.field == "SecondsPath" {
			return 0, f.runtimeFailure("The SecondsPath parameter does not reference an input value: %s", n.path.text)
		}
		return 0, f.runtimeFailure("%s", n.path.missing(s))
	}
	v, ok := wholeNumber(d)
	if text, isText := d.Get().(string); isText && n.ofMap() {
		var err error
		v, err = strconv.ParseInt(text, 10, 64)
		ok = err == nil
	}
	switch {
	case ok && v >= least && v <= n.most:
		return v, nil
	case n.field == "SecondsPath" && !ok:
		return 0, f.runtimeFailure("The SecondsPath parameter cannot be parsed as a long value: %s == %s", n.path.text, d.display())
	case n.field == "SecondsPath" && v < 0:
		return 0, f.runtimeFailure("The SecondsPath parameter references a negative value: %s == %d", n.path.text, v)
	case n.ofMap() && !ok:
		return 0, f.runtimeFailure("The %s field refers to value \"%s\" which is not a valid integer: %s", n.field, d.display(), n.path.text)
	case n.field == "ToleratedFailureCountPath":
		return 0, f.runtimeFailure("ToleratedFailureCount cannot be negative.")
	case n.field == "MaxConcurrencyPath":
		return 0, f.runtimeFailure("Expected non-negative integer for MaxConcurrency, got '%d' instead.", v)
	}
	return 0, f.runtimeFailure("The %s parameter must reference a whole number from %d to %d: %s == %s", n.field, least, n.most, n.path.text, d.display())
}

// ofMap says whether the number is one of a Map state's at a path, of which AWS says that it is no valid integer, and which it also reads
// from a string.
func (n *seconds) ofMap() bool {
	switch n.field {
	case "MaxConcurrencyPath", "ToleratedFailureCountPath", "MaxItemsPath", "MaxItemsPerBatchPath", "MaxInputBytesPerBatchPath":
		return true
	}
	return false
}

// percentage reads a number that may also stand under the name with Path behind it.
func (p *parser) percentage(o *object, field string, jsonata bool) *percentage {
	if n := o.left[field]; n != nil && jsonata && n.kind == '"' {
		o.take(field)
		if e := p.jsonata(n, pointer(o.at, field)); e != nil {
			return &percentage{field: field, expr: e}
		}
		o.errorf(field, "The field '%s' must be a number or a JSONata expression", field)
		return nil
	}
	if !jsonata {
		o.atMostOne(field, field+"Path")
		if path := o.path(field+"Path", false); path != nil {
			return &percentage{field: field + "Path", expr: path, path: path}
		}
	}
	n := o.ofKind(field, '0')
	if n == nil {
		return nil
	}
	v, ok := parseFloat(n.text)
	if !ok || v < 0 || v > 100 {
		o.errorf(field, "The field '%s' must be a number from 0 to 100", field)
	}
	return &percentage{field: field, fixed: v}
}

// value returns the number.
func (n *percentage) value(s *scope) (float64, *failure) {
	if n.expr == nil {
		return n.fixed, nil
	}
	d, err := n.expr.eval(s, n.field)
	if err != nil {
		return 0, err
	}
	number, _ := d.Get().(json.Number)
	if text, isText := d.Get().(string); isText && n.path != nil {
		number = json.Number(text)
	}
	v, notNumber := number.Float64()
	switch {
	case notNumber == nil && v >= 0 && v <= 100:
		return v, nil
	case n.path == nil:
		return 0, s.frame.queryFailure(n.field, "The field '%s' must be a number from 0 to 100 but was: %s", n.field, d.display())
	case notNumber != nil:
		return 0, s.frame.runtimeFailure("The %s field refers to value \"%s\" which is not a valid float: %s", n.field, d.display(), n.path.text)
	}
	return 0, s.frame.runtimeFailure("ToleratedFailurePercentage must be between 0 and 100.")
}

// text reads a string that may also stand under the name with Path behind it, as a path or an intrinsic function.
func (p *parser) text(o *object, field string, jsonata bool) *text {
	if !jsonata {
		o.atMostOne(field, field+"Path")
		if n := o.ofKind(field+"Path", '"'); n != nil {
			e, err := p.query(n)
			if err != nil || !givesString(e) {
				o.errorf(field+"Path", "The value for the field '%s' must be a valid JSONPath or an intrinsic function call that returns a string", field+"Path")
				return nil
			}
			o.take(field)
			return &text{field: field + "Path", expr: e}
		}
	}
	n := o.ofKind(field, '"')
	if n == nil {
		return nil
	}
	if jsonata {
		if e := p.jsonata(n, pointer(o.at, field)); e != nil {
			return &text{field: field, expr: e}
		}
	}
	return &text{field: field, fixed: n.str}
}

// value returns the string.
func (t *text) value(s *scope) (string, *failure) {
	if t.expr == nil {
		return t.fixed, nil
	}
	d, err := t.expr.eval(s, t.field)
	if err != nil {
		return "", err
	}
	v, ok := d.Get().(string)
	switch {
	case ok:
		return v, nil
	case s.frame.state.jsonata:
		return "", s.frame.queryFailure(t.field, "The field '%s' must be a string but was: %s", t.field, d.display())
	}
	return "", s.frame.runtimeFailure("The field '%s' must reference a string but was: %s", t.field, d.display())
}

// timestamp reads Timestamp or TimestampPath.
func (p *parser) timestamp(o *object, jsonata bool) *timestamp {
	if !jsonata && o.has("TimestampPath") {
		if path := o.path("TimestampPath", false); path != nil {
			return &timestamp{field: "TimestampPath", expr: path, path: path}
		}
		return nil
	}
	n := o.ofKind("Timestamp", '"')
	if n == nil {
		return nil
	}
	if jsonata {
		if e := p.jsonata(n, pointer(o.at, "Timestamp")); e != nil {
			return &timestamp{field: "Timestamp", expr: e}
		}
	}
	fixed, ok := parseTimestamp(n.str)
	if !ok {
		o.errorf("Timestamp", "String does not match RFC3339 timestamp")
	}
	return &timestamp{field: "Timestamp", fixed: fixed}
}

// value returns the time.
func (t *timestamp) value(s *scope) (time.Time, *failure) {
	if t.expr == nil {
		return t.fixed, nil
	}
	f := s.frame
	if t.path != nil {
		d, found, err := t.path.get(s)
		if err != nil || !found {
			return time.Time{}, f.runtimeFailure("The TimestampPath parameter does not reference an input value: %s", t.path.text)
		}
		at, ok := timestampOf(d.Get())
		if !ok {
			return time.Time{}, f.runtimeFailure(
				"The TimestampPath parameter does not reference a valid ISO-8601 extended offset date-time format string: %s == %s", t.path.text, d.display())
		}
		return at, nil
	}
	d, err := t.expr.eval(s, t.field)
	if err != nil {
		return time.Time{}, err
	}
	at, ok := timestampOf(d.Get())
	if !ok {
		err := f.queryFailure(t.field, "The Timestamp field cannot be parsed as an ISO-8601 extended offset date-time format string: %s", d.display())
		err.entered = true
		return time.Time{}, err
	}
	return at, nil
}

// parseFloat reads a number of the definition.
func parseFloat(text []byte) (float64, bool) {
	v, err := strconv.ParseFloat(string(text), 64)
	return v, err == nil && !math.IsInf(v, 0)
}

// query compiles a path or an intrinsic function call.
func (p *parser) query(n *node) (expression, error) {
	if n.kind == '"' && strings.HasPrefix(n.str, "States.") {
		return parseIntrinsic(n.str)
	}
	return parsePath(n.str)
}

// memberTemplate compiles one member of a payload template on its own, and returns its name without the suffix ".$".
func (p *parser) memberTemplate(m member, at string) (string, *template) {
	name, dynamic := strings.CutSuffix(m.name, ".$")
	var b templateBuilder
	if !dynamic {
		p.buildJSONPath(&b, m.value, pointer(at, m.name))
	} else if e, err := p.query(m.value); err != nil {
		p.errorf(m.value, at, "The value for the field '%s' must be a valid JSONPath or a valid intrinsic function call", m.name)
	} else {
		b.expr(e, m.name)
	}
	return name, b.finish()
}
