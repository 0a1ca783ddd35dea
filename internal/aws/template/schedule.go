package template

import (
	"encoding/json"
	"strings"
	"time"

	"sundog/internal/project"
	"sundog/internal/schedule"
)

// longestWindow is the longest flexible time window, in minutes (EventBridge Scheduler API reference, FlexibleTimeWindow).
const longestWindow = 1440

// mostRetries is how often a schedule's target is called again at most (EventBridge Scheduler API reference, RetryPolicy).
const mostRetries = 185

// schedules adds a schedule of EventBridge for each that has a target of AWS.
func (b *builder) schedules() {
	for _, s := range b.project.Schedules {
		b.schedule(s)
	}
}

func (b *builder) schedule(s project.Schedule) {
	at := []string{"schedules", s.Name}
	var target target
	switch a := s.Draft.Action; a.Type {
	case schedule.QueueAction:
		target = b.toQueue(a.Queue.Queue)
		target.input = a.Queue.Body
	case schedule.LambdaAction:
		target = b.toFunction(a.Lambda.Function)
		target.input = event(a.Lambda.Event, s.Draft.Context.Payload)
	case schedule.CustomAction:
		target = b.toTopic(a.Custom.Topic)
	case schedule.PayloadAction:
		target = b.toQueue("process")
		target.input = string(a.Payload.Payload)
	default:
		b.warn(append(at, "request"), "make it a schedule of the deployment: POST /schedule", "schedule %s makes a request, which schedules of EventBridge do not", s.Name)
		return
	}
	if target.input == "" {
		target.input = s.Draft.Context.Payload
	}
	if len(s.Draft.Context.Headers) > 0 {
		b.warn(append(at, "headers"), "put them into the payload", "schedule %s: messages of EventBridge have no attributes", s.Name)
	}
	expression, ok := b.expression(append(at, "expression"), s.Draft.Expression)
	if !ok {
		return
	}
	window := object{{"Mode", "OFF"}}
	if n := (s.Draft.FlexibleSeconds + 59) / 60; n > 0 {
		window = object{{"Mode", "FLEXIBLE"}, {"MaximumWindowInMinutes", min(n, longestWindow)}}
	}
	timing := object{{"ScheduleExpression", expression}, {"ScheduleExpressionTimezone", zone(s.Draft.Zone)}}
	if !s.Draft.Start.IsZero() {
		timing.add("StartDate", s.Draft.Start.UTC().Format(time.RFC3339))
	}
	if !s.Draft.End.IsZero() {
		timing.add("EndDate", s.Draft.End.UTC().Format(time.RFC3339))
	}
	retries := 4
	if s.Draft.Retry.MaxAttempts > 0 {
		retries = min(s.Draft.Retry.MaxAttempts-1, mostRetries)
	}
	b.scheduled(b.id("Schedule", s.Name), s.Name, timing, window, target, retries)
}

// event is what a function gets: JSON in any case.
func event(given json.RawMessage, payload string) string {
	switch {
	case given != nil:
		return string(given)
	case payload == "" || json.Valid([]byte(payload)):
		return payload
	}
	text, err := encode(payload)
	if err != nil {
		panic("template: a text does not marshal: " + err.Error()) // cannot be: every text does
	}
	return string(text)
}

// scheduled adds a schedule with its role and its dead letters.
func (b *builder) scheduled(id, of string, timing, window object, to target, retries int) {
	dead := b.deadLetters(of)
	role := id + "Role"
	b.role(role, "scheduler.amazonaws.com", []any{statement(to.arn, to.action), statement(getAtt(dead, "Arn"), "sqs:SendMessage")})
	call := object{
		{"Arn", to.arn},
		{"RoleArn", getAtt(role, "Arn")},
		{"RetryPolicy", object{{"MaximumRetryAttempts", retries}}},
		{"DeadLetterConfig", object{{"Arn", getAtt(dead, "Arn")}}},
	}
	if to.input != "" {
		call.add("Input", to.input)
	}
	properties := append(object{{"Name", name(of)}}, timing...)
	b.resource(id, "AWS::Scheduler::Schedule", append(properties, field{"FlexibleTimeWindow", window}, field{"Target", call}))
}

func zone(name string) string {
	if name == "" {
		return "UTC"
	}
	return name
}

// weekdays are the names of the days of a week, from the one that cron calls 0.
var weekdays = [...]string{"SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN"}

// expression is what EventBridge Scheduler takes: rate in minutes, hours or days, cron with six fields, or at.
func (b *builder) expression(at []string, text string) (string, bool) {
	text = strings.TrimSpace(text)
	fields := strings.Fields(text)
	switch {
	case strings.HasPrefix(text, "rate(") && strings.Contains(text, "second"):
		b.warn(at, "a minute or more", "EventBridge has no rate in seconds: %s", text)
		return "", false
	case strings.HasSuffix(text, ")"):
		return text, true
	case len(fields) != 5:
		b.warn(at, "cron(…) with six fields", "EventBridge does not take %q", text)
		return "", false
	case fields[2] != "*" && fields[4] != "*":
		b.warn(at, "make two schedules", "a day of the month or of the week, as in %q, cannot be said to EventBridge", text)
		return "", false
	}
	day, week := fields[2], "?"
	if fields[4] != "*" {
		day, week = "?", weekday(fields[4])
	}
	return "cron(" + strings.Join([]string{fields[0], fields[1], day, fields[3], week, "*"}, " ") + ")", true
}

// weekday writes days of the week by their names: AWS counts them from 1, cron from 0. What follows a '/' is a step and no day.
func weekday(text string) string {
	var b strings.Builder
	step := false
	for _, r := range text {
		switch {
		case r >= '0' && r <= '7' && !step:
			b.WriteString(weekdays[r-'0'])
			continue
		case r == '/':
			step = true
		case r == ',':
			step = false
		}
		b.WriteRune(r)
	}
	return b.String()
}
