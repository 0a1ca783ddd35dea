// Package recording plays recorded executions: it reads what AWS Step Functions was seen to do with a definition and an input, answers the
// tasks as the services did, and says in what an execution of ours differs. The interpreter and the engine are judged by the same cases.
//
// # Promises
//
//   - Everything that was recorded is compared: status, output, error and cause, and where there is a history every event of it with all
//     details, its number and the number of the event before.
//   - A difference is excused only by what the case itself says: a placeholder, or an order that was lost when it was recorded.
//   - A task is answered by the recorded call of its resource, state, parameters, time-outs and credentials, and by no other. A recorded
//     call that nobody makes is a difference.
package recording

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"sundog/asl"
	"sundog/asl/asltest"
)

// A Case is one execution that AWS carried out, and what came of it.
type Case struct {
	Name       string
	Area       string   // what it is about
	Type       string   // STANDARD or EXPRESS
	Features   []string // of the States Language that it uses
	Definition json.RawMessage
	Input      json.RawMessage
	Mocks      struct {
		Tasks   []Call
		Lambda  map[string]Function
		Actions []Action
		S3      []Object
	}
	Expected Expected
	Source   struct{ Recorded string }
}

// An Action is a call of the API from outside while the execution ran.
type Action struct {
	Call string // StopExecution is the only one that tells on the execution
	When string // in words
}

// An Object is an object of S3 that the execution read. What was no text is in Base64, behind base64:.
type Object struct{ Bucket, Key, Body string }

// Expected is what AWS showed.
type Expected struct {
	Status         asl.Status
	Output         json.RawMessage // nil: none
	OutputText     *string         `json:"output_text"` // AWS's own text of it, when it is no object
	Error          *string
	Cause          *string
	Events         []map[string]any // nil: the history was not recorded
	EventOrder     string           `json:"event_order"` // exact, concurrent, or parallel_sorted
	Wildcards      []string         // texts that stand for any other
	WildcardTokens []string         `json:"wildcard_tokens"` // parts of texts that do
}

// Executions reads the cases in the files *.json of a folder, each an array, in the order of the files. Entries of other kinds are passed
// over. A folder without any case is an error.
func Executions(folder string) ([]*Case, error) {
	files, err := filepath.Glob(filepath.Join(folder, "*.json"))
	if err != nil {
		return nil, fmt.Errorf("looking for recordings in %s: %w", folder, err)
	}
	var all []*Case
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("reading recordings: %w", err)
		}
		var entries []json.RawMessage
		if err := Decode(text, &entries); err != nil {
			return nil, fmt.Errorf("reading recordings of %s: %w", file, err)
		}
		for _, entry := range entries {
			var kind struct{ Kind string }
			if err := Decode(entry, &kind); err != nil {
				return nil, fmt.Errorf("reading recordings of %s: %w", file, err)
			}
			if kind.Kind != "execution" {
				continue
			}
			c := &Case{}
			if err := Decode(entry, c); err != nil {
				return nil, fmt.Errorf("reading recordings of %s: %w", file, err)
			}
			all = append(all, c)
		}
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("%s has no recorded executions", folder)
	}
	return all, nil
}

// Decode decodes JSON; numbers that go into an any keep their text.
func Decode(text []byte, into any) error {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	return dec.Decode(into)
}

// Title is the area and what is left of the name without the module in which it was recorded.
func (c *Case) Title() string {
	_, name, _ := strings.Cut(c.Name, "::")
	return c.Area + "/" + name
}

// Express says whether the state machine is an Express one.
func (c *Case) Express() bool { return c.Type == "EXPRESS" }

// Uses says whether the case uses a feature.
func (c *Case) Uses(feature string) bool { return slices.Contains(c.Features, feature) }

// Parse parses the definition.
func (c *Case) Parse() (*asl.Machine, error) {
	if c.Express() {
		return asl.ParseExpress(c.Definition)
	}
	return asl.Parse(c.Definition)
}

// Stopped says whether somebody stopped the execution while it ran.
func (c *Case) Stopped() bool {
	return slices.ContainsFunc(c.Mocks.Actions, func(a Action) bool { return a.Call == "StopExecution" })
}

// Who and where the recorded executions were. Names that a case makes use of have placeholders.
const (
	Account = "111111111111"
	Region  = "us-east-1"
)

// roleToken stands for the role of the state machine in the recordings.
const roleToken = "snf_role_arn"

// Begin is when the cases are played. None depends on it, but some have dates that must have passed.
func Begin() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 678e6, time.UTC) }

// Identity is who the execution of the case is.
func (c *Case) Identity() asl.Identity {
	id := asl.Identity{
		ARN: "arn:aws:states:" + Region + ":" + Account + ":execution:machine:execution", Name: "execution",
		RoleARN: "arn:aws:iam::" + Account + ":role/machine", MachineARN: "arn:aws:states:" + Region + ":" + Account + ":stateMachine:machine", MachineName: "machine",
		Region: Region, Account: Account, Express: c.Express(),
	}
	if c.Express() {
		id.ARN = "arn:aws:states:" + Region + ":" + Account + ":express:machine:execution:0"
	}
	return id
}

// Objects are the objects of S3. The recordings have a placeholder for each ETag, which is therefore that of the object.
func (c *Case) Objects() (*asltest.Objects, error) {
	all := &asltest.Objects{}
	for _, o := range c.Mocks.S3 {
		body := []byte(o.Body)
		if encoded, ok := strings.CutPrefix(o.Body, "base64:"); ok {
			var err error
			if body, err = base64.StdEncoding.DecodeString(encoded); err != nil {
				return nil, fmt.Errorf("reading the object %s of %s: %w", o.Key, c.Name, err)
			}
		}
		all.Add(o.Bucket, o.Key, asltest.StoredObject{Body: body, ETag: "<Etag-" + o.Key + ">"})
	}
	return all, nil
}

// redriveCounted is when AWS added RedriveCount to the context object.
//
// variablesCame is when it came with variables. Before, the exit of a distributed Map state followed the success of its run; now it follows
// the run's start.
var (
	redriveCounted = time.Date(2023, 11, 15, 0, 0, 0, 0, time.UTC)
	variablesCame  = time.Date(2024, 11, 1, 0, 0, 0, 0, time.UTC)
)

// Matcher returns what compares values with those of the case. Role is the ARN that the execution has for its role.
func (c *Case) Matcher(role string) *Matcher {
	m := NewMatcher(c.Expected.Wildcards, append([]string{roleToken}, c.Expected.WildcardTokens...))
	m.bound[roleToken] = role
	recorded, err := time.Parse("02-01-2006, 15:04:05", c.Source.Recorded)
	if err == nil && recorded.Before(redriveCounted) {
		m.ignored = "RedriveCount"
	}
	m.runFirst = err == nil && recorded.Before(variablesCame)
	return m
}
