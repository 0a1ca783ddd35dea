package project

import (
	"errors"
	"path/filepath"
	"slices"

	"go.yaml.in/yaml/v3"

	"sundog/eventpattern"
	"sundog/internal/trigger"
)

func (l *loader) readSubscriptions(n *yaml.Node) {
	n = resolve(n)
	if isNull(n) {
		return
	}
	if n.Kind != yaml.SequenceNode {
		l.errorf(n, "begin each with \"- name:\"", "subscriptions must be a list, but is %s", what(n))
		return
	}
	for _, item := range n.Content {
		l.subscription(item)
	}
}

func (l *loader) subscription(n *yaml.Node) {
	s := Subscription{FilterScope: "attributes"}
	label := "a subscription"
	if name := value(n, "name"); name != "" {
		label = "subscription " + name
	}
	var filterAt *yaml.Node
	found := l.object(n, label, fields{
		"name":  l.pattern(&s.Name, "name of a subscription", functionName, "letters, digits, '-' and '_', at most 64"),
		"topic": l.pattern(&s.Topic, "topic of "+label, topicName, "letters, digits, '-' and '_', at most 256"),
		"file":  l.outputFile(&s.File, "file of "+label),
		"queue": l.pattern(&s.Queue, "queue of "+label, queueName, "letters, digits, '-' and '_', at most 80"),
		"function": func(n *yaml.Node) {
			if l.text(&s.Function, "function of "+label)(n); s.Function != "" {
				at := resolve(n)
				l.undeclared(FileName, place{at.Line, at.Column}, "function", s.Function)
			}
		},
		"webhook":      func(n *yaml.Node) { s.Webhook = l.webhook(n, label) },
		"filter":       func(n *yaml.Node) { filterAt = n },
		"filter_scope": l.oneOf(&s.FilterScope, "filter_scope of "+label, "attributes", "body"),
	})
	n = resolve(n)
	if n.Kind != yaml.MappingNode {
		return
	}
	if l.require(n, label, found, "name", "it names the queue of its deliveries") && s.Name != "" {
		if line, twice := l.subscriptions[s.Name]; twice {
			l.errorf(found["name"], "give each its own", "%s is already declared on line %d", label, line)
		} else {
			l.subscriptions[s.Name] = found["name"].Line
		}
	}
	l.require(n, label, found, "topic", "publish has the output Items, workflow-event the events")
	targets := slices.DeleteFunc([]string{"file", "queue", "function", "webhook"}, func(t string) bool { return found[t] == nil })
	if len(targets) != 1 {
		l.errorf(n, "exactly one of file, queue, function, webhook", "%s has %d targets", label, len(targets))
	}
	if filterAt != nil {
		s.Filter = l.filter(filterAt, s.FilterScope, label)
	} else if at := found["filter_scope"]; at != nil {
		l.errorf(at, "add filter", "\"filter_scope\" of %s means nothing without \"filter\"", label)
	}
	l.project.Subscriptions = append(l.project.Subscriptions, s)
}

// value returns the text of a field before the mapping is read properly, for messages.
func value(n *yaml.Node, field string) string {
	if n = resolve(n); n.Kind == yaml.MappingNode {
		for i := 0; i+1 < len(n.Content); i += 2 {
			if n.Content[i].Value == field {
				return resolve(n.Content[i+1]).Value
			}
		}
	}
	return ""
}

func (l *loader) webhook(n *yaml.Node, label string) *Webhook {
	w := &Webhook{}
	found := l.object(n, "webhook of "+label, fields{
		"url": l.url(&w.URL, "url of "+label),
		"secret": func(n *yaml.Node) {
			w.Secret, _ = l.secret(n, "secret of "+label)
		},
	})
	l.require(resolve(n), "webhook of "+label, found, "url", "such as https://example.com/items")
	return w
}

// outputFile reads the path of a file that is to be written: absolute, or inside the project folder.
func (l *loader) outputFile(dst *string, name string) func(*yaml.Node) {
	return func(n *yaml.Node) {
		var v string
		if l.text(&v, name)(n); v == "" {
			return
		}
		if !filepath.IsAbs(v) && !filepath.IsLocal(v) {
			l.errorf(resolve(n), "inside the project folder, or absolute", "%s %s leaves the project folder", name, v)
			return
		}
		*dst = within(l.project.Dir, v)
	}
}

// filter reads an SNS filter policy and gives it back as JSON.
func (l *loader) filter(n *yaml.Node, scope, label string) []byte {
	of := eventpattern.MessageAttributes
	if scope == "body" {
		of = eventpattern.MessageBody
	}
	if at := resolve(n); at.Kind != yaml.MappingNode {
		l.errorf(at, "field: [values]", "filter of %s must be a mapping, but is %s", label, what(at))
		return nil
	}
	return l.foreign(n, "filter of "+label, "the syntax is that of SNS filter policies", func(text []byte) (string, error) {
		_, err := eventpattern.ParseFilterPolicy(text, of)
		return locationOf(err), err
	})
}

// foreign reads a value in a language of its own, which parse checks, and gives it back as JSON. With an error parse returns where it is: a
// JSON pointer.
func (l *loader) foreign(n *yaml.Node, name, hint string, parse func(text []byte) (location string, err error)) []byte {
	d := decoder{file: l.file, diags: l.diags}
	text, lines, ok := d.toJSON(n)
	if !ok {
		return nil
	}
	location, err := parse(text)
	if err == nil {
		return text
	}
	at := place{n.Line, n.Column}
	if tree, treeErr := parseTree(text); treeErr == nil {
		doc := document{text: text, lines: lines}
		at = doc.at(placeOf(text, tree.follow(location).offset))
	}
	l.errorf(&yaml.Node{Line: at.line, Column: at.column}, hint, "%s: %v", name, err)
	return nil
}

// locationOf is where an error of an embedded language is, empty for the whole.
func locationOf(err error) string {
	if e, ok := errors.AsType[*eventpattern.ParseError](err); ok {
		return e.Location
	}
	if e, ok := errors.AsType[*trigger.TemplateError](err); ok {
		return e.Location
	}
	return ""
}
