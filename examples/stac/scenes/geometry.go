package main

import (
	"encoding/json"
	"math"
)

// position is longitude and latitude in degrees.
type position [2]float64

// rings are the outlines of an Item's geometry: of a Polygon, or of the Polygons of a MultiPolygon. Holes are not read.
func (i item) rings() ([][]position, error) {
	var geometry struct {
		Type        string          `json:"type"`
		Coordinates json.RawMessage `json:"coordinates"`
	}
	if err := i.read("geometry", &geometry); err != nil {
		return nil, err
	}
	var polygons [][][]position
	var err error
	switch geometry.Type {
	case "Polygon":
		polygons = make([][][]position, 1)
		err = json.Unmarshal(geometry.Coordinates, &polygons[0])
	case "MultiPolygon":
		err = json.Unmarshal(geometry.Coordinates, &polygons)
	default:
		return nil, invalid("item %q: geometry: %q is not Polygon or MultiPolygon", i.id(), geometry.Type)
	}
	if err != nil {
		return nil, invalid("item %q: geometry: %v", i.id(), err)
	}
	var rings [][]position
	for _, polygon := range polygons {
		if len(polygon) == 0 {
			return nil, invalid("item %q: geometry: a polygon has no ring", i.id())
		}
		rings = append(rings, polygon[0])
	}
	return rings, nil
}

// earthRadius in kilometres, of the sphere with the earth's area.
const earthRadius = 6371.0072

// area of a ring on the sphere, in square kilometres. Its edges are taken as straight in longitude and sine of latitude.
func area(ring []position) float64 {
	sum := 0.0
	for i := 1; i < len(ring); i++ {
		from, to := ring[i-1], ring[i]
		sum += radians(to[0]-from[0]) * (math.Sin(radians(from[1])) + math.Sin(radians(to[1])))
	}
	return math.Abs(sum) / 2 * earthRadius * earthRadius
}

func radians(degrees float64) float64 { return degrees * math.Pi / 180 }
