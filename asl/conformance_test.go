package asl_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"sundog/asl"
	"sundog/asl/asltest"
)

// A conformanceCase is one execution that AWS Step Functions carried out, and what came of it.
type conformanceCase struct {
	Name       string
	Kind       string
	Area       string
	Type       string
	Features   []string
	Definition json.RawMessage
	Input      json.RawMessage
	Mocks      struct {
		Tasks   []*taskMock
		Lambda  map[string]lambdaMock
		Actions []struct{ Call, When string }
		S3      []struct{ Bucket, Key, Body string }
	}
	Expected struct {
		Status         asl.Status
		Output         json.RawMessage
		Error          *string
		Cause          *string
		Events         []map[string]any
		EventOrder     string `json:"event_order"`
		Wildcards      []string
		WildcardTokens []string `json:"wildcard_tokens"`
	}
	Source struct{ Recorded string }
}

type taskMock struct {
	State, Via, Resource, ResourceType string
	Input                              any
	Submitted                          json.RawMessage
	Outcome                            struct {
		Type         string
		Output       json.RawMessage
		Error, Cause string
	}
	used bool
}

type lambdaMock struct {
	Behaviour    string
	Const        json.RawMessage
	ErrorType    string
	ErrorMessage string
	StackTrace   []string
	Seconds      int
	Size         int
}

// TestConformance plays the executions in the folder SUNDOG_ASL_CASES and compares them with what AWS did: once as they are, and once
// storing and reading back the execution after every step.
func TestConformance(t *testing.T) {
	folder := os.Getenv("SUNDOG_ASL_CASES")
	if folder == "" {
		t.Skip("SUNDOG_ASL_CASES names no folder with conformance cases")
	}
	files, err := filepath.Glob(filepath.Join(folder, "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases in %s: %v", folder, err)
	}
	type count struct{ passed, failed int }
	counts := map[string]*count{}
	for _, file := range files {
		var texts []json.RawMessage
		readJSON(t, file, &texts)
		for _, text := range texts {
			var kind struct{ Kind string }
			decodeInto(t, file, text, &kind)
			if kind.Kind != "execution" {
				continue
			}
			c := &conformanceCase{}
			decodeInto(t, file, text, c)
			n := counts[c.Area]
			if n == nil {
				n = &count{}
				counts[c.Area] = n
			}
			_, name, _ := strings.Cut(c.Name, "::")
			ok := t.Run(c.Area+"/"+name, func(t *testing.T) {
				c.play(t, false)
				if !t.Failed() {
					c.play(t, true)
				}
			})
			if ok {
				n.passed++
			} else {
				n.failed++
			}
		}
	}
	var total count
	for _, area := range slices.Sorted(maps.Keys(counts)) {
		n := counts[area]
		t.Logf("%-32s %4d passed %4d failed", area, n.passed, n.failed)
		total = count{total.passed + n.passed, total.failed + n.failed}
	}
	t.Logf("%-32s %4d passed %4d failed", "all", total.passed, total.failed)
}

func readJSON(t *testing.T, file string, into any) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	decodeInto(t, file, text, into)
}

func decodeInto(t *testing.T, file string, text []byte, into any) {
	t.Helper()
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	if err := dec.Decode(into); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
}

