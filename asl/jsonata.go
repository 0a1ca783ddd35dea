package asl

import "strings"

// isJSONata says whether a string of a JSONata state is meant to be an expression: it begins with {% and ends with %}.
func isJSONata(s string) bool { return strings.HasPrefix(s, "{%") && strings.HasSuffix(s, "%}") && len(s) >= 4 }

// jsonata compiles the expression of a string, or returns nil when it is a literal.
func (p *parser) jsonata(n *node, at string) expression {
	if !isJSONata(n.str) {
		return nil
	}
	p.errorf(n, at, "JSONata is not supported")
	return nil
}

// jsonataCondition reads the Condition of a choice rule.
func (p *parser) jsonataCondition(o *object) condition {
	o.take("Condition")
	return allOf(nil)
}

// subject names the expression that a template consists of, for messages about its result.
func (t *template) subject(field string) string { return field }
