package project

import (
	"regexp"
	"slices"
	"strconv"

	"go.yaml.in/yaml/v3"

	"sundog/internal/statedb"
	"sundog/internal/table"
)

var tableName = regexp.MustCompile(`^[A-Za-z0-9_.-]{3,255}$`)

const tableRule = "letters, digits, '-', '_' and '.', 3 to 255"

// Bounds of a table, as in DynamoDB.
const (
	maxLocalIndexes  = 5
	maxGlobalIndexes = 20
)

// table reads a table. Its types of keys are collected by attribute: an attribute that is a key twice has one type.
func (l *loader) table(key, n *yaml.Node) {
	label := "table " + key.Value
	if !tableName.MatchString(key.Value) {
		l.errorf(key, tableRule, "a table cannot be named %q", key.Value)
	}
	if key.Value == statedb.TableName {
		l.errorf(key, "give the table another name", "%s is the name of the state database", key.Value)
	}
	t := table.Schema{Name: key.Value, OnDemand: true}
	types := map[string]table.Type{}
	var indexes *yaml.Node
	found := l.object(n, label, fields{
		"partition_key": l.key(&t.Keys.Partition, "partition_key of "+label, types),
		"sort_key":      l.key(&t.Keys.Sort, "sort_key of "+label, types),
		"indexes":       func(n *yaml.Node) { indexes = n },
		"ttl":           l.text(&t.TTL, "ttl of "+label),
		"stream":        l.stream(&t.Stream, "stream of "+label),
	})
	l.require(key, label, found, "partition_key", "partition_key: the name of an attribute")
	l.different(key, label, t.Keys)
	if indexes != nil {
		l.entries(indexes, "indexes of "+label, func(key, n *yaml.Node) { l.index(&t, label, types, key, n) })
	}
	slices.SortStableFunc(t.Indexes, func(a, b table.Index) int {
		switch {
		case a.Local == b.Local:
			return 0
		case a.Local:
			return 1
		}
		return -1
	})
	l.project.Tables = append(l.project.Tables, t)
}

func (l *loader) different(at *yaml.Node, label string, keys table.Keys) {
	if keys.Partition.Name != "" && keys.Partition.Name == keys.Sort.Name {
		l.errorf(at, "two different attributes", "partition_key and sort_key of %s are both %q", label, keys.Sort.Name)
	}
}

// key reads a key attribute: its name, when it is a text, or name and type.
func (l *loader) key(dst *table.Key, name string, types map[string]table.Type) func(*yaml.Node) {
	return func(n *yaml.Node) {
		if resolve(n).Kind != yaml.MappingNode {
			if l.text(&dst.Name, name)(n); dst.Name != "" {
				l.typed(resolve(n), dst, name, table.S.String(), types)
			}
			return
		}
		kind := table.S.String()
		found := l.object(n, name, fields{
			"name": l.text(&dst.Name, "name of "+name),
			"type": l.oneOf(&kind, "type of "+name, "S", "N", "B"),
		})
		l.require(resolve(n), name, found, "name", "the name of an attribute")
		l.typed(resolve(n), dst, name, kind, types)
	}
}

func (l *loader) typed(at *yaml.Node, dst *table.Key, name, kind string, types map[string]table.Type) {
	dst.Type = table.TypeOf(kind)
	if before, ok := types[dst.Name]; ok && before != dst.Type {
		l.errorf(at, "an attribute has one type", "%s %s is of type %s here and of type %s before", name, dst.Name, dst.Type, before)
		return
	}
	types[dst.Name] = dst.Type
}

// stream reads whether a table has a stream: true for both images, or the name of a view.
func (l *loader) stream(dst *string, name string) func(*yaml.Node) {
	return func(n *yaml.Node) {
		if at := resolve(n); at.Kind == yaml.ScalarNode && at.ShortTag() == "!!bool" {
			if on, err := strconv.ParseBool(at.Value); err == nil && on {
				*dst = table.ViewBoth
			}
			return
		}
		l.oneOf(dst, name, table.ViewKeysOnly, table.ViewNew, table.ViewOld, table.ViewBoth)(n)
	}
}

func (l *loader) index(t *table.Schema, of string, types map[string]table.Type, key, n *yaml.Node) {
	label := "index " + key.Value + " of " + of
	if !tableName.MatchString(key.Value) {
		l.errorf(key, tableRule, "an index cannot be named %q", key.Value)
	}
	x := table.Index{Name: key.Value, Project: table.ProjectAll}
	found := l.object(n, label, fields{
		"partition_key": l.key(&x.Keys.Partition, "partition_key of "+label, types),
		"sort_key":      l.key(&x.Keys.Sort, "sort_key of "+label, types),
		"projection": func(n *yaml.Node) {
			if resolve(n).Kind != yaml.SequenceNode {
				l.oneOf(&x.Project, "projection of "+label, table.ProjectAll, table.ProjectKeysOnly)(n)
				return
			}
			x.Project = table.ProjectInclude
			l.words(&x.Include, "projection of "+label)(n)
		},
	})
	if found["partition_key"] == nil { // it is in the partitions of the table
		x.Local, x.Keys.Partition = true, t.Keys.Partition
		l.require(key, label, found, "sort_key", "partition_key for an index over the whole table, sort_key for one within partitions")
		if t.Keys.Sort.Name == "" {
			l.errorf(key, "give the index a partition_key", "%s has no partition_key, and %s no sort_key", label, of)
		}
	}
	l.different(key, label, x.Keys)
	t.Indexes = append(t.Indexes, x)
	count := 0
	for _, other := range t.Indexes {
		if other.Local == x.Local {
			count++
		}
	}
	if limit := map[bool]int{true: maxLocalIndexes, false: maxGlobalIndexes}[x.Local]; count > limit {
		l.errorf(key, "take out those that are not needed", "%s has more than %d indexes of this kind", of, limit)
	}
}
