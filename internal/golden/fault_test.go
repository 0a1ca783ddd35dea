package golden_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/tidwall/gjson"

	"sundog/internal/event"
	"sundog/internal/pipeline"
	"sundog/internal/statedb"
	"sundog/payload"
)

// A rule knows one fault of the original by what a step shows, and what is to be seen of ours instead.
type rule struct {
	fault int
	shows func(s *scene) bool
	// wrong says what is not mended in ours; empty when all is.
	wrong func(s *scene) string
}

// scene is one step of a scenario, with what the rules ask for.
type scene struct {
	*played
	i            int
	step         *step
	theirs, ours *result
}

// explain names the first fault that a step shows in which ours differs, and says what is wrong if ours is not the mended answer to
// every fault that it shows.
func (p *played) explain(i int) (fault int, wrong string) {
	s := &scene{played: p, i: i, step: &p.Steps[i], theirs: &p.theirs[i], ours: &p.ours[i]}
	rules := updateRules
	if strings.HasPrefix(s.step.Op, "process_") {
		rules = processRules
	}
	for _, r := range rules {
		if !r.shows(s) {
			continue
		}
		if fault == 0 {
			fault = r.fault
		}
		if wrong = r.wrong(s); wrong != "" {
			return r.fault, wrong
		}
	}
	return fault, ""
}

var processRules = []rule{
	{9, func(s *scene) bool { return orEmpty(s.Env["CIRRUS_PAYLOAD_BUCKET"]) == "absent-bucket" }, func(s *scene) string {
		return s.allVerdicts(pipeline.Retry)
	}},
	{18, func(s *scene) bool { return s.Env["AWS_REGION"] != nil }, (*scene).namesOfTheARNsRegion},
	{2, func(s *scene) bool { return slices.Contains([]string{"FAILED", "ABORTED"}, s.injected().beforeStart) }, (*scene).skippedAfterStart},
	{8, func(s *scene) bool { i := s.injected(); return i.started || i.upload || i.start != "" }, (*scene).leftForLater},
	{1, (*scene).recoversSecond, (*scene).recoveredLast},
	{4, func(s *scene) bool { return s.anyBody(workflowWithUnderscore) }, func(s *scene) string { return s.buried(workflowWithUnderscore) }},
	{5, func(s *scene) bool { return s.anyBody(twoMarks) }, (*scene).keysOfTheirOwn},
	{20, func(s *scene) bool { return s.anyBody(replaceNoBoolean) }, (*scene).notReplaced},
	{17, (*scene).malformedRecord, (*scene).malformedAlone},
	{6, (*scene).unreadablePoisons, func(s *scene) string { return s.buried(unreadable) }},
	{7, func(s *scene) bool { return strings.Contains(recordsText(s.theirs), "StateMachineDoesNotExist") }, (*scene).noMachineBuried},
	{9, func(s *scene) bool { return s.anyBody(keyIsCut) }, (*scene).keysWhole},
}

// bodyID is the id of the payload in a message: the one that it says, or the one that follows from its Items.
func bodyID(body string) string {
	if p, err := payload.Parse([]byte(body)); err == nil {
		return p.ID().String()
	}
	return gjson.Get(body, "id").String()
}

func (s *scene) anyBody(is func(string) bool) bool { return slices.ContainsFunc(s.step.Bodies, is) }

// injected is what the scenario let go wrong. The world forgets what it has done.
func (s *scene) injected() injection {
	i, err := parseInjection(s.Inject)
	if err != nil {
		return injection{}
	}
	return i
}

// notAPayload are bodies that both refuse.
func notAPayload(body string) bool {
	_, err := payload.Parse([]byte(body))
	return err != nil
}

func workflowWithUnderscore(body string) bool {
	return strings.Contains(gjson.Get(body, "process.0.workflow").String(), "_")
}
func twoMarks(body string) bool { return strings.Count(bodyID(body), "/workflow-") > 1 }
func keyIsCut(body string) bool { return strings.ContainsAny(bodyID(body), "?#") }
func replaceNoBoolean(body string) bool {
	r := gjson.Get(body, "process.0.replace")
	return r.Exists() && !r.IsBool()
}

// unreadable are bodies that stop the original before it looks at the first payload.
func unreadable(body string) bool {
	v := gjson.Parse(body)
	switch {
	case !gjson.Valid(body) || !v.IsObject():
		return true
	case v.Get("url").Exists():
		return true // what lies there is not known here: every unreadable one in the recordings is missing or no URL
	}
	id := v.Get("id")
	return id.Exists() && id.Type != gjson.String
}

