package payload

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/tidwall/gjson"
)

// Record is one of the records of an event. Exactly one of Payload, URL and Err is set.
type Record struct {
	// MessageID is the id of the queue message that the record came in; empty when it came in none.
	MessageID string
	// Payload is the document; it is a JSON object, and nothing else about it was checked.
	Payload json.RawMessage
	// URL is where the document lies, such as s3://bucket/key.
	URL string
	// Err says why the record cannot be read. It is permanent and concerns this record alone.
	Err error
	// Raw is the record as it came, for whoever keeps what cannot be read.
	Raw json.RawMessage
}

// Extract takes the records out of an event: a bare payload; a reference `{"url"}`; an event of SQS, of SNS, or of SNS
// within SQS; the output of a Batch job (`Parameters.url_out`); or several of these in `Records`. A record that cannot be read
// does not affect the others. An event without a readable record gives one with an error; only an empty `Records` gives none.
func Extract(event []byte) []Record {
	if err := checkJSON(event); err != nil {
		return []Record{{Err: fmt.Errorf("reading the event: %w", err), Raw: event}}
	}
	document := gjson.ParseBytes(event)
	list := lookup(document, "Records")
	if !list.Exists() {
		return []Record{extract(document)}
	}
	if !list.IsArray() {
		return []Record{{Err: fmt.Errorf("reading the event: Records is %s, expected an array", kind(list)), Raw: event}}
	}
	entries := list.Array()
	records := make([]Record, len(entries))
	for i, entry := range entries {
		records[i] = extract(entry)
	}
	return records
}

// extract unwraps one record, from the outside in: the body of a queue message or the notification of a topic, then the
// message within.
func extract(entry gjson.Result) Record {
	record := Record{Raw: json.RawMessage(entry.Raw)}
	outer := readObject(entry)
	record.MessageID = textOf(outer.get("messageId"))
	content, err := unwrap(entry, outer)
	if err != nil {
		record.Err = err
		return record
	}
	if !content.IsObject() {
		record.Err = fmt.Errorf("reading a record: expected a payload or a reference, found %s", kind(content))
		return record
	}
	record.URL, record.Err = reference(readObject(content))
	if record.URL == "" && record.Err == nil {
		record.Payload = json.RawMessage(content.Raw)
	}
	return record
}

func unwrap(entry gjson.Result, outer *object) (gjson.Result, error) {
	content := entry
	if body := outer.get("body"); body.Exists() {
		var err error
		if content, err = parseWithin("body", body); err != nil {
			return content, err
		}
		outer = readObject(content)
	} else if notification := outer.get("Sns"); notification.Exists() {
		content = notification
		outer = readObject(content)
	}
	if message := outer.get("Message"); message.Exists() {
		return parseWithin("Message", message)
	}
	return content, nil
}

// parseWithin reads the JSON document that a field holds as text.
func parseWithin(name string, field gjson.Result) (gjson.Result, error) {
	if field.Type != gjson.String {
		return field, fmt.Errorf("reading a record: %s is %s, expected JSON as text", name, kind(field))
	}
	inner := []byte(field.Str)
	if err := checkJSON(inner); err != nil {
		return field, fmt.Errorf("reading a record: %s: %w", name, err)
	}
	return gjson.ParseBytes(inner), nil
}

// reference gives the URL of a record that refers to its payload; empty when it is the payload itself.
func reference(content *object) (string, error) {
	name, url := "url", content.get("url")
	if !url.Exists() {
		parameters := content.get("Parameters")
		if !parameters.Exists() {
			return "", nil
		}
		if !parameters.IsObject() {
			return "", fmt.Errorf("reading a record: Parameters is %s, expected an object", kind(parameters))
		}
		name, url = "Parameters.url_out", lookup(parameters, "url_out")
		if !url.Exists() {
			return "", nil
		}
	}
	if url.Type != gjson.String || url.Str == "" {
		return "", fmt.Errorf("reading a record: %s is %s, expected the URL of a payload", name, kind(url))
	}
	return url.Str, nil
}

// Fetcher reads the documents that references point to. It answers an error that wraps ErrUnresolvable when asking again
// cannot help: the URL is none that it knows, or nothing lies there.
type Fetcher interface {
	Fetch(ctx context.Context, url string) ([]byte, error)
}

// ErrUnresolvable marks a reference that stays unreadable however often it is tried.
var ErrUnresolvable = errors.New("unresolvable reference")

// Resolve gives the document of a record, fetching it when the record is a reference. A document that is fetched has to
// be the payload: a reference to a reference is refused. Errors that wrap ErrUnresolvable are permanent, others come from
// the fetcher and may pass.
func (r Record) Resolve(ctx context.Context, fetcher Fetcher) (json.RawMessage, error) {
	switch {
	case r.Err != nil:
		return nil, fmt.Errorf("%w: %w", ErrUnresolvable, r.Err)
	case r.URL == "":
		return r.Payload, nil
	}
	document, err := fetcher.Fetch(ctx, r.URL)
	if err != nil {
		return nil, fmt.Errorf("fetching the payload at %s: %w", r.URL, err)
	}
	if err := checkJSON(document); err != nil {
		return nil, fmt.Errorf("%w: the payload at %s: %w", ErrUnresolvable, r.URL, err)
	}
	content := gjson.ParseBytes(document)
	if !content.IsObject() {
		return nil, fmt.Errorf("%w: the payload at %s is %s, expected an object", ErrUnresolvable, r.URL, kind(content))
	}
	return document, nil
}
