// Package eventpattern is EventBridge event patterns and SNS subscription filter policies: JSON documents that say which events somebody
// wants.
//
// It owns the reading of patterns, the matching of one pattern with one event, and the [RuleSet] that matches an event with many patterns at a
// cost that follows the number that match. The operators and their meaning are those of the EventBridge User Guide, "Comparison operators
// for use in event patterns", and of the SNS Developer Guide, "Amazon SNS subscription filter policies".
//
// What the guides leave open is as in the matcher that AWS publishes, Event Ruler:
//   - An array in an event matches when one of its items does, also for anything-but.
//   - Conditions on members of objects in an array must hold for the same object.
//   - A number equals another by value, however it is written.
//   - exists looks at values only: an object and an empty array do not exist.
//
// Events are what encoding/json makes with UseNumber. Patterns are immutable and safe for concurrent use.
package eventpattern

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// Bounds on a pattern.
const (
	// MaxLength is the longest pattern accepted, in bytes.
	MaxLength = 256 << 10
	// MaxAlternatives is the number of alternatives that the $or of a pattern may make when they are multiplied out.
	MaxAlternatives = 1000

	maxDepth = 100
)

// A Pattern is a parsed event pattern. The zero value matches nothing.
type Pattern struct {
	branches []*branch // it matches when one of them does
}

// A ParseError says where a pattern is wrong.
type ParseError struct {
	Location string // a JSON pointer (RFC 6901) into the pattern, "" for the whole
	Reason   string
}

func (e *ParseError) Error() string {
	if e.Location == "" {
		return "event pattern: " + e.Reason
	}
	return fmt.Sprintf("event pattern at %s: %s", e.Location, e.Reason)
}

// Parse reads an event pattern. An error is a *ParseError.
func Parse(pattern []byte) (*Pattern, error) {
	doc, err := decodeObject(pattern)
	if err != nil {
		return nil, err
	}
	p := parser{}
	branches, err := p.object(doc, nil, "", []conditions{nil})
	if err != nil {
		return nil, err
	}
	return newPattern(branches), nil
}

func newPattern(all []conditions) *Pattern {
	p := &Pattern{}
	for _, c := range all {
		p.branches = append(p.branches, newBranch(c))
	}
	return p
}

// Match says whether the pattern matches an event, which is a JSON object in Go's form. Nothing else matches.
func (p *Pattern) Match(event any) bool {
	object, ok := event.(map[string]any)
	if !ok {
		return false
	}
	for _, b := range p.branches {
		if b.match(object) {
			return true
		}
	}
	return false
}

// MatchRaw says whether the pattern matches an event given as JSON text. The error says why the text is not JSON.
func (p *Pattern) MatchRaw(event []byte) (bool, error) {
	doc, err := decode(event)
	if err != nil {
		return false, fmt.Errorf("matching an event: %w", err)
	}
	return p.Match(doc), nil
}

func decodeObject(pattern []byte) (map[string]any, error) {
	if len(pattern) > MaxLength {
		return nil, &ParseError{"", fmt.Sprintf("it has %d bytes, more than %d", len(pattern), MaxLength)}
	}
	doc, err := decode(pattern)
	if err != nil {
		return nil, &ParseError{"", err.Error()}
	}
	object, ok := doc.(map[string]any)
	if !ok {
		return nil, &ParseError{"", "it must be a JSON object"}
	}
	return object, nil
}

func decode(text []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var doc any
	if err := d.Decode(&doc); err != nil {
		return nil, fmt.Errorf("it is not JSON: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("it is not JSON: there is more after the value")
	}
	return doc, nil
}
