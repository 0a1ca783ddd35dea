package project

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"path/filepath"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"sundog/asl"
)

func (l *loader) workflow(key, n *yaml.Node) {
	label := "workflow " + key.Value
	if strings.Contains(key.Value, "_") {
		l.errorf(key, "use '-' instead", "a workflow cannot be named %q: the keys of records are split at the last '_'", key.Value)
	} else if !workflowName.MatchString(key.Value) {
		l.errorf(key, "letters, digits, '-' and '.', at most 80", "a workflow cannot be named %q", key.Value)
	}
	w := Workflow{Name: key.Value, Type: "STANDARD"}
	var at *yaml.Node
	var values substitutions
	found := l.object(n, label, fields{
		"definition": func(n *yaml.Node) { at = resolve(n); l.text(&w.File, "definition of "+label)(n) },
		"type":       l.oneOf(&w.Type, "type of "+label, "STANDARD", "EXPRESS"),

		"substitutions": l.substitutions(&values, label),
	})
	if !l.require(key, label, found, "definition", "such as workflows/"+key.Value+".asl.json") || w.File == "" || values.broken {
		return
	}
	text, err := readFile(l.root, w.File, maxFile)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		l.errorf(at, "create it, or mend the path", "%s: there is no file %s", label, w.File)
		return
	case err != nil:
		l.errorf(at, "a file inside the project folder", "%s: reading %s: %v", label, w.File, cause(err))
		return
	}
	doc, ok := l.definition(w.File, l.substitute(text, values.list, w.File))
	if !ok {
		return
	}
	w.Calls = l.check(doc, w.Type == "EXPRESS")
	w.Definition = doc.text
	l.project.Workflows = append(l.project.Workflows, w)
}

// document is a definition as JSON, and where its lines come from.
type document struct {
	file  string
	text  []byte
	lines []place // of YAML: the place of each line of text, which holds one value; nil for JSON
}

// place is a position in a file, from 1.
type place struct{ line, column int }

// at returns where in the file a position of the text lies.
func (d *document) at(p place) place {
	if d.lines == nil || p.line == 0 {
		return p
	}
	return d.lines[min(p.line, len(d.lines))-1]
}

// definition reads a definition in the language that the file's name says.
func (l *loader) definition(file string, text []byte) (*document, bool) {
	switch filepath.Ext(file) {
	case ".json":
		return &document{file: file, text: text}, true
	case ".yaml", ".yml":
		d := decoder{file: file, diags: l.diags}
		root, ok := d.parse(text)
		if !ok {
			return nil, false
		}
		converted, lines, ok := d.toJSON(root)
		return &document{file: file, text: converted, lines: lines}, ok
	}
	*l.diags = append(*l.diags, Diagnostic{File: file, Reason: "it cannot be told whether this is JSON or YAML", Hint: "name it .asl.json or .asl.yaml"})
	return nil, false
}

// check reports what the States Language says about a definition, and the names in it that are not declared. It returns what its states call.
func (l *loader) check(doc *document, express bool) []Call {
	parse := asl.Parse
	if express {
		parse = asl.ParseExpress
	}
	machine, err := parse(doc.text)
	var found asl.Diagnostics
	switch {
	case err == nil:
		found = machine.Warnings()
	case !errors.As(err, &found):
		*l.diags = append(*l.diags, Diagnostic{File: doc.file, Reason: err.Error()})
	}
	for _, f := range found {
		p := doc.at(place{f.Line, f.Column})
		d := Diagnostic{File: doc.file, Line: p.line, Column: p.column, Reason: f.Message}
		if f.Code == asl.CodeInvalidJSON { // the rest of the message repeats the text and the place
			d.Reason, _, _ = strings.Cut(f.Message, "\n")
			d.Reason = "not JSON: " + d.Reason
		} else if f.Location != "" && f.Location != "/" {
			d.Reason += " at " + f.Location
		}
		if f.Severity == asl.SeverityWarning {
			d.Severity = Warning
		}
		*l.diags = append(*l.diags, d)
	}
	tree, err := parseTree(doc.text)
	if err != nil {
		return nil // reported above
	}
	return l.references(doc, tree)
}

// Bounds of a YAML document that becomes JSON. Aliases can make a small text a large document.
const (
	maxNodes = 100_000
	maxDepth = 200
)

// converter writes YAML as JSON, each value on a line of its own.
type converter struct {
	*decoder
	out   bytes.Buffer
	lines []place
	stop  bool
}

// toJSON converts a node. The second result is the place that each line of the JSON text comes from.
func (d *decoder) toJSON(n *yaml.Node) ([]byte, []place, bool) {
	before := d.diags.Errors()
	c := &converter{decoder: d}
	c.value(n, n, 0)
	return c.out.Bytes(), c.lines, d.diags.Errors() == before
}

// value writes a node whose place in the file is at, which is where the alias stands if it is one.
func (c *converter) value(n, at *yaml.Node, depth int) {
	if c.stop {
		return
	}
	if len(c.lines) > 0 {
		c.out.WriteByte('\n')
	}
	c.lines = append(c.lines, place{at.Line, at.Column})
	if n.Kind == yaml.AliasNode {
		n = resolve(n)
	}
	if depth > maxDepth || len(c.lines) > maxNodes {
		c.errorf(at, "", "the document is nested deeper than %d levels or has more than %d values", maxDepth, maxNodes)
		c.stop = true
		return
	}
	switch n.Kind {
	case yaml.MappingNode:
		c.out.WriteByte('{')
		first := true
		c.entries(n, "the document", func(key, value *yaml.Node) {
			if !first {
				c.out.WriteByte(',')
			}
			first = false
			c.out.Write(quote(key.Value))
			c.out.WriteByte(':')
			c.value(value, value, depth+1)
		})
		c.out.WriteByte('}')
	case yaml.SequenceNode:
		c.out.WriteByte('[')
		for i, item := range n.Content {
			if i > 0 {
				c.out.WriteByte(',')
			}
			c.value(item, item, depth+1)
		}
		c.out.WriteByte(']')
	default:
		c.out.Write(c.scalarJSON(n, at))
	}
}

func (c *converter) scalarJSON(n, at *yaml.Node) []byte {
	switch n.ShortTag() {
	case "!!null":
		return []byte("null")
	case "!!bool":
		var v bool
		if err := n.Decode(&v); err != nil {
			c.errorf(at, "true or false", "%q is neither true nor false", n.Value)
		}
		return strconv.AppendBool(nil, v)
	case "!!int", "!!float":
		if text, ok := number(n); ok {
			return text
		}
		c.errorf(at, "put it in quotes if it is text", "%q is no number that JSON knows", n.Value)
		return []byte("0")
	}
	if !utf8.ValidString(n.Value) {
		c.errorf(at, "", "the text is not UTF-8")
	}
	return quote(n.Value) // dates too: the States Language writes them as text
}

// number writes a YAML number as JSON: literally where it can be, so that no digit is lost.
func number(n *yaml.Node) ([]byte, bool) {
	if json.Valid([]byte(n.Value)) {
		return []byte(n.Value), true
	}
	var i int64
	if n.Decode(&i) == nil {
		return strconv.AppendInt(nil, i, 10), true
	}
	var f float64
	if n.Decode(&f) != nil || math.IsInf(f, 0) || math.IsNaN(f) {
		return nil, false
	}
	return strconv.AppendFloat(nil, f, 'g', -1, 64), true
}

func quote(text string) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(text); err != nil {
		panic(fmt.Sprintf("project: text %q does not marshal: %v", text, err)) // cannot happen: any string does
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}
