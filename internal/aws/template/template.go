// Package template makes a CloudFormation template of a project: what a project needs on AWS beside the deployment that runs its payloads
// (deploy/cloudformation).
//
// # Promises
//
//   - The same project gives the same text, byte for byte.
//   - A role allows what the calls in its definition need, on what they name. Where a name is computed when the state runs, it is
//     everything of that kind that the project declares.
//   - No value of an environment is in the template: each is a parameter that CloudFormation does not show.
//   - What has no counterpart on AWS is a diagnostic at its place in sundog.yaml. A warning stands for what is left to somebody else, as a
//     parameter or not at all; an error for what makes the template useless.
package template

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"

	"sundog/internal/problem"
	"sundog/internal/project"
)

// Options say how a template is made.
type Options struct {
	// Prefix is that of the deployment which the project runs in: 2 to 19 small letters, digits and '-'.
	Prefix string
	// Places finds where in the project file something stands; the zero value finds nothing.
	Places project.Places
}

var prefixForm = regexp.MustCompile(prefixPattern)

// Check refuses a prefix of which no names can be made. The error is of kind problem.Invalid.
func (o Options) Check() error {
	if !prefixForm.MatchString(o.Prefix) {
		return problem.New(problem.Invalid, "the prefix cannot be %q", o.Prefix).
			WithHint("2 to 19 small letters, digits and '-', beginning with a letter and not ending with '-'")
	}
	return nil
}

// Template is a template of CloudFormation.
type Template struct{ document object }

// Plan makes the template of a project. Diagnostics are in the order of their places; with one that is an error there is no template.
func Plan(p *project.Project, opts Options) (*Template, project.Diagnostics) {
	b := &builder{project: p, prefix: opts.Prefix, places: opts.Places, ids: map[string]string{}, taken: map[string]bool{}}
	b.parameter("Prefix", "What all names of the deployment begin with.", object{{"Default", opts.Prefix}, {"AllowedPattern", prefixPattern}})
	b.tables()
	b.queues()
	b.functions()
	b.jobs()
	b.workflows()
	b.subscriptions()
	b.triggers()
	b.schedules()
	b.without()
	sortByPlace(b.diagnostics)
	if b.diagnostics.Errors() > 0 {
		return nil, b.diagnostics
	}
	document := object{
		{"AWSTemplateFormatVersion", "2010-09-09"},
		{"Description", fmt.Sprintf("What the project %s needs on AWS, made by `sundog deploy plan`.", p.Name)},
		{"Parameters", b.parameters},
	}
	if len(b.conditions) > 0 {
		document.add("Conditions", b.conditions)
	}
	if len(b.resources) > 0 {
		document.add("Resources", b.resources)
	}
	return &Template{document}, b.diagnostics
}

const prefixPattern = "^[a-z][a-z0-9-]{0,17}[a-z0-9]$"

// YAML writes the template as YAML.
func (t *Template) YAML() ([]byte, error) {
	var b bytes.Buffer
	enc := yaml.NewEncoder(&b)
	enc.SetIndent(2)
	if err := enc.Encode(t.document); err != nil {
		return nil, fmt.Errorf("writing the template: %w", err)
	}
	return b.Bytes(), nil
}

// JSON writes the template as JSON.
func (t *Template) JSON() ([]byte, error) {
	text, err := encode(t.document)
	if err != nil {
		return nil, fmt.Errorf("writing the template: %w", err)
	}
	var b bytes.Buffer
	if err := json.Indent(&b, text, "", "  "); err != nil {
		return nil, fmt.Errorf("writing the template: %w", err)
	}
	b.WriteByte('\n')
	return b.Bytes(), nil
}

// builder gathers the parts of one template.
type builder struct {
	project     *project.Project
	prefix      string
	places      project.Places
	diagnostics project.Diagnostics

	parameters, conditions, resources object

	ids   map[string]string // logical ids by kind and name
	taken map[string]bool
}

// id is the logical id of something: letters and digits alone (CloudFormation User Guide, "Resources"), and unique.
func (b *builder) id(kind, name string) string {
	key := kind + "/" + name
	if id, ok := b.ids[key]; ok {
		return id
	}
	var id strings.Builder
	for word := range strings.FieldsFuncSeq(name, func(r rune) bool { return !isAlphanumeric(r) }) {
		id.WriteString(strings.ToUpper(word[:1]) + word[1:])
	}
	unique := id.String() + kind
	for n := 2; b.taken[unique]; n++ { // a-b and a_b
		unique = fmt.Sprintf("%s%d%s", id.String(), n, kind)
	}
	b.taken[unique], b.ids[key] = true, unique
	return unique
}

func isAlphanumeric(r rune) bool {
	return r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z'
}

// name is the name of a resource of the deployment.
func name(of string) object { return sub("${Prefix}-" + of) }

// arn is that of a resource in this account and region, such as sqs and ${Prefix}-process.
func arn(service, resource string) object {
	return sub("arn:${AWS::Partition}:" + service + ":${AWS::Region}:${AWS::AccountId}:" + resource)
}

// parameter adds a parameter, once. It is a text unless more gives it a type.
func (b *builder) parameter(id, description string, more object) {
	if b.parameters.has(id) {
		return
	}
	p := object{{"Description", description}}
	if !more.has("Type") {
		p = append(object{{"Type", "String"}}, p...)
	}
	b.parameters.add(id, append(p, more...))
}

// resource adds a resource.
func (b *builder) resource(id, kind string, properties object) {
	b.resources.add(id, object{{"Type", kind}, {"Properties", properties}})
}

// retained adds a resource that holds data and stays when its stack goes.
func (b *builder) retained(id, kind string, properties object) {
	b.resources.add(id, object{{"Type", kind}, {"DeletionPolicy", "Retain"}, {"UpdateReplacePolicy", "Retain"}, {"Properties", properties}})
}

// warn reports what is left to somebody else; at says where it stands in the project file.
func (b *builder) warn(at []string, hint, format string, args ...any) {
	d := b.places.At(at...)
	d.Severity, d.Reason, d.Hint = project.Warning, fmt.Sprintf(format, args...), hint
	b.diagnostics = append(b.diagnostics, d)
}

// refuse reports what makes the template useless.
func (b *builder) refuse(at []string, hint, format string, args ...any) {
	b.warn(at, hint, format, args...)
	b.diagnostics[len(b.diagnostics)-1].Severity = project.Error
}
