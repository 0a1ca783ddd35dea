// Package delayerapi is the HTTP API of delayer-aws, a scheduler of future operations: what the body of POST /schedule says, and how it is
// answered. It reads requests and makes nothing happen.
//
// A request is taken whole or not at all: a field that is not known, a field that is there twice in another case, or a value of another type
// refuses it, with a message that names the field.
package delayerapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"sundog/internal/schedule"
)

// MaxBody bounds a request, in bytes: two payloads of the largest size, escaped.
const MaxBody = 4 << 20

// Request is a request for a schedule.
type Request struct {
	Draft schedule.Draft
	// PointInTime is the point in time as it was asked for.
	PointInTime string
}

// Created answers a request whose schedule was made, with status 201.
type Created struct {
	ScheduleID  string `json:"scheduleId"`
	PointInTime string `json:"pointInTime"`
}

// Refused answers a request that was refused, with status 400.
type Refused struct {
	Message string `json:"message"`
}

// Parse reads the body of a request. The error wraps schedule.ErrInvalid.
func Parse(body []byte) (Request, error) {
	var r Request
	err := object("the body", body, fields{
		"schedule": {required, r.readSchedule},
		"context":  {required, r.readContext},
		"action":   {required, r.readAction},
	})
	if err == nil {
		err = r.Draft.Action.Check()
	}
	return r, Mended(err)
}

func (r *Request) readSchedule(raw json.RawMessage) error {
	return object("schedule", raw, fields{"pointInTime": {required, func(raw json.RawMessage) error {
		const field = "schedule.pointInTime"
		if raw[0] == '"' {
			if err := text(&r.PointInTime, field)(raw); err != nil {
				return err
			}
		} else {
			r.PointInTime = string(raw) // a number, or nothing that Instant takes
		}
		at, err := schedule.Instant(field, r.PointInTime)
		r.Draft.At = at
		return err
	}}})
}

func (r *Request) readContext(raw json.RawMessage) error {
	c := &r.Draft.Context
	return object("context", raw, fields{
		"headers": {optional, pairs(&c.Headers, "context.headers")},
		"payload": {optional, text(&c.Payload, "context.payload")},
	})
}

func (r *Request) readAction(raw json.RawMessage) error {
	a := &r.Draft.Action
	return object("action", raw, fields{
		"type": {required, text(&a.Type, "action.type")},
		"httpRequestConfig": {optional, func(raw json.RawMessage) error {
			a.HTTP = &schedule.HTTPRequest{AppendPath: true}
			return readHTTP(raw, a.HTTP)
		}},
		"sqsSendConfig":    {optional, func(raw json.RawMessage) error { a.Queue = &schedule.QueueSend{}; return readQueue(raw, a.Queue) }},
		"lambdaCallConfig": {optional, func(raw json.RawMessage) error { a.Lambda = &schedule.LambdaCall{}; return readLambda(raw, a.Lambda) }},
		"customConfig":     {optional, func(raw json.RawMessage) error { a.Custom = &schedule.Custom{}; return readCustom(raw, a.Custom) }},
	})
}

func readHTTP(raw json.RawMessage, h *schedule.HTTPRequest) error {
	const at = "action.httpRequestConfig"
	return object(at, raw, fields{
		"method":      {required, text(&h.Method, at+".method")},
		"url":         {required, text(&h.URL, at+".url")},
		"requestType": {optional, text(&h.RequestType, at+".requestType")},
	})
}

func readQueue(raw json.RawMessage, q *schedule.QueueSend) error {
	const at = "action.sqsSendConfig"
	return object(at, raw, fields{
		"queueName":         {required, text(&q.Queue, at+".queueName")},
		"payload":           {optional, text(&q.Body, at+".payload")},
		"messageAttributes": {optional, pairs(&q.Attributes, at+".messageAttributes")},
	})
}

func readLambda(raw json.RawMessage, l *schedule.LambdaCall) error {
	const at = "action.lambdaCallConfig"
	return object(at, raw, fields{
		"functionName": {required, text(&l.Function, at+".functionName")},
		"payload":      {optional, func(raw json.RawMessage) error { l.Event = raw; return nil }},
	})
}

