package project

import (
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"

	"sundog/internal/table"
)

// Resource is a path below which the items of a table are served as plain JSON documents: a POST to it creates one, a GET of its id reads or
// watches it.
type Resource struct {
	Path  string // begins with '/', does not end with it
	Table string // a table of this project
	ID    string // the attribute, a text, that names an item in its path
	Key   []KeyTemplate
}

// KeyTemplate says what a key attribute of an item is: Before and After around the id, or, when it is Fixed, Before alone.
type KeyTemplate struct {
	Attribute     string
	Before, After string
	Fixed         bool
}

// Text is the key attribute of the item with an id.
func (k KeyTemplate) Text(id string) string {
	if k.Fixed {
		return k.Before
	}
	return k.Before + id + k.After
}

var (
	resourcePath  = regexp.MustCompile(`^(/[A-Za-z0-9_-]+)+$`)
	attributeName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_-]*$`)
)

// reservedPaths are the first parts of paths that are the server's own.
var reservedPaths = map[string]bool{"v1": true, "api": true, "metrics": true}

// resource reads a resource. The tables have been read.
func (l *loader) resource(key, n *yaml.Node) {
	label := "resource " + key.Value
	first, _, _ := strings.Cut(strings.TrimPrefix(key.Value, "/"), "/")
	switch {
	case !resourcePath.MatchString(key.Value):
		l.errorf(key, "such as /task: '/' and then letters, digits, '-' and '_'", "a resource cannot be at %q", key.Value)
	case reservedPaths[first]:
		l.errorf(key, "take another path, such as /tasks", "paths below /%s are the server's own", first)
	}
	r := Resource{Path: key.Value}
	var at, templates *yaml.Node
	found := l.object(n, label, fields{
		"table": func(n *yaml.Node) { at = resolve(n); l.text(&r.Table, "table of "+label)(n) },
		"id":    l.pattern(&r.ID, "id of "+label, attributeName, "the name of an attribute: letters, digits, '-' and '_'"),
		"key":   func(n *yaml.Node) { templates = n },
	})
	l.require(key, label, found, "table", "the table whose items it shows")
	l.require(key, label, found, "id", "the attribute that names an item, such as task_id")
	schema, ok := find(l.project.Tables, func(t table.Schema) bool { return t.Name == r.Table })
	if r.Table != "" && !ok {
		l.errorf(at, "declare it under tables", "unknown table %q", r.Table)
	}
	if ok && r.ID != "" {
		r.Key = l.keyTemplates(key, templates, label, &r, &schema)
	}
	l.project.Resources = append(l.project.Resources, r)
}

// keyTemplates reads what each key attribute of the table is. Without templates the id is the whole key.
func (l *loader) keyTemplates(at, n *yaml.Node, label string, r *Resource, schema *table.Schema) []KeyTemplate {
	keys := schema.Keys.All()
	if n == nil {
		if len(keys) != 1 || keys[0].Name != r.ID {
			l.errorf(at, "say what each key attribute is, as in key: { "+keys[0].Name+": \"TASK#{"+r.ID+"}\" }", "%s has no \"key\", and the key of table %s is not %s alone", label, schema.Name, r.ID)
			return nil
		}
		n = &yaml.Node{Kind: yaml.MappingNode, Content: []*yaml.Node{
			{Kind: yaml.ScalarNode, Tag: "!!str", Value: r.ID}, {Kind: yaml.ScalarNode, Tag: "!!str", Value: "{" + r.ID + "}"},
		}}
	}
	texts := make([]string, len(keys))
	known := fields{}
	for i, k := range keys {
		known[k.Name] = l.text(&texts[i], k.Name+" of "+label)
		if k.Type != table.S {
			l.errorf(at, "a resource is for a table whose key attributes are texts", "key attribute %s of table %s is of type %s", k.Name, schema.Name, k.Type)
		}
	}
	found := l.object(n, "key of "+label, known)
	var templates []KeyTemplate
	named := false
	for i, k := range keys {
		l.require(resolve(n), "key of "+label, found, k.Name, "what the key attribute is")
		t := KeyTemplate{Attribute: k.Name}
		t.Before, t.After, t.Fixed = cutID(texts[i], r.ID)
		named = named || !t.Fixed
		templates = append(templates, t)
	}
	if !named && len(found) == len(keys) {
		l.errorf(resolve(n), "write {"+r.ID+"} where the id goes", "key of %s does not have {%s}", label, r.ID)
	}
	return templates
}

func cutID(text, id string) (before, after string, fixed bool) {
	before, after, ok := strings.Cut(text, "{"+id+"}")
	return before, after, !ok
}
