package dynamodb

import (
	"strings"

	"sundog/internal/table"
)

// parameter is whether a parameter is in a request.
type parameter struct {
	name    string
	present bool
}

func present(params []parameter) []string {
	var found []string
	for _, p := range params {
		if p.present {
			found = append(found, p.name)
		}
	}
	return found
}

// expressions are the expressions of a request and what goes with them.
type expressions struct {
	given  []parameter // all that the operation may have
	others []parameter // what may not be there with them
	names  names
	values attributes
	valued bool // the operation knows ExpressionAttributeValues
}

// check refuses expressions together with the parameters that were there before expressions, and placeholders without expressions.
func (e expressions) check() error {
	given, others := present(e.given), present(e.others)
	if len(given) > 0 && len(others) > 0 {
		return table.Invalid("Can not use both expression and non-expression parameters in the same request: Non-expression parameters: {%s} Expression parameters: {%s}",
			strings.Join(others, ", "), strings.Join(given, ", "))
	}
	if e.names != nil && len(given) == 0 {
		return table.Invalid("ExpressionAttributeNames can only be specified when using expressions")
	}
	if !e.valued || e.values == nil {
		return nil
	}
	var wanting []string
	for _, p := range e.given {
		if p.name == "ProjectionExpression" {
			continue
		}
		if p.present {
			return nil
		}
		wanting = append(wanting, p.name)
	}
	verb := "is"
	if len(wanting) > 1 {
		verb = "are"
	}
	return table.Invalid("ExpressionAttributeValues can only be specified when using expressions: %s %s null", strings.Join(wanting, " and "), verb)
}

// placeholders are what the expressions refer to.
func (e expressions) placeholders() (*table.Placeholders, error) {
	var texts []table.NamedText // nil when there are none, which is not the same as empty
	if e.names != nil {
		texts = make([]table.NamedText, 0, len(e.names))
	}
	for _, n := range e.names {
		texts = append(texts, table.NamedText{Name: n.Name, Text: n.Value})
	}
	var raws []table.NamedRaw
	if e.values != nil {
		raws = make([]table.NamedRaw, 0, len(e.values))
	}
	for _, v := range e.values {
		raws = append(raws, table.NamedRaw{Name: v.Name, Raw: v.Value})
	}
	return table.NewPlaceholders(texts, raws)
}

// item is what attributes are when all of them are values.
func item(a attributes) (table.Item, error) {
	out := make(table.Item, len(a))
	for _, m := range a {
		v, err := m.Value.Value()
		if err != nil {
			return nil, err
		}
		out[m.Name] = v
	}
	return out, nil
}

// duplicate refuses AttributesToGet that have a name twice.
func duplicate(list []string) error {
	seen := map[string]bool{}
	for _, name := range list {
		if seen[name] {
			return table.Invalid("One or more parameter values were invalid: Duplicate value in attribute name: %s", name)
		}
		seen[name] = true
	}
	return nil
}

// parseProjection reads a projection, which may be missing or be a list of names.
func parseProjection(p *table.Placeholders, text *string, list []string) (*table.Projection, error) {
	switch {
	case text != nil:
		return p.ParseProjection(*text)
	case list != nil:
		return table.Attributes(list), nil
	}
	return nil, nil
}

// terms reads conditions on attributes.
func terms(conditions object[condition]) ([]table.Term, error) {
	out := make([]table.Term, 0, len(conditions))
	for _, c := range conditions {
		t := table.Term{Attribute: c.Name, Op: *c.Value.ComparisonOperator}
		for _, raw := range c.Value.AttributeValueList {
			v, err := raw.Value()
			if err != nil {
				return nil, err
			}
			t.Values = append(t.Values, v)
		}
		out = append(out, t)
	}
	return out, table.CheckTerms(out)
}

// expect reads Expected.
func expect(expected object[expectedAttributeValue], operator *string) (*table.Condition, error) {
	list := make([]table.Expectation, 0, len(expected))
	for _, e := range expected {
		one := table.Expectation{
			Attribute: e.Name, Op: text(e.Value.ComparisonOperator), Values: e.Value.AttributeValueList,
			HasValues: e.Value.AttributeValueList != nil, Value: e.Value.Value, Exists: e.Value.Exists,
		}
		list = append(list, one)
	}
	return table.Expect(list, text(operator) == "OR")
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

func truth(b *bool) bool { return b != nil && *b }

func number(n *int64) int {
	if n == nil {
		return 0
	}
	return int(*n)
}
