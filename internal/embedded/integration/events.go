package integration

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/tidwall/gjson"

	"sundog/asl"
	"sundog/eventpattern"
	"sundog/internal/embedded/engine"
	"sundog/internal/embedded/store"
	"sundog/internal/topic"
)

// DefaultBus is the topic that stands for the default event bus. It is always there, as on AWS.
const DefaultBus = "default"

// Bounds of PutEvents (EventBridge API Reference).
const (
	maxEvents     = 10
	maxEventBytes = 256 << 10 // of all entries together
)

var events = service{prefix: "EventBridge", name: "AmazonCloudWatchEvents", sdk: "EventBridge"}

// putEntry is an entry of PutEvents (EventBridge API Reference, PutEventsRequestEntry).
type putEntry struct {
	Detail                           json.RawMessage
	DetailType, Source, EventBusName string
	Resources                        []string
	Time                             json.RawMessage
}

// putResult is what has become of an entry (EventBridge API Reference, PutEventsResultEntry).
type putResult struct {
	ErrorCode    string `json:",omitempty"`
	ErrorMessage string `json:",omitempty"`
	EventID      string `json:"EventId,omitempty"`
}

// event is an event in EventBridge's form (EventBridge User Guide, "AWS service event metadata").
type event struct {
	Version    string          `json:"version"`
	ID         string          `json:"id"`
	DetailType string          `json:"detail-type"`
	Source     string          `json:"source"`
	Account    string          `json:"account"`
	Time       string          `json:"time"`
	Region     string          `json:"region"`
	Resources  []string        `json:"resources"`
	Detail     json.RawMessage `json:"detail"`
}

// putEvents is events:putEvents. A bus is the topic of its name: an event goes there in EventBridge's form. As on AWS one entry may fail and the
// others not; then the task fails, unless it is one of aws-sdk.
func (r *Runner) putEvents(ctx context.Context, task engine.Task) (*asl.Document, error) {
	var p struct{ Entries []putEntry }
	if err := parameters(task, &p); err != nil {
		return nil, err
	}
	size := 0
	for _, e := range p.Entries {
		size += len(e.Detail) + len(e.DetailType) + len(e.Source)
	}
	switch {
	case len(p.Entries) == 0:
		return nil, invalidEvents(task, "1 validation error detected: Value '[]' at 'entries' failed to satisfy constraint: Member must have length greater than or equal to 1")
	case len(p.Entries) > maxEvents:
		return nil, invalidEvents(task, fmt.Sprintf("1 validation error detected: Value at 'entries' failed to satisfy constraint: Member must have length less than or equal to %d", maxEvents))
	case size > maxEventBytes:
		return nil, invalidEvents(task, "Total size of the entries in the request is over the limit.")
	}
	return r.once(ctx, task, func(tx *store.Tx) (*asl.Document, error) {
		results := make([]putResult, len(p.Entries))
		failed := 0
		for i := range p.Entries {
			var err error
			if results[i], err = r.putEvent(tx, task, &p.Entries[i], derivedID(task, fmt.Sprintf("event/%d", i))); err != nil {
				return nil, err
			}
			if results[i].ErrorCode != "" {
				failed++
			}
		}
		return putAnswer(task, results, failed)
	})
}

// putAnswer is the answer of PutEvents.
func putAnswer(task engine.Task, results []putResult, failed int) (*asl.Document, error) {
	members := map[string]any{"Entries": results, "FailedEntryCount": failed}
	if isSDK(task) {
		return plain(task, members)
	}
	text, err := json.Marshal(members)
	if err != nil {
		return nil, fmt.Errorf("writing the result of %s: %w", task.Resource, err)
	}
	if failed > 0 {
		return nil, &engine.TaskError{Name: "EventBridge.FailedEntry", Cause: string(text)}
	}
	return answerAs(task, json11, len(text), members)
}

func invalidEvents(task engine.Task, message string) error {
	return events.fail(task, fault{exception: "ValidationException", code: "ValidationException", status: 400, message: message})
}

// putEvent publishes one entry, or says why it fails.
func (r *Runner) putEvent(tx *store.Tx, task engine.Task, e *putEntry, id string) (putResult, error) {
	bus, detail := busName(e.EventBusName), messageText(e.Detail)
	required := ""
	switch {
	case e.Source == "":
		required = "Source"
	case e.DetailType == "":
		required = "DetailType"
	case detail == "":
		required = "Detail"
	}
	now := task.Begun
	if r.Now != nil {
		now = r.Now()
	}
	at, validTime := eventTime(e.Time, now)
	switch {
	case required != "":
		return putResult{ErrorCode: "InvalidArgument", ErrorMessage: fmt.Sprintf("Parameter %s is not valid. Reason: %s is a required argument.", required, required)}, nil
	case !json.Valid([]byte(detail)) || !gjson.Parse(detail).IsObject():
		return putResult{ErrorCode: "MalformedDetail", ErrorMessage: "Detail is malformed."}, nil
	case strings.HasPrefix(e.Source, "aws."):
		return putResult{ErrorCode: "NotAuthorizedForSourceException", ErrorMessage: "Not authorized for the source."}, nil
	case !validTime:
		return putResult{ErrorCode: "InvalidArgument", ErrorMessage: "Parameter Time is not valid. Reason: it is no time in ISO 8601 and no number of seconds."}, nil
	case bus != DefaultBus && !r.Topics.Known(bus):
		return putResult{
			ErrorCode:    "InvalidArgument",
			ErrorMessage: fmt.Sprintf("Parameter EventBusName is not valid. Reason: EventBus %s does not exist: no subscription names a topic of its name.", bus),
		}, nil
	}
	resources := append([]string{}, e.Resources...)
	if !isSDK(task) && r.Executions != nil { // Step Functions Developer Guide, "Add EventBridge events with Step Functions"
		resources = append(resources, task.Execution.ARN, r.Executions.MachineARN(task.Execution.Machine))
	}
	body, err := json.Marshal(event{
		Version: "0", ID: id, DetailType: e.DetailType, Source: e.Source, Account: r.Account, Time: at.UTC().Format(time.RFC3339), Region: r.Region,
		Resources: resources, Detail: json.RawMessage(detail),
	})
	if err != nil {
		return putResult{}, fmt.Errorf("writing an event: %w", err)
	}
	_, err = r.Topics.PublishTx(tx, bus, topic.Draft{Body: body, Attributes: map[string]eventpattern.Attribute{
		"source": {Type: "String", Value: e.Source}, "detail-type": {Type: "String", Value: e.DetailType},
	}})
	if errors.Is(err, topic.ErrTooLarge) || errors.Is(err, topic.ErrInvalidMessage) {
		return putResult{ErrorCode: "InvalidArgument", ErrorMessage: err.Error()}, nil
	}
	return putResult{EventID: id}, err
}

// busName is the name of a bus, which is given by its name or its ARN, or not at all.
func busName(nameOrARN string) string {
	if nameOrARN == "" {
		return DefaultBus
	}
	if _, name, ok := strings.Cut(nameOrARN, ":event-bus/"); ok {
		return name
	}
	return nameOrARN
}

// eventTime reads the time of an entry: ISO 8601, or seconds since 1970.
func eventTime(v json.RawMessage, now time.Time) (time.Time, bool) {
	text := messageText(v)
	if text == "" {
		return now, true
	}
	if at, err := time.Parse(time.RFC3339, text); err == nil {
		return at, true
	}
	var seconds float64
	if json.Unmarshal(v, &seconds) != nil || seconds < 0 || seconds > 1e11 {
		return now, false
	}
	return time.UnixMilli(int64(seconds * 1000)), true
}
