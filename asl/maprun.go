package asl

import (
	"encoding/json"
	"fmt"
	"math"

	"sundog/itemreader"
)

// MapRunID names one map run within one execution: an attempt of a Map state in the Mode DISTRIBUTED. It is never used again.
type MapRunID int64

// A MapRun is what a distributed Map state wants to be run. Everything is evaluated but the ItemSelector, for which there is
// Execution.ItemInput.
type MapRun struct {
	ID       MapRunID
	ARN      string
	State    string    // name of the Map state; Machine.Processor has what the children run
	Items    *Document // an array or object; nil: they come from Settings.Reader
	Settings MapRunSettings
}

// MapRunSettings are the evaluated fields of a distributed Map state (Developer Guide, "Using Map state in Distributed mode").
type MapRunSettings struct {
	Label               string              `json:"label"`
	Express             bool                `json:"express,omitempty"`        // ExecutionType
	MaxConcurrency      int64               `json:"maxConcurrency,omitempty"` // 0: no bound of its own
	ToleratedCount      *int64              `json:"toleratedCount,omitempty"`
	ToleratedPercentage *float64            `json:"toleratedPercentage,omitempty"`
	Reader              *itemreader.Dataset `json:"reader,omitempty"`
	Batcher             *ItemBatcher        `json:"batcher,omitempty"`
	Writer              *ResultWriter       `json:"writer,omitempty"`
}

// An ItemBatcher gives each child several items. A bound of 0 is not there.
type ItemBatcher struct {
	MaxItems int64     `json:"maxItems,omitempty"`
	MaxBytes int64     `json:"maxBytes,omitempty"`
	Input    *Document `json:"input,omitempty"` // BatchInput
}

// A ResultWriter says in which form the results are, and where they are written. Without a Bucket they are the output of the state.
type ResultWriter struct {
	Bucket         string         `json:"bucket,omitempty"`
	Prefix         string         `json:"prefix,omitempty"`
	Transformation Transformation `json:"transformation,omitempty"` // "": NONE when written, COMPACT otherwise
	Lines          bool           `json:"lines,omitempty"`          // OutputType JSONL
}

// Transformation is the form in which the result of a child is given on.
type Transformation string

// The transformations.
const (
	TransformNone    Transformation = "NONE"    // the child's description, its output in it as a string
	TransformCompact Transformation = "COMPACT" // its output
	TransformFlatten Transformation = "FLATTEN" // its output, or when that is an array, the elements of it
)

// A runWait is a map run that has not ended.
type runWait struct {
	id       MapRunID
	arn      string
	data     *Document // what ItemSelector sees as "$"
	items    *Document
	settings *Document // MapRunSettings
}

// mapRunARN is the ARN of a map run (Developer Guide, "Viewing Map Runs").
func (x *Execution) mapRunARN(label, id string) string {
	return "arn:aws:states:" + x.id.Region + ":" + x.id.Account + ":mapRun:" + x.id.MachineName + "/" + label + ":" + id
}

// startMapRun asks for the run of a distributed Map state. As at AWS, the items and MaxConcurrency are evaluated before MapStateStarted, and
// all else after it.
func (x *Execution) startMapRun(f *frame, s *scope) *failure {
	m := f.state.mapping
	settings := MapRunSettings{Label: m.run.label, Express: m.run.express}
	var items *Document
	var err *failure
	count := 0
	if m.run.reader == nil {
		if items, count, err = runItems(f, s); err != nil {
			return err
		}
	}
	if m.maxConcurrency != nil {
		if settings.MaxConcurrency, err = m.maxConcurrency.value(s, 0); err != nil {
			return err
		}
	}
	f.prev = x.event("MapStateStarted", f.prev, Details{Length: int64(count)})
	if err := settings.evaluate(m, s); err != nil {
		return err
	}
	text, marshalErr := json.Marshal(settings)
	if marshalErr != nil {
		panic(fmt.Sprintf("asl: settings of a map run: %v", marshalErr)) // plain fields always marshal
	}
	random := x.random()
	f.run = &runWait{
		id: MapRunID(x.nextTask), arn: x.mapRunARN(settings.Label, newUUID(random.Uint64(), random.Uint64())), data: s.data, items: items, settings: Raw(text),
	}
	x.nextTask++ // runs and tasks have one sequence of ids
	f.phase = mapping
	x.runs[f.run.id] = f
	f.prev = x.event("MapRunStarted", f.prev, Details{MapRunARN: f.run.arn})
	x.effects.MapRuns = append(x.effects.MapRuns, f.mapRun(settings))
	return nil
}

