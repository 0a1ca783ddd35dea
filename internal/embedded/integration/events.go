package integration

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"sundog/asl"
	"sundog/internal/embedded/engine"
	"sundog/internal/queue"
	"sundog/internal/topic"
)

// DefaultBus is the topic of the events that are put on no bus by name.
const DefaultBus = "default"

// busEntry is an entry of PutEvents.
type busEntry struct {
	Detail       json.RawMessage
	DetailType   string
	Source       string
	EventBusName string
	Resources    []string
	Time         string
}

// busEvent is an event in the form in which EventBridge delivers it.
type busEvent struct {
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

// entryResult is what PutEvents answers of an entry.
type entryResult struct {
	EventID      string `json:"EventId,omitempty"`
	ErrorCode    string `json:",omitempty"`
	ErrorMessage string `json:",omitempty"`
}

// putEvents is events:putEvents. A bus is a topic of its name, and the default bus the topic DefaultBus: an event goes there in the form in which
// EventBridge delivers it, with detail-type and source as attributes. One entry that is refused fails the task, as with AWS.
func (r *Runner) putEvents(ctx context.Context, task engine.Task) (*asl.Document, error) {
	results, failed, err := r.put(ctx, task, answer)
	if failed == nil || err != nil {
		return results, err
	}
	cause, err := json.Marshal(failed)
	if err != nil {
		return nil, fmt.Errorf("writing the result of %s: %w", task.Resource, err)
	}
	return nil, &engine.TaskError{Name: "EventBridge.FailedEntry", Cause: string(cause)}
}

// sdkPutEvents is aws-sdk:eventbridge:putEvents: the answer tells of entries that were refused.
func (r *Runner) sdkPutEvents(ctx context.Context, task engine.Task) (*asl.Document, error) {
	results, failed, err := r.put(ctx, task, plain)
	if failed != nil && err == nil {
		return document(failed)
	}
	return results, err
}

// put puts all entries, or none when one of them is refused; then it returns what PutEvents says of them.
func (r *Runner) put(ctx context.Context, task engine.Task, shape shaper) (result *asl.Document, failed map[string]any, err error) {
	var p struct{ Entries []busEntry }
	if err := parameters(task, &p); err != nil {
		return nil, nil, err
	}
	if len(p.Entries) == 0 {
		return nil, nil, invalid("EventBridge.ValidationException", "1 validation error detected: Value '[]' at 'entries' failed to satisfy constraint: Member must have length greater than or equal to 1")
	}
	tx := r.Store.Begin()
	results, refused := make([]entryResult, len(p.Entries)), 0
	for i, entry := range p.Entries {
		name, draft, problem := r.busMessage(task, i, entry)
		if problem != nil {
			results[i] = *problem
			refused++
			continue
		}
		if _, err := r.Topics.PublishTx(tx, name, draft); err != nil {
			return nil, nil, err
		}
		results[i].EventID = derivedID(task, fmt.Sprintf("event/%d", i))
	}
	answered := map[string]any{"Entries": results, "FailedEntryCount": refused}
	if refused > 0 {
		for i := range results {
			results[i].EventID = ""
		}
		return nil, answered, nil
	}
	if result, err = shape(task, answered); err != nil {
		return nil, nil, err
	}
	task.AnswerTx(tx, result)
	if err := tx.Commit(ctx); err != nil {
		return nil, nil, fmt.Errorf("putting events: %w", err)
	}
	return result, nil, nil
}

// busMessage makes a message of an entry, or says why it is refused.
func (r *Runner) busMessage(task engine.Task, i int, entry busEntry) (name string, draft topic.Draft, refused *entryResult) {
	name = DefaultBus
	if entry.EventBusName != "" {
		name = lastPart(entry.EventBusName)
	}
	detail := json.RawMessage(text(entry.Detail))
	var object map[string]json.RawMessage
	for _, missing := range []struct{ name, value string }{{"Detail", string(entry.Detail)}, {"DetailType", entry.DetailType}, {"Source", entry.Source}} {
		if missing.value == "" {
			return "", draft, &entryResult{
				ErrorCode: "InvalidArgument", ErrorMessage: fmt.Sprintf("Parameter %s is not valid. Reason: %s is a required argument.", missing.name, missing.name),
			}
		}
	}
	at := task.Execution.Start
	if r.Now != nil {
		at = r.Now()
	}
	if entry.Time != "" {
		parsed, err := time.Parse(time.RFC3339, entry.Time)
		if err != nil {
			return "", draft, &entryResult{ErrorCode: "InvalidArgument", ErrorMessage: "Parameter Time is not valid. Reason: it is no RFC 3339 time."}
		}
		at = parsed
	}
	switch {
	case json.Unmarshal(detail, &object) != nil || object == nil:
		return "", draft, &entryResult{ErrorCode: "MalformedDetail", ErrorMessage: "Detail is malformed."}
	case name != DefaultBus && !r.Topics.Known(name):
		return "", draft, &entryResult{ErrorCode: "ResourceNotFoundException", ErrorMessage: "Event bus " + name + " does not exist: there is no topic of this name."}
	}
	resources := entry.Resources
	if resources == nil {
		resources = []string{}
	}
	body, err := json.Marshal(busEvent{
		Version: "0", ID: derivedID(task, fmt.Sprintf("event/%d", i)), DetailType: entry.DetailType, Source: entry.Source, Account: r.Account,
		Time: at.UTC().Format(time.RFC3339), Region: r.Region, Resources: resources, Detail: detail,
	})
	if err != nil {
		return "", draft, &entryResult{ErrorCode: "MalformedDetail", ErrorMessage: "Detail is malformed."}
	}
	return name, topic.Draft{Body: body, Attributes: map[string]queue.Attribute{
		"detail-type": {Type: "String", Value: entry.DetailType}, "source": {Type: "String", Value: entry.Source},
	}}, nil
}
