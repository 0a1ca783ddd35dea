package lambda_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// eventOf reads an event document and puts texts into it: BODY=text. What stands for a JSON text is written with its quotes.
func eventOf(t testing.TB, name string, texts ...string) []byte {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("testdata", "events", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	text := string(raw)
	for _, assignment := range texts {
		place, value, ok := strings.Cut(assignment, "=")
		if !ok || !strings.Contains(text, "{"+place+"}") {
			t.Fatalf("%s has no place for %s", name, assignment)
		}
		text = strings.ReplaceAll(text, "{"+place+"}", value)
	}
	if !json.Valid([]byte(text)) {
		t.Fatalf("%s is no JSON: %s", name, text)
	}
	return []byte(text)
}

// quoted is a text as JSON.
func quoted(t testing.TB, text string) string {
	t.Helper()
	raw, err := json.Marshal(text)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// together makes one event of the records of several.
func together(t testing.TB, all ...[]byte) []byte {
	t.Helper()
	var records []json.RawMessage
	for _, event := range all {
		var e struct{ Records []json.RawMessage }
		if err := json.Unmarshal(event, &e); err != nil {
			t.Fatal(err)
		}
		records = append(records, e.Records...)
	}
	raw, err := json.Marshal(map[string]any{"Records": records})
	if err != nil {
		t.Fatal(err)
	}
	return raw
}
