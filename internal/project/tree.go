package project

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// node is a JSON value that knows where it stands in the text. Only what references needs is kept: objects, arrays, strings.
type node struct {
	offset  int
	text    string           // of a string
	members map[string]*node // of an object
	items   []*node          // of an array
}

// get follows member names, and returns nil when one is missing.
func (n *node) get(names ...string) *node {
	for _, name := range names {
		if n == nil {
			return nil
		}
		n = n.members[name]
	}
	return n
}

// value returns the text of a string, and nothing for anything else.
func (n *node) value() string {
	if n == nil {
		return ""
	}
	return n.text
}

// fields returns the members of an object, none for anything else.
func (n *node) fields() map[string]*node {
	if n == nil {
		return nil
	}
	return n.members
}

// elements returns the elements of an array, none for anything else.
func (n *node) elements() []*node {
	if n == nil {
		return nil
	}
	return n.items
}

// follow goes along a JSON pointer (RFC 6901) as far as it leads.
func (n *node) follow(pointer string) *node {
	for name := range strings.SplitSeq(strings.TrimPrefix(pointer, "/"), "/") {
		next := n.members[strings.NewReplacer("~1", "/", "~0", "~").Replace(name)]
		if i, err := strconv.Atoi(name); err == nil && i >= 0 && i < len(n.items) {
			next = n.items[i]
		}
		if next == nil {
			break
		}
		n = next
	}
	return n
}

var errDepth = errors.New("nested too deeply")

// parseTree parses JSON text, nested at most maxDepth levels.
func parseTree(text []byte) (*node, error) {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	return parseNode(dec, text, 0)
}

func parseNode(dec *json.Decoder, text []byte, depth int) (*node, error) {
	if depth > maxDepth {
		return nil, errDepth
	}
	n := &node{offset: skip(text, int(dec.InputOffset()))}
	token, err := dec.Token()
	if err != nil {
		return nil, fmt.Errorf("parsing JSON: %w", err)
	}
	switch v := token.(type) {
	case string:
		n.text = v
	case json.Delim:
		if v == '{' {
			n.members = map[string]*node{}
		}
		for dec.More() {
			name := ""
			if v == '{' {
				if token, err = dec.Token(); err != nil {
					return nil, fmt.Errorf("parsing JSON: %w", err)
				}
				name, _ = token.(string)
			}
			child, err := parseNode(dec, text, depth+1)
			if err != nil {
				return nil, err
			}
			if v == '{' {
				n.members[name] = child
			} else {
				n.items = append(n.items, child)
			}
		}
		if _, err := dec.Token(); err != nil {
			return nil, fmt.Errorf("parsing JSON: %w", err)
		}
	}
	return n, nil
}

// skip moves from the end of a token to the start of the next value.
func skip(text []byte, i int) int {
	for i < len(text) && bytes.IndexByte([]byte(" \t\r\n:,"), text[i]) >= 0 {
		i++
	}
	return i
}

// placeOf is the line and column, in characters, of an offset.
func placeOf(text []byte, offset int) place {
	before := text[:min(offset, len(text))]
	start := bytes.LastIndexByte(before, '\n') + 1
	return place{bytes.Count(before, []byte("\n")) + 1, utf8.RuneCount(before[start:]) + 1}
}
