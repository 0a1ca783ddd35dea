package stepfunctions_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// A recordedCase is a call of the API and what AWS answered. Documents are JSON values where AWS has texts.
type recordedCase struct {
	Name     string
	Kind     string
	Params   map[string]any
	Expected map[string]any
}

// TestRecorded compares refused definitions and validations with the answers of AWS in the folder SUNDOG_ASL_CASES.
func TestRecorded(t *testing.T) {
	folder := os.Getenv("SUNDOG_ASL_CASES")
	if folder == "" {
		t.Skip("SUNDOG_ASL_CASES names no folder with conformance cases")
	}
	files, err := filepath.Glob(filepath.Join(folder, "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases in %s: %v", folder, err)
	}
	w, compared := newWorld(t, ""), 0
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var cases []recordedCase
		if err := json.Unmarshal(text, &cases); err != nil {
			continue // of another form
		}
		for _, c := range cases {
			if c.Kind != "refused_definition" && c.Kind != "validate" {
				continue
			}
			compared++
			_, name, _ := strings.Cut(c.Name, "::")
			t.Run(name, func(t *testing.T) { c.compare(t, w) })
		}
	}
	if compared == 0 {
		t.Error("no case is of a kind that is compared")
	}
}

func (c *recordedCase) compare(t *testing.T, w *world) {
	request := map[string]any{}
	for name, value := range c.Params {
		if value != nil {
			request[name] = value
		}
	}
	if _, isText := request["definition"].(string); !isText {
		request["definition"] = string(encode(t, request["definition"]))
	}
	operation := "ValidateStateMachineDefinition"
	if c.Kind == "refused_definition" {
		operation = "CreateStateMachine"
		request["name"], request["roleArn"] = "recorded", role
	}
	_, answer := w.post(operation, string(encode(t, request)))
	if c.Kind == "validate" {
		if !reflect.DeepEqual(answer, c.Expected) {
			t.Errorf("got  %v\nwant %v", answer, c.Expected)
		}
		return
	}
	name, message := c.refusal()
	_, got, _ := strings.Cut(answer["__type"].(string), "#")
	if got != name || answer["message"] != message {
		t.Errorf("got  %v\nwant %s: %s", answer, name, message)
	}
}

// refusal is the name and the message of the error that AWS answered with.
func (c *recordedCase) refusal() (name, message string) {
	if e, ok := c.Expected["Error"].(map[string]any); ok {
		return e["Code"].(string), e["Message"].(string)
	}
	value, _ := c.Expected["exception_value"].(string)
	_, message, _ = strings.Cut(value, "operation: ")
	name, _ = c.Expected["exception_typename"].(string)
	return name, strings.ReplaceAll(message, "<partition>", "aws") // was taken out of the recording
}

func encode(t *testing.T, v any) []byte {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return text
}
