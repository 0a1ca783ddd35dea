package asl

import "time"

// A stage is a point on the way of the data through a state.
type stage byte

const (
	afterInputPath stage = iota
	afterParameters
	resultStage
	afterResultSelector
	afterResultPath
	afterItemsPath
	afterItemSelector
	stages
)

// A probe watches a state that is tested: it keeps what the fields of the state made of the data, and has Parallel and Map states wait for
// a result that is not that of their children. The methods that the interpreter calls do nothing when there is no probe.
type probe struct {
	context    *Document // takes the place of the context object; nil: the usual one
	readerData *Document // what an ItemReader would have read; nil: nothing, or not an array

	at      [stages]*Document
	inspect Inspection // of its fields only those that are no documents
	count   int        // iterations of a Map state: items, or mocked results when the items are not known
	failure *failure   // the error of the state, before Retry and Catch
}

func (p *probe) note(s stage, d *Document) {
	if p != nil {
		p.at[s] = d
	}
}

func (p *probe) failed(e *failure) {
	if p != nil {
		p.failure = e
		p.inspect.ErrorDetails = nil
	}
}

func (p *probe) details() *ErrorDetails {
	if p.inspect.ErrorDetails == nil {
		p.inspect.ErrorDetails = &ErrorDetails{}
	}
	return p.inspect.ErrorDetails
}

func (p *probe) retrier(index int) {
	if p != nil {
		p.details().RetryIndex = &index
	}
}

func (p *probe) backoff(delay time.Duration) {
	if p != nil {
		seconds := int64(delay / time.Second)
		p.details().RetryBackoffIntervalSeconds = &seconds
	}
}

func (p *probe) catcher(index int) {
	if p != nil {
		p.details().CatchIndex = &index
	}
}

// items evaluates the fields of a Map state that come before its iterations, and lets the state wait.
func (p *probe) items(f *frame, s *scope) *failure {
	m, x := f.state.mapping, s.exec
	var items []*Document
	var err *failure
	if m.reader {
		if p.readerData != nil {
			items, _ = p.readerData.Elements()
		}
	} else {
		var list *Document
		if list, items, err = x.items(f, s); err != nil {
			return err
		}
		p.note(afterItemsPath, list)
	}
	if err := p.bounds(m, s); err != nil {
		return err
	}
	if items != nil {
		p.count = len(items)
	}
	if m.itemSelector != nil && items != nil {
		inputs := make([]*Document, len(items))
		for i, item := range items {
			if inputs[i], err = x.iterationInput(f, s.data, item, i); err != nil {
				return err
			}
		}
		p.note(afterItemSelector, arrayOf(inputs))
	}
	f.phase = joining
	return nil
}

// bounds evaluates the numbers of a Map state.
func (p *probe) bounds(m *mapSpec, s *scope) *failure {
	most := int64(0)
	var err *failure
	if m.maxConcurrency != nil {
		if most, err = m.maxConcurrency.value(s, 0); err != nil {
			return err
		}
	}
	p.inspect.MaxConcurrency = &most
	if m.toleratedCount != nil {
		n, err := m.toleratedCount.value(s, 0)
		if err != nil {
			return err
		}
		p.inspect.ToleratedFailureCount = &n
	}
	if m.toleratedPercentage != nil {
		n, err := m.toleratedPercentage.value(s)
		if err != nil {
			return err
		}
		p.inspect.ToleratedFailurePercentage = &n
	}
	return nil
}

// exceeded says whether so many failed iterations are more than the Map state tolerates. A state that says nothing about it tolerates all
// that a test says have failed.
func (p *probe) exceeded(failed int64) bool {
	count, percentage := p.inspect.ToleratedFailureCount, p.inspect.ToleratedFailurePercentage
	return count != nil && failed > *count ||
		percentage != nil && p.count > 0 && float64(failed)*100/float64(p.count) > *percentage
}

// inspection is what TestState shows of the state (API reference, InspectionData). AWS leaves out what would be the same for any state of
// the type: a Pass state with a Result does not show its unused input, a Parallel state not what its branches would get.
func (p *probe) inspection(f *frame, st *state, input *Document) *Inspection {
	in := p.inspect
	in.Input = textOf(input)
	if !st.jsonata && st.typ != parallelState && st.result == nil {
		in.AfterInputPath = textOf(p.at[afterInputPath])
	}
	switch {
	case st.typ == taskState && st.jsonata:
		in.AfterArguments = textOf(p.at[afterParameters])
	case !st.jsonata && st.result == nil:
		in.AfterParameters = textOf(p.at[afterParameters])
	}
	in.Result = textOf(p.at[resultStage])
	in.AfterResultSelector, in.AfterResultPath = textOf(p.at[afterResultSelector]), textOf(p.at[afterResultPath])
	if !st.jsonata {
		in.AfterItemsPath = textOf(p.at[afterItemsPath])
	}
	in.AfterItemSelector = textOf(p.at[afterItemSelector])
	if len(f.vars) > 0 {
		all := make(map[string]any, len(f.vars))
		for name, value := range f.vars {
			all[name] = value.Get()
		}
		in.Variables = textOf(Value(all))
	}
	return &in
}

// textOf returns the JSON text of a document, "" when there is none.
func textOf(d *Document) string {
	if d == nil {
		return ""
	}
	return string(d.Bytes())
}