func (f *frame) mapRun(settings MapRunSettings) MapRun {
	return MapRun{ID: f.run.id, ARN: f.run.arn, State: f.state.name, Items: f.run.items, Settings: settings}
}

// evaluated returns the settings of a run.
func (r *runWait) evaluated() MapRunSettings {
	var settings MapRunSettings
	if err := json.Unmarshal(r.settings.Bytes(), &settings); err != nil {
		panic(fmt.Sprintf("asl: settings of a map run: %v", err)) // decodeRun looks at them
	}
	return settings
}

// runItems evaluates what a map run iterates over when there is no ItemReader: an array, or the members of an object.
func runItems(f *frame, s *scope) (items *Document, count int, err *failure) {
	if items, err = itemList(s); err != nil {
		return nil, 0, err
	}
	if elements, ok := items.Elements(); ok {
		return items, len(elements), nil
	}
	if members, ok := items.Get().(map[string]any); ok {
		return items, len(members), nil
	}
	return nil, 0, notIterable(f, s, items)
}

// evaluate fills in what is evaluated after MapStateStarted.
func (r *MapRunSettings) evaluate(m *mapSpec, s *scope) *failure {
	if m.toleratedCount != nil {
		n, err := m.toleratedCount.value(s, 0)
		if err != nil {
			return err
		}
		r.ToleratedCount = &n
	}
	if m.toleratedPercentage != nil {
		n, err := m.toleratedPercentage.value(s)
		if err != nil {
			return err
		}
		r.ToleratedPercentage = &n
	}
	var err *failure
	if m.run.reader != nil {
		if r.Reader, err = m.run.reader.eval(s); err != nil {
			return err
		}
	}
	if m.run.batcher != nil {
		if r.Batcher, err = m.run.batcher.eval(s); err != nil {
			return err
		}
	}
	if m.run.writer != nil {
		r.Writer, err = m.run.writer.eval(s)
	}
	return err
}

func (r *readerSpec) eval(s *scope) (*itemreader.Dataset, *failure) {
	d := r.config
	d.List = r.list
	if r.parameters != nil {
		parameters, err := r.parameters.eval(s)
		if err != nil {
			return nil, err
		}
		for name, into := range map[string]*string{
			"Bucket": &d.Bucket, "Key": &d.Key, "VersionId": &d.VersionID, "Prefix": &d.Prefix, "StartAfter": &d.After,
		} {
			*into = parameters.text(name)
		}
	}
	if r.maxItems != nil {
		var err *failure
		if d.MaxItems, err = r.maxItems.value(s, math.MinInt64); err != nil { // the reader refuses what is negative
			return nil, err
		}
	}
	return &d, nil
}

func (b *batcherSpec) eval(s *scope) (*ItemBatcher, *failure) {
	out := &ItemBatcher{}
	var err *failure
	if b.maxItems != nil {
		if out.MaxItems, err = b.maxItems.value(s, 1); err != nil {
			return nil, err
		}
	}
	if b.maxBytes != nil {
		if out.MaxBytes, err = b.maxBytes.value(s, 1); err != nil {
			return nil, err
		}
	}
	if b.input != nil {
		out.Input, err = b.input.eval(s)
	}
	return out, err
}

func (w *writerSpec) eval(s *scope) (*ResultWriter, *failure) {
	out := &ResultWriter{Transformation: w.transformation, Lines: w.lines}
	if w.parameters == nil {
		return out, nil
	}
	parameters, err := w.parameters.eval(s)
	if err != nil {
		return nil, err
	}
	out.Bucket, out.Prefix = parameters.text("Bucket"), parameters.text("Prefix")
	return out, nil
}

// text returns the member of an object that is a string, "" when there is none.
func (d *Document) text(name string) string {
	member, ok := d.member(name)
	if !ok {
		return ""
	}
	text, _ := member.Get().(string)
	return text
}
