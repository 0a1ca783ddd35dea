package golden_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"sundog/internal/event"
	"sundog/internal/golden"
	"sundog/internal/pipeline"
	"sundog/internal/queue"
	"sundog/internal/statedb"
)

// TestGoldenScenarios plays the files about process and update-state: step by step, comparing after each step all that can be seen.
func TestGoldenScenarios(t *testing.T) {
	onEach(t, func(t *testing.T, on platform) {
		for _, file := range []string{"n_process_scenarios.json", "n2_process_races.json", "o_update_state_scenarios.json"} {
			t.Run(file, func(t *testing.T) {
				golden.Run(t, file, func(t *testing.T, c golden.Case) golden.Outcome { return on.checkScenario(t, c) })
			})
		}
	})
}

// scenario is the input of a case.
type scenario struct {
	Env    map[string]*string `json:"env_overrides"`
	Steps  []step             `json:"steps"`
	Inject string             `json:"inject"`
}

type step struct {
	Op     string            `json:"op"`
	Bodies []string          `json:"bodies"`
	Event  json.RawMessage   `json:"event"`
	Items  []json.RawMessage `json:"items"`
	Bucket string            `json:"bucket"`
	Key    string            `json:"key"`
	Body   string            `json:"body"`
	Status string            `json:"status"`
	Name   *string           `json:"name"`
}

// result is what is seen of a step, recorded or ours.
type result struct {
	Return json.RawMessage `json:"return"`
	Error  *struct {
		Type, Message string
	} `json:"error"`
	Left   []string  `json:"messages_left_in_queue"`
	Queued []string  `json:"queued_payloads"`
	After  *observed `json:"after"`

	outcomes []pipeline.Outcome // ours
	err      error              // ours
	applied  bool               // ours
}

// played is a case with our results.
type played struct {
	scenario
	theirs, ours []result
	world        *world
	unconfigured error
}

func (on platform) checkScenario(t *testing.T, c golden.Case) golden.Outcome {
	p := &played{}
	golden.Into(t, c.Input, &p.scenario)
	var recorded struct{ Steps []result }
	golden.Into(t, c.Output, &recorded)
	p.theirs = recorded.Steps
	inject, err := parseInjection(p.Inject)
	if err != nil {
		return golden.Failed("%v", err)
	}
	p.world, p.unconfigured = on.newWorld(t, p.Env, inject)
	for i := range p.Steps {
		ours, err := p.play(t, &p.Steps[i])
		if err != nil {
			return golden.Failed("%s: playing step %d: %v", c.Tag, i, err)
		}
		p.ours = append(p.ours, ours)
	}
	return p.judge(t, c.Tag)
}

// judge compares step by step. Where a step shows a fault, ours is checked to be the mended answer; the steps after it are compared
// as long as the fault has left the same state behind.
func (p *played) judge(t *testing.T, tag string) golden.Outcome {
	t.Helper()
	shown := 0
	ours := label(t, p.ours)
	for i := range p.theirs {
		theirs := text(t, p.theirs[i])
		problem := compare(theirs, ours[i])
		if problem == "" {
			continue
		}
		if sameButTimes(theirs, ours[i]) && (shown != 0 || p.oneTime(i)) {
			if shown == 0 {
				shown = 22
			}
			continue
		}
		fault, wrong := p.explain(i)
		if fault == 0 {
			return golden.Failed("%s: step %d: %s", tag, i, problem)
		}
		if wrong != "" {
			return golden.Failed("%s: step %d shows fault %d, and ours is not mended: %s\n%s", tag, i, fault, wrong, problem)
		}
		shown = fault
		if !sameState(theirs, ours[i]) {
			break
		}
	}
	return golden.SetAside(shown)
}

// play makes one step. It fails for a step that it does not know.
func (p *played) play(t *testing.T, s *step) (result, error) {
	t.Helper()
	w := p.world
	var r result
	switch s.Op {
	case "seed_db":
		for _, item := range s.Items {
			var record statedb.Record
			if err := json.Unmarshal(item, &record); err != nil {
				return r, err
			}
			if err := w.db.Put(t.Context(), record); err != nil {
				return r, err
			}
		}
		return r, nil
	case "seed_s3":
		if w.buckets[s.Bucket] == nil {
			return r, fmt.Errorf("there is no bucket %s", s.Bucket)
		}
		w.buckets[s.Bucket][s.Key] = object{ContentType: "application/json", body: []byte(s.Body)}
		return r, nil
	case "set_execution_status":
		for _, x := range w.executions {
			if s.Name == nil || *s.Name == x.Name {
				x.Status = s.Status
			}
		}
		return r, nil
	}
	if p.unconfigured != nil {
		r.err = p.unconfigured
		r.Left = s.Bodies
	} else if err := p.call(t, s, &r); err != nil {
		return r, err
	}
	after := w.observe(t)
	r.After = &after
	return r, nil
}

