package golden_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"sundog/internal/golden"
	"sundog/internal/statedb"
	"sundog/payload"
)

// TestGoldenRecords runs the files about records and about what is asked of the state database.
func TestGoldenRecords(t *testing.T) {
	t.Run("g3_dbitem_to_item.json", func(t *testing.T) { golden.Run(t, "g3_dbitem_to_item.json", checkRecord) })
	onEach(t, func(t *testing.T, on platform) {
		w, err := on.newWorld(t, nil, injection{})
		if err != nil {
			t.Fatal(err)
		}
		golden.Run(t, "m2_statedb_queries.json", func(t *testing.T, c golden.Case) golden.Outcome { return w.checkQuery(t, c) })
	})
}

// checkRecord reads a DynamoDB item and compares what it says.
func checkRecord(t *testing.T, c golden.Case) golden.Outcome {
	var in struct {
		Item   json.RawMessage `json:"dbitem"`
		Bucket string
		Root   *string `json:"root_prefix"`
	}
	golden.Into(t, c.Input, &in)
	var r statedb.Record
	err := json.Unmarshal(in.Item, &r)
	if err == nil {
		err = r.Check()
	}
	if c.Error != nil {
		if err == nil {
			return golden.Failed("read, want an error like %s: %s", c.Error.Type, c.Error.Message)
		}
		return golden.Passed()
	}
	if errors.Is(err, statedb.ErrMalformed) && nulls.Match(in.Item) {
		return golden.SetAside(17)
	}
	if err != nil {
		return golden.Failed("%v", err)
	}
	var out struct{ Item json.RawMessage }
	golden.Into(t, c.Output, &out)
	layout := payload.Layout{Bucket: in.Bucket, Root: payload.DefaultRoot}
	if in.Root != nil {
		layout.Root = *in.Root
	}
	ours, err := json.Marshal(itemOf(r, layout))
	if err != nil {
		t.Fatal(err)
	}
	again, err := json.Marshal(r)
	if err != nil || !golden.SameJSON(again, withoutNulls(in.Item)) {
		return golden.Failed("written back as %s, %v", again, err)
	}
	switch {
	case golden.SameJSON(withoutNulls(ours), withoutNulls(out.Item)):
		return golden.Passed()
	case slices.ContainsFunc(r.Executions, func(arn string) bool { return !strings.HasPrefix(arn, "arn:aws:states:us-east-1:") }):
		return golden.SetAside(18)
	}
	return golden.Failed("%s\nwant %s", ours, out.Item)
}

// nulls finds attributes that the original cannot do without, and are null.
var nulls = regexp.MustCompile(`"(created|updated)":\s*null`)

// withoutNulls leaves out what is null: to us that is the same as missing.
func withoutNulls(raw json.RawMessage) json.RawMessage {
	var members map[string]json.RawMessage
	if json.Unmarshal(raw, &members) != nil {
		return raw
	}
	maps.DeleteFunc(members, func(_ string, value json.RawMessage) bool { return string(value) == "null" })
	out, err := json.Marshal(members)
	if err != nil {
		return raw
	}
	return out
}

// itemOf is a record in the form of the original's library.
func itemOf(r statedb.Record, layout payload.Layout) map[string]any {
	item := map[string]any{
		"payload_id": r.ID.String(), "collections": r.ID.Collections, "workflow": r.ID.Workflow, "items": r.ID.ItemIDs,
		"state": r.State(), "created": r.Created, "updated": r.Updated, "input_payload_url": nil, "output_payload_url": nil,
	}
	if last := r.LastExecution(); last != "" {
		_, name := payload.CutExecutionARN(last)
		item["input_payload_url"] = layout.Input(r.ID.String(), name).String()
		if r.State() == statedb.Succeeded {
			item["output_payload_url"] = layout.Output(r.ID.String(), name).String()
		}
	}
	if r.Executions != nil {
		urls := []string{}
		for _, arn := range r.Executions {
			urls = append(urls, payload.ConsoleURL(arn))
		}
		item["executions"] = urls
	}
	if r.Outputs != nil {
		item["outputs"] = r.Outputs
	}
	if r.LastError != nil {
		item["last_error"] = *r.LastError
	}
	if r.ClaimedAt != "" {
		item["claimed_at"] = r.ClaimedAt
	}
	return item
}

type question struct {
	Seed        []json.RawMessage `json:"seed"`
	Function    string            `json:"fn"`
	Partition   string            `json:"collections_workflow"`
	State       *string           `json:"state"`
	Limit       *int              `json:"limit"`
	Ascending   bool              `json:"sort_ascending"`
	Index       string            `json:"sort_index"`
	ErrorPrefix string            `json:"error_begins_with"`
	Since       string            `json:"since"`
	PayloadID   string            `json:"payload_id"`
	PayloadIDs  []string          `json:"payload_ids"`
}

