package server

import (
	"errors"
	"io"
	"net/http"

	"github.com/tidwall/gjson"

	"sundog/internal/api"
	"sundog/internal/problem"
	"sundog/internal/request"
	"sundog/internal/table"
)

// item answers with an item.
func (s *Server) item(r *http.Request) (api.Item, error) {
	schema, err := s.schemaOf(r)
	if err != nil {
		return api.Item{}, err
	}
	key, err := keyParameter(r, schema)
	if err != nil {
		return api.Item{}, err
	}
	got, err := s.platform.VisibleTables().Get(r.Context(), &table.Get{Table: schema.Name, Key: key, Consistent: true})
	if err != nil {
		return api.Item{}, err
	}
	if got.Item == nil {
		return api.Item{}, problem.New(problem.NotFound, "table %s has no item with the key %s", schema.Name, key.Plain())
	}
	return itemAnswer(got.Item)
}

// putItem puts an item. With create it has to be a new one.
func (s *Server) putItem(r *http.Request) (api.Item, error) {
	schema, err := s.schemaOf(r)
	if err != nil {
		return api.Item{}, err
	}
	text, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, maxTableBody))
	if tooLarge, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return api.Item{}, problem.New(problem.TooLarge, "the item is larger than %d bytes", tooLarge.Limit)
	}
	if err != nil {
		return api.Item{}, problem.Wrap(problem.Invalid, err, "reading the item")
	}
	w := &table.Write{Table: schema.Name, Kind: table.Put, Return: table.ReturnAllOld}
	if w.Item, err = table.ParseItem(text); err != nil {
		return api.Item{}, err
	}
	if w.Item.Size() > table.MaxItemBytes {
		return api.Item{}, problem.New(problem.TooLarge, "the item has %d bytes; %d are allowed", w.Item.Size(), table.MaxItemBytes)
	}
	return s.writeItem(r, schema, w)
}

// deleteItem deletes an item.
func (s *Server) deleteItem(r *http.Request) (api.Item, error) {
	schema, err := s.schemaOf(r)
	if err != nil {
		return api.Item{}, err
	}
	w := &table.Write{Table: schema.Name, Kind: table.Delete, Return: table.ReturnAllOld}
	if w.Key, err = keyParameter(r, schema); err != nil {
		return api.Item{}, err
	}
	return s.writeItem(r, schema, w)
}

// writeItem makes a change on the condition that the request names, and answers with the item that was there.
func (s *Server) writeItem(r *http.Request, schema *table.Schema, w *table.Write) (api.Item, error) {
	p, err := placeholders(r)
	if err != nil {
		return api.Item{}, err
	}
	condition := r.URL.Query().Get("condition")
	create, err := request.Flag(r, "create")
	switch {
	case err != nil:
		return api.Item{}, err
	case create && condition != "":
		return api.Item{}, problem.New(problem.Invalid, "the parameters create and condition do not go together").WithHint("say attribute_not_exists(%s) in the condition", schema.Keys.Partition.Name)
	case create:
		w.Condition = table.Missing(schema.Keys.Partition.Name)
	case condition != "":
		w.Condition, err = p.ParseCondition("ConditionExpression", condition)
	}
	if err == nil {
		err = p.Unused()
	}
	if err != nil {
		return api.Item{}, err
	}
	written, err := s.platform.VisibleTables().Write(r.Context(), w)
	if err != nil {
		return api.Item{}, err
	}
	return itemAnswer(written.Attributes)
}

func itemAnswer(item table.Item) (api.Item, error) {
	if item == nil {
		return api.Item{}, nil
	}
	text, err := item.MarshalJSON()
	return api.Item{Item: text}, err
}

// keyParameter reads the parameter key, the key of an item in plain JSON: {"PK": "TASK#100"}.
func keyParameter(r *http.Request, schema *table.Schema) (table.Item, error) {
	text := r.URL.Query().Get("key")
	parsed := gjson.Parse(text)
	if !gjson.Valid(text) || !parsed.IsObject() {
		return nil, problem.New(problem.Invalid, "the parameter key is %q, no JSON object", text).WithHint(`write it like key={"%s": "…"}, escaped for a URL`, schema.Keys.Partition.Name)
	}
	key := table.Item{}
	var failed error
	parsed.ForEach(func(name, value gjson.Result) bool {
		k := table.Key{Name: name.Str}
		for _, known := range schema.Keys.All() {
			if known.Name == name.Str {
				k = known
			}
		}
		if k.Type == table.None {
			failed = problem.New(problem.Invalid, "the parameter key: %q is no key attribute of table %s", name.Str, schema.Name)
			return false
		}
		key[name.Str], failed = k.KeyValue(value)
		return failed == nil
	})
	return key, failed
}

// placeholders reads the parameters values and names, which expressions of the request refer to: plain JSON objects,
// {":limit": 5} and {"#n": "name"}.
func placeholders(r *http.Request) (*table.Placeholders, error) {
	var values []table.NamedRaw
	var names []table.NamedText
	var failed error
	if err := members(r, "values", func(name string, value gjson.Result) {
		v, err := table.PlainValue(value)
		failed = errors.Join(failed, err)
		values = append(values, table.NamedRaw{Name: name, Raw: table.RawOf(v)})
	}); err != nil {
		return nil, err
	}
	if err := members(r, "names", func(name string, value gjson.Result) {
		names = append(names, table.NamedText{Name: name, Text: value.String()})
	}); err != nil {
		return nil, err
	}
	if failed != nil {
		return nil, failed
	}
	p, err := table.NewPlaceholders(names, values)
	return p, err
}

// members calls each with the members of a parameter that is a JSON object, if it is there.
func members(r *http.Request, parameter string, each func(name string, value gjson.Result)) error {
	text := r.URL.Query().Get(parameter)
	if text == "" {
		return nil
	}
	parsed := gjson.Parse(text)
	if !gjson.Valid(text) || !parsed.IsObject() {
		return problem.New(problem.Invalid, "the parameter %s is %q, no JSON object", parameter, text)
	}
	parsed.ForEach(func(name, value gjson.Result) bool {
		each(name.Str, value)
		return true
	})
	return nil
}
