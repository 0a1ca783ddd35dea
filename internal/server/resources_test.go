package server_test

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const resourcesSection = tablesSection + `
  people: { partition_key: name }
resources:
  /task: { table: tasks, id: task_id, key: { PK: "TASK#{task_id}" } }
  /people: { table: people, id: name }
`

// send makes a request and returns its status, its Location and its body.
func (r *running) send(method, path, body string) (status int, location, text string) {
	r.t.Helper()
	req, err := http.NewRequestWithContext(r.t.Context(), method, r.Server()+path, strings.NewReader(body))
	if err != nil {
		r.t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	defer resp.Body.Close()
	all, err := io.ReadAll(resp.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	return resp.StatusCode, resp.Header.Get("Location"), strings.TrimSpace(string(all))
}

func TestResource(t *testing.T) {
	r := startWith(t, "", resourcesSection)
	for _, tt := range []struct {
		name, method, path, body string
		status                   int
		location, want           string // the answer begins so, or holds it when it is a problem
	}{
		{"create", "POST", "/task", `{"task_id":"100","size":1.50,"tags":["a",null]}`, 201, "/task/100", `{"size":1.5,"tags":["a",null],"task_id":"100"}`},
		{"get", "GET", "/task/100", "", 200, "", `{"size":1.5,"tags":["a",null],"task_id":"100"}`},
		{"create again", "POST", "/task", `{"task_id":"100"}`, 409, "", `task_id \"100\" exists`},
		{"unchanged", "GET", "/task/100", "", 200, "", `{"size":1.5,"tags":["a",null],"task_id":"100"}`},
		{"an id with everything", "POST", "/task", `{"task_id":"a/ä ?"}`, 201, "/task/a%2F%C3%A4%20%3F", `{"task_id":"a/ä ?"}`},
		{"get that", "GET", "/task/a%2F%C3%A4%20%3F", "", 200, "", `{"task_id":"a/ä ?"}`},
		{"the id is the key", "POST", "/people", `{"name":"Bo"}`, 201, "/people/Bo", `{"name":"Bo"}`},
		{"no such one", "GET", "/task/5", "", 404, "", `there is no task_id \"5\"`},
		{"watch none", "GET", "/task/5?watch", "", 404, "", `there is no task_id`},
		{"no stream", "GET", "/people/Bo?watch", "", 400, "", `stream: true`},
		{"neither", "GET", "/task/100?watch=perhaps", "", 400, "", `watch`},
		{"no id", "POST", "/task", `{"id":"1"}`, 400, "", `no text \"task_id\"`},
		{"an id that is a number", "POST", "/task", `{"task_id":100}`, 400, "", `no text \"task_id\"`},
		{"an empty id", "POST", "/task", `{"task_id":""}`, 400, "", `no text \"task_id\"`},
		{"a key", "POST", "/task", `{"task_id":"6","PK":"TASK#7"}`, 400, "", `is the item's key`},
		{"no object", "POST", "/task", `[]`, 400, "", `JSON object`},
		{"no JSON", "POST", "/task", `{`, 400, "", `no JSON`},
		{"a number too long", "POST", "/task", `{"task_id":"6","n":` + strings.Repeat("1", 50) + `}`, 400, "", `38 significant digits`},
		{"an id too long", "POST", "/task", `{"task_id":"` + strings.Repeat("x", 3000) + `"}`, 400, "", `2048`},
		{"too large", "POST", "/task", `{"task_id":"6","x":"` + strings.Repeat("x", 400<<10) + `"}`, 413, "", `bytes`},
		{"another method", "DELETE", "/task/100", "", 404, "", `nothing at`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			status, location, text := r.send(tt.method, tt.path, tt.body)
			if status != tt.status || location != tt.location || status < 300 && text != tt.want || !strings.Contains(text, tt.want) {
				t.Errorf("%d %q %s", status, location, text)
			}
		})
	}
}

// watched is an event of a stream.
type watched struct{ ID, Event, Data string }

// watchUntil reads events of a path, and calls each with them until it returns false or the stream ends.
func (r *running) watchUntil(path, last string, each func(watched) bool) {
	r.t.Helper()
	ctx, cancel := context.WithCancel(r.t.Context())
	defer cancel()
	header := http.Header{}
	if last != "" {
		header.Set("Last-Event-ID", last)
	}
	resp := r.get(ctx, path, header)
	defer resp.Body.Close()
	var e watched
	for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
		name, value, _ := strings.Cut(lines.Text(), ": ")
		switch name {
		case "id":
			e.ID = value
		case "event":
			e.Event = value
		case "data":
			e.Data = value
			if !each(e) {
				return
			}
		}
	}
}

func TestResourceWatched(t *testing.T) {
	r := startWith(t, "", resourcesSection)
	for _, id := range []string{"1", "2"} {
		if status, _, text := r.send("POST", "/task", `{"task_id":"`+id+`"}`); status != 201 {
			t.Fatal(status, text)
		}
	}
	var seen []string
	last := ""
	r.watchUntil("/task/1?watch", "", func(e watched) bool {
		seen = append(seen, e.Event+" "+e.Data)
		switch len(seen) {
		case 1:
			put(t, r, "tasks", `{"PK":{"S":"TASK#2"},"task_id":{"S":"2"},"n":{"N":"5"}}`) // another one
			put(t, r, "tasks", `{"PK":{"S":"TASK#1"},"task_id":{"S":"1"},"n":{"N":"1"}}`)
		case 2:
			last = e.ID
			put(t, r, "tasks", `{"PK":{"S":"TASK#1"},"task_id":{"S":"1"},"n":{"N":"2"}}`)
		case 3:
			if _, err := r.DeleteItem(t.Context(), "tasks", `{"PK":"TASK#1"}`, noCondition); err != nil {
				t.Fatal(err)
			}
		}
		return true // it ends by itself
	})
	all := []string{`CURRENT {"task_id":"1"}`, `MODIFY {"n":1,"task_id":"1"}`, `MODIFY {"n":2,"task_id":"1"}`, `REMOVE {"task_id":"1"}`}
	if diff := cmp.Diff(all, seen); diff != "" {
		t.Error(diff)
	}
	seen = nil
	r.watchUntil("/task/1?watch", last, func(e watched) bool {
		seen = append(seen, e.Event+" "+e.Data)
		return true
	})
	if diff := cmp.Diff(all[2:], seen); diff != "" {
		t.Errorf("from where it was left: %s", diff)
	}
}

func TestResourcesAreDescribed(t *testing.T) {
	r := startWith(t, "", resourcesSection)
	_, _, text := r.send("GET", "/v1/openapi.json", "")
	var d struct {
		Paths map[string]map[string]struct{ Responses map[string]any }
	}
	if err := json.Unmarshal([]byte(text), &d); err != nil {
		t.Fatal(err)
	}
	if d.Paths["/task"]["post"].Responses["201"] == nil || d.Paths["/task/{id}"]["get"].Responses["200"] == nil {
		t.Errorf("%+v", d.Paths["/task"])
	}
}
