package maprun

import (
	"encoding/json"
	"fmt"
	"iter"
	"time"

	"sundog/asl"
)

// A Result is what became of a child.
type Result struct {
	Identity      asl.Identity
	Status        asl.Status
	Start, Stop   time.Time
	Input, Output *asl.Document // Output is nil when there is none
	Error, Cause  string        // may be empty
}

// described is the form of TransformNone (Developer Guide, "ResultWriter (Map)").
type described struct {
	Cause               string `json:",omitempty"`
	Error               string `json:",omitempty"`
	ExecutionArn        string
	Input               string
	InputDetails        included
	Name                string
	Output              *string   `json:",omitempty"`
	OutputDetails       *included `json:",omitempty"`
	RedriveCount        int
	RedriveStatus       string
	RedriveStatusReason string `json:",omitempty"`
	StartDate           string `json:",omitempty"`
	StateMachineArn     string
	Status              asl.Status
	StopDate            string `json:",omitempty"`
}

type included struct{ Included bool }

func (r *Result) describe() (*asl.Document, error) {
	d := described{
		Cause: r.Cause, Error: r.Error, ExecutionArn: r.Identity.ARN, Name: r.Identity.Name, StateMachineArn: r.Identity.MachineARN, Status: r.Status,
		Input: string(r.Input.Bytes()), InputDetails: included{true}, StartDate: date(r.Start), StopDate: date(r.Stop),
		RedriveStatus: "NOT_REDRIVABLE",
	}
	if r.Output != nil {
		text := string(r.Output.Bytes())
		d.Output, d.OutputDetails = &text, &included{true}
	}
	if r.Status == asl.Succeeded {
		d.RedriveStatusReason = "Execution is SUCCEEDED and cannot be redriven"
	}
	text, err := json.Marshal(d)
	if err != nil {
		return nil, fmt.Errorf("describing %s: %w", r.Identity.ARN, err)
	}
	return asl.Raw(text), nil
}

func date(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02T15:04:05.000Z")
}

// give passes on what a child adds to the results, in the form that was asked for. Children that did not succeed are always described.
func (r *Result) give(form asl.Transformation, to func(*asl.Document) error) error {
	if r.Status != asl.Succeeded || form == asl.TransformNone {
		d, err := r.describe()
		if err != nil {
			return err
		}
		return to(d)
	}
	if form == asl.TransformFlatten {
		if elements, ok := r.Output.Elements(); ok {
			for _, element := range elements {
				if err := to(element); err != nil {
					return err
				}
			}
			return nil
		}
	}
	return to(r.Output)
}

// Output makes the output of a state from the results of its children, in the order of their indices: an array of at most limit bytes. A
// longer one is an *asl.RunError.
func Output(results iter.Seq2[Result, error], state string, writer *asl.ResultWriter, limit int) (*asl.Document, error) {
	form := asl.TransformCompact
	if writer != nil && writer.Transformation != "" {
		form = writer.Transformation
	}
	text := []byte{'['}
	add := func(d *asl.Document) error {
		if len(text) > 1 {
			text = append(text, ',')
		}
		if text = append(text, d.Bytes()...); len(text) >= limit {
			return &asl.RunError{
				Name:  errSize,
				Cause: fmt.Sprintf("The state/task '%s' returned a result with a size exceeding the maximum number of bytes service limit.", state),
			}
		}
		return nil
	}
	for r, err := range results {
		if err == nil {
			err = r.give(form, add)
		}
		if err != nil {
			return nil, err
		}
	}
	return asl.Raw(append(text, ']')), nil
}
