package project

import (
	"encoding/json"
	"errors"
	"io/fs"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"sundog/internal/schedule"
)

// scheduleActions are the fields of a schedule of which each says what it does.
func scheduleActions() []string { return []string{"request", "queue", "function", "topic", "process"} }

func (l *loader) schedule(key, n *yaml.Node) {
	label := "schedule " + key.Value
	if !functionName.MatchString(key.Value) {
		l.errorf(key, "letters, digits, '-' and '_', at most 64", "a schedule cannot be named %q", key.Value)
	}
	before := l.diags.Errors()
	d := schedule.Draft{Name: key.Value}
	var flexible time.Duration
	var lane string
	known := fields{
		"expression": l.text(&d.Expression, "expression of "+label),
		"zone":       l.text(&d.Zone, "zone of "+label),
		"start":      l.moment(&d.Start, "start of "+label),
		"end":        l.moment(&d.End, "end of "+label),
		"flexible":   l.duration(&flexible, "flexible of "+label, 0, schedule.MaxFlexible*time.Second),
		"catch_up":   l.oneOf((*string)(&d.CatchUp), "catch_up of "+label, "all", "last", "none"),
		"payload":    l.text(&d.Context.Payload, "payload of "+label),
		"headers":    l.headers(&d.Context.Headers, "headers of "+label),
		"retry":      l.retry(&d.Retry, label),
		"lane":       l.oneOf(&lane, "lane of "+label, "live", "bulk"),
	}
	l.actions(&d.Action, label, known)
	found := l.object(n, label, known)
	if resolve(n).Kind != yaml.MappingNode {
		return
	}
	l.require(key, label, found, "expression", "such as rate(5 minutes), cron(0 9 ? * MON-FRI *) or 0 9 * * 1-5")
	if given := slices.DeleteFunc(scheduleActions(), func(a string) bool { return found[a] == nil }); len(given) != 1 {
		l.errorf(key, "exactly one of "+strings.Join(scheduleActions(), ", "), "%s does %d things", label, len(given))
	}
	if found["lane"] != nil {
		if d.Action.Payload == nil {
			l.errorf(found["lane"], "add process", "\"lane\" of %s means nothing without \"process\"", label)
		} else {
			d.Action.Payload.Lane = lane
		}
	}
	d.FlexibleSeconds = int(flexible / time.Second)
	if l.diags.Errors() == before {
		l.checkSchedule(d, key, found, label)
	}
	l.project.Schedules = append(l.project.Schedules, Schedule{Name: key.Value, Draft: d})
}

// checkSchedule reports what the domain says about a schedule that reads well.
func (l *loader) checkSchedule(d schedule.Draft, key *yaml.Node, found map[string]*yaml.Node, label string) {
	err := d.Check()
	if wrong, ok := errors.AsType[*schedule.FieldError](err); ok {
		at := key
		if where := found[wrong.Field]; where != nil {
			at = where
		}
		l.errorf(at, wrong.Want, "%s of %s cannot be %q", wrong.Field, label, wrong.Value)
	} else if err != nil {
		l.errorf(key, "", "%s: %v", label, err)
	}
}

