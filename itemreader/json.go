package itemreader

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"strings"
)

// jsonItems are the elements of an array, or the members of an object.
type jsonItems struct {
	from   stream
	meter  *meter
	dec    *json.Decoder
	object bool
	name   string
}

// openJSON goes to the array or object that a JSON pointer names; "" is the whole document.
func openJSON(from stream, at, name string) (*jsonItems, error) {
	j := &jsonItems{from: from, meter: &meter{from: from}, name: name}
	j.dec = json.NewDecoder(withoutMark(j.meter))
	if at != "" && !strings.HasPrefix(at, "/") {
		return nil, errorf("ItemsPointer '%s' is not a JSON pointer: it must begin with '/'.", at)
	}
	if at != "" {
		for step := range strings.SplitSeq(at[1:], "/") {
			step = strings.NewReplacer("~1", "/", "~0", "~").Replace(step)
			if err := j.descend(step); err != nil {
				if errors.Is(err, errNoStep) {
					return nil, errorf("ItemsPointer '%s' points to nothing in the JSON file.", at)
				}
				return nil, err
			}
		}
	}
	token, err := j.token()
	if err != nil {
		return nil, err
	}
	switch token {
	case json.Delim('['):
	case json.Delim('{'):
		j.object = true
	default:
		return nil, errorf("Attempting to map over non-iterable node.")
	}
	return j, nil
}

var errNoStep = errors.New("no such member")

// descend goes to a member of an object or an element of an array.
func (j *jsonItems) descend(step string) error {
	token, err := j.token()
	if err != nil {
		return err
	}
	if token == json.Delim('[') {
		return j.element(step)
	}
	if token != json.Delim('{') {
		return errNoStep
	}
	for j.dec.More() {
		name, err := j.token()
		if err != nil {
			return err
		}
		if name == step {
			return nil
		}
		if err := j.pass(); err != nil {
			return err
		}
	}
	return errNoStep
}

// element goes to the element of an array whose index, in decimal digits, is the step of a pointer.
func (j *jsonItems) element(step string) error {
	var index int64
	if json.Unmarshal([]byte(step), &index) != nil || index < 0 {
		return errNoStep
	}
	for ; j.dec.More(); index-- {
		if index == 0 {
			return nil
		}
		if err := j.pass(); err != nil {
			return err
		}
	}
	return errNoStep
}

// pass passes over one value without holding it.
func (j *jsonItems) pass() error {
	for depth := 0; ; {
		token, err := j.token()
		if err != nil {
			return err
		}
		switch token {
		case json.Delim('['), json.Delim('{'):
			depth++
		case json.Delim(']'), json.Delim('}'):
			depth--
		}
		if depth == 0 {
			return nil
		}
	}
}

func (j *jsonItems) token() (json.Token, error) {
	token, err := j.dec.Token()
	j.meter.taken = j.dec.InputOffset()
	return token, invalidJSON(err)
}

// invalidJSON makes an *Error of what the decoder says of the text.
func invalidJSON(err error) error {
	var syntax *json.SyntaxError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &syntax), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return errorf("The file is not valid JSON: %v", err)
	}
	return err
}

func (j *jsonItems) next(context.Context) (Item, error) {
	if !j.dec.More() {
		_, err := j.token() // the end of the array, or what is wrong there
		if err == nil {
			err = io.EOF
		}
		return Item{}, err
	}
	item := Item{Source: j.name}
	if j.object {
		name, err := j.token()
		if err != nil {
			return Item{}, err
		}
		item.Key, item.Member = name.(string), true
	}
	var value json.RawMessage
	if err := j.dec.Decode(&value); err != nil {
		return Item{}, invalidJSON(err)
	}
	j.meter.taken = j.dec.InputOffset()
	if len(value) > MaxItemBytes {
		return Item{}, errTooLarge
	}
	item.Value = bytes.TrimSpace(value)
	return item, nil
}

func (j *jsonItems) close() error { return j.from.Close() }