// records reads the records of a step.
func records(r *result) []statedb.Record {
	var all []statedb.Record
	if r.After == nil {
		return nil
	}
	for _, raw := range r.After.StateDB {
		var record statedb.Record
		if json.Unmarshal(raw, &record) == nil {
			all = append(all, record)
		}
	}
	return all
}

func recordsText(r *result) string {
	return lines(r.After.StateDB, func(raw json.RawMessage) string { return string(raw) })
}

func record(r *result, id string) *statedb.Record {
	for _, found := range records(r) {
		if found.ID.String() == id {
			return &found
		}
	}
	return nil
}

// before are our records before the step.
func (s *scene) before() []statedb.Record {
	for i := s.i - 1; i >= 0; i-- {
		if s.Steps[i].Op == "seed_db" {
			var all []statedb.Record
			for _, raw := range s.Steps[i].Items {
				var r statedb.Record
				if json.Unmarshal(raw, &r) == nil {
					all = append(all, r)
				}
			}
			return all
		}
		if s.played.ours[i].After != nil {
			return records(&s.played.ours[i])
		}
	}
	return nil
}

func events(r *result) []event.Event {
	var all []event.Event
	for _, m := range r.After.Events {
		if e, err := event.Parse(m.Message); err == nil {
			all = append(all, e)
		}
	}
	return all
}

func has(r *result, typ event.Type, id string) bool {
	return slices.ContainsFunc(events(r), func(e event.Event) bool { return e.Type == typ && (id == "" || e.PayloadID == id) })
}

func (s *scene) allVerdicts(want pipeline.Verdict) string {
	for i, o := range s.ours.outcomes {
		if o.Verdict != want {
			return fmt.Sprintf("message %d: %s", i, o.Verdict)
		}
	}
	return ""
}

// buried: those messages are dead letters with an event, and no other is.
func (s *scene) buried(is func(string) bool) string {
	for i, body := range s.step.Bodies {
		if want := is(body) || notAPayload(body); (s.ours.outcomes[i].Verdict == pipeline.DeadLetter) != want {
			return fmt.Sprintf("message %d: %s: %v", i, s.ours.outcomes[i].Verdict, s.ours.outcomes[i].Err)
		}
	}
	if !has(s.ours, event.ExtractFailed, "") && !has(s.ours, event.NotAPayload, "") {
		return "no event tells of it"
	}
	return ""
}

func (s *scene) namesOfTheARNsRegion() string {
	for _, r := range records(s.ours) {
		last := len(r.Executions) - 1
		var urls []string
		for _, arn := range r.Executions[:last] {
			urls = append(urls, "https://us-east-1.console.aws.amazon.com/states/home?region=us-east-1#/v2/executions/details/"+arn)
		}
		if name := payload.ExecutionNameFromURLs(r.ID.String(), urls); !strings.HasSuffix(r.LastExecution(), ":"+name) {
			return r.LastExecution() + ", want " + name
		}
	}
	return ""
}

func (s *scene) skippedAfterStart() string {
	want := event.AlreadyFailed
	if s.injected().beforeStart == "ABORTED" {
		want = event.AlreadyAborted
	}
	for _, body := range s.step.Bodies {
		if !has(s.ours, want, bodyID(body)) {
			return "no event tells of " + bodyID(body)
		}
	}
	return s.allVerdicts(pipeline.Done)
}

func (s *scene) leftForLater() string {
	for _, body := range s.step.Bodies {
		if r := record(s.ours, bodyID(body)); r != nil && r.State() != statedb.Claimed {
			return fmt.Sprintf("%s is %s", r.ID, r.State())
		}
	}
	return s.allVerdicts(pipeline.Retry)
}

// recoversSecond: a claimed record names more than one execution, or another worker's.
func (s *scene) recoversSecond() bool {
	return s.injected().beforeClaim == "CLAIMED" || slices.ContainsFunc(s.before(), func(r statedb.Record) bool {
		return r.State() == statedb.Claimed && len(r.Executions) > 1 &&
			s.anyBody(func(body string) bool { return bodyID(body) == r.ID.String() })
	})
}

func (s *scene) recoveredLast() string {
	for _, e := range events(s.ours) {
		r := record(s.ours, e.PayloadID)
		if e.Type != event.StartedProcessing || r == nil {
			continue
		}
		_, name := payload.CutExecutionARN(r.LastExecution())
		if orEmpty(e.ExecutionARN) != r.LastExecution() || !strings.HasSuffix(e.InputURL, "/"+name+"/input.json") {
			return fmt.Sprintf("event %s, last execution %s", e.Message(), r.LastExecution())
		}
		if !slices.ContainsFunc(s.ours.After.Executions, func(x *execution) bool { return x.ARN == r.LastExecution() }) {
			return r.LastExecution() + " was not started"
		}
	}
	return ""
}

