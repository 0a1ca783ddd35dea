package embedded

import (
	"context"
	"fmt"
	"slices"

	"sundog/internal/dynamodb"
	"sundog/internal/embedded/statedb"
	db "sundog/internal/statedb"
	"sundog/internal/table"
)

// visible is tables with the state database among them, which can only be read.
type visible struct {
	dynamodb.Tables
	state *statedb.Table
	arn   string // of the state database, for refusals
}

// VisibleTables returns the tables that requests see: those of the project, those that requests made, and the state database.
func (p *Platform) VisibleTables() dynamodb.Tables { return p.withState(p.Tables) }

// withState puts the state database among tables.
func (p *Platform) withState(tables dynamodb.Tables) dynamodb.Tables {
	return visible{tables, p.Records.Table(db.TableName, p.opened), fmt.Sprintf("arn:aws:dynamodb:%s:%s:table/%s", p.Project.Region, p.Project.Account, db.TableName)}
}

// denied refuses an operation as AWS refuses those that a policy does not allow (Amazon DynamoDB API Reference, Common errors).
func (v visible) denied(operation string) error {
	return &table.Error{
		Code:    table.AccessDenied,
		Message: "User is not authorized to perform: dynamodb:" + operation + " on resource: " + v.arn + " because the state database can only be read",
	}
}

// Get returns an item.
func (v visible) Get(ctx context.Context, g *table.Get) (table.Got, error) {
	if g.Table == db.TableName {
		return v.state.Get(ctx, g)
	}
	return v.Tables.Get(ctx, g)
}

// Query reads a page.
func (v visible) Query(ctx context.Context, q *table.Query) (table.Page, error) {
	if q.Table == db.TableName {
		return v.state.Query(ctx, q)
	}
	return v.Tables.Query(ctx, q)
}

// Write changes an item.
func (v visible) Write(ctx context.Context, w *table.Write) (table.Written, error) {
	if w.Table == db.TableName {
		return table.Written{}, v.denied(w.Kind + "Item")
	}
	return v.Tables.Write(ctx, w)
}

func wanted(g table.Get) bool { return g.Table == db.TableName }

func written(w table.Write) bool { return w.Table == db.TableName }

// GetAll returns items. Those of the state database are read one by one.
func (v visible) GetAll(ctx context.Context, gets []table.Get) ([]table.Got, error) {
	if !slices.ContainsFunc(gets, wanted) {
		return v.Tables.GetAll(ctx, gets)
	}
	got, size := []table.Got{}, 0
	for i := range gets {
		g, err := v.Get(ctx, &gets[i])
		if err != nil {
			return nil, err
		}
		if size += g.Item.Size(); size > table.MaxBatchGetBytes && i > 0 {
			break
		}
		got = append(got, g)
	}
	return got, nil
}

// WriteAll puts and deletes items.
func (v visible) WriteAll(ctx context.Context, writes []table.Write) ([]table.Written, error) {
	if slices.ContainsFunc(writes, written) {
		return nil, v.denied("BatchWriteItem")
	}
	return v.Tables.WriteAll(ctx, writes)
}

// Transact changes items, all or none.
func (v visible) Transact(ctx context.Context, writes []table.Write, token string, digest []byte) ([]table.Written, error) {
	if i := slices.IndexFunc(writes, written); i >= 0 {
		if writes[i].Kind == table.Check {
			return nil, v.denied("ConditionCheckItem") // it would hold the record while a workflow wants to write it
		}
		return nil, v.denied(writes[i].Kind + "Item")
	}
	return v.Tables.Transact(ctx, writes, token, digest)
}

// TransactGet returns items as they were at one moment, unless some are of the state database: then they are read one by one.
func (v visible) TransactGet(ctx context.Context, gets []table.Get) ([]table.Got, error) {
	if slices.ContainsFunc(gets, wanted) {
		return v.GetAll(ctx, gets)
	}
	return v.Tables.TransactGet(ctx, gets)
}

// Create makes a table.
func (v visible) Create(ctx context.Context, schema table.Schema) (table.Info, error) {
	if schema.Name == db.TableName {
		return table.Info{}, &table.Error{Code: table.InUse, Message: "Table already exists: " + schema.Name}
	}
	return v.Tables.Create(ctx, schema)
}

// Describe returns a table.
func (v visible) Describe(ctx context.Context, name string) (table.Info, error) {
	if name == db.TableName {
		return v.state.Describe(), nil
	}
	return v.Tables.Describe(ctx, name)
}

// Alter changes a table.
func (v visible) Alter(ctx context.Context, name string, edit func(*table.Schema) error) (table.Info, error) {
	if name == db.TableName {
		return table.Info{}, v.denied("UpdateTable")
	}
	return v.Tables.Alter(ctx, name, edit)
}

// Delete removes a table.
func (v visible) Delete(ctx context.Context, name string) (table.Info, error) {
	if name == db.TableName {
		return table.Info{}, v.denied("DeleteTable")
	}
	return v.Tables.Delete(ctx, name)
}

// Names returns the names of up to limit tables after a name, in order.
func (v visible) Names(after string, limit int) []string {
	names := v.Tables.Names(after, limit)
	if at, found := slices.BinarySearch(names, db.TableName); !found && after < db.TableName {
		names = slices.Insert(names, at, db.TableName)
	}
	return names[:min(len(names), limit)]
}
