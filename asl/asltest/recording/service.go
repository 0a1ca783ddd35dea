package recording

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"time"

	"sundog/asl"
	"sundog/asl/asltest"
)

// A Call is a call of a service that AWS recorded.
type Call struct {
	State        string
	Via          string // who calls: Task, LambdaFunction or Activity
	Resource     string // with the Via Task the name of the action, otherwise an ARN
	ResourceType string
	Region       string
	Input        any             // the parameters
	Timeout      json.Number     `json:"timeoutInSeconds"`   // empty: none
	Heartbeat    json.Number     `json:"heartbeatInSeconds"` // empty: none
	Credentials  any             `json:"taskCredentials"`
	Submitted    json.RawMessage // the first answer of one that is not answered at once
	Outcome      struct {
		Type         string // of the event that ended it
		Output       json.RawMessage
		Error, Cause string
	}
}

// Services answer the tasks of one execution. They are safe for concurrent use.
type Services struct {
	c *Case
	m *Matcher

	mu   sync.Mutex
	used []bool
}

// Services returns the services of the case, which have answered nothing yet. The matcher is that of the whole execution.
func (c *Case) Services(m *Matcher) *Services {
	return &Services{c: c, m: m, used: make([]bool, len(c.Mocks.Tasks))}
}

// Answer finds what the service did when it was asked. A recorded call answers one task. One that nobody recorded is an error.
func (s *Services) Answer(task asl.Task) (asltest.Answer, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var reasons []string
	for i := range s.c.Mocks.Tasks {
		call := &s.c.Mocks.Tasks[i]
		if s.used[i] {
			continue
		}
		if d := s.differ(call, task); d != "" {
			reasons = append(reasons, d)
			continue
		}
		s.used[i] = true
		return s.c.answer(call), nil
	}
	if a, ok := s.c.invoke(task); ok {
		return a, nil
	}
	return asltest.Answer{}, fmt.Errorf("nobody answers the task %s of %s with %s:\n%s",
		task.Resource, task.State, task.Parameters.Bytes(), strings.Join(reasons, "\n"))
}

// differ says in what a task is not the one of a recorded call.
func (s *Services) differ(call *Call, task asl.Task) string {
	resource := call.Resource
	if call.ResourceType != "" {
		resource = "arn:aws:states:::" + call.ResourceType + ":" + call.Resource
	}
	switch {
	case call.State != "" && call.State != task.State:
		return "it is of the state " + call.State
	case resource != task.Resource:
		return "it is of " + resource
	case seconds(call.Timeout) != task.Timeout || seconds(call.Heartbeat) != task.Heartbeat:
		return fmt.Sprintf("it has the times %q and %q, want %v and %v", call.Timeout, call.Heartbeat, task.Timeout, task.Heartbeat)
	}
	var credentials any
	if task.Credentials != nil {
		given, _ := task.Credentials.Get().(map[string]any)
		credentials = map[string]any{"roleArn": given["RoleArn"]}
	}
	if d := s.m.Differ("credentials", call.Credentials, credentials); d != "" {
		return d
	}
	return s.m.Differ("parameters", call.Input, task.Parameters.Get())
}

func seconds(n json.Number) time.Duration {
	if n == "" {
		return 0
	}
	whole, err := n.Int64()
	if err != nil {
		return -1
	}
	return time.Duration(whole) * time.Second
}

// answer is what the service did.
func (c *Case) answer(call *Call) asltest.Answer {
	a := asltest.Answer{Started: true}
	if call.Via == "Activity" {
		a.Worker = c.worker()
	}
	if call.Submitted != nil {
		a.Submitted = asl.Raw(call.Submitted)
	}
	switch {
	case strings.HasSuffix(call.Outcome.Type, "Succeeded"):
		a.Output = asl.Raw(call.Outcome.Output)
	case strings.HasSuffix(call.Outcome.Type, "Failed"):
		a.Failed, a.Error, a.Cause = true, call.Outcome.Error, call.Outcome.Cause
	}
	return a
}

// worker is the name of the activity worker that took part.
func (c *Case) worker() string {
	for _, e := range c.Expected.Events {
		if name, ok := e["workerName"].(string); ok {
			return name
		}
	}
	return ""
}

// Unanswered lists the recorded calls that nobody made.
func (s *Services) Unanswered() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var missing []string
	for i, call := range s.c.Mocks.Tasks {
		if !s.used[i] {
			missing = append(missing, fmt.Sprintf("nobody called %s %s of the state %s with %s", call.ResourceType, call.Resource, call.State, Short(call.Input)))
		}
	}
	return missing
}
