package server_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sundog/internal/api"
	"sundog/internal/client"
	"sundog/internal/problem"
)

const tablesSection = `
tables:
  tasks: { partition_key: PK, stream: true }
  readings:
    partition_key: device
    sort_key: { name: at, type: N }
    indexes:
      by-kind: { partition_key: kind }
`

var noCondition client.Condition

func put(t *testing.T, r *running, table, item string) {
	t.Helper()
	if _, err := r.PutItem(t.Context(), table, json.RawMessage(item), client.Condition{}); err != nil {
		t.Fatal(err)
	}
}

func TestTableItems(t *testing.T) {
	r := startWith(t, "", tablesSection)
	ctx := t.Context()
	const first, second = `{"PK":{"S":"TASK#1"},"n":{"N":"1"}}`, `{"PK":{"S":"TASK#1"},"n":{"N":"2"}}`
	if _, err := r.PutItem(ctx, "tasks", json.RawMessage(first), client.Condition{Create: true}); err != nil {
		t.Fatal(err)
	}
	if _, err := r.PutItem(ctx, "tasks", json.RawMessage(second), client.Condition{Create: true}); !problem.Is(err, problem.Conflict) {
		t.Errorf("creating what is there: %v", err)
	}
	if _, err := r.PutItem(ctx, "tasks", json.RawMessage(second), client.Condition{Expression: "n > :n", Values: `{":n": 1}`}); !problem.Is(err, problem.Conflict) {
		t.Errorf("a condition that is not met: %v", err)
	}
	old, err := r.PutItem(ctx, "tasks", json.RawMessage(second), client.Condition{Expression: "#n = :n", Values: `{":n": 1}`, Names: `{"#n": "n"}`})
	if err != nil || string(old.Item) != first {
		t.Errorf("replacing: %s, %v", old.Item, err)
	}
	got, err := r.Item(ctx, "tasks", `{"PK": "TASK#1"}`)
	if err != nil || string(got.Item) != second {
		t.Errorf("%s, %v", got.Item, err)
	}
	if old, err = r.DeleteItem(ctx, "tasks", `{"PK": "TASK#1"}`, client.Condition{}); err != nil || string(old.Item) != second {
		t.Errorf("deleting: %s, %v", old.Item, err)
	}
	if _, err = r.Item(ctx, "tasks", `{"PK": "TASK#1"}`); !problem.Is(err, problem.NotFound) {
		t.Errorf("what was deleted: %v", err)
	}
	changes, err := r.Changes(ctx, "tasks", 0, 0)
	if err != nil || len(changes.Changes) != 3 {
		t.Fatalf("%+v, %v", changes, err)
	}
	for i, want := range []api.Change{{Event: "INSERT", New: json.RawMessage(first)}, {Event: "MODIFY", Old: json.RawMessage(first), New: json.RawMessage(second)}, {Event: "REMOVE", Old: json.RawMessage(second)}} {
		got := changes.Changes[i]
		want.Sequence, want.At, want.Keys = got.Sequence, got.At, json.RawMessage(`{"PK":{"S":"TASK#1"}}`)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	}
	rest, err := r.Changes(ctx, "tasks", changes.Changes[1].Sequence, 10)
	if err != nil || len(rest.Changes) != 1 || rest.Next != changes.Next {
		t.Errorf("%+v, %v", rest, err)
	}
}

