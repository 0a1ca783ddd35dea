package dynamodb

import (
	"maps"
	"slices"
	"strings"

	"sundog/internal/table"
)

const badParameter = "One or more parameter values were invalid: "

// Bounds of a table (Quotas in Amazon DynamoDB).
const (
	maxLocalIndexes  = 5
	maxGlobalIndexes = 20
	maxThroughput    = 1_000_000_000_000
)

// schema is what a CreateTable describes, or why it is refused.
func (in *createTable) schema() (table.Schema, error) {
	s := table.Schema{Name: *in.TableName}
	if err := in.billing(&s); err != nil {
		return s, err
	}
	if len(in.KeySchema) > len(in.AttributeDefinitions) {
		return s, table.Invalid("Invalid KeySchema: Some index key attribute have no definition")
	}
	var err error
	if s.Keys, err = keysOf(in.KeySchema, in.AttributeDefinitions); err != nil {
		return s, err
	}
	if in.LocalSecondaryIndexes == nil && in.GlobalSecondaryIndexes == nil && len(in.KeySchema) != len(in.AttributeDefinitions) {
		return s, table.Invalid(badParameter + "Number of attributes in KeySchema does not exactly match number of attributes defined in AttributeDefinitions")
	}
	if err := in.localIndexes(&s); err != nil {
		return s, err
	}
	if err := in.globalIndexes(&s); err != nil {
		return s, err
	}
	slices.SortStableFunc(s.Indexes, globalFirst)
	if spec := in.StreamSpecification; spec != nil {
		if s.Stream, err = view(spec); err != nil {
			return s, err
		}
	}
	return s, unusedDefinitions(s, in.AttributeDefinitions)
}

func globalFirst(a, b table.Index) int {
	switch {
	case a.Local == b.Local:
		return 0
	case a.Local:
		return 1
	}
	return -1
}

// unusedDefinitions refuses attributes that are defined and are no key of anything.
func unusedDefinitions(s table.Schema, definitions []attributeDefinition) error {
	used := map[string]bool{}
	for _, k := range s.Keys.All() {
		used[k.Name] = true
	}
	for _, x := range s.Indexes {
		for _, k := range x.Keys.All() {
			used[k.Name] = true
		}
	}
	if len(used) < len(definitions) {
		return table.Invalid(badParameter+"Some AttributeDefinitions are not used. AttributeDefinitions: %s, keys used: [%s]", defined(definitions), strings.Join(slices.Sorted(maps.Keys(used)), ", "))
	}
	return nil
}

func view(spec *streamSpecification) (string, error) {
	switch {
	case *spec.StreamEnabled && spec.StreamViewType == nil:
		return "", table.Invalid(badParameter + "Table StreamViewType is required when StreamEnabled is true")
	case !*spec.StreamEnabled && spec.StreamViewType != nil:
		return "", table.Invalid(badParameter + "Table StreamViewType cannot be specified when StreamEnabled is false")
	}
	return text(spec.StreamViewType), nil
}

func (in *createTable) billing(s *table.Schema) error {
	if text(in.BillingMode) == "PAY_PER_REQUEST" {
		if in.ProvisionedThroughput != nil {
			return table.Invalid(badParameter + "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST")
		}
		s.OnDemand = true
		return nil
	}
	if in.ProvisionedThroughput == nil {
		return table.Invalid(badParameter + "ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is PROVISIONED")
	}
	return in.ProvisionedThroughput.set(s)
}

func (p *provisionedThroughput) set(s *table.Schema) error {
	s.Reads, s.Writes = *p.ReadCapacityUnits, *p.WriteCapacityUnits
	if s.Reads > maxThroughput {
		return table.Invalid("Given value %d for ReadCapacityUnits is out of bounds", s.Reads)
	}
	if s.Writes > maxThroughput {
		return table.Invalid("Given value %d for WriteCapacityUnits is out of bounds", s.Writes)
	}
	return nil
}

func defined(definitions []attributeDefinition) string {
	names := make([]string, 0, len(definitions))
	for _, d := range definitions {
		names = append(names, *d.AttributeName)
	}
	return "[" + strings.Join(names, ", ") + "]"
}

