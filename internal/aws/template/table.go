package template

import "sundog/internal/table"

// tables adds the tables of the project.
func (b *builder) tables() {
	for i := range b.project.Tables {
		t := &b.project.Tables[i]
		properties := object{
			{"TableName", name(t.Name)},
			{"BillingMode", "PAY_PER_REQUEST"},
			{"PointInTimeRecoverySpecification", object{{"PointInTimeRecoveryEnabled", true}}},
			{"AttributeDefinitions", attributes(t)},
			{"KeySchema", keySchema(t.Keys)},
		}
		if global := indexes(t, false); global != nil {
			properties.add("GlobalSecondaryIndexes", global)
		}
		if local := indexes(t, true); local != nil {
			properties.add("LocalSecondaryIndexes", local)
		}
		if t.Stream != "" {
			properties.add("StreamSpecification", object{{"StreamViewType", t.Stream}})
		}
		if t.TTL != "" {
			properties.add("TimeToLiveSpecification", object{{"AttributeName", t.TTL}, {"Enabled", true}})
		}
		b.retained(b.id("Table", t.Name), "AWS::DynamoDB::Table", properties)
	}
}

// attributes defines the attributes of all keys, each once.
func attributes(t *table.Schema) []any {
	var definitions []any
	seen := map[string]bool{}
	add := func(keys table.Keys) {
		for _, k := range keys.All() {
			if !seen[k.Name] {
				definitions = append(definitions, object{{"AttributeName", k.Name}, {"AttributeType", k.Type.String()}})
			}
			seen[k.Name] = true
		}
	}
	add(t.Keys)
	for _, x := range t.Indexes {
		add(x.Keys)
	}
	return definitions
}

func keySchema(keys table.Keys) []any {
	kinds := []string{"HASH", "RANGE"}
	all := keys.All()
	schema := make([]any, len(all))
	for i, k := range all {
		schema[i] = object{{"AttributeName", k.Name}, {"KeyType", kinds[i]}}
	}
	return schema
}

func indexes(t *table.Schema, local bool) []any {
	var list []any
	for _, x := range t.Indexes {
		if x.Local != local {
			continue
		}
		projection := object{{"ProjectionType", x.Project}}
		if x.Project == table.ProjectInclude {
			projection.add("NonKeyAttributes", words(x.Include))
		}
		list = append(list, object{{"IndexName", x.Name}, {"KeySchema", keySchema(x.Keys)}, {"Projection", projection}})
	}
	return list
}

// tableARN is that of a table of the project; one that it does not declare is a table with that name.
func (b *builder) tableARN(name string) any {
	if _, ok := b.ids["Table/"+name]; ok {
		return getAtt(b.id("Table", name), "Arn")
	}
	return arn("dynamodb", "table/"+name)
}
