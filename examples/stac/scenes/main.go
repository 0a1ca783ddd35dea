// Command scenes is the program behind the tasks of this example. It uses the standard library alone, so that it can be built
// wherever there is a Go toolchain.
//
//	scenes inspect            a Lambda function: refuses payloads whose Items make no sense
//	scenes summarise          a Lambda function: derives a summary Item from each Item
//	scenes plan INPUT OUTPUT  a batch job: counts the tiles that a copy of the scenes in tiles would have
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err) // the last line of a job's log becomes the error of its task
		os.Exit(1)
	}
}

func run(args []string) error {
	switch {
	case len(args) == 1 && args[0] == "inspect":
		return serve(os.Getenv("AWS_LAMBDA_RUNTIME_API"), inspect)
	case len(args) == 1 && args[0] == "summarise":
		return serve(os.Getenv("AWS_LAMBDA_RUNTIME_API"), summarise)
	case len(args) == 3 && args[0] == "plan":
		return plan(os.Stdout, args[1], args[2])
	}
	return errors.New("usage: scenes inspect | summarise | plan INPUT OUTPUT")
}

// payload is a payload of which only the features are read; everything else goes through untouched.
type payload map[string]json.RawMessage

func (p payload) items() ([]item, error) {
	var items []item
	if err := json.Unmarshal(p["features"], &items); err != nil {
		return nil, invalid("features: %v", err)
	}
	return items, nil
}

func (p payload) setItems(items []item) error {
	raw, err := json.Marshal(items)
	p["features"] = raw
	return err
}

// item is a STAC Item of which the members below are read.
type item map[string]json.RawMessage

func (i item) id() string {
	var id string
	_ = json.Unmarshal(i["id"], &id) // an item without a usable id has none
	return id
}

// read decodes a member.
func (i item) read(name string, into any) error {
	if err := json.Unmarshal(i[name], into); err != nil {
		return invalid("item %q: %s: %v", i.id(), name, err)
	}
	return nil
}

// properties are the properties of an Item that these tasks use.
type properties struct {
	Datetime   *string  `json:"datetime"`
	CloudCover *float64 `json:"eo:cloud_cover"`
	Shape      []int    `json:"proj:shape"`
	Tiles      *int     `json:"example:tiles"`
}

// setProperty sets one property and leaves the others as they are.
func (i item) setProperty(name string, value any) error {
	all := map[string]json.RawMessage{}
	if err := i.read("properties", &all); err != nil {
		return err
	}
	raw, err := json.Marshal(value)
	if err != nil {
		return err
	}
	all[name] = raw
	i["properties"], err = json.Marshal(all)
	return err
}

// taskError is an error with the name by which workflows know it.
type taskError struct{ name, message string }

func (e *taskError) Error() string { return e.name + ": " + e.message }

// invalid is the error of a payload that no retry can help; Sundog then sets its record to INVALID.
func invalid(format string, args ...any) error {
	return &taskError{"stactask.exceptions.InvalidInput", fmt.Sprintf(format, args...)}
}