func TestTableQueries(t *testing.T) {
	r := startWith(t, "", tablesSection)
	for _, item := range []string{
		`{"device":{"S":"a"},"at":{"N":"1"},"kind":{"S":"x"}}`, `{"device":{"S":"a"},"at":{"N":"2"},"kind":{"S":"y"}}`,
		`{"device":{"S":"a"},"at":{"N":"10"},"kind":{"S":"x"}}`, `{"device":{"S":"b"},"at":{"N":"5"},"kind":{"S":"x"}}`,
	} {
		put(t, r, "readings", item)
	}
	for name, tt := range map[string]struct {
		q    client.ItemQuery
		want string // device and time
	}{
		"a partition":    {client.ItemQuery{Where: `{"device":"a"}`}, "a1 a2 a10"},
		"the last first": {client.ItemQuery{Where: `{"device":"a"}`, Descending: true}, "a10 a2 a1"},
		"one":            {client.ItemQuery{Where: `{"device":"a","at":2}`}, "a2"},
		"between":        {client.ItemQuery{Where: `{"device":"a","at":{"between":[2,10]}}`}, "a2 a10"},
		"less":           {client.ItemQuery{Where: `{"device":"a","at":{"<":10}}`}, "a1 a2"},
		"a filter":       {client.ItemQuery{Where: `{"device":"a"}`, Filter: "kind = :k", Values: `{":k":"x"}`}, "a1 a10"},
		"a page each":    {client.ItemQuery{Where: `{"device":"a"}`, Limit: 1}, "a1 a2 a10"},
		"projected":      {client.ItemQuery{Where: `{"device":"a","at":1}`, Projection: "device, #at", Names: `{"#at":"at"}`}, "a1"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := strings.Join(readings(t, r, tt.q), " "); got != tt.want {
				t.Errorf("%s, want %s", got, tt.want)
			}
		})
	}
	for name, tt := range map[string]struct {
		q    client.ItemQuery
		want int
	}{
		"a scan":             {client.ItemQuery{}, 4},
		"a scan in pages":    {client.ItemQuery{Limit: 1}, 4},
		"an index":           {client.ItemQuery{Index: "by-kind", Where: `{"kind":"x"}`}, 3},
		"a scan of an index": {client.ItemQuery{Index: "by-kind", Filter: "device = :d", Values: `{":d":"b"}`}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			if got := readings(t, r, tt.q); len(got) != tt.want {
				t.Errorf("%v, want %d", got, tt.want)
			}
		})
	}
}

// readings reads every page of a query.
func readings(t *testing.T, r *running, q client.ItemQuery) []string {
	t.Helper()
	var all []string
	for {
		page, err := r.Items(t.Context(), "readings", q)
		if err != nil {
			t.Fatal(err)
		}
		for _, item := range page.Items {
			var i struct {
				Device struct{ S string }
				At     struct{ N string }
			}
			if err := json.Unmarshal(item, &i); err != nil {
				t.Fatal(err)
			}
			all = append(all, i.Device.S+i.At.N)
		}
		if q.Next = page.Next; q.Next == "" {
			return all
		}
	}
}

func TestTablesRefuse(t *testing.T) {
	r := startWith(t, "", tablesSection)
	put(t, r, "tasks", `{"PK":{"S":"a"}}`)
	for name, tt := range map[string]struct {
		method, path, body string
		status             int
		want               string
	}{
		"no such table":           {"GET", "/v1/tables/nothing", "", 404, "nothing"},
		"items of none":           {"GET", "/v1/tables/nothing/items", "", 404, "nothing"},
		"a stream of none":        {"GET", "/v1/tables/nothing/stream", "", 404, "not found"},
		"no stream":               {"GET", "/v1/tables/readings/stream", "", 404, "Stream"},
		"no key":                  {"GET", "/v1/tables/tasks/item", "", 400, "the parameter key"},
		"a key of another name":   {"GET", `/v1/tables/tasks/item?key={"SK":"a"}`, "", 400, "no key attribute"},
		"a key of another type":   {"GET", `/v1/tables/tasks/item?key={"PK":1}`, "", 400, "Type mismatch"},
		"half a key":              {"GET", `/v1/tables/readings/item?key={"device":"a"}`, "", 400, "does not match the schema"},
		"an item without a key":   {"PUT", "/v1/tables/tasks/item", `{"x":{"S":"a"}}`, 400, "Missing the key PK"},
		"an item that is none":    {"PUT", "/v1/tables/tasks/item", `{"PK":"a"}`, 400, "SerializationException"},
		"an item too large":       {"PUT", "/v1/tables/tasks/item", `{"PK":{"S":"a"},"x":{"S":"` + strings.Repeat("x", 400<<10) + `"}}`, 413, "bytes"},
		"a condition and create":  {"PUT", "/v1/tables/tasks/item?create&condition=x", `{"PK":{"S":"a"}}`, 400, "do not go together"},
		"a reserved word":         {"DELETE", `/v1/tables/tasks/item?key={"PK":"a"}&condition=status=:a&values={":a":1}`, "", 400, "reserved keyword"},
		"a value too many":        {"DELETE", `/v1/tables/tasks/item?key={"PK":"a"}&values={":a":1}`, "", 400, "unused"},
		"values that are none":    {"GET", `/v1/tables/tasks/items?values=1`, "", 400, "the parameter values"},
		"no such index":           {"GET", `/v1/tables/tasks/items?index=other`, "", 400, "does not have the specified index"},
		"where on no key":         {"GET", `/v1/tables/tasks/items?where={"n":1}`, "", 400, "no key attribute"},
		"an unknown operator":     {"GET", `/v1/tables/readings/items?where={"device":"a","at":{"like":1}}`, "", 400, "no condition"},
		"bounds the wrong way":    {"GET", `/v1/tables/readings/items?where={"device":"a","at":{"between":[2,1]}}`, "", 400, "BETWEEN"},
		"a page of another table": {"GET", `/v1/tables/tasks/items?next=e30`, "", 400, "starting key"},
		"a next that is none":     {"GET", `/v1/tables/tasks/items?next=%`, "", 400, "does not come from a page"},
		"a scan backwards":        {"GET", `/v1/tables/tasks/items?descending`, "", 400, "no order"},
		"a position that is none": {"GET", `/v1/tables/tasks/stream?after=x`, "", 400, "sequence number"},
		"a write to records":      {"PUT", "/v1/tables/sundog-state/item", `{"collections_workflow":{"S":"c_w"},"itemids":{"S":"i"}}`, 403, "AccessDeniedException"},
		"a deletion of records":   {"DELETE", `/v1/tables/sundog-state/item?key={"collections_workflow":"c_w","itemids":"i"}`, "", 403, "AccessDeniedException"},
	} {
		t.Run(name, func(t *testing.T) {
			path, query, _ := strings.Cut(tt.path, "?")
			values := url.Values{}
			for _, parameter := range strings.Split(query, "&") {
				if name, value, _ := strings.Cut(parameter, "="); name != "" {
					values.Set(name, value)
				}
			}
			status, doc := r.ask(tt.method, path+"?"+values.Encode(), "", tt.body)
			if status != tt.status || !strings.Contains(doc.Detail, tt.want) {
				t.Errorf("%d %s", status, doc.Detail)
			}
		})
	}
}

