package payload_test

import (
	"errors"
	"testing"

	"sundog/payload"
)

func TestNext(t *testing.T) {
	const head = `{"type": "FeatureCollection", "id": "c/workflow-w/i", "extra": {"b":1.50,"a":2}, "features": [{"id":"x","v":1}, {"id":"y","v":2}]`
	for name, c := range map[string]struct {
		process string
		want    []payload.Successor
	}{
		"none":  {`[{"workflow": "w"}]`, nil},
		"one":   {`[{"workflow": "w"}, {"workflow": "a"}]`, []payload.Successor{{Workflow: "a", Payload: []byte(`{"type":"FeatureCollection","extra":{"b":1.50,"a":2},"features":[{"id":"x","v":1}, {"id":"y","v":2}],"process":[{"workflow": "a"}]}`)}}},
		"rest":  {`[{"workflow": "w"}, {"workflow": "a"}, [{"workflow": "b"}]]`, []payload.Successor{{Workflow: "a", Payload: []byte(`{"type":"FeatureCollection","extra":{"b":1.50,"a":2},"features":[{"id":"x","v":1}, {"id":"y","v":2}],"process":[{"workflow": "a"},[{"workflow": "b"}]]}`)}}},
		"empty": {`[{"workflow": "w"}, []]`, nil},
		"branches": {`[{"workflow": "w"}, [{"workflow": "a", "chain_filter": "@.v > 1.5"}, {"workflow": "b", "chain_filter": "@.v > 2"}]]`, []payload.Successor{
			{Workflow: "a", Filter: "@.v > 1.5", Payload: []byte(`{"type":"FeatureCollection","extra":{"b":1.50,"a":2},"features":[{"id":"y","v":2}],"process":[{"workflow": "a", "chain_filter": "@.v > 1.5"}]}`)},
			{Workflow: "b", Filter: "@.v > 2"},
		}},
	} {
		t.Run(name, func(t *testing.T) {
			p, err := payload.Parse([]byte(head + `, "process": ` + c.process + `}`))
			if err != nil {
				t.Fatal(err)
			}
			next, err := p.Next()
			if err != nil {
				t.Fatal(err)
			}
			if len(next) != len(c.want) {
				t.Fatalf("%d payloads follow, want %d", len(next), len(c.want))
			}
			for i, s := range next {
				if s.Workflow != c.want[i].Workflow || s.Filter != c.want[i].Filter || string(s.Payload) != string(c.want[i].Payload) {
					t.Errorf("got  %s %q %s\nwant %s %q %s", s.Workflow, s.Filter, s.Payload, c.want[i].Workflow, c.want[i].Filter, c.want[i].Payload)
				}
				if s.Payload == nil {
					continue
				}
				if _, err := payload.Parse(s.Payload); err != nil {
					t.Errorf("it is not accepted: %v", err)
				}
			}
		})
	}
}

// A workflow may have changed what Parse had checked.
func TestNextRefuses(t *testing.T) {
	for _, step := range []string{`5`, `null`, `"text"`, `[null]`, `[7]`, `{"chain_filter": "=="}`, `[{}, {"chain_filter": "("}]`} {
		p, err := payload.ParseOutput([]byte(`{"id": "c/workflow-w/i", "features": [], "process": [{"workflow": "w"}, ` + step + `]}`))
		if err != nil {
			t.Fatal(err)
		}
		_, err = p.Next()
		var why *payload.InvalidError
		if !errors.As(err, &why) {
			t.Errorf("process[1] = %s: error %v", step, err)
		}
	}
}
