package trigger

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"sundog/internal/dynamodb"
	"sundog/internal/embedded/feed"
	"sundog/internal/embedded/store"
	"sundog/internal/embedded/table"
	domain "sundog/internal/trigger"
)

// An entry is an event with its number in a log.
type entry struct {
	number uint64
	domain.Event
}

// A log is a source that can be read from any position. Its numbers are those of the store's logs, or such as those: about the time in nanoseconds.
type log interface {
	// read returns up to limit entries after a number, and not many megabytes, oldest first.
	read(ctx context.Context, after uint64, limit int) ([]entry, error)
	// end returns a number that is lower than those of all entries to come.
	end() uint64
	// due returns when the first entry after a number comes; zero when nobody can know, and the store tells.
	due(after uint64) time.Time
}

// ofStore is what logs of the store have in common.
type ofStore struct{ store *store.Store }

func (s ofStore) end() uint64 {
	end, _ := s.store.LogEnd()
	return end
}

func (ofStore) due(uint64) time.Time { return time.Time{} }

// changes are the stream of a table.
type changes struct {
	ofStore
	tables          *table.Tables
	name            string
	region, account string
}

func (c changes) read(ctx context.Context, after uint64, limit int) ([]entry, error) {
	records, err := c.tables.Changes(ctx, c.name, after, limit)
	if err != nil || len(records) == 0 {
		return nil, err
	}
	schema, err := c.tables.Schema(c.name)
	if err != nil {
		return nil, err
	}
	entries := make([]entry, len(records))
	for i, r := range records {
		body, err := dynamodb.LambdaRecord(c.region, c.account, schema, r)
		if err != nil {
			return nil, err
		}
		key, err := r.Keys.MarshalJSON()
		if err != nil {
			return nil, fmt.Errorf("writing the key of record %d of table %s: %w", r.Sequence, c.name, err)
		}
		entries[i] = entry{r.Sequence, domain.Event{ID: dynamodb.SequenceText(r.Sequence), Key: string(key), At: r.At, Body: body}}
	}
	return entries, nil
}

// events are the workflow events, of one workflow or of all.
type events struct {
	ofStore
	feed     *feed.Feed
	workflow string
}

func (e events) read(ctx context.Context, after uint64, limit int) ([]entry, error) {
	read, err := e.feed.Read(ctx, after, limit)
	if errors.Is(err, feed.ErrGone) {
		read, err = e.feed.Read(ctx, 0, limit) // the oldest that is kept is the next
	}
	if err != nil {
		return nil, err
	}
	entries := make([]entry, 0, len(read))
	for _, r := range read {
		x := entry{r.ID, domain.Event{ID: dynamodb.SequenceText(r.ID), At: momentOf(r.ID)}}
		if e.workflow == "" || e.workflow == r.Workflow {
			if x.Key, x.Body, err = workflowEvent(r); err != nil {
				return nil, err
			}
		}
		entries = append(entries, x)
	}
	return entries, nil
}

// workflowEvent is an event as it is published, with the name of the workflow. Its key is the payload.
func workflowEvent(r feed.Entry) (key string, body []byte, err error) {
	var m map[string]any
	if err := json.Unmarshal(r.Message, &m); err != nil {
		return "", nil, fmt.Errorf("reading event %d: %w", r.ID, err)
	}
	key, _ = m["payload_id"].(string)
	m["workflow"] = r.Workflow
	var b strings.Builder
	if err := json.NewEncoder(&b).Encode(m); err != nil {
		return "", nil, fmt.Errorf("writing event %d: %w", r.ID, err)
	}
	return key, []byte(strings.TrimSpace(b.String())), nil
}