// call makes a step that calls a function.
func (p *played) call(t *testing.T, s *step, r *result) error {
	t.Helper()
	w := p.world
	switch s.Op {
	case "process_sqs":
		messages := make([]queue.Message, len(s.Bodies))
		for i, body := range s.Bodies {
			messages[i] = queue.Message{ID: fmt.Sprint(i), Body: []byte(body), ReceiveCount: 1}
		}
		r.outcomes = w.processor.Handle(t.Context(), messages)
		for i, o := range r.outcomes {
			if o.Verdict != pipeline.Done {
				r.Left = append(r.Left, s.Bodies[i])
			}
		}
	case "process_event":
		r.outcomes = w.processor.HandleEvent(t.Context(), s.Event, "")
	case "update_state":
		w.queued = nil
		completion, err := pipeline.ParseCompletion(s.Event)
		if err == nil {
			r.applied, err = w.updater.Handle(t.Context(), completion)
		}
		r.err = err
		r.Queued = w.queued
	case "pre_batch":
		r.Return, r.err = w.exchange.Pre(t.Context(), s.Event)
		return nil
	default:
		return fmt.Errorf("unknown step %q", s.Op)
	}
	started := 0
	for _, o := range r.outcomes {
		started += o.Started
		if o.Err != nil {
			r.err = o.Err
		}
	}
	if s.Op != "update_state" {
		r.Return = json.RawMessage(fmt.Sprint(started))
	}
	return nil
}

// view is a step in a form in which two can be compared, part by part.
type view map[string]string

// text writes a recorded step as a view.
func text(t *testing.T, r result) view {
	t.Helper()
	v := view{}
	if r.After == nil {
		return v
	}
	v["failed"] = fmt.Sprint(r.Error != nil)
	if r.Error == nil {
		v["return"] = strings.ReplaceAll(canonical(string(r.Return)), "null", "")
	} else {
		v["left"] = strings.Join(r.Left, "\n") // without an error the caller deletes all
	}
	v["queued"] = lines(r.Queued, canonical)
	v["statedb"] = lines(r.After.StateDB, func(raw json.RawMessage) string { return said(canonical(string(raw))) })
	v["events"] = lines(r.After.Events, func(m message) string { return said(m.Message) + attributes(m) })
	v["items"] = lines(r.After.Items, func(m message) string { return canonical(m.Message) + attributes(m) })
	v["executions"] = lines(r.After.Executions, func(x *execution) string {
		return strings.Join([]string{x.ARN, x.Machine, x.Name, x.Status, canonical(x.Input)}, " ")
	})
	keys := slices.Sorted(maps.Keys(r.After.Objects))
	v["objects"] = lines(keys, func(key string) string {
		o := r.After.Objects[key]
		content := canonical(string(o.Record))
		if o.Text != nil {
			content = canonical(*o.Text)
		}
		return key + " " + o.ContentType + " " + content
	})
	relabel(v)
	return v
}

func attributes(m message) string {
	text, err := json.Marshal(m.Attributes)
	if err != nil {
		return err.Error()
	}
	return " " + said(canonical(string(text)))
}

func lines[T any](all []T, line func(T) string) string {
	texts := make([]string, len(all))
	for i, one := range all {
		texts[i] = line(one)
	}
	return strings.Join(texts, "\n")
}

// canonical writes JSON in one way; other text stays.
func canonical(raw string) string {
	dec := json.NewDecoder(strings.NewReader(raw))
	dec.UseNumber()
	var v any
	if dec.Decode(&v) != nil {
		return raw
	}
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	if enc.Encode(v) != nil {
		return raw
	}
	return strings.TrimSpace(out.String())
}

// unexplained are the texts, theirs and ours, for what nobody knows the cause of.
var unexplained = regexp.MustCompile(`No error cause was found in the event\.[^"]*?fields that capture the error name and error cause\.` +
	`|The step function execution timed out\.|the execution gave no cause: let the workflow's Fail state set ErrorPath and CausePath` +
	`|the execution took longer than its workflow allows`)

// noPayload is the error of an event about what is no payload. What it says is nobody's contract.
var noPayload = regexp.MustCompile(`("event_type": "(?:NOT_A_PROCESS_PAYLOAD|RECORD_EXTRACT_FAILED)".*"error": )"(?:[^"\\]|\\.)*"`)

