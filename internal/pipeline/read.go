package pipeline

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/tidwall/gjson"

	"sundog/internal/bucket"
	"sundog/internal/event"
	"sundog/internal/statedb"
	"sundog/payload"
)

// unknownID stands in events for a payload without an id.
const unknownID = "unknown"

// longestName stands for the name of an execution, a UUID.
const longestName = "00000000-0000-0000-0000-000000000000"

// read gets the payload of a task and checks it. What cannot be read, or is no payload, is settled here.
func (p *Processor) read(ctx context.Context, t *task) {
	document, err := t.record.Resolve(ctx, p.opts.Fetcher)
	switch {
	case errors.Is(err, payload.ErrUnresolvable):
		p.bury(ctx, t, event.ExtractFailed, unknownID, err)
		return
	case err != nil:
		t.settle(retry(err))
		return
	}
	parsed, err := payload.Parse(document)
	if err != nil {
		id := unknownID
		if given := gjson.GetBytes(document, "id"); given.Type == gjson.String {
			id = given.Str
		}
		p.bury(ctx, t, event.NotAPayload, id, err)
		return
	}
	if err := bucket.ValidKey(p.opts.Layout.Input(parsed.ID().String(), longestName).Key); err != nil {
		p.bury(ctx, t, event.NotAPayload, parsed.ID().String(), fmt.Errorf("the payload's id cannot be part of an object's key: %w", err))
		return
	}
	t.payload = parsed
}

// invalidRecord is the object that is kept of a record that cannot be processed.
type invalidRecord struct {
	Body json.RawMessage `json:"invalid_record_body"`
}

// bury keeps a record that can never be processed, and tells why.
func (p *Processor) bury(ctx context.Context, t *task, typ event.Type, id string, reason error) {
	body := t.record.Raw
	if t.message != nil {
		body = t.message.Body
	}
	if t.message != nil || !json.Valid(body) { // what came as text is kept as text
		body, _ = json.Marshal(string(body)) // a string always marshals
	}
	object, err := json.Marshal(invalidRecord{Body: body})
	if err != nil {
		t.settle(dead(errors.Join(reason, err)))
		return
	}
	at := p.opts.Layout.Invalid(p.opts.NewID())
	effects := statedb.Effects{Store: []statedb.Object{{Key: at.Key, Body: object}}}
	p.opts.tell(&effects, p.opts.Now(), event.Event{Type: typ, PayloadID: id, InputURL: at.String()}.WithError(reason.Error()))
	if err := p.opts.StateDB.Emit(ctx, effects); err != nil {
		t.settle(retry(fmt.Errorf("keeping a record that is no payload: %w", err)))
		return
	}
	t.settle(dead(reason))
}
