package eventpattern_test

import (
	"errors"
	"testing"

	"sundog/eventpattern"
)

func TestFilterPolicyOfAttributes(t *testing.T) {
	attributes := map[string]eventpattern.Attribute{
		"store":     {Type: "String", Value: "example_corp"},
		"interests": {Type: "String.Array", Value: `["rugby", "tennis", 5, true, null]`},
		"price":     {Type: "Number", Value: "301.50"},
		"image":     {Type: "Binary", Value: "AAAA"},
		"broken":    {Type: "Number", Value: "many"},
		"noarray":   {Type: "String.Array", Value: `{"a": 1}`},
		"quoted":    {Type: "String", Value: "100"},
	}
	for policy, want := range map[string]bool{
		`{}`:                                                     true,
		`{"store": ["example_corp"]}`:                            true,
		`{"store": ["other"]}`:                                   false,
		`{"store": [{"anything-but": "x"}]}`:                     true,
		`{"store": [{"prefix": "example"}]}`:                     true,
		`{"store": [{"suffix": "corp"}]}`:                        true,
		`{"store": [{"wildcard": "ex*corp"}]}`:                   true,
		`{"store": [{"equals-ignore-case": "EXAMPLE_CORP"}]}`:    true,
		`{"interests": ["tennis"]}`:                              true,
		`{"interests": ["golf"]}`:                                false,
		`{"interests": [5]}`:                                     true,
		`{"interests": [null]}`:                                  true,
		`{"interests": [{"anything-but": ["rugby", "tennis"]}]}`: true,
		`{"price": [301.5]}`:                                     true,
		`{"price": ["301.50"]}`:                                  false,
		`{"price": [{"numeric": [">", 300, "<=", 301.5]}]}`:      true,
		`{"price": [{"numeric": ["<", 300]}]}`:                   false,
		`{"quoted": [100]}`:                                      false,
		`{"quoted": [{"numeric": ["=", 100]}]}`:                  false,
		`{"image": [{"exists": true}]}`:                          false,
		`{"broken": [{"exists": true}]}`:                         false,
		`{"noarray": [{"exists": false}]}`:                       true,
		`{"missing": [{"exists": false}]}`:                       true,
		`{"missing": [{"anything-but": "x"}]}`:                   false,
		`{"store": ["example_corp"], "missing": ["x"]}`:          false,
		`{"$or": [{"store": ["x"]}, {"price": [301.5]}]}`:        true,
	} {
		f, err := eventpattern.ParseFilterPolicy([]byte(policy), eventpattern.MessageAttributes)
		if err != nil {
			t.Errorf("%v", err)
		} else if got := f.Match(attributes, []byte(`{"store": "other"}`)); got != want {
			t.Errorf("%s is %t, want %t", policy, got, want)
		}
	}
}

func TestFilterPolicyOfBody(t *testing.T) {
	f, err := eventpattern.ParseFilterPolicy([]byte(`{"a": {"b": ["x"]}}`), eventpattern.MessageBody)
	if err != nil {
		t.Fatal(err)
	}
	for body, want := range map[string]bool{
		`{"a": {"b": "x"}}`: true, `{"a": {"b": "y"}}`: false, `not JSON`: false, ``: false, `["x"]`: false,
	} {
		if got := f.Match(nil, []byte(body)); got != want {
			t.Errorf("%s is %t, want %t", body, got, want)
		}
	}
	all, err := eventpattern.ParseFilterPolicy([]byte(`{}`), eventpattern.MessageBody)
	if err != nil || !all.Match(nil, []byte("not JSON")) {
		t.Errorf("an empty policy refuses a message, %v", err)
	}
}

func TestParseFilterPolicyRefuses(t *testing.T) {
	for _, test := range []struct {
		policy, location string
		scope            eventpattern.Scope
	}{
		{`{"a": {"b": ["x"]}}`, "/a", eventpattern.MessageAttributes},
		{`{"a": "x"}`, "/a", eventpattern.MessageBody},
		{`[]`, "", eventpattern.MessageBody},
		{`{"a": {}}`, "/a", eventpattern.MessageBody},
	} {
		_, err := eventpattern.ParseFilterPolicy([]byte(test.policy), test.scope)
		parse, ok := errors.AsType[*eventpattern.ParseError](err)
		if !ok || parse.Location != test.location {
			t.Errorf("%s in the scope %s: %v, want an error at %q", test.policy, test.scope, err, test.location)
		}
	}
}
