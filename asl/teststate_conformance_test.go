package asl_test

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"sundog/asl"
	"sundog/asl/asltest/recording"
)

// A testStateCase is one call of TestState and what AWS answered. Documents are JSON values where AWS has texts.
type testStateCase struct {
	Name     string
	Kind     string
	Params   map[string]any
	Expected map[string]any
}

// placeholder is a part of a recorded string that stands for what differs from call to call.
var placeholder = regexp.MustCompile(`<[a-z_]+(:[0-9]+)?>`)

// TestStateConformance compares TestState with the answers in the folder SUNDOG_ASL_CASES.
func TestStateConformance(t *testing.T) {
	folder := os.Getenv("SUNDOG_ASL_CASES")
	if folder == "" {
		t.Skip("SUNDOG_ASL_CASES names no folder with conformance cases")
	}
	files, err := filepath.Glob(filepath.Join(folder, "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases in %s: %v", folder, err)
	}
	passed, failed := 0, 0
	for _, file := range files {
		var cases []testStateCase
		readJSON(t, file, &cases)
		for _, c := range cases {
			if c.Kind != "test_state" {
				continue
			}
			_, name, _ := strings.Cut(c.Name, "::")
			if t.Run(name, c.compare) {
				passed++
			} else {
				failed++
			}
		}
	}
	t.Logf("%d passed %d failed", passed, failed)
}

// request makes the request of the case. Documents that were texts are so again.
func (c *testStateCase) request(t *testing.T) asl.TestStateRequest {
	t.Helper()
	params := make(map[string]any, len(c.Params))
	for name, value := range c.Params {
		switch name {
		case "definition", "input", "context", "variables":
			if _, isText := value.(string); !isText {
				value = string(asl.Value(value).Bytes())
			}
		}
		params[name] = value
	}
	// A placeholder in a request stands for a real name that was not kept.
	text := placeholder.ReplaceAllStringFunc(string(asl.Value(params).Bytes()), func(p string) string { return strings.Trim(p, "<>") })
	var req asl.TestStateRequest
	if err := json.Unmarshal([]byte(text), &req); err != nil {
		t.Fatal(err)
	}
	req.At = asl.Moment{Now: time.Date(2026, 1, 2, 3, 4, 5, 678e6, time.UTC), Seed: 1}
	req.Identity = asl.Identity{
		ARN: "arn:aws:states:us-east-1:111111111111:express:machine:execution", Name: "execution", RoleARN: "arn:aws:iam::111111111111:role/role",
		MachineARN: "arn:aws:states:us-east-1:111111111111:stateMachine:machine", MachineName: "machine", Express: true, Region: "us-east-1",
	}
	// Without a mock AWS called a function, whose answer is only recorded as what TestState made of it.
	req.Work = func(asl.Task) asl.TaskOutcome {
		result := c.Expected["output"]
		if data, ok := c.Expected["inspectionData"].(map[string]any); ok {
			result = data["result"]
		}
		return asl.TaskOutcome{Output: asl.Value(parsed(result))}
	}
	return req
}

func (c *testStateCase) compare(t *testing.T) {
	result, err := asl.TestState(c.request(t))
	if want, refused := c.refusal(); refused {
		var refusal *asl.TestStateError
		if !errors.As(err, &refusal) || want != refusal.Error() {
			t.Errorf("got the error %v, want %s", err, want)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(result)
	if err != nil {
		t.Fatal(err)
	}
	got := asl.Raw(text).Get().(map[string]any)
	wildcards := []string{"date", "start-date"}
	for _, name := range []string{"output", "inspectionData"} {
		expand(c.Expected, name)
		expand(got, name)
	}
	if mock, ok := c.Params["mock"].(map[string]any); ok {
		if result, _ := mock["result"].(string); strings.Contains(result, "()") {
			// The case has the name of what made the value, and not the value.
			wildcards = append(wildcards, withPlaceholders(c.Expected)...)
		}
	}
	m := recording.NewMatcher(wildcards, tokens(c.Expected))
	if d := m.Differ("result", c.Expected, got); d != "" {
		t.Errorf("%s\n got %s\nwant %s", d, recording.Short(got), recording.Short(c.Expected))
	}
}

// refusal is the error that AWS answered with.
func (c *testStateCase) refusal() (string, bool) {
	if e, ok := c.Expected["Error"].(map[string]any); ok {
		return e["Code"].(string) + ": " + e["Message"].(string), true
	}
	value, ok := c.Expected["exception_value"].(string)
	_, message, _ := strings.Cut(value, "operation: ")
	name, _ := c.Expected["exception_typename"].(string)
	return name + ": " + message, ok
}

// expand parses the documents that are texts: the output and what is in the inspection data.
func expand(in map[string]any, name string) {
	switch v := in[name].(type) {
	case string:
		in[name] = parsed(v)
	case map[string]any:
		if name == "inspectionData" {
			for field := range v {
				v[field] = parsed(v[field])
			}
		}
	}
}

// parsed is the value of a JSON text, and any other value itself.
func parsed(v any) any {
	if s, ok := v.(string); ok && json.Valid([]byte(s)) {
		return asl.Raw([]byte(s)).Get()
	}
	return v
}

// withPlaceholders are the strings of a value that have placeholders.
func withPlaceholders(v any) []string {
	var all []string
	switch v := v.(type) {
	case string:
		if placeholder.MatchString(v) {
			all = append(all, v)
		}
	case []any:
		for _, element := range v {
			all = append(all, withPlaceholders(element)...)
		}
	case map[string]any:
		for _, member := range v {
			all = append(all, withPlaceholders(member)...)
		}
	}
	return all
}

// tokens are the placeholders in the strings of a value.
func tokens(v any) []string {
	var all []string
	for _, s := range withPlaceholders(v) {
		all = append(all, placeholder.FindAllString(s, -1)...)
	}
	return all
}
