package dynamodb

import (
	"context"
	"slices"

	"sundog/internal/table"
)

const (
	creating = "CREATING"
	active   = "ACTIVE"
	updating = "UPDATING"
	deleting = "DELETING"
)

type tableAnswer struct{ TableDescription tableDescription }

func (s *Service) createTable(ctx context.Context, in *createTable) (*tableAnswer, error) {
	schema, err := in.schema()
	if err != nil {
		return nil, err
	}
	info, err := s.tables.Create(ctx, schema)
	if err != nil {
		return nil, err
	}
	return &tableAnswer{s.describe(info, creating)}, nil
}

type describeAnswer struct{ Table tableDescription }

func (s *Service) describeTable(ctx context.Context, in *namedTable) (*describeAnswer, error) {
	info, err := s.tables.Describe(ctx, *in.TableName)
	if err != nil {
		return nil, err
	}
	return &describeAnswer{s.describe(info, active)}, nil
}

func (s *Service) deleteTable(ctx context.Context, in *namedTable) (*tableAnswer, error) {
	info, err := s.tables.Delete(ctx, *in.TableName)
	if err != nil {
		return nil, err
	}
	return &tableAnswer{s.describe(info, deleting)}, nil
}

type listAnswer struct {
	TableNames             []string
	LastEvaluatedTableName string `json:",omitempty"`
}

// maxListed is how many tables one answer names.
const maxListed = 100

func (s *Service) listTables(_ context.Context, in *listTables) (*listAnswer, error) {
	limit := number(in.Limit)
	if limit == 0 {
		limit = maxListed
	}
	names := s.tables.Names(text(in.ExclusiveStartTableName), limit+1)
	out := &listAnswer{TableNames: append([]string{}, names...)} // an empty list, not null
	if len(names) > limit {
		out.TableNames = names[:limit]
		out.LastEvaluatedTableName = names[limit-1]
	}
	return out, nil
}

func (s *Service) updateTable(ctx context.Context, in *updateTable) (*tableAnswer, error) {
	if in.ProvisionedThroughput == nil && in.BillingMode == nil && len(in.GlobalSecondaryIndexUpdates) == 0 && in.StreamSpecification == nil {
		return nil, table.Invalid("At least one of ProvisionedThroughput, BillingMode, UpdateStreamEnabled, GlobalSecondaryIndexUpdates or SSESpecification or ReplicaUpdates is required")
	}
	if text(in.BillingMode) == "PROVISIONED" && in.ProvisionedThroughput == nil {
		return nil, table.Invalid(badParameter + "ProvisionedThroughput must be specified when BillingMode is PROVISIONED")
	}
	info, err := s.tables.Alter(ctx, *in.TableName, in.edit)
	if err != nil {
		return nil, err
	}
	return &tableAnswer{s.describe(info, updating)}, nil
}

// errDeclared refuses to change what the project file says.
func errDeclared(name string) error {
	return table.Invalid("Table %s is declared by the project; change it in sundog.yaml", name)
}

// edit makes the changes of an UpdateTable.
func (in *updateTable) edit(schema *table.Schema) error {
	if schema.Declared {
		return errDeclared(schema.Name)
	}
	if in.BillingMode != nil {
		schema.OnDemand = *in.BillingMode == "PAY_PER_REQUEST"
	}
	if p := in.ProvisionedThroughput; p != nil {
		if schema.OnDemand {
			return table.Invalid(badParameter + "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST")
		}
		if err := p.set(schema); err != nil {
			return err
		}
	}
	if spec := in.StreamSpecification; spec != nil {
		if err := editStream(schema, spec); err != nil {
			return err
		}
	}
	changed := map[string]bool{}
	for _, update := range in.GlobalSecondaryIndexUpdates {
		name, err := update.edit(schema, in.AttributeDefinitions)
		if err != nil {
			return err
		}
		if changed[name] {
			return table.Invalid(badParameter+"Only one global secondary index update per index is allowed simultaneously. Index: %s", name)
		}
		changed[name] = true
	}
	slices.SortStableFunc(schema.Indexes, globalFirst)
	return nil
}

func editStream(schema *table.Schema, spec *streamSpecification) error {
	want, err := view(spec)
	switch {
	case err != nil:
		return err
	case want != "" && schema.Stream != "":
		return table.Invalid("Table already has an enabled stream: TableName: %s", schema.Name)
	case want == "" && schema.Stream == "":
		return table.Invalid("Table has no stream to disable: TableName: %s", schema.Name)
	}
	schema.Stream = want
	return nil
}

// edit makes one change of an index, and returns its name.
func (u globalSecondaryIndexUpdate) edit(schema *table.Schema, definitions []attributeDefinition) (string, error) {
	switch {
	case u.Create != nil:
		return *u.Create.IndexName, u.Create.add(schema, definitions)
	case u.Delete != nil:
		name := *u.Delete.IndexName
		at := slices.IndexFunc(schema.Indexes, func(x table.Index) bool { return x.Name == name && !x.Local })
		if at < 0 {
			return name, &table.Error{Code: table.NotFound, Message: "Requested resource not found"}
		}
		schema.Indexes = slices.Delete(schema.Indexes, at, at+1)
		return name, nil
	case u.Update != nil: // throughput of an index has no effect
		return *u.Update.IndexName, nil
	}
	return "", table.Invalid(badParameter + "One of GlobalSecondaryIndexUpdate.Update, GlobalSecondaryIndexUpdate.Create, GlobalSecondaryIndexUpdate.Delete must not be null")
}

type ttlAnswer struct{ TimeToLiveSpecification ttlSpecification }

type ttlSpecification struct {
	AttributeName string
	Enabled       bool
}

func (s *Service) updateTimeToLive(ctx context.Context, in *updateTimeToLive) (*ttlAnswer, error) {
	want := ttlSpecification{*in.TimeToLiveSpecification.AttributeName, *in.TimeToLiveSpecification.Enabled}
	_, err := s.tables.Alter(ctx, *in.TableName, func(schema *table.Schema) error {
		switch {
		case schema.Declared:
			return errDeclared(schema.Name)
		case want.Enabled && schema.TTL != "":
			return table.Invalid("TimeToLive is already enabled")
		case !want.Enabled && schema.TTL == "":
			return table.Invalid("TimeToLive is already disabled")
		case !want.Enabled && schema.TTL != want.AttributeName:
			return table.Invalid("TimeToLive is active on a different AttributeName: current AttributeName is %s", schema.TTL)
		}
		schema.TTL = ""
		if want.Enabled {
			schema.TTL = want.AttributeName
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &ttlAnswer{want}, nil
}

type describeTTLAnswer struct{ TimeToLiveDescription ttlDescription }

type ttlDescription struct {
	TimeToLiveStatus string
	AttributeName    string `json:",omitempty"`
}

func (s *Service) describeTimeToLive(ctx context.Context, in *namedTable) (*describeTTLAnswer, error) {
	info, err := s.tables.Describe(ctx, *in.TableName)
	if err != nil {
		return nil, err
	}
	if info.Schema.TTL == "" {
		return &describeTTLAnswer{ttlDescription{TimeToLiveStatus: "DISABLED"}}, nil
	}
	return &describeTTLAnswer{ttlDescription{"ENABLED", info.Schema.TTL}}, nil
}
