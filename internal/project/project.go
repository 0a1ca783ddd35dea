// Package project owns sundog.yaml: what a project file may say, what it means, and every complaint about it.
//
// Load reads a project folder and returns either a Project in which everything has been checked and every reference resolves,
// or Diagnostics that name all problems with file, line, column and what to do about them. Nothing is guessed: a field that is not
// known, a number out of bounds or a file that is not there is an error. Secrets are read once, at load, and print as dots.
package project

import (
	"net/netip"
	"slices"
	"time"

	"sundog/internal/schedule"
	"sundog/internal/table"
)

// FileName is the name of the project file in its folder.
const FileName = "sundog.yaml"

// Project is a checked project. Slices are in the order of the file. Paths are absolute.
type Project struct {
	Dir     string // the project folder
	Name    string // letters, digits, '-' and '_', at most 64; the folder's name when the file gives none
	Region  string // shows in ARNs; us-east-1
	Account string // shows in ARNs, twelve digits; 000000000000

	Workflows     []Workflow
	Functions     []Function
	Jobs          []Job
	Subscriptions []Subscription
	Queues        []string // beside the process queue and those of subscriptions; letters, digits, '-' and '_', at most 80
	Topics        []string // beside publish, workflow-event, default and those of subscriptions; the same alphabet, at most 256
	Connections   []Connection
	Schedules     []Schedule
	Tables        []table.Schema // names, keys, indexes, TTL and stream
	Resources     []Resource
	Triggers      []Trigger // filters and templates of inputs are valid
	Lanes         []Lane    // in order of priority: live, bulk
	Process       Process
	Limits        Limits
	Retention     Retention
	Egress        []netip.Prefix // addresses that requests of schedules may go to although they are this machine's, link-local or metadata addresses
	Catalog       Catalog
}

// Workflow is a state machine.
type Workflow struct {
	Name       string // letters, digits, '-' and '.', at most 80; no '_', at which partition keys of records are split
	Type       string // STANDARD (the default) or EXPRESS
	File       string // the definition file, relative to the project folder
	Definition []byte // JSON, whatever the file is written in; valid
	Calls      []Call // what its states call, in no particular order
}

// FunctionKind is how a function is called.
type FunctionKind string

// The kinds of functions.
const (
	Lambda  FunctionKind = "lambda"  // a long-lived process that speaks the Lambda Runtime API
	Command FunctionKind = "command" // a process per call: JSON in, JSON out
	HTTP    FunctionKind = "http"    // a POST of the event
	Builtin FunctionKind = "builtin" // a part of Sundog
)

// Function is something that a Task state can invoke by name.
type Function struct {
	Name        string        // letters, digits, '-' and '_', at most 64
	Kind        FunctionKind  //
	Command     []string      // lambda, command: the argument vector; its first word is absolute or found in PATH
	Dir         string        // lambda, command: the working directory; the project folder by default
	Env         Env           // lambda, command
	URL         string        // http
	Builtin     string        // builtin: one of Builtins
	Timeout     time.Duration // of a call, 1 s to 15 min; 60 s by default
	Concurrency int           // calls at one time, 1 to 10,000; 10 by default; a builtin's is 0, no bound, by default
	Build       *Build        // lambda, command: how to make the program; nil when there is nothing to make
}

// Builtins returns the names of the functions that are part of Sundog.
func Builtins() []string { return []string{"publish", "pre-batch", "post-batch", "echo"} }

// Job is a batch job: a command that a Task state submits with parameters.
type Job struct {
	Name        string        // letters, digits, '-' and '_', at most 128
	Command     []string      // the argument vector, with Ref::name where a parameter goes
	Dir         string        // the working directory; the project folder by default
	Env         Env           //
	Attempts    int           // 1 to 10; 1 by default
	Timeout     time.Duration // of an attempt, 1 s to 14 d; 1 h by default
	Concurrency int           // jobs at one time, 1 to 10,000; 4 by default
}

// Subscription takes the messages of a topic to one target: exactly one of File, Queue, Function and Webhook is set.
type Subscription struct {
	Name        string // letters, digits, '-' and '_', at most 64
	Topic       string // the same alphabet, at most 256: publish, workflow-event, or a topic of the project's own
	File        string // a file that gets one line of JSON per message; absolute
	Queue       string // the name of a queue
	Function    string // the name of a function of this project
	Webhook     *Webhook
	Filter      []byte // SNS filter policy as JSON; nil: every message
	FilterScope string // attributes (the default) or body: what the policy looks at
}

