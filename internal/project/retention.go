package project

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"go.yaml.in/yaml/v3"
)

// Retention says how long things are kept after they have ended or last changed.
type Retention struct {
	// Records is for those that have ended, by state: SUCCEEDED, FAILED, INVALID, ABORTED. 1 h to 100 years; a state that is missing, or
	// zero, is kept for good, which is the default. The executions and stored payloads of a record go with it.
	Records map[string]time.Duration
	// Workflows are exceptions from Records, by workflow and state.
	Workflows map[string]map[string]time.Duration
	// Executions is for the histories and documents of ended executions, whatever their record; 90 d by default, as on AWS.
	Executions time.Duration
	// ByWorkflow are exceptions from Executions.
	ByWorkflow map[string]time.Duration
	Temporary  time.Duration // payloads below tmp/, and in the exchange; 10 d by default
	Logs       time.Duration // of functions and jobs; 30 d by default
	Audit      time.Duration // entries of the audit log; 365 d by default
}

const (
	day          = 24 * time.Hour
	minRetention = time.Hour // longer than anything that is under way
	maxRetention = 36_500 * day
)

func defaultRetention() Retention {
	return Retention{Executions: 90 * day, Temporary: 10 * day, Logs: 30 * day, Audit: 365 * day}
}

// Record is how long the records of a workflow in a state are kept, zero for good.
func (r Retention) Record(workflow, state string) time.Duration {
	if keep, exception := r.Workflows[workflow][state]; exception {
		return keep
	}
	return r.Records[state]
}

// Execution is how long the ended executions of a workflow are kept.
func (r Retention) Execution(workflow string) time.Duration {
	if keep, exception := r.ByWorkflow[workflow]; exception {
		return keep
	}
	return r.Executions
}

// endedStates are those whose records can go.
func endedStates() []string { return []string{"SUCCEEDED", "FAILED", "INVALID", "ABORTED"} }

func (l *loader) retention(n *yaml.Node) {
	r := &l.project.Retention
	l.object(n, "retention", fields{
		"records":    l.keep(&r.Records, "retention of records", fields{}),
		"workflows":  l.exceptions,
		"executions": l.duration(&r.Executions, "retention of executions", minRetention, maxRetention),
		"temporary":  l.duration(&r.Temporary, "retention of temporary payloads", minRetention, maxRetention),
		"logs":       l.duration(&r.Logs, "retention of logs", minRetention, maxRetention),
		"audit":      l.duration(&r.Audit, "retention of the audit log", minRetention, maxRetention),
	})
}

// keep reads durations by state. There may be other fields.
func (l *loader) keep(dst *map[string]time.Duration, name string, others fields) func(*yaml.Node) {
	return func(n *yaml.Node) {
		kept := map[string]time.Duration{}
		known := maps.Clone(others)
		for _, state := range endedStates() {
			known[state] = func(n *yaml.Node) {
				what := fmt.Sprintf("%s that are %s", name, state)
				if value := resolve(n); value.Kind == yaml.ScalarNode && value.Value == "forever" {
					kept[state] = 0
					return
				}
				var t time.Duration
				l.duration(&t, what, minRetention, maxRetention)(n)
				kept[state] = t
			}
		}
		l.object(n, name, known)
		*dst = kept
	}
}

// exceptions reads durations by workflow and state. The workflows are read later; their names are known.
func (l *loader) exceptions(n *yaml.Node) {
	r := &l.project.Retention
	l.entries(n, "retention of workflows", func(key, value *yaml.Node) {
		l.retained = append(l.retained, key)
		var kept map[string]time.Duration
		var executions time.Duration
		l.keep(&kept, "retention of records of "+key.Value, fields{
			"executions": l.duration(&executions, "retention of executions of "+key.Value, minRetention, maxRetention),
		})(value)
		if r.Workflows == nil {
			r.Workflows, r.ByWorkflow = map[string]map[string]time.Duration{}, map[string]time.Duration{}
		}
		r.Workflows[key.Value] = kept
		if executions > 0 {
			r.ByWorkflow[key.Value] = executions
		}
	})
}

// checkRetained reports exceptions for workflows that are not there.
func (l *loader) checkRetained() {
	for _, key := range l.retained {
		names := l.declared["workflow"]
		if slices.Contains(names, key.Value) {
			continue
		}
		hint := "name a workflow of this project"
		if near := nearest(key.Value, names); near != "" {
			hint = fmt.Sprintf("did you mean %q?", near)
		}
		l.errorf(key, hint, "retention names the workflow %q, which is declared nowhere", key.Value)
	}
}
