package awsjson

import (
	"strconv"
	"time"
)

// Time is a timestamp as the protocol has it: seconds since 1970, here with milliseconds. A zero one is null.
type Time time.Time

// MarshalJSON implements json.Marshaler.
func (t Time) MarshalJSON() ([]byte, error) {
	if time.Time(t).IsZero() {
		return []byte("null"), nil
	}
	return strconv.AppendFloat(nil, float64(time.Time(t).UnixMilli())/1000, 'f', 3, 64), nil
}

// IsZero says whether there is no time; `omitzero` leaves it out.
func (t Time) IsZero() bool { return time.Time(t).IsZero() }