// play runs the case and compares the outcome.
func (c *conformanceCase) play(t *testing.T, stored bool) {
	t.Helper()
	parse := asl.Parse
	if c.Type == "EXPRESS" {
		parse = asl.ParseExpress
	}
	machine, err := parse(c.Definition)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range c.Mocks.Tasks {
		m.used = false
	}
	m := c.matcher()
	player := &asltest.Player{
		Machine: machine, Begin: time.Date(2026, 1, 2, 3, 4, 5, 678e6, time.UTC), Seed: 1,
		Identity: asl.Identity{
			ARN: "arn:aws:states:us-east-1:111111111111:execution:machine:execution", Name: "execution", RoleARN: "snf_role_arn",
			MachineARN: "arn:aws:states:us-east-1:111111111111:stateMachine:machine", MachineName: "machine",
			Region: "us-east-1", Account: "111111111111", Express: c.Type == "EXPRESS",
		},
		Work:    func(task asl.Task) asltest.Answer { return c.answer(t, m, task) },
		Objects: c.objects(t),
	}
	if player.Identity.Express {
		player.Identity.ARN = "arn:aws:states:us-east-1:111111111111:express:machine:execution:0"
	}
	for _, a := range c.Mocks.Actions {
		if a.Call == "StopExecution" {
			player.Calls = append(player.Calls, asltest.Call{Event: asl.StopRequested{}})
		}
	}
	if stored {
		player.Step, player.ChildStep = storing(machine), storing
	}
	played, err := player.Play(asl.Raw(c.Input))
	if errors.Is(err, asltest.ErrStuck) && c.Expected.Status == "" {
		return
	}
	if err != nil {
		t.Fatalf("stored=%v: %v", stored, err)
	}
	c.compare(t, m, played)
}

// storing stores an execution after every step and reads it back.
func storing(machine *asl.Machine) func(*asl.Execution, *asl.Effects) (*asl.Execution, error) {
	memory := asltest.NewMemory()
	return func(x *asl.Execution, e *asl.Effects) (*asl.Execution, error) {
		memory.Save(x)
		if e.End != nil {
			return x, nil
		}
		return memory.Load(machine)
	}
}

// objects are the objects of the case. The recordings have a placeholder for each ETag, which is therefore that of the object.
func (c *conformanceCase) objects(t *testing.T) *asltest.Objects {
	all := &asltest.Objects{}
	for _, o := range c.Mocks.S3 {
		body := []byte(o.Body)
		if encoded, ok := strings.CutPrefix(o.Body, "base64:"); ok {
			var err error
			if body, err = base64.StdEncoding.DecodeString(encoded); err != nil {
				t.Fatal(err)
			}
		}
		all.Add(o.Bucket, o.Key, asltest.StoredObject{Body: body, ETag: "<Etag-" + o.Key + ">"})
	}
	return all
}

// answer finds what the service did.
func (c *conformanceCase) answer(t *testing.T, m *matcher, task asl.Task) asltest.Answer {
	input := m.normalize(task.Parameters.Get())
	for _, mock := range c.Mocks.Tasks {
		if mock.used || mock.State != "" && mock.State != task.State || !strings.HasSuffix(task.Resource, mock.Resource) || m.differ("", mock.Input, input) != "" {
			continue
		}
		mock.used = true
		a := asltest.Answer{Started: true, Worker: c.worker()}
		if mock.Submitted != nil {
			a.Submitted = asl.Raw(mock.Submitted)
		}
		switch {
		case strings.HasSuffix(mock.Outcome.Type, "Succeeded"):
			a.Output = asl.Raw(mock.Outcome.Output)
		case strings.HasSuffix(mock.Outcome.Type, "Failed"):
			a.Failed, a.Error, a.Cause = true, mock.Outcome.Error, mock.Outcome.Cause
		}
		return a
	}
	if a, ok := c.callLambda(task); ok {
		return a
	}
	t.Errorf("nobody answers the task %s of %s with %s", task.Resource, task.State, task.Parameters.Bytes())
	return asltest.Answer{Started: true, Failed: true, Error: "NoMock"}
}

// worker is the name of the activity worker that took part.
func (c *conformanceCase) worker() string {
	for _, e := range c.Expected.Events {
		if name, ok := e["workerName"].(string); ok {
			return name
		}
	}
	return ""
}

