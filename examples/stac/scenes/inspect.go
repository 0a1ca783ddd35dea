package main

import (
	"encoding/json"
	"fmt"
	"time"
)

// inspection is the event of inspect.
type inspection struct {
	// Attempt is 0 at first, and grows with every retry of the state.
	Attempt int     `json:"attempt"`
	Payload payload `json:"payload"`
}

// inspectOptions are the parameters of the task in the payload: process[0].tasks.inspect.
type inspectOptions struct {
	// ReadyOnAttempt makes the first attempts fail, as a source does whose files arrive late.
	ReadyOnAttempt int `json:"ready_on_attempt"`
}

// inspect returns the payload when each of its Items makes sense.
func inspect(event []byte) ([]byte, error) {
	var in inspection
	if err := json.Unmarshal(event, &in); err != nil {
		return nil, invalid("event: %v", err)
	}
	var process []struct {
		Tasks struct {
			Inspect inspectOptions `json:"inspect"`
		} `json:"tasks"`
	}
	if err := json.Unmarshal(in.Payload["process"], &process); err != nil {
		return nil, invalid("process: %v", err)
	}
	if len(process) > 0 && in.Attempt < process[0].Tasks.Inspect.ReadyOnAttempt {
		return nil, &taskError{"SourceNotReady", fmt.Sprintf("the files of the scene have not arrived at attempt %d", in.Attempt)}
	}
	items, err := in.Payload.items()
	if err != nil {
		return nil, err
	}
	for _, it := range items {
		if err := it.inspect(); err != nil {
			return nil, err
		}
	}
	return json.Marshal(in.Payload)
}

func (i item) inspect() error {
	var p properties
	if err := i.read("properties", &p); err != nil {
		return err
	}
	if p.Datetime == nil {
		return invalid("item %q: datetime: missing", i.id())
	}
	if _, err := time.Parse(time.RFC3339, *p.Datetime); err != nil {
		return invalid("item %q: datetime: %v", i.id(), err)
	}
	if p.CloudCover != nil && (*p.CloudCover < 0 || *p.CloudCover > 100) {
		return invalid("item %q: eo:cloud_cover: %v is not between 0 and 100", i.id(), *p.CloudCover)
	}
	rings, err := i.rings()
	if err != nil {
		return err
	}
	var box []float64
	if err := i.read("bbox", &box); err != nil {
		return err
	}
	if len(box) != 4 {
		return invalid("item %q: bbox: has %d numbers", i.id(), len(box))
	}
	for _, ring := range rings {
		if len(ring) < 4 || ring[0] != ring[len(ring)-1] {
			return invalid("item %q: geometry: a ring is not closed", i.id())
		}
		for _, at := range ring {
			if !within(box, at) {
				return invalid("item %q: bbox: does not contain the corner %v of the geometry", i.id(), at)
			}
		}
	}
	return nil
}

// within tells whether a position is inside of a box, which crosses the antimeridian when its west is greater than its east.
func within(box []float64, at position) bool {
	longitude := box[0] <= at[0] && at[0] <= box[2]
	if box[0] > box[2] {
		longitude = at[0] >= box[0] || at[0] <= box[2]
	}
	return longitude && box[1] <= at[1] && at[1] <= box[3]
}