// readCustom keeps all of the configuration: what else there is in it is for whoever listens to the topic.
func readCustom(raw json.RawMessage, c *schedule.Custom) error {
	const at = "action.customConfig"
	c.Config = raw
	var name string
	return object(at, raw, fields{
		"topicArn":   {required, text(&c.Topic, at+".topicArn")},
		"configName": {optional, text(&name, at+".configName")},
		"":           {optional, func(json.RawMessage) error { return nil }},
	})
}

// fields are the fields that an object may have, and how each is read. One without a name reads all others.
type fields map[string]struct {
	need need
	read func(json.RawMessage) error
}

type need bool

const (
	required need = true
	optional need = false
)

// object reads an object.
func object(name string, raw json.RawMessage, known fields) error {
	var found map[string]json.RawMessage
	if err := json.Unmarshal(raw, &found); err != nil || found == nil {
		if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
			return fmt.Errorf("%w: %s is not JSON: %w at byte %d", schedule.ErrInvalid, name, syntax, syntax.Offset)
		}
		return schedule.Wrong(name, string(raw), "an object")
	}
	label := strings.TrimPrefix(name+".", "the body.")
	names := slices.DeleteFunc(slices.Sorted(maps.Keys(known)), func(name string) bool { return name == "" })
	for _, field := range slices.Sorted(maps.Keys(found)) {
		f, ok := known[field]
		if !ok {
			f, ok = known[""]
		}
		if !ok {
			return fmt.Errorf("%w: %s is not known: there are %s", schedule.ErrInvalid, label+field, strings.Join(names, ", "))
		}
		if err := f.read(found[field]); err != nil {
			return err
		}
	}
	for _, field := range names {
		if _, there := found[field]; !there && known[field].need == required {
			return schedule.Wrong(label+field, "", "%s has to have it", name)
		}
	}
	return nil
}

// text reads a text.
func text[T ~string](dst *T, name string) func(json.RawMessage) error {
	return func(raw json.RawMessage) error {
		if raw[0] != '"' {
			return schedule.Wrong(name, string(raw), "a text")
		}
		return json.Unmarshal(raw, dst)
	}
}

// pairs reads a list of objects of names and values.
func pairs(dst *[]schedule.Header, name string) func(json.RawMessage) error {
	return func(raw json.RawMessage) error {
		var list []json.RawMessage
		if err := json.Unmarshal(raw, &list); err != nil || bytes.Equal(raw, []byte("null")) {
			return schedule.Wrong(name, string(raw), "a list of objects, each a name and its value")
		}
		for i, item := range list {
			at := fmt.Sprintf("%s[%d]", name, i)
			var found map[string]json.RawMessage
			if err := json.Unmarshal(item, &found); err != nil || found == nil {
				return schedule.Wrong(at, string(item), "an object of a name and its value")
			}
			for _, header := range slices.Sorted(maps.Keys(found)) {
				h := schedule.Header{Name: header}
				if err := text(&h.Value, at+"."+header)(found[header]); err != nil {
					return err
				}
				*dst = append(*dst, h)
			}
		}
		return nil
	}
}

// Mended is an error of schedules that calls fields by the names that they have here. One that does already stays as it is.
func Mended(err error) error {
	wrong, ok := errors.AsType[*schedule.FieldError](err)
	if !ok {
		return err
	}
	mended := *wrong
	for _, f := range []struct{ theirs, ours string }{
		{"at", "schedule.pointInTime"},
		{"action.http.request_type", "action.httpRequestConfig.requestType"},
		{"action.http", "action.httpRequestConfig"},
		{"action.queue.queue", "action.sqsSendConfig.queueName"},
		{"action.queue.body", "action.sqsSendConfig.payload"},
		{"action.queue.attributes", "action.sqsSendConfig.messageAttributes"},
		{"action.queue", "action.sqsSendConfig"},
		{"action.lambda.function", "action.lambdaCallConfig.functionName"},
		{"action.lambda.event", "action.lambdaCallConfig.payload"},
		{"action.lambda", "action.lambdaCallConfig"},
		{"action.custom.topic", "action.customConfig.topicArn"},
		{"action.custom", "action.customConfig"},
	} {
		if rest, ok := strings.CutPrefix(mended.Field, f.theirs); ok && (rest == "" || rest[0] == '.' || rest[0] == '[') {
			mended.Field = f.ours + rest
			break
		}
	}
	return &mended
}
