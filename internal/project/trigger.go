package project

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"time"

	"go.yaml.in/yaml/v3"

	"sundog/eventpattern"
	"sundog/internal/schedule"
	"sundog/internal/trigger"
)

// Trigger is a trigger with what only the platform may see.
type Trigger struct {
	trigger.Spec
	Secret Secret // signs the requests to a webhook; empty: they are not signed
}

var triggerName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,40}$`)

func (l *loader) trigger(key, n *yaml.Node) {
	label := "trigger " + key.Value
	if !triggerName.MatchString(key.Value) {
		l.errorf(key, "letters, digits, '-' and '_', at most 40", "a trigger cannot be named %q", key.Value)
	}
	t := Trigger{Spec: trigger.Spec{Name: key.Value, Retries: trigger.DefaultRetries, Start: trigger.Latest}}
	start := string(t.Start)
	found := l.object(n, label, fields{
		"source": func(n *yaml.Node) { t.Source = l.triggerSource(n, "source of "+label) },
		"filter": func(n *yaml.Node) {
			t.Filter = l.foreign(n, "filter of "+label, "the syntax is that of EventBridge event patterns", func(text []byte) (string, error) {
				_, err := eventpattern.Parse(text)
				return locationOf(err), err
			})
		},
		"input": func(n *yaml.Node) {
			t.Input = l.foreign(n, "input of "+label, "placeholders are written <$.path>", func(text []byte) (string, error) {
				_, err := trigger.ParseTemplate(text)
				return locationOf(err), err
			})
		},
		"target": func(n *yaml.Node) { t.Target, t.Secret = l.triggerTarget(n, "target of "+label) },
		"batch": func(n *yaml.Node) {
			found := l.object(n, "batch of "+label, fields{
				"size":   l.integer(&t.BatchSize, "size of batch of "+label, 1, trigger.MaxBatch),
				"window": l.duration(&t.BatchWindow, "window of batch of "+label, 0, trigger.MaxWindow),
			})
			l.require(resolve(n), "batch of "+label, found, "size", "how many events go into one input")
		},
		"parallelism": l.integer(&t.Parallelism, "parallelism of "+label, 1, trigger.MaxParallelism),
		"retries":     l.integer(&t.Retries, "retries of "+label, 0, trigger.MaxRetries),
		"bisect":      l.boolean(&t.Bisect, "bisect of "+label),
		"max_age":     l.duration(&t.MaxAge, "max_age of "+label, time.Second, 7*day),
		"start":       l.oneOf(&start, "start of "+label, string(trigger.Latest), string(trigger.TrimHorizon)),
	})
	l.require(key, label, found, "source", "table, topic, queue, events or schedule")
	l.require(key, label, found, "target", "workflow, payload, function, queue, topic or webhook")
	t.Start = trigger.Start(start)
	for _, field := range []string{"retries", "bisect"} {
		if at := found[field]; at != nil && t.Target.Kind != "" && !t.Target.Kind.Called() {
			l.errorf(at, "take it out: what is refused is a dead letter at once", "%q of %s is for a function or a webhook", field, label)
		}
	}
	if at := found["start"]; at != nil && t.Source.Kind != trigger.Table && t.Source.Kind != trigger.Events {
		l.errorf(at, "take it out", "%q of %s is for a table or events: a %s has no past", "start", label, t.Source.Kind)
	}
	l.project.Triggers = append(l.project.Triggers, t)
}

// triggerSource reads what a trigger watches: one field, by its kind.
func (l *loader) triggerSource(n *yaml.Node, label string) (s trigger.Source) {
	if at := resolve(n); at.Kind == yaml.ScalarNode && at.Value == string(trigger.Events) {
		return trigger.Source{Kind: trigger.Events}
	}
	name := func(kind trigger.SourceKind) func(*yaml.Node) {
		return func(n *yaml.Node) {
			s.Kind = kind
			if kind == trigger.Events && isNull(resolve(n)) {
				return
			}
			if l.text(&s.Name, string(kind)+" of "+label)(n); s.Name != "" {
				l.watched(resolve(n), kind, s.Name, label)
			}
		}
	}
	found := l.object(n, label, fields{
		"table": name(trigger.Table), "topic": name(trigger.Topic), "queue": name(trigger.Queue),
		"events": name(trigger.Events),
		"schedule": func(n *yaml.Node) {
			s.Kind = trigger.Schedule
			if l.text(&s.Name, "schedule of "+label)(n); s.Name != "" {
				_, err := schedule.Parse(s.Name)
				l.refuse(n, "schedule of "+label, err)
			}
		},
		"zone": func(n *yaml.Node) {
			l.text(&s.Zone, "zone of "+label)(n)
			_, err := schedule.Zone(s.Zone)
			l.refuse(n, "zone of "+label, err)
		},
	})
	zone := found["zone"]
	if zone != nil && found["schedule"] == nil {
		l.errorf(zone, "take it out", "\"zone\" of %s is for a schedule", label)
	}
	if delete(found, "zone"); len(found) != 1 {
		l.errorf(resolve(n), "exactly one of table, topic, queue, events, schedule", "%s names %d sources", label, len(found))
	}
	return s
}

// refuse reports what is wrong with a value of a schedule; nil is nothing.
func (l *loader) refuse(n *yaml.Node, label string, err error) {
	if wrong, ok := errors.AsType[*schedule.FieldError](err); ok {
		l.errorf(resolve(n), wrong.Want, "%s cannot be %q", label, wrong.Value)
	} else if err != nil {
		l.errorf(resolve(n), "", "%s: %v", label, err)
	}
}

// watched checks that a source is there and can be watched.
func (l *loader) watched(at *yaml.Node, kind trigger.SourceKind, name, label string) {
	if kind == trigger.Events {
		l.mustDeclare(at, "workflow", name)
		return
	}
	if kind == trigger.Queue && (name == "process" || name == "update-state") {
		l.errorf(at, "a queue of the project's own", "%s cannot be %q: the platform takes its messages itself", label, name)
		return
	}
	l.mustDeclare(at, string(kind), name)
	for _, t := range l.project.Tables {
		if kind == trigger.Table && t.Name == name && t.Stream == "" {
			l.errorf(at, "add stream: true to the table", "%s: table %q has no stream", label, name)
		}
	}
}

// mustDeclare reports a name that its section does not have as an error, even where a workflow that names it would only be warned of.
func (l *loader) mustDeclare(at *yaml.Node, what, name string) {
	if slices.Contains(l.declared[what], name) {
		return
	}
	hint := "declare it under " + what + "s"
	if near := nearest(name, l.declared[what]); near != "" {
		hint = fmt.Sprintf("did you mean %q?", near)
	}
	l.errorf(at, hint, "unknown %s %q", what, name)
}

// triggerTarget reads what a trigger causes: one field, by its kind.
func (l *loader) triggerTarget(n *yaml.Node, label string) (t trigger.Target, secret Secret) {
	name := func(kind trigger.TargetKind) func(*yaml.Node) {
		return func(n *yaml.Node) {
			t.Kind = kind
			if l.text(&t.Name, string(kind)+" of "+label)(n); t.Name != "" {
				l.mustDeclare(resolve(n), string(kind), t.Name)
			}
		}
	}
	found := l.object(n, label, fields{
		"workflow": name(trigger.ToWorkflow), "function": name(trigger.ToFunction), "queue": name(trigger.ToQueue), "topic": name(trigger.ToTopic),
		"payload": func(n *yaml.Node) {
			t.Kind = trigger.ToPayload
			if !isNull(resolve(n)) {
				l.oneOf(&t.Name, "lane of "+label, "live", "bulk")(n)
			}
		},
		"webhook": func(n *yaml.Node) {
			t.Kind = trigger.ToWebhook
			w := l.webhook(n, label)
			t.Name, secret = w.URL, w.Secret
		},
	})
	if len(found) != 1 {
		l.errorf(resolve(n), "exactly one of workflow, payload, function, queue, topic, webhook", "%s names %d targets", label, len(found))
	}
	return t, secret
}