// callLambda does what the function of a task does.
func (c *conformanceCase) callLambda(task asl.Task) (asltest.Answer, bool) {
	name, payload := task.Resource, task.Parameters
	invoked := strings.Contains(name, ":lambda:invoke")
	if invoked {
		params, _ := task.Parameters.Get().(map[string]any)
		name, _ = params["FunctionName"].(string)
		payload = asl.Value(params["Payload"])
	}
	f, ok := c.Mocks.Lambda[name[strings.LastIndexByte(name, ':')+1:]]
	if !ok {
		return asltest.Answer{}, false
	}
	a := asltest.Answer{Started: true, Output: payload}
	switch f.Behaviour {
	case "const":
		a.Output = asl.Raw(f.Const)
	case "raise":
		cause, _ := json.Marshal(map[string]any{
			"errorMessage": f.ErrorMessage, "errorType": f.ErrorType, "stackTrace": f.StackTrace, "requestId": "request-id",
		})
		return asltest.Answer{Started: true, Failed: true, Error: f.ErrorType, Cause: string(cause)}, true
	case "sleep":
		a.After = time.Duration(f.Seconds) * time.Second
	case "large":
		a.Output = asl.Value(strings.Repeat("a", f.Size))
	}
	if invoked {
		a.Output = invocation(a.Output)
	}
	return a, true
}

// invocation is what the Lambda integration returns for the result of a Python function.
func invocation(result *asl.Document) *asl.Document {
	compact, err := json.Marshal(result.Get())
	if err != nil {
		panic(err)
	}
	length, quoted := len(compact), false
	for i, c := range compact {
		switch {
		case c == '"' && (i == 0 || compact[i-1] != '\\'):
			quoted = !quoted
		case !quoted && (c == ',' || c == ':'):
			length++ // Python puts a space behind it
		}
	}
	one := map[string]any{
		"X-Amz-Executed-Version": "$LATEST", "x-amzn-Remapped-Content-Length": "0", "Connection": "keep-alive", "x-amzn-RequestId": "id",
		"Content-Length": fmt.Sprint(length), "Date": "today", "X-Amzn-Trace-Id": "trace", "Content-Type": "application/json",
	}
	all := map[string]any{}
	for name, value := range one {
		all[name] = []any{value}
	}
	return asl.Value(map[string]any{
		"ExecutedVersion": "$LATEST", "Payload": result.Get(), "StatusCode": json.Number("200"), "SdkResponseMetadata": map[string]any{"RequestId": "id"},
		"SdkHttpMetadata": map[string]any{"AllHttpHeaders": all, "HttpHeaders": one, "HttpStatusCode": json.Number("200")},
	})
}

// compare reports how an execution differs from AWS's.
func (c *conformanceCase) compare(t *testing.T, m *matcher, played *asltest.Played) {
	t.Helper()
	e := &c.Expected
	if e.Status != "" && played.End.Status != e.Status {
		t.Errorf("status %s, want %s (%s: %s)", played.End.Status, e.Status, played.End.Error, played.End.Cause)
	}
	if e.Output != nil && played.End.Output != nil {
		if d := m.differ("output", decode(e.Output), m.normalize(played.End.Output.Get())); d != "" {
			t.Error(d)
		}
	}
	if e.Error != nil {
		if d := m.differ("error", *e.Error, played.End.Error); d != "" {
			t.Error(d)
		}
	}
	if e.Cause != nil {
		if d := m.differ("cause", *e.Cause, played.End.Cause); d != "" {
			t.Error(d)
		}
	}
	got := make([]map[string]any, 0, len(played.History))
	for _, ev := range played.History {
		got = append(got, m.normalize(flatten(ev)).(map[string]any))
	}
	switch {
	case e.Events == nil:
	case e.EventOrder == "exact":
		m.exact(t, e.Events, got)
	default:
		m.concurrent(t, e.Events, got)
	}
	if t.Failed() {
		var b strings.Builder
		for _, ev := range got {
			text, _ := json.Marshal(ev)
			fmt.Fprintf(&b, "\n  %s", text[:min(len(text), 400)])
		}
		t.Logf("history:%s", b.String())
	}
}

func decode(text []byte) any { return asl.Raw(text).Get() }