func (s *scene) keysOfTheirOwn() string {
	for _, body := range s.step.Bodies {
		if r := record(s.ours, bodyID(body)); r == nil || r.State() != statedb.Processing {
			return fmt.Sprintf("%s: %+v", bodyID(body), r)
		}
	}
	return s.allVerdicts(pipeline.Done)
}

func (s *scene) notReplaced() string {
	for i, body := range s.step.Bodies {
		if replaceNoBoolean(body) && s.ours.outcomes[i].Started != 0 {
			return bodyID(body) + " was started"
		}
	}
	return ""
}

// malformedRecord: a record that the original cannot read is there for one of the payloads.
func (s *scene) malformedRecord() bool { return s.theirs.Error != nil && len(s.malformed()) > 0 }

func (s *scene) malformed() []string {
	var all []string
	for _, r := range s.before() {
		if r.Check() != nil || !r.State().Known() || r.State() == statedb.Claimed && len(r.Executions) == 0 {
			all = append(all, r.ID.String())
		}
	}
	return all
}

func (s *scene) malformedAlone() string {
	for i, body := range s.step.Bodies {
		want := pipeline.Done
		if slices.Contains(s.malformed(), bodyID(body)) {
			want = pipeline.DeadLetter
		}
		if got := s.ours.outcomes[i].Verdict; got != want {
			return fmt.Sprintf("%s: %s, want %s", bodyID(body), got, want)
		}
	}
	return ""
}

// unreadablePoisons: the original fails, has done nothing for any payload, and one body cannot be read.
func (s *scene) unreadablePoisons() bool {
	return s.theirs.Error != nil && len(s.theirs.After.Events) == 0 && s.anyBody(unreadable)
}

func (s *scene) noMachineBuried() string {
	for i, body := range s.step.Bodies {
		id := bodyID(body)
		if id == "" {
			continue
		}
		r, before := record(s.ours, id), record(s.theirs, id)
		if before == nil || before.LastError == nil || !strings.Contains(*before.LastError, "StateMachineDoesNotExist") {
			continue
		}
		if r == nil || r.State() != statedb.Failed || r.LastError == nil || *r.LastError != *before.LastError || !has(s.ours, event.Failed, id) {
			return fmt.Sprintf("%s: %+v", id, r)
		}
		first := slices.IndexFunc(s.step.Bodies, func(b string) bool { return bodyID(b) == id }) == i
		if first && s.ours.outcomes[i].Verdict != pipeline.DeadLetter {
			return fmt.Sprintf("message %d: %s", i, s.ours.outcomes[i].Verdict)
		}
	}
	return ""
}

func (s *scene) keysWhole() string {
	for _, body := range s.step.Bodies {
		r := record(s.ours, bodyID(body))
		if r == nil {
			return bodyID(body) + " has no record"
		}
		_, name := payload.CutExecutionARN(r.LastExecution())
		if _, found := s.ours.After.Objects[s.world.layout.Input(bodyID(body), name).Key]; !found {
			return "no object with the whole key of " + bodyID(body)
		}
	}
	return ""
}

var updateRules = []rule{
	{3, (*scene).notHeld, (*scene).nothingChanged},
	{15, func(s *scene) bool { return strings.HasSuffix(lastError(s.theirs, s), ": unknown") }, func(s *scene) string {
		if cause := gjson.GetBytes(s.step.Event, "detail.cause").String(); !strings.HasSuffix(lastError(s.ours, s), ": "+cause) {
			return lastError(s.ours, s)
		}
		return ""
	}},
	{12, func(s *scene) bool {
		return s.theirs.Error != nil && s.theirs.Error.Type == "JsonPathParserError" || slices.ContainsFunc(s.theirs.Queued, withoutFeatures)
	}, (*scene).nothingEmptyQueued},
	{13, func(s *scene) bool { return s.chainsByFilter() && (s.failedTooLate() || s.theirs.Error == nil) }, (*scene).chainedAsFiltersSay},
	{11, func(s *scene) bool { return !s.chainsByFilter() && s.failedTooLate() }, (*scene).publishedAll},
	{14, func(s *scene) bool {
		return s.theirs.Error != nil && strings.HasPrefix(s.theirs.Error.Message, "Failed to parse event")
	}, (*scene).ended},
}

