package server

import (
	"encoding/base64"
	"encoding/json"
	"net/http"

	"github.com/tidwall/gjson"

	"sundog/internal/api"
	"sundog/internal/problem"
	"sundog/internal/request"
	"sundog/internal/table"
)

// Items on a page.
const (
	itemsOnPage    = 100
	maxItemsOnPage = 10_000 // and table.MaxPageBytes, whatever comes first
)

// items answers a query, which has the parameter where, or else a scan.
func (s *Server) items(r *http.Request) (api.Items, error) {
	schema, err := s.schemaOf(r)
	if err != nil {
		return api.Items{}, err
	}
	q, err := itemQuery(r, schema)
	if err != nil {
		return api.Items{}, err
	}
	page, err := s.platform.VisibleTables().Query(r.Context(), q)
	if err != nil {
		return api.Items{}, err
	}
	out := api.Items{Items: make([]json.RawMessage, 0, len(page.Items)), Scanned: page.Scanned}
	for _, item := range page.Items {
		text, err := item.MarshalJSON()
		if err != nil {
			return api.Items{}, err
		}
		out.Items = append(out.Items, text)
	}
	if page.Last != nil {
		text, err := page.Last.MarshalJSON()
		if err != nil {
			return api.Items{}, err
		}
		out.Next = base64.RawURLEncoding.EncodeToString(text)
	}
	return out, nil
}

// itemQuery reads what is asked for.
func itemQuery(r *http.Request, schema *table.Schema) (q *table.Query, err error) {
	v := r.URL.Query()
	q = &table.Query{Table: schema.Name, Index: v.Get("index"), Scan: !v.Has("where")}
	if q.Limit, err = request.Number(r, "limit", itemsOnPage, 1, maxItemsOnPage); err != nil {
		return nil, err
	}
	if q.Backward, err = request.Flag(r, "descending"); err != nil {
		return nil, err
	}
	if q.Scan && q.Backward {
		return nil, problem.New(problem.Invalid, "a scan has no order to turn around").WithHint("take descending away, or name a partition with where")
	}
	if next := v.Get("next"); next != "" {
		text, err := base64.RawURLEncoding.DecodeString(next)
		if err == nil {
			q.Start, err = table.ParseItem(text)
		}
		if err != nil {
			return nil, problem.New(problem.Invalid, "the parameter next=%q does not come from a page", next)
		}
	}
	if !q.Scan {
		if q.Terms, err = where(r, schema, q); err != nil {
			return nil, err
		}
	}
	return q, itemFilter(r, q)
}

// itemFilter reads the expressions.
func itemFilter(r *http.Request, q *table.Query) error {
	p, err := placeholders(r)
	if err != nil {
		return err
	}
	if text := r.URL.Query().Get("filter"); text != "" {
		if q.Filter, err = p.ParseCondition("FilterExpression", text); err != nil {
			return err
		}
	}
	if text := r.URL.Query().Get("projection"); text != "" {
		q.Select = table.SelectSpecific
		if q.Projection, err = p.ParseProjection(text); err != nil {
			return err
		}
	}
	return p.Unused()
}

// where reads the conditions on key attributes: {"PK": "a", "SK": {"begins_with": "b"}}.
func where(r *http.Request, schema *table.Schema, q *table.Query) (terms []table.Term, err error) {
	keys, _ := schema.KeysOf(q)
	failed := members(r, "where", func(name string, value gjson.Result) {
		term := table.Term{Attribute: name, Op: "EQ"}
		for _, k := range keys.All() {
			if k.Name == name && err == nil {
				err = termOf(&term, k, value)
				terms = append(terms, term)
				return
			}
		}
		if err == nil {
			err = problem.New(problem.Invalid, "the parameter where: %q is no key attribute of what is queried", name).
				WithHint("conditions on other attributes go into filter")
		}
	})
	if failed != nil {
		return nil, failed
	}
	if err != nil {
		return nil, err
	}
	return terms, table.CheckTerms(terms)
}

// operators are what a condition on a sort key can say, and what it is called in package table.
var operators = map[string]string{"<": "LT", "<=": "LE", ">": "GT", ">=": "GE", "begins_with": "BEGINS_WITH", "between": "BETWEEN"}

// termOf reads one condition: a value that the attribute equals, or an object of an operator and what it compares with.
func termOf(term *table.Term, k table.Key, value gjson.Result) error {
	operands := []gjson.Result{value}
	if value.IsObject() {
		members := value.Map()
		for name, operand := range members {
			term.Op, operands = operators[name], []gjson.Result{operand}
			if name == "between" {
				operands = operand.Array()
			}
		}
		if len(members) != 1 || term.Op == "" || term.Op == "BETWEEN" && len(operands) != 2 {
			return problem.New(problem.Invalid, "the parameter where: %s is no condition on %s", value.Raw, k.Name).
				WithHint(`write a value, or an object of one operator: {"begins_with": "a"}, {"between": ["a", "b"]}, {"<": "a"}, and so on with <=, > and >=`)
		}
	}
	for _, operand := range operands {
		v, err := k.KeyValue(operand)
		if err != nil {
			return err
		}
		term.Values = append(term.Values, v)
	}
	return nil
}
