package stac

import (
	"errors"
	"fmt"
	"math"
	"time"
)

// BBox is a bounding box in degrees: west, south, east, north. Where it crosses the antimeridian, west is greater than east
// (RFC 7946, section 5.2).
type BBox [4]float64

// World is the box that covers everything.
var World = BBox{-180, -90, 180, 90}

func newBBox(numbers []float64) (BBox, error) {
	var box BBox
	switch len(numbers) {
	case 4:
		box = BBox(numbers)
	case 6:
		box = BBox{numbers[0], numbers[1], numbers[3], numbers[4]}
	default:
		return box, fmt.Errorf("has %d numbers instead of 4 or 6", len(numbers))
	}
	if math.Abs(box[1]) > 90 || math.Abs(box[3]) > 90 {
		return box, errors.New("has a latitude outside of -90 to 90 degrees")
	}
	if box[1] > box[3] {
		return box, errors.New("has its south edge north of its north edge")
	}
	if box[2]-box[0] >= 360 {
		box[0], box[2] = World[0], World[2]
	}
	box[0], box[2] = wrap(box[0]), wrap(box[2])
	return box, nil
}

// wrap brings a longitude into -180 to 180: some producers write 179 to 181 for a box that crosses the antimeridian.
func wrap(longitude float64) float64 {
	if math.Abs(longitude) <= 180 {
		return longitude
	}
	wrapped := math.Mod(longitude+180, 360)
	if wrapped < 0 {
		wrapped += 360
	}
	return wrapped - 180
}

// rounding is what longitudes may differ by and count as the same, in degrees: a tenth of a millimetre on the ground.
const rounding = 1e-9

// width is the box's extent in longitude, 0 to 360 degrees.
func (b BBox) width() float64 {
	if b[0] > b[2] {
		return b[2] - b[0] + 360
	}
	return b[2] - b[0]
}

// coversLongitudes tells whether every longitude of the other box is one of this box.
func (b BBox) coversLongitudes(other BBox) bool {
	if b.width() >= 360 {
		return true
	}
	from := other[0] - b[0]
	if from < 0 {
		from += 360
	}
	return from+other.width() <= b.width()+rounding
}

// Union is the smallest box that covers both. Longitudes are a circle: two boxes on either side of the antimeridian give a
// narrow box that crosses it. A box that covers the other is returned as it is.
func (b BBox) Union(other BBox) BBox {
	union := BBox{b[0], min(b[1], other[1]), b[2], max(b[3], other[3])}
	if b.coversLongitudes(other) {
		return union
	}
	if other.coversLongitudes(b) {
		union[0], union[2] = other[0], other[2]
		return union
	}
	eastward := BBox{b[0], 0, other[2]} // from this box east to the other, and the other way round
	westward := BBox{other[0], 0, b[2]}
	candidates := make([]BBox, 0, 2)
	for _, candidate := range []BBox{eastward, westward} {
		if candidate.coversLongitudes(b) && candidate.coversLongitudes(other) {
			candidates = append(candidates, candidate)
		}
	}
	switch {
	case len(candidates) == 0:
		union[0], union[2] = World[0], World[2]
	case len(candidates) == 2 && candidates[1].width() < candidates[0].width():
		union[0], union[2] = candidates[1][0], candidates[1][2]
	default:
		union[0], union[2] = candidates[0][0], candidates[0][2]
	}
	return union
}

// Extent is the place and the time that a Collection covers (collection-spec, "Extent Object").
type Extent struct {
	Spatial  SpatialExtent  `json:"spatial"`
	Temporal TemporalExtent `json:"temporal"`
}

// SpatialExtent holds bounding boxes, of which the first covers everything.
type SpatialExtent struct {
	BBox [][]float64 `json:"bbox"`
}

// TemporalExtent holds intervals, of which the first covers everything; a null end is open.
type TemporalExtent struct {
	Interval [][]*time.Time `json:"interval"`
}

// NewExtent is the extent of one place and time. Without a place it is the world, which never has to be corrected.
func NewExtent(box BBox, placed bool, start, end time.Time) Extent {
	if !placed {
		box = World
	}
	return Extent{
		Spatial:  SpatialExtent{BBox: [][]float64{box[:]}},
		Temporal: TemporalExtent{Interval: [][]*time.Time{{&start, &end}}},
	}
}

// Include widens the first box and the first interval so that they cover a place and a time; changed tells whether they did not
// already. Further boxes and intervals, which describe parts, and members that do not make sense are left alone.
func (e *Extent) Include(box BBox, placed bool, start, end time.Time) (changed bool) {
	if placed && len(e.Spatial.BBox) > 0 {
		if old, err := newBBox(e.Spatial.BBox[0]); err == nil && len(e.Spatial.BBox[0]) == 4 {
			if union := old.Union(box); union != old {
				e.Spatial.BBox[0] = union[:]
				changed = true
			}
		}
	}
	if len(e.Temporal.Interval) > 0 && len(e.Temporal.Interval[0]) == 2 {
		interval := e.Temporal.Interval[0]
		if interval[0] != nil && start.Before(*interval[0]) {
			interval[0] = &start
			changed = true
		}
		if interval[1] != nil && end.After(*interval[1]) {
			interval[1] = &end
			changed = true
		}
	}
	return changed
}
