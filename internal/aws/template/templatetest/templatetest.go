// Package templatetest checks templates of CloudFormation for tests: that everything that they refer to is there, that roles name what they
// allow, and that no queue is without dead letters and an alarm. Types and names of properties are checked by deploy/lint, against AWS's
// specification.
package templatetest

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// Template is a template whose short forms (!Ref, !GetAtt, …) have become long ones.
type Template struct {
	Parameters map[string]map[string]any `yaml:"Parameters"`
	Conditions map[string]any            `yaml:"Conditions"`
	Rules      map[string]any            `yaml:"Rules"`
	Resources  map[string]Resource       `yaml:"Resources"`
	Outputs    map[string]map[string]any `yaml:"Outputs"`
}

// Resource is a resource of a template.
type Resource struct {
	Type       string         `yaml:"Type"`
	Condition  string         `yaml:"Condition"`
	Properties map[string]any `yaml:"Properties"`
	// DeletionPolicy and UpdateReplacePolicy say what becomes of it when its stack goes or it is replaced.
	DeletionPolicy      string `yaml:"DeletionPolicy"`
	UpdateReplacePolicy string `yaml:"UpdateReplacePolicy"`
}

// Retained reports whether it stays when its stack goes or it is replaced.
func (r Resource) Retained() bool {
	return r.DeletionPolicy == "Retain" && r.UpdateReplacePolicy == "Retain"
}

// Read parses a template, in YAML or JSON.
func Read(t *testing.T, text []byte) *Template {
	t.Helper()
	var document yaml.Node
	if err := yaml.Unmarshal(text, &document); err != nil {
		t.Fatalf("the template does not parse: %v", err)
	}
	lengthen(&document)
	var template Template
	if err := document.Decode(&template); err != nil {
		t.Fatalf("the template is none: %v", err)
	}
	return &template
}

// lengthen replaces tags by what they stand for: !Sub x by {"Fn::Sub": x}.
func lengthen(n *yaml.Node) {
	for _, child := range n.Content {
		lengthen(child)
	}
	name, ok := strings.CutPrefix(n.Tag, "!")
	if !ok || strings.HasPrefix(name, "!") {
		return
	}
	value := *n
	value.Tag = ""
	if n.Kind == yaml.ScalarNode {
		value.Tag = "!!str"
	}
	if name == "GetAtt" && n.Kind == yaml.ScalarNode {
		id, attribute, _ := strings.Cut(n.Value, ".")
		value = yaml.Node{Kind: yaml.SequenceNode, Content: []*yaml.Node{text(id), text(attribute)}}
	}
	if name != "Ref" && name != "Condition" {
		name = "Fn::" + name
	}
	*n = yaml.Node{Kind: yaml.MappingNode, Content: []*yaml.Node{text(name), &value}}
}

func text(value string) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: value}
}

// CheckReferences reports what the template names and does not have: parameters, resources and conditions.
// Parameters that nothing uses are reported too.
func CheckReferences(t *testing.T, template *Template) {
	t.Helper()
	used := map[string]bool{}
	check := func(where, name string) {
		if _, resource := template.Resources[name]; template.Parameters[name] == nil && !resource && !strings.HasPrefix(name, "AWS::") {
			t.Errorf("%s refers to %s, which is neither a parameter nor a resource", where, name)
		}
		used[name] = true
	}
	condition := func(where, name string) {
		if _, ok := template.Conditions[name]; !ok {
			t.Errorf("%s refers to the condition %s, which is not there", where, name)
		}
	}
	visit := func(where string, v any) {
		each(where, v, func(where, function string, argument any) {
			switch function {
			case "Ref":
				check(where, argument.(string))
			case "Fn::GetAtt":
				check(where, argument.([]any)[0].(string))
			case "Fn::Sub":
				for _, name := range placeholders(argument) {
					check(where, name)
				}
			case "Fn::If":
				condition(where, argument.([]any)[0].(string))
			case "Condition":
				if name, ok := argument.(string); ok {
					condition(where, name)
				}
			}
		})
	}
	for name, c := range template.Conditions {
		visit("condition "+name, c)
	}
	for name, r := range template.Rules {
		visit("rule "+name, r)
	}
	for name, r := range template.Resources {
		if r.Condition != "" {
			condition(name, r.Condition)
		}
		visit(name, r.Properties)
	}
	for name, o := range template.Outputs {
		visit("output "+name, o["Value"])
	}
	for name := range template.Parameters {
		if !used[name] {
			t.Errorf("nothing uses the parameter %s", name)
		}
	}
}

