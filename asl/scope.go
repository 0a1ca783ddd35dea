package asl

import (
	"math/rand/v2"
	"strconv"
	"time"
)

// A scope is what the expressions of one state see.
type scope struct {
	exec  *Execution
	frame *frame
	data  *Document // "$" of JSONPath

	// $states of JSONata; nil is undefined.
	input       *Document
	result      *Document
	errorOutput *Document

	// The item of the iteration that a Map state is about to start.
	item      *Document
	itemIndex int
	runItem   *Item // of a map run

	contextObject *Document
}

func (x *Execution) scope(f *frame, data *Document) *scope {
	return &scope{exec: x, frame: f, data: data, input: f.input}
}

// with returns the same scope with other data at "$".
func (s *scope) with(data *Document) *scope {
	other := *s
	other.data = data
	return &other
}

// context is the context object (Developer Guide, "Accessing execution data from the Context object"). It is made as text: it holds the
// execution's input, which need not be parsed for that.
func (s *scope) context() *Document {
	if s.contextObject != nil {
		return s.contextObject
	}
	x, f := s.exec, s.frame
	if x.probe != nil && x.probe.context != nil {
		return x.probe.context
	}
	b := make([]byte, 0, 700+len(x.input.Bytes()))
	b = append(b, `{"Execution":{"Id":`...)
	b = appendString(b, x.id.ARN)
	b = append(b, `,"Input":`...)
	b = append(b, x.input.Bytes()...)
	b = append(b, `,"StartTime":`...)
	b = appendTime(b, x.started)
	b = append(b, `,"Name":`...)
	b = appendString(b, x.id.Name)
	b = append(b, `,"RoleArn":`...)
	b = appendString(b, x.id.RoleARN)
	if !x.id.Express {
		b = strconv.AppendInt(append(b, `,"RedriveCount":`...), x.redrives, 10)
	}
	if x.redrives > 0 {
		b = appendTime(append(b, `,"RedriveTime":`...), x.redriven)
	}
	b = append(b, `},"StateMachine":{"Id":`...)
	b = appendString(b, x.id.MachineARN)
	b = append(b, `,"Name":`...)
	b = appendString(b, x.id.MachineName)
	b = append(b, `},"State":{"Name":`...)
	b = appendString(b, f.state.name)
	b = append(b, `,"EnteredTime":`...)
	b = appendTime(b, f.enteredAt)
	if f.state.typ == taskState || f.state.typ == mapState || f.state.typ == parallelState {
		b = append(b, `,"RetryCount":`...)
		b = strconv.AppendInt(b, int64(f.retries), 10)
	}
	b = append(b, '}')
	if f.task != nil && f.task.token != "" {
		b = append(b, `,"Task":{"Token":`...)
		b = appendString(b, f.task.token)
		b = append(b, '}')
	}
	if item, index := s.mapItem(); item != nil {
		b = append(b, `,"Map":{"Item":{"Index":`...)
		b = strconv.AppendInt(b, int64(index), 10)
		if r := s.runItem; r != nil && r.Member {
			b = appendString(append(b, `,"Key":`...), r.Key)
		}
		b = append(b, `,"Value":`...)
		b = append(b, item.Bytes()...)
		if r := s.runItem; r != nil {
			b = appendString(append(b, `,"Source":`...), r.Source)
		}
		b = append(b, "}}"...)
	}
	s.contextObject = Raw(append(b, '}'))
	return s.contextObject
}

// mapItem is the item of the innermost Map iteration that the scope is in.
func (s *scope) mapItem() (*Document, int) {
	if s.item != nil {
		return s.item, s.itemIndex
	}
	for f := s.frame; f.parent != nil; f = f.parent {
		if items := f.parent.fan.items; items != nil {
			return items[f.index], f.index
		}
	}
	return nil, 0
}

func appendTime(dst []byte, t time.Time) []byte {
	dst = append(dst, '"')
	dst = t.UTC().AppendFormat(dst, "2006-01-02T15:04:05.000Z")
	return append(dst, '"')
}

// variable returns the value of a variable that a frame sees: its own, or one of the frames around it. Nil when there is none.
func (f *frame) variable(name string) *Document {
	for ; f != nil; f = f.parent {
		if d, ok := f.vars[name]; ok {
			return d
		}
	}
	return nil
}

// random is the source of chance of the step in progress.
func (x *Execution) random() *rand.Rand {
	if x.rng == nil {
		x.rng = rand.New(rand.NewPCG(x.at.Seed, uint64(x.nextEvent)))
	}
	return x.rng
}