func TestTableListing(t *testing.T) {
	r := startWith(t, "", tablesSection)
	put(t, r, "tasks", `{"PK":{"S":"a"}}`)
	var names []string
	for next := ""; ; {
		page, err := r.Tables(t.Context(), next, 2)
		if err != nil {
			t.Fatal(err)
		}
		for _, table := range page.Tables {
			names = append(names, table.Name)
		}
		if next = page.Next; next == "" {
			break
		}
	}
	if diff := cmp.Diff([]string{"readings", "sundog-state", "tasks"}, names); diff != "" {
		t.Error(diff)
	}
	table, err := r.Table(t.Context(), "tasks")
	if err != nil || table.Items != 1 || table.Bytes != 3 || !table.Declared || table.Stream != "NEW_AND_OLD_IMAGES" || table.PartitionKey != (api.TableKey{Name: "PK", Type: "S"}) {
		t.Errorf("%+v, %v", table, err)
	}
}

func TestTableStreamAsItHappens(t *testing.T) {
	r := startWith(t, "", tablesSection)
	put(t, r, "tasks", `{"PK":{"S":"before"}}`)
	ctx, cancel := context.WithCancelCause(t.Context())
	enough := errors.New("enough")
	var seen []string
	put(t, r, "tasks", `{"PK":{"S":"one"}}`)
	begun, err := r.Changes(ctx, "tasks", 0, 1)
	if err != nil {
		t.Fatal(err)
	}
	err = r.Follow(ctx, "tasks", strconv.FormatUint(begun.Next, 10), func(c api.Change) error {
		seen = append(seen, string(c.Keys))
		if len(seen) == 1 {
			put(t, r, "tasks", `{"PK":{"S":"two"}}`)
			return nil
		}
		cancel(enough)
		return enough
	})
	if !errors.Is(err, enough) || strings.Join(seen, "") != `{"PK":{"S":"one"}}{"PK":{"S":"two"}}` {
		t.Errorf("%v, %v", seen, err)
	}
	if err := r.Follow(t.Context(), "readings", "latest", nil); !problem.Is(err, problem.NotFound) {
		t.Errorf("a table without a stream: %v", err)
	}
}
