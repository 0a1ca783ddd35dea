package dynamodb

import (
	"time"

	"sundog/internal/table"
)

// Seconds since 1970 with milliseconds, as answers have times.
func seconds(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }

type keyElement struct{ AttributeName, KeyType string }

type definition struct{ AttributeName, AttributeType string }

type projectionAnswer struct {
	ProjectionType   string
	NonKeyAttributes []string `json:",omitempty"`
}

type throughput struct {
	NumberOfDecreasesToday int64
	ReadCapacityUnits      int64
	WriteCapacityUnits     int64
}

type indexDescription struct {
	IndexName             string
	IndexArn              string
	IndexStatus           string `json:",omitempty"`
	KeySchema             []keyElement
	Projection            projectionAnswer
	ProvisionedThroughput *throughput `json:",omitempty"`
	IndexSizeBytes        int64
	ItemCount             int64
}

type billingMode struct {
	BillingMode                       string
	LastUpdateToPayPerRequestDateTime float64
}

type streamAnswer struct {
	StreamEnabled  bool
	StreamViewType string
}

type tableDescription struct {
	TableName              string
	TableArn               string
	TableId                string //nolint:revive // as it is spelt in the API
	TableStatus            string
	CreationDateTime       float64
	AttributeDefinitions   []definition
	KeySchema              []keyElement
	ItemCount              int64
	TableSizeBytes         int64
	ProvisionedThroughput  throughput
	BillingModeSummary     *billingMode       `json:",omitempty"`
	LocalSecondaryIndexes  []indexDescription `json:",omitempty"`
	GlobalSecondaryIndexes []indexDescription `json:",omitempty"`
	StreamSpecification    *streamAnswer      `json:",omitempty"`
	LatestStreamArn        string             `json:",omitempty"`
	LatestStreamLabel      string             `json:",omitempty"`
}

// describe is a table as answers have it. It is ready as soon as it can be seen.
func (s *Service) describe(info table.Info, status string) tableDescription {
	schema := info.Schema
	d := tableDescription{
		TableName: schema.Name, TableArn: s.arn(schema.Name), TableId: schema.ID, TableStatus: status,
		CreationDateTime: seconds(schema.Created), KeySchema: elements(schema.Keys), ItemCount: info.Items, TableSizeBytes: info.Bytes,
		ProvisionedThroughput: throughput{ReadCapacityUnits: schema.Reads, WriteCapacityUnits: schema.Writes},
		AttributeDefinitions:  definitions(schema),
	}
	if schema.OnDemand {
		d.BillingModeSummary = &billingMode{"PAY_PER_REQUEST", seconds(schema.Created)}
	}
	for _, x := range schema.Indexes {
		index := indexDescription{
			IndexName: x.Name, IndexArn: d.TableArn + "/index/" + x.Name, KeySchema: elements(x.Keys),
			Projection: projectionAnswer{x.Project, x.Include},
		}
		if x.Local {
			d.LocalSecondaryIndexes = append(d.LocalSecondaryIndexes, index)
			continue
		}
		index.IndexStatus, index.ProvisionedThroughput = status, &d.ProvisionedThroughput
		d.GlobalSecondaryIndexes = append(d.GlobalSecondaryIndexes, index)
	}
	if schema.Stream != "" {
		d.StreamSpecification = &streamAnswer{true, schema.Stream}
		d.LatestStreamLabel = label(schema)
		d.LatestStreamArn = s.streamARN(schema)
	}
	return d
}

func elements(keys table.Keys) []keyElement {
	out := []keyElement{{keys.Partition.Name, "HASH"}}
	if keys.Sort.Name != "" {
		out = append(out, keyElement{keys.Sort.Name, "RANGE"})
	}
	return out
}

// definitions are the attributes that are keys of the table or of an index, each once.
func definitions(schema *table.Schema) []definition {
	var out []definition
	seen := map[string]bool{}
	add := func(keys table.Keys) {
		for _, k := range keys.All() {
			if !seen[k.Name] {
				seen[k.Name] = true
				out = append(out, definition{k.Name, k.Type.String()})
			}
		}
	}
	add(schema.Keys)
	for _, x := range schema.Indexes {
		add(x.Keys)
	}
	return out
}

func (s *Service) arn(name string) string {
	return "arn:aws:dynamodb:" + s.region + ":" + s.account + ":table/" + name
}

// label names a stream among those that a table has had.
func label(schema *table.Schema) string {
	return schema.Streaming.UTC().Format("2006-01-02T15:04:05.000")
}

func (s *Service) streamARN(schema *table.Schema) string {
	return s.arn(schema.Name) + "/stream/" + label(schema)
}
