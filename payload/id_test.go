package payload_test

import (
	"testing"

	"pgregory.net/rapid"

	"sundog/payload"
)

func TestParseID(t *testing.T) {
	for text, want := range map[string]payload.ID{
		"c1/workflow-wf/i1":              {Collections: "c1", Workflow: "wf", ItemIDs: "i1"},
		"a/b/workflow-wf/i1/i2":          {Collections: "a/b", Workflow: "wf", ItemIDs: "i1/i2"},
		"a/workflow-b/c/workflow-d/e":    {Collections: "a/workflow-b/c", Workflow: "d", ItemIDs: "e"},
		"a/workflow-b/c/workflow-/e":     {Collections: "a", Workflow: "b", ItemIDs: "c/workflow-/e"},
		"a/workflow-b/c/workflow-d":      {Collections: "a", Workflow: "b", ItemIDs: "c/workflow-d"},
		"a/workflow-b/c\nd/workflow-e/f": {Collections: "a", Workflow: "b", ItemIDs: "c\nd/workflow-e/f"},
		"a/workflow-b//c":                {Collections: "a", Workflow: "b", ItemIDs: "/c"},
		"a_b/workflow-wf/i_1":            {Collections: "a_b", Workflow: "wf", ItemIDs: "i_1"},
		"":                               {},
		"nope":                           {},
		"/workflow-b/c":                  {},
		"a/workflow-b":                   {},
		"a/workflow-b/":                  {},
		"a/workflow-/c":                  {},
		"a\nb/workflow-b/c":              {},
		"a/workflow-b/\nc":               {},
		"a/workflow-b_c/d":               {},
		"workflow-a/b":                   {},
	} {
		got, err := payload.ParseID(text)
		if got != want || (err == nil) != (want != payload.ID{}) {
			t.Errorf("ParseID(%q) = %+v, %v; want %+v", text, got, err, want)
		}
	}
}

// idText makes texts in which everything that cuts an id comes often.
var idText = rapid.Custom(func(t *rapid.T) string {
	pieces := rapid.SliceOfN(rapid.SampledFrom([]string{"/workflow-", "/", "a", "b_c", "_", "\n", "workflow-", "é"}), 1, 9).Draw(t, "pieces")
	text := ""
	for _, p := range pieces {
		text += p
	}
	return text
})

func TestIDsAndKeys(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		one, two := idText.Draw(t, "one"), idText.Draw(t, "two")
		a, errA := payload.ParseID(one)
		if errA != nil {
			return
		}
		if a.String() != one {
			t.Fatalf("%q is read as %q", one, a)
		}
		back, err := payload.IDFromKey(a.PartitionKey(), a.ItemIDs)
		if err != nil || back != a {
			t.Fatalf("%+v comes back from its key as %+v, %v", a, back, err)
		}
		if b, err := payload.ParseID(two); err == nil && one != two && a.PartitionKey() == b.PartitionKey() && a.ItemIDs == b.ItemIDs {
			t.Fatalf("%q and %q share a record", one, two)
		}
	})
}

func TestCutPartitionKey(t *testing.T) {
	if c, w, err := payload.CutPartitionKey("a_b_c"); c != "a_b" || w != "c" || err != nil {
		t.Errorf("got %q, %q, %v", c, w, err)
	}
	if _, err := payload.IDFromKey("ab", "i"); err == nil {
		t.Error("a key without underscore is accepted")
	}
}

func TestExecutionName(t *testing.T) {
	const arn = "arn:aws:states:eu-central-1:1:execution:cirrus-wf:x"
	if got := payload.ExecutionName("c1/workflow-wf/i1", nil); got != "049a9ce0-d24a-51ed-a091-e1800039f511" {
		t.Errorf("name of the first execution: %s", got)
	}
	url := payload.ConsoleURL(arn)
	if want := "https://eu-central-1.console.aws.amazon.com/states/home?region=eu-central-1#/v2/executions/details/" + arn; url != want {
		t.Errorf("console URL %s", url)
	}
	if payload.ExecutionName("p", []string{arn}) != payload.ExecutionNameFromURLs("p", []string{url}) {
		t.Error("the name is not derived from the console URLs")
	}
	if payload.ARNFromConsoleURL(url) != arn || payload.ARNFromConsoleURL(arn) != arn {
		t.Error("the ARN does not come back from its console URL")
	}
	const base = "arn:aws:states:us-east-1:1:stateMachine:cirrus-"
	execution := payload.ExecutionARN(base, "wf", "n")
	if machine, name := payload.CutExecutionARN(execution); machine != payload.MachineARN(base, "wf") || name != "n" {
		t.Errorf("%s is cut into %s and %s", execution, machine, name)
	}
}

func FuzzParseID(f *testing.F) {
	for _, seed := range []string{"c1/workflow-wf/i1", "a/workflow-b/c\nd", "a\n/workflow-b/c", "/workflow-/workflow-a/b"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if id, ok := payload.CutID(text); ok && id.String() != text {
			t.Fatalf("%q is read as %q", text, id)
		}
	})
}

func BenchmarkParseID(b *testing.B) {
	for b.Loop() {
		if _, err := payload.ParseID("sentinel-2-l2a/workflow-publish/S2A_MSIL2A_20200101T000000_N0213_R030_T33UUP"); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkExecutionName(b *testing.B) {
	arns := []string{"arn:aws:states:us-east-1:123456789012:execution:cirrus-wf:a4201f97-6557-5f4e-ae88-6542ef800708"}
	for b.Loop() {
		payload.ExecutionName("sentinel-2-l2a/workflow-publish/S2A", arns)
	}
}
