package asl

import (
	"time"

	"sundog/itemreader"
)

// A Machine is a parsed definition. It is immutable and may be shared by any number of executions and goroutines.
type Machine struct {
	top      *flow
	states   []*state // every state of the machine, inner ones too; the index names a state in stored executions
	timeout  time.Duration
	warnings Diagnostics
	limits   Limits
}

// Limits are the service quotas that an execution keeps. A zero field has AWS's default.
type Limits struct {
	// DataBytes bounds inputs, outputs and results, in bytes of UTF-8 JSON text: 256 KiB.
	DataBytes int
	// HistoryEvents bounds the history of an execution: 25,000. An execution that reaches it fails.
	HistoryEvents int64
	// MapConcurrency bounds the iterations of an inline Map that run at one time: 40.
	MapConcurrency int
	// StepTransitions bounds the states that are entered in one step, so that a loop which waits for nothing cannot keep an engine from
	// its other work: 1,000. The rest of a longer run follows through a timer that is due at once.
	StepTransitions int
}

func (l Limits) orDefault() Limits {
	if l.DataBytes == 0 {
		l.DataBytes = 256 << 10
	}
	if l.HistoryEvents == 0 {
		l.HistoryEvents = 25_000
	}
	if l.MapConcurrency == 0 {
		l.MapConcurrency = 40
	}
	if l.StepTransitions == 0 {
		l.StepTransitions = 1000
	}
	return l
}

// WithLimits returns the same machine with other quotas. The executions of one machine should all run with the same.
func (m *Machine) WithLimits(l Limits) *Machine {
	changed := *m
	changed.limits = l.orDefault()
	return &changed
}

// Warnings are the problems of the definition that do not keep it from running.
func (m *Machine) Warnings() Diagnostics { return m.warnings }

// Processor returns what the children of a distributed Map state run, the ItemProcessor as a machine of its own; nil when the machine, or
// one of its processors, has no such state.
func (m *Machine) Processor(state string) *Machine {
	for _, s := range m.states {
		if s.name == state && s.mapping != nil && s.mapping.run != nil {
			return &Machine{top: s.mapping.processor, states: m.states, limits: m.limits}
		}
	}
	return nil
}

// A flow is one set of states with a beginning: the machine, a branch of a Parallel state, or the processor of a Map state.
type flow struct {
	start  *state
	states []*state
}

// stateType is the Type field of a state.
type stateType string

const (
	passState     stateType = "Pass"
	taskState     stateType = "Task"
	choiceState   stateType = "Choice"
	waitState     stateType = "Wait"
	succeedState  stateType = "Succeed"
	failState     stateType = "Fail"
	parallelState stateType = "Parallel"
	mapState      stateType = "Map"
)

// A state is one state of a definition, with everything resolved that does not depend on data.
type state struct {
	name    string
	index   int // in Machine.states
	typ     stateType
	jsonata bool   // QueryLanguage
	next    *state // nil: the state ends its flow

	// The way of the data, JSONPath. A nil path is "$", a nil template or reference is not there.
	inputPath      *path
	parameters     *template // Parameters; JSONata: Arguments
	resultSelector *template
	resultPath     *resultPath
	outputPath     *path

	output *template // JSONata
	assign []assignment

	result []byte // Pass: JSON text

	task     *taskSpec
	wait     *waitSpec
	fail     *failSpec
	choices  []choiceRule // Choice; its default is next
	branches []*flow      // Parallel
	mapping  *mapSpec     // Map

	retry []retrier
	catch []catcher
}

// A taskSpec is what only Task states have.
type taskSpec struct {
	resource    string
	integration integration
	timeout     *seconds
	heartbeat   *seconds
	credentials *template
}

// A waitSpec is what only Wait states have; exactly one field is set.
type waitSpec struct {
	seconds   *seconds
	timestamp *timestamp
}

// A failSpec is what only Fail states have. Nil is not there.
type failSpec struct {
	err   *text
	cause *text
}

// A mapSpec is what only Map states have.
type mapSpec struct {
	processor      *flow
	itemsPath      *path     // JSONPath; nil is "$"
	items          *template // JSONata; nil is the input
	itemSelector   *template
	maxConcurrency *seconds // a whole number; nil: no bound of its own

	reader              bool        // the items come from an ItemReader
	writer              bool        // a ResultWriter decides on the form of the result
	toleratedCount      *seconds    // a whole number; nil: not there
	toleratedPercentage *percentage // nil: not there

	run *runSpec // of the Mode DISTRIBUTED; nil otherwise
}

// A runSpec is what only Map states in the Mode DISTRIBUTED have. Nil is not there.
type runSpec struct {
	express bool // ExecutionType
	label   string
	reader  *readerSpec
	batcher *batcherSpec
	writer  *writerSpec
}

// A readerSpec is an ItemReader.
type readerSpec struct {
	list       bool // s3:listObjectsV2
	parameters *template
	config     itemreader.Dataset // ReaderConfig, but for what is evaluated
	maxItems   *seconds           // a whole number
}

// A batcherSpec is an ItemBatcher.
type batcherSpec struct {
	maxItems *seconds // whole numbers
	maxBytes *seconds
	input    *template
}

// A writerSpec is a ResultWriter.
type writerSpec struct {
	parameters     *template // nil: the result is not written anywhere
	transformation Transformation
	lines          bool // OutputType JSONL
}

// An assignment sets one variable.
type assignment struct {
	name  string
	value *template
}

// A retrier is an element of Retry.
type retrier struct {
	errors      []string
	interval    time.Duration
	maxAttempts int
	backoff     float64
	maxDelay    time.Duration // 0: none
	jitter      bool
}

// A catcher is an element of Catch.
type catcher struct {
	errors     []string
	next       *state
	resultPath *resultPath // JSONPath
	output     *template   // JSONata
	assign     []assignment
}

// A choiceRule is an element of Choices.
type choiceRule struct {
	condition condition
	next      *state
	output    *template // JSONata
	assign    []assignment
}