// Webhook is an HTTP endpoint that receives messages.
type Webhook struct {
	URL    string // http or https
	Secret Secret // signs the messages; empty: they are not signed
}

// Connection is how requests of the integration http:invoke show who they come from. At most one of Basic, APIKey and OAuth is set.
type Connection struct {
	Name   string // letters, digits, '-' and '_', at most 64
	Basic  *BasicAuth
	APIKey *APIKeyAuth
	OAuth  *OAuth
	// Headers, Query and Body are added to each request, in place of what it has of the same names.
	Headers, Query, Body Secrets
}

// BasicAuth is HTTP's basic authentication.
type BasicAuth struct {
	Username string
	Password Secret
}

// APIKeyAuth is a header with a key.
type APIKeyAuth struct {
	Header string
	Value  Secret
}

// OAuth gets tokens for client credentials (RFC 6749, section 4.4).
type OAuth struct {
	TokenURL     string // http or https
	ClientID     string
	ClientSecret Secret
	Scope        string  // or empty
	Body         Secrets // added to the form that asks for a token, such as an audience
}

// Schedule is something that the platform does at its times.
type Schedule struct {
	Name  string         // letters, digits, '-' and '_', at most 64
	Draft schedule.Draft // checked; its Name is that of the schedule, and it has no Key
}

// Lane is a class of payloads with a bound of its own.
type Lane struct {
	Name        string // live or bulk
	Concurrency int    // open executions that came through the lane, 1 to 100,000; live 256, bulk 64 by default
}

// Process says how the process queue treats its messages.
type Process struct {
	VisibilityTimeout time.Duration // until a message that was not finished is handed out again, 1 s to 12 h; 60 s by default
	MaxReceives       int           // times it is handed out before it becomes a dead letter, 1 to 1,000; 5 by default
}

// Limits are the bounds of what comes in, and of executions. Those of executions are AWS's by default (Developer Guide, "Step Functions service
// quotas").
type Limits struct {
	PayloadBytes   int // of one payload, 1,024 to 67,108,864; 262,144 by default
	InputBytes     int // of the input of an execution, 1,024 to 67,108,864; 262,144 by default
	DataBytes      int // of the input, output or result of a state, 1,024 to 67,108,864; 262,144 by default
	HistoryEvents  int // of one execution, 100 to 1,000,000; 25,000 by default
	MapConcurrency int // iterations of an inline Map state that run at one time, 1 to 10,000; 40 by default
	// RequestsPerSecond is how many HTTP requests each token, or each address without one, may send in the long run, 1 to 1,000,000;
	// 20,000 by default. Twice as many may come at once.
	RequestsPerSecond int
}

// Catalog describes the root of the published catalog.
type Catalog struct {
	ID          string // the project's name by default
	Title       string // the ID by default
	Description string // a plain sentence by default: STAC wants one
}

// Default returns an empty project in a folder: every default, no workflows.
func Default(dir, name string) *Project {
	return &Project{
		Dir:     dir,
		Name:    name,
		Region:  "us-east-1",
		Account: "000000000000",
		Lanes:   []Lane{{"live", 256}, {"bulk", 64}},
		Process: Process{VisibilityTimeout: time.Minute, MaxReceives: 5},
		Limits:  Limits{PayloadBytes: 256 << 10, InputBytes: 256 << 10, DataBytes: 256 << 10, HistoryEvents: 25_000, MapConcurrency: 40, RequestsPerSecond: 20_000},

		Retention: defaultRetention(),
		Catalog:   defaultCatalog(name),
	}
}

func defaultCatalog(name string) Catalog {
	return Catalog{ID: name, Title: name, Description: "Items published by " + name + "."}
}

// Workflow returns a workflow by name.
func (p *Project) Workflow(name string) (Workflow, bool) {
	return find(p.Workflows, func(w Workflow) bool { return w.Name == name })
}

// Function returns a function by name.
func (p *Project) Function(name string) (Function, bool) {
	return find(p.Functions, func(f Function) bool { return f.Name == name })
}

// Job returns a job by name.
func (p *Project) Job(name string) (Job, bool) {
	return find(p.Jobs, func(j Job) bool { return j.Name == name })
}

func find[T any](list []T, match func(T) bool) (T, bool) {
	if i := slices.IndexFunc(list, match); i >= 0 {
		return list[i], true
	}
	var none T
	return none, false
}
