package integration

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"github.com/tidwall/gjson"
)

const urlEncoded = "URL_ENCODED"

// httpBody is the body of the request of an HTTP Task, nil when it has none. A text is sent as it is, other JSON as its text, with the members
// that the connection adds; or an object is sent as a form.
func httpBody(p *httpParameters, added map[string]string) ([]byte, error) {
	text := messageText(p.RequestBody)
	body := gjson.Parse(text)
	if len(added) > 0 {
		if text != "" && !body.IsObject() {
			return nil, errors.New("the connection adds to the body, and RequestBody is no object")
		}
		merged := map[string]json.RawMessage{}
		body.ForEach(func(name, value gjson.Result) bool {
			merged[name.String()] = json.RawMessage(value.Raw)
			return true
		})
		for name, value := range added {
			quoted, err := json.Marshal(value)
			if err != nil {
				return nil, fmt.Errorf("adding %s to the body: %w", name, err)
			}
			merged[name] = quoted
		}
		whole, err := json.Marshal(merged)
		if err != nil {
			return nil, fmt.Errorf("adding to the body: %w", err)
		}
		text, body = string(whole), gjson.ParseBytes(whole)
	}
	switch p.Transform.RequestBodyEncoding {
	case "", "NONE":
	case urlEncoded:
		if text != "" && !body.IsObject() {
			return nil, errors.New("a RequestBody that is to be URL_ENCODED has to be an object")
		}
		return formOf(body, p.Transform.RequestEncodingOptions.ArrayFormat)
	default:
		return nil, fmt.Errorf("RequestBodyEncoding %q is none of NONE, URL_ENCODED", p.Transform.RequestBodyEncoding)
	}
	if text == "" {
		return nil, nil
	}
	return []byte(text), nil
}

// A form is an object written as application/x-www-form-urlencoded. What lies in objects has names such as a[b].
type form struct {
	arrayFormat string
	pairs       []string
}

// formOf writes an object as a form; arrays as the format says (Step Functions Developer Guide, "Applying URL-encoding on request body").
func formOf(object gjson.Result, arrayFormat string) ([]byte, error) {
	switch arrayFormat {
	case "":
		arrayFormat = "INDICES"
	case "INDICES", "REPEAT", "COMMAS", "BRACKETS":
	default:
		return nil, fmt.Errorf("ArrayFormat %q is none of INDICES, REPEAT, COMMAS, BRACKETS", arrayFormat)
	}
	f := &form{arrayFormat: arrayFormat}
	object.ForEach(func(name, value gjson.Result) bool {
		f.add(name.String(), value)
		return true
	})
	return []byte(strings.Join(f.pairs, "&")), nil
}

func (f *form) add(name string, v gjson.Result) {
	switch {
	case v.IsObject():
		v.ForEach(func(member, value gjson.Result) bool {
			f.add(name+"["+member.String()+"]", value)
			return true
		})
	case v.IsArray():
		f.addArray(name, v.Array())
	default:
		f.pairs = append(f.pairs, url.QueryEscape(name)+"="+url.QueryEscape(v.String()))
	}
}

// addArray adds an array. One that holds more than texts, numbers and booleans has indices whatever the format: nothing else can be read back.
func (f *form) addArray(name string, elements []gjson.Result) {
	format := f.arrayFormat
	escaped := make([]string, len(elements))
	for i, element := range elements {
		if element.IsObject() || element.IsArray() {
			format = "INDICES"
		}
		escaped[i] = url.QueryEscape(element.String())
	}
	if format == "COMMAS" {
		f.pairs = append(f.pairs, url.QueryEscape(name)+"="+strings.Join(escaped, ","))
		return
	}
	for i, element := range elements {
		switch format {
		case "INDICES":
			f.add(name+"["+strconv.Itoa(i)+"]", element)
		case "BRACKETS":
			f.add(name+"[]", element)
		case "REPEAT":
			f.add(name, element)
		}
	}
}
