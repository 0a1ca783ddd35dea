package server

import (
	"net/http"

	"sundog/internal/api"
	"sundog/internal/request"
	"sundog/internal/statedb"
	"sundog/internal/table"
)

// Pages of tables.
const (
	tablesOnPage    = 100
	maxTablesOnPage = 1000
)

// tables lists tables.
func (s *Server) tables(r *http.Request) (api.Tables, error) {
	limit, err := request.Number(r, "limit", tablesOnPage, 1, maxTablesOnPage)
	if err != nil {
		return api.Tables{}, err
	}
	all := s.platform.VisibleTables()
	page := api.Tables{Tables: []api.Table{}}
	for _, name := range all.Names(r.URL.Query().Get("next"), limit) {
		info, err := all.Describe(r.Context(), name)
		if err != nil {
			continue // deleted since
		}
		page.Tables = append(page.Tables, tableOf(info))
		page.Next = name
	}
	if len(page.Tables) < limit {
		page.Next = ""
	}
	return page, nil
}

// describeTable describes one.
func (s *Server) describeTable(r *http.Request) (api.Table, error) {
	info, err := s.platform.VisibleTables().Describe(r.Context(), r.PathValue("table"))
	if err != nil {
		return api.Table{}, err
	}
	return tableOf(info), nil
}

func tableOf(info table.Info) api.Table {
	schema := info.Schema
	t := api.Table{
		Name: schema.Name, TTL: schema.TTL, Stream: schema.Stream, Declared: schema.Declared, ReadOnly: schema.Name == statedb.TableName,
		Created: schema.Created, Items: info.Items, Bytes: info.Bytes,
	}
	t.PartitionKey, t.SortKey = keysOf(schema.Keys)
	for _, x := range schema.Indexes {
		index := api.TableIndex{Name: x.Name, Local: x.Local, Projection: x.Project, Include: x.Include}
		index.PartitionKey, index.SortKey = keysOf(x.Keys)
		t.Indexes = append(t.Indexes, index)
	}
	return t
}

func keysOf(keys table.Keys) (partition api.TableKey, sort *api.TableKey) {
	partition = api.TableKey{Name: keys.Partition.Name, Type: keys.Partition.Type.String()}
	if keys.Sort.Name != "" {
		sort = &api.TableKey{Name: keys.Sort.Name, Type: keys.Sort.Type.String()}
	}
	return partition, sort
}

// schemaOf is the schema of the table that a request names.
func (s *Server) schemaOf(r *http.Request) (*table.Schema, error) {
	info, err := s.platform.VisibleTables().Describe(r.Context(), r.PathValue("table"))
	if err != nil {
		return nil, err
	}
	return info.Schema, nil
}
