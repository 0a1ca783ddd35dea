package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
)

// tileSize is the edge of a tile in pixels.
const tileSize = 512

// plan reads a payload, adds to each Item how many tiles its assets would have with their overviews, and writes the payload.
func plan(log io.Writer, input, output string) error {
	raw, err := os.ReadFile(strings.TrimPrefix(input, "file://"))
	if err != nil {
		return err
	}
	var p payload
	if err := json.Unmarshal(raw, &p); err != nil {
		return invalid("%s: %v", input, err)
	}
	items, err := p.items()
	if err != nil {
		return err
	}
	for _, it := range items {
		count, err := it.tiles()
		if err != nil {
			return err
		}
		_, _ = fmt.Fprintf(log, "%s: %d tiles of %d by %d pixels\n", it.id(), count, tileSize, tileSize)
		if err := it.setProperty("example:tiles", count); err != nil {
			return err
		}
	}
	if err := p.setItems(items); err != nil {
		return err
	}
	result, err := json.Marshal(p)
	if err != nil {
		return err
	}
	return os.WriteFile(strings.TrimPrefix(output, "file://"), result, 0o644)
}

// tiles counts the tiles of all assets. The size of an asset is its own proj:shape, or that of the Item.
func (i item) tiles() (int, error) {
	var p properties
	if err := i.read("properties", &p); err != nil {
		return 0, err
	}
	var assets map[string]struct {
		Shape []int `json:"proj:shape"`
	}
	if err := i.read("assets", &assets); err != nil {
		return 0, err
	}
	count := 0
	for name, asset := range assets {
		shape := asset.Shape
		if shape == nil {
			shape = p.Shape
		}
		if len(shape) != 2 || shape[0] < 1 || shape[1] < 1 {
			return 0, invalid("item %q: asset %q: proj:shape %v is no size in pixels", i.id(), name, shape)
		}
		count += pyramid(shape[0], shape[1])
	}
	return count, nil
}

// pyramid counts the tiles of an image and of its overviews, each half as large as the one before, down to a single tile.
func pyramid(height, width int) int {
	rows, columns := (height+tileSize-1)/tileSize, (width+tileSize-1)/tileSize
	if rows*columns == 1 {
		return 1
	}
	return rows*columns + pyramid((height+1)/2, (width+1)/2)
}
