package server

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"

	"sundog/internal/access"
	"sundog/internal/problem"
	"sundog/internal/project"
	"sundog/internal/request"
	"sundog/internal/server/openapi"
	"sundog/internal/table"
)

// resource serves the items of a table as plain documents: what a path of sundog.yaml is bound to.
type resource struct {
	project.Resource
	server *Server
}

// resourceRoutes are the routes of the project's own paths.
func (s *Server) resourceRoutes() []route {
	routes := make([]route, 0, 2*len(s.platform.Project.Resources))
	for _, declared := range s.platform.Project.Resources {
		r := resource{declared, s}
		one := r.Path + "/{id}"
		routes = append(
			routes,
			serves("POST", r.Path, access.Operate, r.create, "Create an item of table "+r.Table+", unless there is one with its "+r.ID,
				sends("an object with a text "+r.ID+" and any other attributes"), gives[any]("the item without its key"), creates),
			serves("GET", one, access.Read, r.get, "An item of table "+r.Table+" without its key, or its changes as they happen (Server-Sent Events)",
				toggle("watch", "stream the item as it is and then its changes, until it is deleted"), header("Last-Event-ID", "with watch: only changes after that event"),
				gives[any]("the item, or a stream of it", "application/json", contentTypeEvents)),
		)
	}
	return routes
}

func creates(op *openapi.Operation) { op.Status = http.StatusCreated }

// key is the key of the item with an id.
func (r *resource) key(id string) table.Item {
	key := table.Item{}
	for _, k := range r.Key {
		key[k.Attribute] = table.Text(k.Text(id))
	}
	return key
}

// shown is an item without its key, as plain JSON. The id is shown even when it is the key.
func (r *resource) shown(item table.Item) []byte {
	out := maps.Clone(item)
	for _, k := range r.Key {
		if k.Attribute != r.ID {
			delete(out, k.Attribute)
		}
	}
	return out.Plain()
}

// create puts a new item. One that is there stays as it is, and the answer is a 409.
func (r *resource) create(w http.ResponseWriter, req *http.Request) {
	item, id, err := r.posted(req)
	if err == nil {
		_, err = r.server.platform.Tables.Write(req.Context(), &table.Write{
			Table: r.Table, Kind: table.Put, Item: item, Condition: table.Missing(r.Key[0].Attribute),
		})
	}
	if refused, ok := errors.AsType[*table.Error](err); ok && refused.Code == table.ConditionFailed {
		err = problem.New(problem.Conflict, "%s %q exists", r.ID, id).WithHint("GET %s/%s shows it; take another %s", r.Path, url.PathEscape(id), r.ID)
	}
	if err != nil {
		r.server.Fail(w, req, err)
		return
	}
	w.Header().Set("Location", r.Path+"/"+url.PathEscape(id))
	r.answer(w, http.StatusCreated, item)
}

func (r *resource) answer(w http.ResponseWriter, status int, item table.Item) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(append(r.shown(item), '\n'))
}

// posted reads the item of a request.
func (r *resource) posted(req *http.Request) (item table.Item, id string, err error) {
	text, err := io.ReadAll(http.MaxBytesReader(nil, req.Body, 2*table.MaxItemBytes))
	if tooLarge, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return nil, "", problem.New(problem.TooLarge, "the body is larger than %d bytes", tooLarge.Limit)
	}
	if err == nil && !json.Valid(text) {
		err = problem.New(problem.Invalid, "the body is no JSON")
	}
	if err == nil {
		item, err = table.ParsePlain(text)
	}
	if err != nil {
		return nil, "", problem.Wrap(problem.Invalid, err, "reading the body").WithHint(`send a JSON object: {"%s": "100"}`, r.ID)
	}
	named := item[r.ID]
	if named.Type != table.S || named.Text == "" {
		return nil, "", problem.New(problem.Invalid, "the body has no text %q", r.ID).WithHint(`send it like {"%s": "100"}`, r.ID)
	}
	for name, value := range r.key(named.Text) {
		if _, taken := item[name]; taken && name != r.ID {
			return nil, "", problem.New(problem.Invalid, "the attribute %q is the item's key, which is made of %s", name, r.ID).WithHint("leave it out")
		}
		item[name] = value
	}
	if item.Size() > table.MaxItemBytes {
		return nil, "", problem.New(problem.TooLarge, "the item has %d bytes; %d are allowed", item.Size(), table.MaxItemBytes)
	}
	return item, named.Text, nil
}

// get answers with an item, or streams it.
func (r *resource) get(w http.ResponseWriter, req *http.Request) {
	watch, err := request.Flag(req, "watch")
	if err != nil {
		r.server.Fail(w, req, err)
		return
	}
	if watch || wantsEvents(req) {
		r.watch(w, req)
		return
	}
	item, err := r.find(req)
	if err != nil {
		r.server.Fail(w, req, err)
		return
	}
	r.answer(w, http.StatusOK, item)
}

func (r *resource) find(req *http.Request) (table.Item, error) {
	id := req.PathValue("id")
	got, err := r.server.platform.Tables.Get(req.Context(), &table.Get{Table: r.Table, Key: r.key(id)})
	if err == nil && got.Item == nil {
		err = problem.New(problem.NotFound, "there is no %s %q", r.ID, id)
	}
	return got.Item, err
}

// watch streams an item as it is, and each change of it, until it is deleted. Whoever names the last event that he saw gets the changes
// since.
func (r *resource) watch(w http.ResponseWriter, req *http.Request) {
	newest, err := r.server.platform.Tables.Newest(req.Context(), r.Table)
	if err != nil {
		r.server.Fail(w, req, problem.Wrap(problem.Invalid, err, "watching %s", r.Path).WithHint("stream: true of the table %s in sundog.yaml makes its items ones that can be watched", r.Table))
		return
	}
	after, err := r.server.changePosition(req, r.Table, newest)
	if err != nil {
		r.server.Fail(w, req, err)
		return
	}
	first := ""
	if req.Header.Get("Last-Event-ID") == "" {
		var item table.Item
		if item, after, err = r.current(req, after); err != nil {
			r.server.Fail(w, req, err)
			return
		}
		first = r.event(after, "CURRENT", item)
	}
	key := r.key(req.PathValue("id"))
	r.server.follow(w, req, changesOf{table: r.Table, key: key, after: after, first: first}, func(c *table.Record) (string, bool, error) {
		item := c.New
		if item == nil { // of a deletion, or the stream has no such images
			item = table.Item{r.ID: table.Text(req.PathValue("id"))}
		}
		return r.event(c.Sequence, c.Event, item), c.Event == "REMOVE", nil
	})
}

// settling is how often an item that changes while it is looked at is looked at again.
const settling = 5

// current is an item as it is, and a position such that only changes behind it are news. Those between the position that is given and the
// reading are in the item already; of one that changes all the time some are told again.
func (r *resource) current(req *http.Request, after uint64) (item table.Item, at uint64, err error) {
	for range settling {
		if item, err = r.find(req); err != nil {
			return nil, 0, err
		}
		changes, err := r.server.platform.Tables.Changes(req.Context(), r.Table, after, eventsAtOnce)
		if err != nil {
			return nil, 0, err
		}
		key, before := r.key(req.PathValue("id")), after
		for i := range changes {
			if changes[i].Keys.Equal(key) {
				after = changes[i].Sequence
			}
		}
		if after == before {
			break
		}
	}
	return item, after, nil
}

func (r *resource) event(id uint64, name string, item table.Item) string {
	return fmt.Sprintf("id: %d\nevent: %s\ndata: %s\n\n", id, name, r.shown(item))
}
