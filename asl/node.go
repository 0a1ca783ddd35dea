package asl

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// maxNesting bounds how deep arrays and objects of a definition may lie in one another, so that no definition can drive deep recursion.
const maxNesting = 100

// A node is a value of a definition's text, with its place in it and the members of objects in their order.
type node struct {
	kind    byte // '{', '[', '"', 't' for a boolean, 'n' for null, '0' for a number
	text    []byte
	offset  int // of text in the definition
	str     string
	members []member
	items   []*node
}

type member struct {
	name  string
	value *node
}

// parseNode parses a definition's text.
func parseNode(text []byte) (*node, error) {
	if err := json.Unmarshal(text, new(json.RawMessage)); err != nil {
		return nil, err
	}
	if nesting(text) > maxNesting {
		return nil, fmt.Errorf("the definition is nested more than %d levels deep", maxNesting)
	}
	return readNode(text, skipSpace(text, 0)), nil
}

// nesting returns how deep arrays and objects lie in one another.
func nesting(text []byte) int {
	deepest, depth := 0, 0
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '"':
			i = skipString(text, i) - 1
		case '{', '[':
			depth++
			deepest = max(deepest, depth)
		case '}', ']':
			depth--
		}
	}
	return deepest
}

// readNode reads the value that begins at i of valid JSON.
func readNode(text []byte, i int) *node {
	end := skipValue(text, i)
	n := &node{kind: text[i], text: text[i:end:end], offset: i}
	switch n.kind {
	case '{':
		for i = skipSpace(text, i+1); text[i] == '"'; {
			nameEnd := skipString(text, i)
			m := member{name: unquote(text[i:nameEnd])}
			i = skipSpace(text, nameEnd) + 1
			m.value = readNode(text, skipSpace(text, i))
			n.members = append(n.members, m)
			i = skipSpace(text, m.value.offset+len(m.value.text))
			if text[i] == ',' {
				i = skipSpace(text, i+1)
			}
		}
	case '[':
		for i = skipSpace(text, i+1); text[i] != ']'; {
			item := readNode(text, i)
			n.items = append(n.items, item)
			i = skipSpace(text, item.offset+len(item.text))
			if text[i] == ',' {
				i = skipSpace(text, i+1)
			}
		}
	case '"':
		n.str = unquote(n.text)
	case 't', 'f':
		n.kind = 't'
	case 'n':
	default:
		n.kind = '0'
	}
	return n
}

func unquote(quoted []byte) string {
	if bytes.IndexByte(quoted, '\\') < 0 && utf8.Valid(quoted) {
		return string(quoted[1 : len(quoted)-1])
	}
	var s string
	if err := json.Unmarshal(quoted, &s); err != nil {
		panic(fmt.Sprintf("asl: string of valid JSON: %v", err))
	}
	return s
}

// kindName is the name of the JSON type of a node.
func (n *node) kindName() string {
	switch n.kind {
	case '{':
		return "object"
	case '[':
		return "array"
	case '"':
		return "string"
	case 't':
		return "boolean"
	case 'n':
		return "null"
	}
	return "number"
}

// position returns line and column, from 1, of an offset into text.
func position(text []byte, offset int) (line, column int) {
	before := text[:min(offset, len(text))]
	line = bytes.Count(before, []byte("\n")) + 1
	return line, utf8.RuneCount(before[bytes.LastIndexByte(before, '\n')+1:]) + 1
}

// syntaxDiagnostic describes text that is not JSON.
func syntaxDiagnostic(text []byte, err error) Diagnostic {
	if len(bytes.TrimSpace(text)) == 0 {
		return Diagnostic{Severity: SeverityError, Code: CodeSchema, Message: "Definition must be a valid JSON object"}
	}
	d := Diagnostic{Severity: SeverityError, Code: CodeInvalidJSON, Message: err.Error()}
	var syntax *json.SyntaxError
	if !errors.As(err, &syntax) {
		return d
	}
	// AWS's parser names the whole word it did not expect, and the column after it.
	at := int(max(0, syntax.Offset-1))
	word := at
	for word > 0 && isWord(text[word-1]) {
		word--
	}
	end := at
	for end < len(text) && isWord(text[end]) {
		end++
	}
	if end > word {
		at = end
		d.Message = fmt.Sprintf("Unrecognized token '%s': was expecting (JSON String, Number, Array, Object or token 'null', 'true' or 'false')", text[word:end])
	}
	d.Line, d.Column = position(text, at)
	d.Location = fmt.Sprintf("[Source: (String)\"%s\"; line: %d, column: %d]", abridge(string(text)), d.Line, d.Column)
	d.Message += "\n at " + d.Location
	return d
}

func isWord(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_'
}

// abridge cuts a definition that is quoted in a message.
func abridge(s string) string {
	const most = 500
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}
