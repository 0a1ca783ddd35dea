package project

import (
	"regexp"
	"strings"
)

// MapRun is the action of a distributed Map state: it starts executions of the workflow that it is part of.
const MapRun = "map-run"

// JobQueue is the kind of reference to a queue of batch jobs, which projects do not declare.
const JobQueue = "job-queue"

// Call is a call of a service by a state of a workflow.
type Call struct {
	// Action is what the Resource of the state names, without the pattern: lambda:invoke, aws-sdk:sqs:sendMessage, s3:getObject; or MapRun.
	// A Resource that is the ARN of a function is lambda:invoke.
	Action  string
	Pattern string // sync, sync:2, waitForTaskToken, or empty
	// References are what the call names; none where the name is computed when the state runs.
	References []Reference
}

// Reference is a name in the definition of a workflow.
type Reference struct {
	Kind    string // function, job, queue, topic, connection, workflow, table, or JobQueue
	Name    string // without what an ARN has before it
	At, End int    // where the value stands in the Definition, in bytes, its quotes included
}

// mention returns what an argument names whose value is known before the state runs, or nothing.
func mention(doc *document, at *node, kind string, patterns ...*regexp.Regexp) []Reference {
	if at.value() == "" || strings.HasPrefix(at.text, "{%") {
		return nil
	}
	name := at.text
	for _, p := range patterns {
		if m := p.FindStringSubmatch(at.text); m != nil {
			name = m[1]
			break
		}
	}
	return []Reference{{Kind: kind, Name: name, At: at.offset, End: endOfString(doc.text, at.offset)}}
}

// endOfString is the offset after the JSON string that begins at an offset.
func endOfString(text []byte, at int) int {
	for i := at + 1; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(text)
}