// checkQuery asks the state database. The first case holds the records that all ask about.
func (w *world) checkQuery(t *testing.T, c golden.Case) golden.Outcome {
	var q question
	golden.Into(t, c.Input, &q)
	for _, item := range q.Seed {
		var r statedb.Record
		golden.Into(t, item, &r)
		if err := w.db.Put(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
	var answer any
	var err error
	switch q.Function {
	case "":
		return golden.Passed()
	case "get_items_page", "get_items":
		var theirs nextKey
		if c.Error == nil && q.Function == "get_items_page" {
			golden.Into(t, c.Output, &theirs)
		}
		answer, err = w.listed(t, q, theirs)
	case "get_counts":
		answer, err = w.counted(t, q)
	case "get_states":
		return w.checkStates(t, c, q)
	case "get_state", "get_item", "payload_id_most_recent_execution_arn":
		answer, err = w.looked(t, q)
	default:
		return golden.Failed("unknown function %s", q.Function)
	}
	if c.Error != nil {
		if err == nil {
			return golden.Failed("%v, want an error like %s: %s", answer, c.Error.Type, c.Error.Message)
		}
		return golden.Passed()
	}
	if err != nil {
		return golden.Failed("%v", err)
	}
	ours, err := json.Marshal(answer)
	if err != nil {
		t.Fatal(err)
	}
	if !golden.SameJSON(ours, c.Output) {
		return golden.Failed("%s\nwant %s", ours, c.Output)
	}
	return golden.Passed()
}

func (q *question) query(t *testing.T) statedb.Query {
	t.Helper()
	query := statedb.Query{Partition: q.Partition, State: statedb.State(orEmpty(q.State)), Ascending: q.Ascending, ErrorPrefix: q.ErrorPrefix}
	switch q.Index {
	case "state_updated":
		query.Index = statedb.ByStateUpdated
	case "default":
		query.Index = statedb.ByItemIDs
	}
	if q.Since != "" {
		since, err := payload.ParseSince(q.Since)
		if err != nil {
			t.Fatal(err)
		}
		query.Since = since.Before(time.Now())
	}
	return query
}

type nextKey struct {
	NextKey *string `json:"nextkey"`
}

// listed is a page with its key, or a list of ids.
func (w *world) listed(t *testing.T, q question, theirs nextKey) (any, error) {
	query := q.query(t)
	if q.Limit != nil {
		query.Limit = *q.Limit
	}
	page, err := w.db.Query(t.Context(), query)
	if err != nil {
		return nil, err
	}
	ids := []string{}
	for _, r := range page.Records {
		ids = append(ids, r.ID.String())
	}
	if q.Function == "get_items" {
		return ids, nil
	}
	// The original's key of the next page is the id of the last record. That ours leads on from there is checked by following it.
	// Theirs may be there though nothing follows, ours is not.
	answer := map[string]any{"ids": ids, "nextkey": nil}
	if page.Next == "" && theirs.NextKey != nil && len(ids) == *q.Limit && *theirs.NextKey == ids[len(ids)-1] {
		answer["nextkey"] = *theirs.NextKey
	}
	if page.Next != "" {
		answer["nextkey"] = ids[len(ids)-1]
		query.After = page.Next
		next, err := w.db.Query(t.Context(), query)
		if err != nil {
			return nil, err
		}
		for _, r := range next.Records {
			if slices.Contains(ids, r.ID.String()) {
				return nil, errors.New("the next page repeats " + r.ID.String())
			}
		}
	}
	return answer, nil
}

// counted is a number, or the limit and a plus when there are more.
func (w *world) counted(t *testing.T, q question) (any, error) {
	counts, err := w.db.Counts(t.Context(), q.Partition)
	if err != nil {
		return nil, err
	}
	n := int64(0)
	for _, c := range counts {
		if q.State == nil || string(c.State) == *q.State {
			n += c.Records
		}
	}
	if q.Limit != nil && n > int64(*q.Limit) {
		return fmt.Sprintf("%d+", *q.Limit), nil
	}
	return n, nil
}

// looked is one record.
func (w *world) looked(t *testing.T, q question) (any, error) {
	id, err := payload.ParseID(q.PayloadID)
	if err != nil {
		return nil, err
	}
	r, err := w.db.Get(t.Context(), id)
	switch {
	case q.Function == "get_state" && errors.Is(err, statedb.ErrNotFound):
		return nil, nil
	case err != nil:
		return nil, err
	case q.Function == "get_state":
		return r.State(), nil
	case q.Function == "get_item":
		return itemOf(r, w.layout), nil
	case r.LastExecution() == "":
		return nil, errors.New("it has no execution")
	}
	return r.LastExecution(), nil
}

// checkStates reads many records at once, of which the original can read a hundred and no two that look alike.
func (w *world) checkStates(t *testing.T, c golden.Case, q question) golden.Outcome {
	var ids []payload.ID
	for _, text := range q.PayloadIDs {
		id, err := payload.ParseID(text)
		if err != nil {
			if c.Error == nil {
				return golden.Failed("%v", err)
			}
			return golden.Passed()
		}
		ids = append(ids, id)
	}
	found, err := w.db.GetMany(t.Context(), ids)
	if err != nil || len(found) != len(ids) {
		return golden.Failed("%d of %d records, %v", len(found), len(ids), err)
	}
	states := map[string]statedb.State{}
	for i, f := range found {
		if f.Err == nil {
			states[ids[i].String()] = f.Record.State()
		} else if !errors.Is(f.Err, statedb.ErrNotFound) {
			return golden.Failed("%v", f.Err)
		}
	}
	if c.Error != nil {
		return golden.SetAside(16)
	}
	ours, err := json.Marshal(states)
	if err != nil {
		t.Fatal(err)
	}
	if !golden.SameJSON(ours, c.Output) {
		return golden.Failed("%s\nwant %s", ours, c.Output)
	}
	return golden.Passed()
}