// actions adds the fields that say what a schedule does.
func (l *loader) actions(a *schedule.Action, label string, known fields) {
	known["request"] = func(n *yaml.Node) {
		h := &schedule.HTTPRequest{Method: "POST", RequestType: schedule.WaitReturn}
		timeout := 30 * time.Second
		name := "request of " + label
		found := l.object(n, name, fields{
			"url":     l.url(&h.URL, "url of "+name),
			"method":  l.oneOf(&h.Method, "method of "+name, schedule.Methods()...),
			"forget":  l.forget(&h.RequestType, "forget of "+name),
			"timeout": l.duration(&timeout, "timeout of "+name, time.Second, 15*time.Minute),
		})
		l.require(resolve(n), name, found, "url", "such as https://example.com/hook")
		h.TimeoutSeconds = int(timeout / time.Second)
		*a = schedule.Action{Type: schedule.HTTPAction, HTTP: h}
	}
	known["queue"] = func(n *yaml.Node) {
		q := &schedule.QueueSend{}
		l.pattern(&q.Queue, "queue of "+label, queueName, "letters, digits, '-' and '_', at most 80")(n)
		l.named(n, "queue", q.Queue)
		*a = schedule.Action{Type: schedule.QueueAction, Queue: q}
	}
	known["function"] = func(n *yaml.Node) {
		f := &schedule.LambdaCall{}
		l.text(&f.Function, "function of "+label)(n)
		l.named(n, "function", f.Function)
		*a = schedule.Action{Type: schedule.LambdaAction, Lambda: f}
	}
	known["topic"] = func(n *yaml.Node) {
		c := &schedule.Custom{}
		l.pattern(&c.Topic, "topic of "+label, topicName, "letters, digits, '-' and '_', at most 256")(n)
		l.named(n, "topic", c.Topic)
		*a = schedule.Action{Type: schedule.CustomAction, Custom: c}
	}
	known["process"] = func(n *yaml.Node) { *a = l.payloadFile(n, label) }
}

// named reports a name that is not declared, unless there is none.
func (l *loader) named(n *yaml.Node, what, name string) {
	if at := resolve(n); name != "" {
		l.undeclared(FileName, place{at.Line, at.Column}, what, name)
	}
}

// payloadFile reads the file of a payload.
func (l *loader) payloadFile(n *yaml.Node, label string) schedule.Action {
	p := &schedule.Payload{}
	action := schedule.Action{Type: schedule.PayloadAction, Payload: p}
	var file string
	if l.text(&file, "process of "+label)(n); file == "" {
		return action
	}
	text, err := readFile(l.root, file, schedule.MaxPayload)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		l.errorf(resolve(n), "create it, or mend the path", "%s: there is no file %s", label, file)
	case err != nil:
		l.errorf(resolve(n), "a file inside the project folder", "%s: reading %s: %v", label, file, cause(err))
	case !json.Valid(text):
		l.errorf(resolve(n), "the payload as JSON", "%s: %s is not JSON", label, file)
	default:
		p.Payload = text
	}
	return action
}

// moment reads a point in time with an offset.
func (l *loader) moment(dst *time.Time, name string) func(*yaml.Node) {
	return func(n *yaml.Node) {
		text, ok := l.scalar(n, name, "a time", "!!str", "!!timestamp")
		if !ok {
			return
		}
		t, err := time.Parse(time.RFC3339, text)
		if err != nil {
			l.errorf(resolve(n), "such as 2026-03-01T09:00:00+01:00", "%s cannot be %q", name, text)
			return
		}
		*dst = t
	}
}

func (l *loader) headers(dst *[]schedule.Header, name string) func(*yaml.Node) {
	return func(n *yaml.Node) {
		l.entries(n, name, func(key, value *yaml.Node) {
			h := schedule.Header{Name: key.Value}
			l.text(&h.Value, key.Value+" in "+name)(value)
			*dst = append(*dst, h)
		})
	}
}

func (l *loader) retry(dst *schedule.Retry, label string) func(*yaml.Node) {
	return func(n *yaml.Node) {
		var first, longest time.Duration
		name := "retry of " + label
		l.object(n, name, fields{
			"attempts":    l.integer(&dst.MaxAttempts, "attempts of "+name, 1, 1000),
			"backoff":     l.duration(&first, "backoff of "+name, time.Second, time.Hour),
			"max_backoff": l.duration(&longest, "max_backoff of "+name, time.Second, day),
		})
		dst.BackoffSeconds, dst.MaxBackoffSeconds = int(first/time.Second), int(longest/time.Second)
	}
}

// forget reads whether nobody waits for the answer to a request.
func (l *loader) forget(dst *schedule.RequestType, name string) func(*yaml.Node) {
	return func(n *yaml.Node) {
		if text, ok := l.scalar(n, name, "true or false", "!!bool"); ok && strings.EqualFold(text, "true") {
			*dst = schedule.FireForget
		}
	}
}