func (s *scene) completedID() string {
	input := gjson.GetBytes(s.step.Event, "detail.input").String()
	if id := bodyID(input); id != "" {
		return id
	}
	if x := s.world.executions[s.completed()]; x != nil {
		return bodyID(x.Input)
	}
	return ""
}

func (s *scene) completed() string {
	return gjson.GetBytes(s.step.Event, "detail.executionArn").String()
}

func lastError(r *result, s *scene) string {
	if found := record(r, s.completedID()); found != nil {
		return orEmpty(found.LastError)
	}
	return ""
}

// notHeld: there is a record, and another execution than the one that ended holds it, or none does.
func (s *scene) notHeld() bool {
	for _, r := range s.before() {
		if r.ID.String() == s.completedID() {
			return !r.HeldBy(s.completed())
		}
	}
	return false
}

func (s *scene) nothingChanged() string {
	switch {
	case s.ours.err != nil:
		return s.ours.err.Error()
	case s.ours.applied || len(s.ours.After.Events)+len(s.ours.After.Items)+len(s.ours.Queued) > 0:
		return "the completion was applied"
	}
	for _, r := range s.before() {
		if now := record(s.ours, r.ID.String()); now == nil || now.StateUpdated != r.StateUpdated {
			return fmt.Sprintf("%s changed: %+v", r.ID, now)
		}
	}
	return ""
}

// failedTooLate: the original failed after it had written that the payload succeeded.
func (s *scene) failedTooLate() bool {
	r := record(s.theirs, s.completedID())
	return s.theirs.Error != nil && r != nil && r.State() == statedb.Succeeded
}

func (s *scene) output() gjson.Result {
	return gjson.Parse(gjson.GetBytes(s.step.Event, "detail.output").String())
}

// branches are the definitions that follow.
func (s *scene) branches() []gjson.Result {
	next := s.output().Get("process.1")
	if next.IsArray() {
		return next.Array()
	}
	return []gjson.Result{next}
}

func (s *scene) chainsByFilter() bool {
	return slices.ContainsFunc(s.branches(), func(d gjson.Result) bool { return d.Get("chain_filter").String() != "" })
}

// chainedAsFiltersSay compares what was sent with what the oracle keeps, where it knows the filter.
func (s *scene) chainedAsFiltersSay() string {
	var want []string
	for _, branch := range s.branches() {
		kept := 0
		for _, feature := range s.output().Get("features").Array() {
			says := verdict{known: true, keeps: true}
			if filter := branch.Get("chain_filter").String(); filter != "" {
				says = oracle(filter, json.RawMessage(feature.Raw))
			}
			if !says.known {
				return s.publishedAll()
			}
			if says.keeps {
				kept++
			}
		}
		if kept > 0 {
			want = append(want, fmt.Sprintf("%s: %d", branch.Get("workflow"), kept))
		}
	}
	var got []string
	for _, sent := range s.ours.Queued {
		got = append(got, fmt.Sprintf("%s: %d", gjson.Get(sent, "process.0.workflow"), gjson.Get(sent, "features.#").Int()))
	}
	if !slices.Equal(got, want) {
		return fmt.Sprintf("sent %v, want %v", got, want)
	}
	return s.publishedAll()
}

func (s *scene) publishedAll() string {
	features := s.output().Get("features.#").Int()
	if r := record(s.ours, s.completedID()); r == nil || r.State() != statedb.Succeeded || int64(len(s.ours.After.Items)) != features {
		return fmt.Sprintf("%d of %d Items, record %+v", len(s.ours.After.Items), features, r)
	}
	return ""
}

func withoutFeatures(body string) bool { return gjson.Get(body, "features.#").Int() == 0 }

func (s *scene) nothingEmptyQueued() string {
	r := record(s.ours, s.completedID())
	switch {
	case r == nil || r.State() != statedb.Succeeded:
		return fmt.Sprintf("record %+v", r)
	case slices.ContainsFunc(s.ours.Queued, withoutFeatures):
		return "an empty payload was sent"
	case !has(s.ours, event.ChainedNothing, s.completedID()):
		return "no event tells of it"
	}
	kept := slices.DeleteFunc(slices.Clone(s.theirs.Queued), withoutFeatures)
	if lines(kept, canonical) != lines(s.ours.Queued, canonical) {
		return "other payloads than theirs were sent"
	}
	return ""
}

// ended: the record has ended, with a reason unless the execution was aborted or its output could be read after all.
func (s *scene) ended() string {
	r := record(s.ours, s.completedID())
	if r == nil || r.State().Open() {
		return fmt.Sprintf("record %+v", r)
	}
	if r.State() == statedb.Failed && orEmpty(r.LastError) == "" {
		return "no reason"
	}
	return ""
}