// flatten gives an event the form of the cases.
func flatten(ev asl.HistoryEvent) map[string]any {
	d := ev.Details
	m := map[string]any{"id": num(ev.ID), "previousEventId": num(ev.Previous), "type": ev.Type}
	for name, s := range map[string]string{
		"name": d.Name, "resource": d.Resource, "resourceType": d.ResourceType, "region": d.Region, "workerName": d.WorkerName,
		"mapRunArn": d.MapRunARN, "state": d.State, "location": d.Location,
	} {
		if s != "" {
			m[name] = s
		}
	}
	for name, doc := range map[string]*asl.Document{"input": d.Input, "output": d.Output, "parameters": d.Parameters} {
		if doc != nil {
			m[name] = doc.Get()
		}
	}
	if d.Credentials != nil {
		m["taskCredentials"] = map[string]any{"roleArn": d.Credentials.Get().(map[string]any)["RoleArn"]}
	}
	for name, n := range map[string]int64{"timeoutInSeconds": d.TimeoutSeconds, "heartbeatInSeconds": d.HeartbeatSeconds} {
		if n != 0 {
			m[name] = num(n)
		}
	}
	if d.HasError {
		m["error"] = d.Error
	}
	if d.HasCause {
		m["cause"] = d.Cause
	}
	if strings.HasPrefix(ev.Type, "MapIteration") {
		m["index"] = num(d.Index)
	}
	if ev.Type == "MapStateStarted" {
		m["length"] = num(d.Length)
	}
	if len(d.AssignedVariables) > 0 {
		vars := map[string]any{}
		for name, text := range d.AssignedVariables {
			vars[name] = decode([]byte(text))
		}
		m["assignedVariables"] = vars
	}
	return m
}

func num(n int64) json.Number { return json.Number(fmt.Sprint(n)) }

// A matcher compares values with what was recorded, in which some strings stand for any.
type matcher struct {
	wildcards []string
	tokens    []string
	// old recordings are from before AWS added RedriveCount to the context object.
	old bool
	// runFirst recordings are from before AWS came with variables: then the exit of a distributed Map state followed the success of its
	// run, where it now follows the run's start.
	runFirst bool
}

func (c *conformanceCase) matcher() *matcher {
	m := &matcher{wildcards: c.Expected.Wildcards, tokens: c.Expected.WildcardTokens}
	recorded, err := time.Parse("02-01-2006, 15:04:05", c.Source.Recorded)
	m.old = err == nil && recorded.Before(time.Date(2023, 11, 15, 0, 0, 0, 0, time.UTC))
	m.runFirst = err == nil && recorded.Before(time.Date(2024, 11, 1, 0, 0, 0, 0, time.UTC))
	return m
}

// normalize takes out what AWS did not have when the case was recorded.
func (m *matcher) normalize(v any) any {
	if !m.old {
		return v
	}
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for name, value := range v {
			if name != "RedriveCount" {
				out[name] = m.normalize(value)
			}
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, value := range v {
			out[i] = m.normalize(value)
		}
		return out
	}
	return v
}

// differ says where two values differ, or "".
func (m *matcher) differ(at string, want, got any) string {
	switch w := want.(type) {
	case string:
		g, ok := got.(string)
		if ok && m.sameText(w, g) || slices.Contains(m.wildcards, w) || slices.Contains(m.tokens, w) {
			return ""
		}
	case json.Number:
		g, ok := got.(json.Number)
		if ok {
			a, _ := w.Float64()
			b, _ := g.Float64()
			if a == b {
				return ""
			}
		}
	case []any:
		g, ok := got.([]any)
		if ok && len(g) == len(w) {
			for i := range w {
				if d := m.differ(fmt.Sprintf("%s[%d]", at, i), w[i], g[i]); d != "" {
					return d
				}
			}
			return ""
		}
	case map[string]any:
		g, ok := got.(map[string]any)
		if !ok {
			break
		}
		for name := range g {
			if _, there := w[name]; !there {
				return fmt.Sprintf("%s.%s: %s is too much", at, name, short(g[name]))
			}
		}
		for name := range w {
			value, there := g[name]
			if !there {
				return fmt.Sprintf("%s.%s is missing, want %s", at, name, short(w[name]))
			}
			if d := m.differ(at+"."+name, w[name], value); d != "" {
				return d
			}
		}
		return ""
	default:
		if want == got {
			return ""
		}
	}
	return fmt.Sprintf("%s: got %s, want %s", at, short(got), short(want))
}