var noPayloadAttribute = regexp.MustCompile(`"error":\{"DataType":"String","StringValue":"(?:[^"\\]|\\.)*"\},("event_type":\{"DataType":"String","StringValue":"(?:NOT_A_PROCESS_PAYLOAD|RECORD_EXTRACT_FAILED)")`)

// said replaces the wording of errors that have no contract.
func said(text string) string {
	text = unexplained.ReplaceAllString(text, "<why>")
	text = noPayload.ReplaceAllString(text, `$1"<why>"`)
	return noPayloadAttribute.ReplaceAllString(text, `"error":"<why>",$1`)
}

var (
	stamp  = regexp.MustCompile(fmt.Sprintf(`%d-\d\d-\d\dT[0-9:.]+\+00:00`, firstYear))
	unique = regexp.MustCompile(`<U\d+>|00000000-0000-4000-8000-\d{12}`)
	moment = regexp.MustCompile(`<T\d+>`)
)

// relabel numbers the random names of a step in the order in which they are seen.
func relabel(v view) {
	names := map[string]string{}
	for _, part := range slices.Sorted(maps.Keys(v)) {
		v[part] = unique.ReplaceAllStringFunc(v[part], func(name string) string {
			if names[name] == "" {
				names[name] = fmt.Sprintf("<unique %d>", len(names)+1)
			}
			return names[name]
		})
	}
}

// label writes our steps as views, with the times of the whole scenario numbered in their order.
func label(t *testing.T, all []result) []view {
	t.Helper()
	views := make([]view, len(all))
	seen := map[string]bool{}
	for i := range all {
		r := all[i]
		r.Error = nil
		if r.err != nil {
			r.Error = &struct{ Type, Message string }{"ours", r.err.Error()}
		}
		views[i] = text(t, r)
		for _, part := range views[i] {
			for _, found := range stamp.FindAllString(part, -1) {
				seen[found] = true
			}
		}
	}
	rank := map[string]string{}
	for n, at := range slices.Sorted(maps.Keys(seen)) {
		rank[at] = fmt.Sprintf("<T%d>", n+1)
	}
	for _, v := range views {
		for name, part := range v {
			v[name] = stamp.ReplaceAllStringFunc(part, func(at string) string { return rank[at] })
		}
	}
	return views
}

// compare says in which part ours differs from theirs; empty when in none.
func compare(theirs, ours view) string {
	for _, part := range []string{"failed", "left", "return", "statedb", "events", "items", "queued", "executions", "objects"} {
		if theirs["failed"] == "true" && part == "return" {
			continue // a failed call returns nothing
		}
		if theirs[part] != ours[part] && (part != "left" || theirs["failed"] == "true") {
			return fmt.Sprintf("%s\ntheirs %s\nours   %s", part, theirs[part], ours[part])
		}
	}
	return ""
}

// sameButTimes says whether two steps differ in nothing but in which of their times are the same.
func sameButTimes(theirs, ours view) bool { return compare(erase(theirs), erase(ours)) == "" }

func erase(v view) view {
	erased := maps.Clone(v)
	for part := range erased {
		erased[part] = moment.ReplaceAllString(erased[part], "<T>")
	}
	return erased
}

// sameState says whether two steps leave the same behind for the next one.
func sameState(theirs, ours view) bool {
	a, b := erase(theirs), erase(ours)
	return a["statedb"] == b["statedb"] && a["executions"] == b["executions"] && a["objects"] == b["objects"]
}

// oneTime says whether theirs gives an event another time than its record, and ours gives every event that of its record.
func (p *played) oneTime(i int) bool { return !timesAgree(&p.theirs[i]) && timesAgree(&p.ours[i]) }

// timesAgree says whether every event about a transition carries the time that the record has of it.
func timesAgree(r *result) bool {
	for _, m := range r.After.Events {
		var e struct {
			Type event.Type `json:"event_type"`
			ID   string     `json:"payload_id"`
			Time string     `json:"isotimestamp"`
		}
		if json.Unmarshal([]byte(m.Message), &e) != nil {
			return false
		}
		found := record(r, e.ID)
		switch e.Type {
		case event.ClaimedProcessing:
			if found == nil || found.ClaimedAt != e.Time {
				return false
			}
		case event.StartedProcessing, event.Failed, event.TimedOut, event.Invalid, event.Aborted, event.Succeeded:
			if found == nil || found.Updated != e.Time {
				return false
			}
		}
	}
	return true
}