// Attributes returns what the template asks of its resources by Fn::GetAtt, RESOURCE.ATTRIBUTE by the place that asks.
func (template *Template) Attributes() map[string]string {
	found := map[string]string{}
	add := func(where, function string, argument any) {
		if function == "Fn::GetAtt" {
			pair := argument.([]any)
			found[where] = fmt.Sprintf("%v.%v", pair[0], pair[1])
		}
	}
	for name, r := range template.Resources {
		each(name, r.Properties, add)
	}
	for name, o := range template.Outputs {
		each("output "+name, o["Value"], add)
	}
	return found
}

// each calls f for every function of CloudFormation in a value.
func each(where string, v any, f func(where, function string, argument any)) {
	switch v := v.(type) {
	case []any:
		for i, item := range v {
			each(fmt.Sprintf("%s[%d]", where, i), item, f)
		}
	case map[string]any:
		for key, inner := range v {
			if len(v) == 1 && (key == "Ref" || key == "Condition" || strings.HasPrefix(key, "Fn::")) {
				f(where, key, inner)
			}
			each(where+"."+key, inner, f)
		}
	}
}

// placeholders returns the names that a text of Fn::Sub takes from the template.
func placeholders(argument any) []string {
	var own map[string]any
	if list, ok := argument.([]any); ok {
		argument, own = list[0], list[1].(map[string]any)
	}
	var names []string
	for _, part := range strings.Split(argument.(string), "${")[1:] {
		name, _, _ := strings.Cut(part, "}")
		name, _, _ = strings.Cut(name, ".")
		if _, ok := own[name]; !ok && !strings.HasPrefix(name, "!") {
			names = append(names, name)
		}
	}
	return names
}

// unbounded are the actions that can be allowed for no resource in particular (Service Authorization Reference).
var unbounded = []string{
	"batch:DescribeJobs", "cloudwatch:GetMetricData", "dynamodb:ListStreams", "ecr:GetAuthorizationToken",
	"lambda:ListFunctions", "sqs:ListQueues", "states:ListStateMachines",
}

// CheckRoles reports statements of roles that allow more than is named: an action with an asterisk, or every resource for an action that has
// resources.
func CheckRoles(t *testing.T, template *Template) {
	t.Helper()
	for name, statement := range Statements(template) {
		for _, action := range list(statement["Action"]) {
			text, _ := action.(string)
			if strings.Contains(text, "*") || !strings.Contains(text, ":") {
				t.Errorf("%s allows the action %q", name, text)
			}
			for _, resource := range list(statement["Resource"]) {
				if resource == "*" && !slices.Contains(unbounded, text) {
					t.Errorf("%s allows %s for every resource", name, text)
				}
			}
		}
		if len(list(statement["Resource"])) == 0 || len(list(statement["Action"])) == 0 {
			t.Errorf("%s allows nothing", name)
		}
	}
}

// Statements returns the statements of all roles and managed policies, by their places. Of a conditional one it is what holds when the
// condition does.
func Statements(template *Template) map[string]map[string]any {
	all := map[string]map[string]any{}
	add := func(place string, document any) {
		for i, s := range list(document.(map[string]any)["Statement"]) {
			statement := s.(map[string]any)
			if branches, ok := statement["Fn::If"].([]any); ok {
				statement = branches[1].(map[string]any)
			}
			all[fmt.Sprintf("%s, statement %d", place, i+1)] = statement
		}
	}
	for name, r := range template.Resources {
		switch r.Type {
		case "AWS::IAM::Role":
			for _, p := range list(r.Properties["Policies"]) {
				policy := p.(map[string]any)
				add(fmt.Sprintf("%s, policy %v", name, policy["PolicyName"]), policy["PolicyDocument"])
			}
			for _, managed := range list(r.Properties["ManagedPolicyArns"]) {
				if arn, ok := managed.(string); ok { // not one that whoever deploys it gives
					all[name+", managed policy "+arn] = nil
				}
			}
		case "AWS::IAM::ManagedPolicy", "AWS::IAM::Policy":
			add(name, r.Properties["PolicyDocument"])
		}
	}
	return all
}

// list is a value that may be one or several.
func list(v any) []any {
	switch v := v.(type) {
	case nil:
		return nil
	case []any:
		return v
	default:
		return []any{v}
	}
}
