package cirrusapi

import (
	"context"
	"errors"

	"sundog/internal/statedb"
	"sundog/payload"
)

// Item is a record as Cirrus shows it: ids of executions are links to the console, and payloads have URLs.
type Item struct {
	PayloadID   string `json:"payload_id"`
	Collections string `json:"collections"`
	Workflow    string `json:"workflow"`
	Items       string `json:"items"` // ids of the items, joined with a slash
	State       string `json:"state"`
	Created     string `json:"created"`
	Updated     string `json:"updated"`
	// InputPayloadURL is where the input of the last execution lies; nil without an execution.
	InputPayloadURL *string `json:"input_payload_url"`
	// OutputPayloadURL is where its output lies; nil unless it succeeded.
	OutputPayloadURL *string   `json:"output_payload_url"`
	Executions       *[]string `json:"executions,omitempty"`
	Outputs          *[]string `json:"outputs,omitempty"`
	LastError        *string   `json:"last_error,omitempty"`
	ClaimedAt        string    `json:"claimed_at,omitempty"`
}

// ItemOf is how a record is shown. COMPLETED, the word of version 1, is shown as SUCCEEDED.
func ItemOf(r statedb.Record, layout payload.Layout) Item {
	state := r.State()
	if state == statedb.Completed {
		state = statedb.Succeeded
	}
	item := Item{
		PayloadID: r.ID.String(), Collections: r.ID.Collections, Workflow: r.ID.Workflow, Items: r.ID.ItemIDs,
		State: string(state), Created: r.Created, Updated: r.Updated, LastError: r.LastError, ClaimedAt: r.ClaimedAt,
	}
	if last := r.LastExecution(); last != "" {
		_, name := payload.CutExecutionARN(last)
		input := layout.Input(item.PayloadID, name).String()
		item.InputPayloadURL = &input
		if state == statedb.Succeeded {
			output := layout.Output(item.PayloadID, name).String()
			item.OutputPayloadURL = &output
		}
	}
	if r.Executions != nil {
		urls := make([]string, len(r.Executions))
		for i, arn := range r.Executions {
			urls[i] = payload.ConsoleURL(arn)
		}
		item.Executions = &urls
	}
	if r.Outputs != nil {
		item.Outputs = &r.Outputs
	}
	return item
}

// shown is an Item with the names that version 1 of the API had beside it.
type shown struct {
	Item
	CatID   string  `json:"catid"`
	Catalog *string `json:"catalog"`
}

func (a *API) show(r statedb.Record) shown {
	item := ItemOf(r, a.Layout)
	return shown{Item: item, CatID: item.PayloadID, Catalog: item.InputPayloadURL}
}

func (a *API) item(ctx context.Context, text string) (any, error) {
	id, err := payload.ParseID(text)
	if err != nil {
		return nil, bad("%v", err)
	}
	r, err := a.Records.Get(ctx, id)
	if errors.Is(err, statedb.ErrNotFound) {
		return nil, absent("there is no payload %s", text)
	}
	if err != nil {
		return nil, err
	}
	return a.show(r), nil
}

// itemsPage is a page of records.
type itemsPage struct {
	Items []shown `json:"items"`
	// NextKey is the parameter nextkey of the next page.
	NextKey string `json:"nextkey,omitempty"`
}

func (a *API) items(ctx context.Context, collections, workflow string, p parameters) (any, error) {
	page := itemsPage{Items: []shown{}}
	states := p.states()
	switch {
	case len(states) == 0:
		return page, nil
	case len(states) > 1:
		return nil, bad("state %q is the beginning of several states: %v", p.state, states)
	}
	q, err := a.query(ctx, payload.PartitionKey(collections, workflow), p, states[0])
	if errors.Is(err, errNothingFollows) {
		return page, nil
	}
	if err != nil {
		return nil, err
	}
	found, err := a.Records.Query(ctx, q)
	if errors.Is(err, statedb.ErrInvalidQuery) {
		return nil, bad("%v", err)
	}
	if err != nil {
		return nil, err
	}
	page.NextKey = found.Next
	for _, r := range found.Records {
		page.Items = append(page.Items, a.show(r))
	}
	return page, nil
}
