package delayerapi

import (
	"encoding/json"
	"fmt"

	"sundog/internal/schedule"
)

// ConfigField is the name of the field that configures an action of a type; empty when there is none.
func ConfigField(t schedule.ActionType) string {
	switch t {
	case schedule.HTTPAction:
		return "httpRequestConfig"
	case schedule.QueueAction:
		return "sqsSendConfig"
	case schedule.LambdaAction:
		return "lambdaCallConfig"
	case schedule.CustomAction:
		return "customConfig"
	}
	return ""
}

type httpConfig struct {
	Method      string               `json:"method"`
	URL         string               `json:"url"`
	RequestType schedule.RequestType `json:"requestType,omitempty"`
}

type queueConfig struct {
	QueueName  string              `json:"queueName"`
	Payload    string              `json:"payload,omitempty"`
	Attributes []map[string]string `json:"messageAttributes,omitempty"`
}

type functionConfig struct {
	FunctionName string          `json:"functionName"`
	Payload      json.RawMessage `json:"payload,omitempty"`
}

// ActionConfig is the configuration of an action that Parse has read, as a fired schedule has it.
func ActionConfig(a schedule.Action) (json.RawMessage, error) {
	var config any
	switch {
	case a.HTTP != nil:
		config = httpConfig{a.HTTP.Method, a.HTTP.URL, a.HTTP.RequestType}
	case a.Queue != nil:
		config = queueConfig{a.Queue.Queue, a.Queue.Body, schedule.Context{Headers: a.Queue.Attributes}.Firing().Headers}
	case a.Lambda != nil:
		config = functionConfig{a.Lambda.Function, a.Lambda.Event}
	case a.Custom != nil:
		return a.Custom.Config, nil
	default:
		return nil, fmt.Errorf("%w: an action of type %q has no configuration", schedule.ErrInvalid, a.Type)
	}
	text, err := json.Marshal(config)
	if err != nil {
		return nil, fmt.Errorf("writing the configuration of an action of type %s: %w", a.Type, err)
	}
	return text, nil
}

// ReadFiring reads a message that is a fired schedule. Those of delayer-aws may have the configuration and the context as texts of JSON. The error wraps
// schedule.ErrInvalid.
func ReadFiring(message []byte) (schedule.Firing, error) {
	var read struct {
		schedule.Firing
		Context json.RawMessage `json:"context"`
	}
	err := json.Unmarshal(message, &read)
	if err != nil || read.ScheduleID == "" {
		return schedule.Firing{}, fmt.Errorf("%w: the message is no fired schedule: it is to be a JSON object with a scheduleId", schedule.ErrInvalid)
	}
	f := read.Firing
	f.ActionConfig = unquoted(f.ActionConfig)
	if context := unquoted(read.Context); len(context) > 0 {
		err = json.Unmarshal(context, &f.Context)
	}
	if err != nil {
		return schedule.Firing{}, fmt.Errorf("%w: the context of fired schedule %s: %w", schedule.ErrInvalid, f.ScheduleID, err)
	}
	return f, nil
}

// unquoted is a JSON value that may be in a text.
func unquoted(raw json.RawMessage) json.RawMessage {
	var text string
	if json.Unmarshal(raw, &text) == nil && json.Valid([]byte(text)) {
		return json.RawMessage(text)
	}
	return raw
}

// ParseFiring reads a fired schedule whose action is of a type, by the rules of requests. The error wraps schedule.ErrInvalid.
func ParseFiring(t schedule.ActionType, f schedule.Firing) (Request, error) {
	field := ConfigField(t)
	if field == "" {
		return Request{}, fmt.Errorf("%w: nobody fires an action of type %q", schedule.ErrInvalid, t)
	}
	body, err := json.Marshal(map[string]any{
		"schedule": map[string]any{"pointInTime": f.PointInTime},
		"context":  f.Context,
		"action":   map[string]any{"type": t, field: f.ActionConfig},
	})
	if err != nil {
		return Request{}, fmt.Errorf("%w: reading fired schedule %s: %w", schedule.ErrInvalid, f.ScheduleID, err)
	}
	r, err := Parse(body)
	if err != nil {
		return Request{}, fmt.Errorf("reading fired schedule %s: %w", f.ScheduleID, err)
	}
	return r, nil
}
