package dynamodb

// capacity is what an operation would have cost.
type capacity struct {
	CapacityUnits          float64
	TableName              string
	Table                  *units           `json:",omitempty"`
	LocalSecondaryIndexes  map[string]units `json:",omitempty"`
	GlobalSecondaryIndexes map[string]units `json:",omitempty"`
}

type units struct{ CapacityUnits float64 }

// consumed is the capacity that a table's part of an operation took, if it was asked for.
func consumed(asked *string, table string, n float64) *capacity {
	switch text(asked) {
	case "TOTAL":
		return &capacity{CapacityUnits: n, TableName: table}
	case "INDEXES":
		return &capacity{CapacityUnits: n, TableName: table, Table: &units{n}}
	}
	return nil
}

// tally adds up the capacity of tables, in the order in which they first come.
type tally struct {
	tables []string
	units  map[string]float64
}

func (t *tally) add(table string, n float64) {
	if t.units == nil {
		t.units = map[string]float64{}
	}
	if _, ok := t.units[table]; !ok {
		t.tables = append(t.tables, table)
	}
	t.units[table] += n
}

func (t *tally) consumed(asked *string) []*capacity {
	var all []*capacity
	for _, name := range t.tables {
		if c := consumed(asked, name, t.units[name]); c != nil {
			all = append(all, c)
		}
	}
	return all
}
