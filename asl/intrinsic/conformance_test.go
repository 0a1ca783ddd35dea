package intrinsic_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sundog/asl/intrinsic"
)

// TestConformance evaluates the calls that stand in the Parameters of a Pass state in cases recorded from AWS. SUNDOG_ASL_CASES names
// the folder of the cases.
func TestConformance(t *testing.T) {
	dir := os.Getenv("SUNDOG_ASL_CASES")
	if dir == "" {
		t.Skip("SUNDOG_ASL_CASES is not set to the folder of the ASL cases")
	}
	text, err := os.ReadFile(filepath.Join(dir, "intrinsics.json"))
	if err != nil {
		t.Fatal(err)
	}
	run, left := 0, 0
	for _, c := range parseJSON(t, string(text)).([]any) {
		name := member(c, "name").(string)
		states, _ := member(c, "definition", "States").(map[string]any)
		for _, state := range states {
			parameters, _ := member(state, "Parameters").(map[string]any)
			expr, ok := parameters["FunctionResult.$"].(string)
			if !ok {
				left++
				continue
			}
			run++
			t.Run(name, func(t *testing.T) { checkCase(t, expr, c) })
		}
	}
	t.Logf("%d cases run, %d left out because they have no such call", run, left)
	if run == 0 {
		t.Error("no case was run")
	}
}

const machineName = "machine"

func checkCase(t *testing.T, expr string, c any) {
	call, err := intrinsic.Parse(expr)
	if err != nil {
		t.Fatal(err)
	}
	context := map[string]any{"StateMachine": map[string]any{"Name": machineName}}
	got, err := call.Eval(&env{state: member(c, "input"), context: context})
	if err != nil {
		t.Fatal(err)
	}
	want := member(c, "expected", "output", "FunctionResult")
	switch want {
	case "RandomNumberGenerated": // what the recording has for a number that differs each time
		if _, ok := got.(json.Number); !ok {
			t.Errorf("%s = %v, want a number", expr, got)
		}
		return
	case "<ArnPart_0idx>": // the name of the state machine, which had no hyphen
		want = machineName
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", expr, diff)
	}
}

func member(v any, names ...string) any {
	for _, name := range names {
		object, _ := v.(map[string]any)
		v = object[name]
	}
	return v
}
