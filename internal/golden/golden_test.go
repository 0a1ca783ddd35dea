package golden_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"sundog/internal/golden"
)

// TestGolden runs the files about functions of one document. Those about whole scenarios have tests of their own.
func TestGolden(t *testing.T) {
	for file, check := range map[string]func(*testing.T, golden.Case) golden.Outcome{
		"a_payload_set_id_validate.json": checkValidation,
		"b_execution_arn.json":           checkExecutionName,
		"b2_split_execution_arn.json":    checkCutExecutionARN,
		"b3_execution_url.json":          checkConsoleURL,
		"c_extract_event_records.json":   checkExtract,
		"c2_payload_from_event.json":     checkSinglePayload,
		"d_item_sns_attributes.json":     checkItemAttributes,
		"e_workflow_event.json":          checkEvent,
		"f_next_payloads.json":           checkNext,
		"g_statedb_keys.json":            checkKeys,
		"g2_collections_workflow.json":   checkPartitionKey,
		"g4_payload_bucket_urls.json":    checkLayout,
		"g5_s3_urlparse.json":            checkLocation,
		"h_parse_since.json":             checkSince,
		"i_payload_length.json":          checkLength,
		"j_template_payload.json":        checkTemplate,
		"k_update_state_errors.json":     checkCompletion,
		"p7_post_batch_regex.json":       checkTaskError,
		"p8_post_batch_handler.json":     checkJobFailure,
	} {
		t.Run(file, func(t *testing.T) { golden.Run(t, file, check) })
	}
}

// TestRunReadsCases makes sure that the runner sees what is wrong: it runs on a folder of its own.
func TestRunReadsCases(t *testing.T) {
	folder := t.TempDir()
	write := `{"cases": [{"id": "one", "input": {"x": 1}, "output": 2}, {"id": "two", "input": {}, "error": {"type": "KeyError", "message": "x"}}]}`
	if err := os.WriteFile(filepath.Join(folder, "x.json"), []byte(write), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv(golden.Folder, folder)
	var seen []golden.Case
	golden.Run(t, "x.json", func(_ *testing.T, c golden.Case) golden.Outcome {
		seen = append(seen, c)
		return golden.Passed()
	})
	if len(seen) != 2 || seen[0].Error != nil || seen[1].Error.Type != "KeyError" || string(seen[0].Output) != "2" {
		t.Errorf("read %+v", seen)
	}
}

func TestSameJSON(t *testing.T) {
	for _, c := range []struct {
		a, b string
		same bool
	}{
		{`{"a": 1, "b": [true, null]}`, `{"b":[true,null],"a":1.0}`, true},
		{`12345678901234567890`, `12345678901234567890`, true},
		{`{"a": 1}`, `{"a": 1, "b": 2}`, false},
		{`[1, 2]`, `[2, 1]`, false},
		{`"1"`, `1`, false},
		{`null`, `false`, false},
	} {
		if got := golden.SameJSON(json.RawMessage(c.a), json.RawMessage(c.b)); got != c.same {
			t.Errorf("SameJSON(%s, %s) = %v", c.a, c.b, got)
		}
	}
}