func short(v any) string {
	text, _ := json.Marshal(v)
	return string(text[:min(len(text), 700)])
}

// sameText compares strings; JSON texts as their values.
func (m *matcher) sameText(want, got string) bool {
	if want == got {
		return true
	}
	if strings.HasPrefix(want, "{") && json.Valid([]byte(want)) && json.Valid([]byte(got)) {
		return m.differ("", decode([]byte(want)), decode([]byte(got))) == ""
	}
	pattern := regexp.QuoteMeta(want)
	for _, token := range m.tokens {
		pattern = strings.ReplaceAll(pattern, regexp.QuoteMeta(token), "(?s:.+)")
	}
	return pattern != regexp.QuoteMeta(want) && regexp.MustCompile("^"+pattern+"$").MatchString(got)
}

// event compares two events without their numbers.
func (m *matcher) event(want, got map[string]any, numbers bool) string {
	w := maps.Clone(want)
	g := maps.Clone(got)
	for name := range w {
		if strings.HasSuffix(name, "_text") || strings.HasSuffix(name, "_was_parsed") {
			delete(w, name)
		}
	}
	if !numbers {
		for _, name := range []string{"id", "previousEventId"} {
			delete(w, name)
			delete(g, name)
		}
	}
	return m.differ("event", w, g)
}

// asToday gives the events of an older recording the order of today's.
func (m *matcher) asToday(events []map[string]any) []map[string]any {
	if !m.runFirst {
		return events
	}
	events = slices.Clone(events)
	for i, e := range events {
		j := slices.IndexFunc(events, func(other map[string]any) bool { return other["id"] == e["previousEventId"] })
		if e["type"] == "MapStateExited" && j >= 0 && events[j]["type"] == "MapRunSucceeded" {
			events[i] = maps.Clone(e)
			events[i]["previousEventId"] = events[j]["previousEventId"]
		}
	}
	return events
}

func (m *matcher) exact(t *testing.T, want, got []map[string]any) {
	t.Helper()
	want = m.asToday(want)
	for i := range max(len(want), len(got)) {
		switch {
		case i >= len(want):
			t.Errorf("event %d is too much: %s", i+1, short(got[i]))
			return
		case i >= len(got):
			t.Errorf("event %d is missing: %s", i+1, short(want[i]))
			return
		}
		if d := m.event(want[i], got[i], true); d != "" {
			t.Errorf("event %d: %s\n got %s\nwant %s", i+1, d, short(got[i]), short(want[i]))
			return
		}
	}
}

// concurrent compares histories in which the order of some events is a matter of chance. Events whose number was taken away in the
// recording may stand anywhere; the success or failure of a Parallel state was left out of it. Of the others the type of the
// event before must be the same.
func (m *matcher) concurrent(t *testing.T, want, got []map[string]any) {
	t.Helper()
	used := make([]bool, len(got))
	before := func(events []map[string]any, e map[string]any) any {
		for _, other := range events {
			if other["id"] == e["previousEventId"] {
				return other["type"]
			}
		}
		return nil
	}
	sorted := slices.ContainsFunc(want, func(e map[string]any) bool { return e["id"] == json.Number("0") })
next:
	for _, w := range want {
		loose := w["id"] == json.Number("0")
		for i, g := range got {
			if used[i] || m.event(w, g, sorted && !loose) != "" || !sorted && before(want, w) != before(got, g) {
				continue
			}
			used[i] = true
			continue next
		}
		t.Errorf("event is missing: %s", short(w))
	}
	for i, g := range got {
		if !used[i] && (!sorted || g["type"] != "ParallelStateSucceeded" && g["type"] != "ParallelStateFailed") {
			t.Errorf("event is too much: %s", short(g))
		}
	}
}