// keysOf are the keys of a table or index.
func keysOf(elements []keySchemaElement, definitions []attributeDefinition) (table.Keys, error) {
	var keys [2]table.Key
	names := make([]string, 0, len(elements))
	undefined := false
	for i, e := range elements {
		names = append(names, *e.AttributeName)
		at := slices.IndexFunc(definitions, func(d attributeDefinition) bool { return *d.AttributeName == *e.AttributeName })
		if at < 0 {
			undefined = true
			continue
		}
		keys[i] = table.Key{Name: *e.AttributeName, Type: table.TypeOf(*definitions[at].AttributeType)}
	}
	switch {
	case undefined:
		return table.Keys{}, table.Invalid(badParameter+"Some index key attributes are not defined in AttributeDefinitions. Keys: [%s], AttributeDefinitions: %s",
			strings.Join(names, ", "), defined(definitions))
	case len(names) == 2 && names[0] == names[1]:
		return table.Keys{}, table.Invalid("Both the Hash Key and the Range Key element in the KeySchema have the same name")
	case *elements[0].KeyType != "HASH":
		return table.Keys{}, table.Invalid("Invalid KeySchema: The first KeySchemaElement is not a HASH key type")
	case len(names) == 2 && *elements[1].KeyType != "RANGE":
		return table.Keys{}, table.Invalid("Invalid KeySchema: The second KeySchemaElement is not a RANGE key type")
	}
	return table.Keys{Partition: keys[0], Sort: keys[1]}, nil
}

func (in *createTable) localIndexes(s *table.Schema) error {
	if in.LocalSecondaryIndexes == nil {
		return nil
	}
	if len(in.LocalSecondaryIndexes) == 0 {
		return table.Invalid(badParameter + "List of LocalSecondaryIndexes is empty")
	}
	if s.Keys.Sort.Name == "" {
		return table.Invalid(badParameter + "Table KeySchema does not have a range key, which is required when specifying a LocalSecondaryIndex")
	}
	for _, given := range in.LocalSecondaryIndexes {
		keys, err := keysOf(given.KeySchema, in.AttributeDefinitions)
		if err != nil {
			return err
		}
		if keys.Sort.Name == "" {
			return table.Invalid(badParameter+"Index KeySchema does not have a range key for index: %s", *given.IndexName)
		}
		if keys.Partition != s.Keys.Partition {
			return table.Invalid(badParameter+"Index KeySchema does not have the same leading hash key as table KeySchema for index: %s. index hash key: %s, table hash key: %s",
				*given.IndexName, keys.Partition.Name, s.Keys.Partition.Name)
		}
		if err := addIndex(s, table.Index{Name: *given.IndexName, Keys: keys, Local: true}, given.Projection); err != nil {
			return err
		}
	}
	if len(in.LocalSecondaryIndexes) > maxLocalIndexes {
		return table.Invalid(badParameter+"Number of LocalSecondaryIndexes exceeds per-table limit of %d", maxLocalIndexes)
	}
	return nil
}

func (in *createTable) globalIndexes(s *table.Schema) error {
	if in.GlobalSecondaryIndexes == nil {
		return nil
	}
	if len(in.GlobalSecondaryIndexes) == 0 {
		return table.Invalid(badParameter + "List of GlobalSecondaryIndexes is empty")
	}
	for _, given := range in.GlobalSecondaryIndexes {
		if err := given.add(s, in.AttributeDefinitions); err != nil {
			return err
		}
	}
	if len(in.GlobalSecondaryIndexes) > maxGlobalIndexes {
		return table.Invalid(badParameter+"GlobalSecondaryIndex count exceeds the per-table limit of %d", maxGlobalIndexes)
	}
	return nil
}

// add adds a global index to a schema.
func (g globalSecondaryIndex) add(s *table.Schema, definitions []attributeDefinition) error {
	keys, err := keysOf(g.KeySchema, definitions)
	if err != nil {
		return err
	}
	if s.OnDemand && g.ProvisionedThroughput != nil {
		return table.Invalid(badParameter+"ProvisionedThroughput should not be specified for index: %s when BillingMode is PAY_PER_REQUEST", *g.IndexName)
	}
	return addIndex(s, table.Index{Name: *g.IndexName, Keys: keys}, g.Projection)
}

func addIndex(s *table.Schema, x table.Index, p *projection) error {
	if p.ProjectionType == nil {
		return table.Invalid(badParameter + "Unknown ProjectionType: null")
	}
	x.Project, x.Include = *p.ProjectionType, p.NonKeyAttributes
	if x.Include != nil && x.Project != table.ProjectInclude {
		return table.Invalid(badParameter+"ProjectionType is %s, but NonKeyAttributes is specified", x.Project)
	}
	if _, ok := s.Index(x.Name); ok {
		return table.Invalid(badParameter+"Duplicate index name: %s", x.Name)
	}
	s.Indexes = append(s.Indexes, x)
	return nil
}
